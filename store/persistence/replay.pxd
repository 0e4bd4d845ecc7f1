cimport cython
from store.event_split cimport split_events
from store.database cimport Database
from store.keyspace cimport Keyspace
from store.primitives cimport call_with

@cython.locals(name=bytes, count=Py_ssize_t)
cpdef bint is_own_form(list argv)

cdef class Replay:
    cdef public object home, commands
    cdef public Keyspace keyspace
    cdef public Database db
    cdef public long long events
    cdef public dict refused
    @cython.locals(name=bytes)
    cpdef run(self, list argv, bint foreign=*)
    @cython.locals(event=list)
    cpdef run_all(self, list events, bint foreign=*)
    @cython.locals(place=Py_ssize_t, offset="long long", unix_ms="long long", size=Py_ssize_t, stop=Py_ssize_t, payload=bytes,
                   events=list, event=tuple, db=int)
    cpdef Py_ssize_t run_stretches(self, list stretches, Py_ssize_t start, long long since, long long until, long long latest)
    cpdef select(self, int db)
