cdef class SlowLog:
    cdef dict __dict__
    cdef public long long threshold
