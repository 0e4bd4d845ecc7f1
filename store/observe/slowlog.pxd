cdef class SlowLog:
    cdef public object engine, entries
    cdef public long long threshold
    cdef long long _slow
    cdef public long long _next
