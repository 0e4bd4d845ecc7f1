cdef class Value:
    cdef public long long nbytes, accounted
    cdef public unsigned char compact
    cdef public unsigned short count, used, longest
    cpdef bint outgrown(self, object limits)
