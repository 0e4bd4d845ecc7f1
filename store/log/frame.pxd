cdef class Frame:
    cdef public long long offset, unix_ms, db
    cdef public object origins
    cdef public bytes payload
    cdef bytes _raw
