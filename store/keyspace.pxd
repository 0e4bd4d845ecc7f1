cimport cython
from store.database cimport Database
from store.entry cimport Entry, collection
from store.table cimport Table
from store.values.base cimport Value

cdef class Keyspace:
    cdef public long long now, used, dirty, hits, misses, access_clock, fresh_access, freed
    cdef public object lfu, limits, on_notify, on_publish, on_touch, on_flush
    cdef public bint counting, touching
    cdef public int notify_classes, notice_class
    cdef public object notice
    cdef public dict watched, waiting, ready, functions, pinned
    cdef public set kept
    cdef public list graveyard, databases
    cpdef notify(self, Database db, int notice_class, bytes notice, bytes key, bint renamed=*)
    cpdef discard(self, Value value)
    @cython.locals(entry=Entry, value=Value)
    cpdef _free_entries(self, list gone)
