cdef class Clock:
    cdef public object ticks
    cdef public long long offset
    cpdef long long wall_ms(self, long long ticks)
