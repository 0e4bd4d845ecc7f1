cdef class Gates:
    cdef dict __dict__
    cdef public long long closed
    cdef public bint writes_paused
