cdef class Gates:
    cdef public object disk_error
    cdef public long long closed
    cdef public bint writes_paused, out_of_memory
