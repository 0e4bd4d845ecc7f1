from store.engine cimport Engine
from store.tx cimport Tx

cdef class Replay:
    cdef public Engine engine
    cdef public Tx tx
    cdef public long long events
    cdef public dict refused
    cpdef run(self, list argv, bint foreign=*)
    cpdef select(self, int db)
