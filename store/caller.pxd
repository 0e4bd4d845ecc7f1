cdef class Caller:
    cdef public bint wrote
    cdef public long long write_offset, write_reign
