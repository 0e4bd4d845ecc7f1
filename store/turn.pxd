from store.engine cimport Engine

cdef class Turn:
    cdef dict __dict__
    cdef public Engine engine
    cdef public long long buffered
    cdef public list _sessions
    cdef public bint _scheduled
    cpdef join(self, object session)
    cpdef schedule(self)
    cpdef end(self)
