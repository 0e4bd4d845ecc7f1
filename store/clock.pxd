from store.primitives cimport perf_counter_ns, time_ns

cdef class Clock:
    cdef public object source
    cdef public long long offset
    cpdef long long ticks(self)
    cpdef long long wall_ms(self, long long ticks)
    cpdef long long now_ms(self)
    cpdef long long now_us(self)
