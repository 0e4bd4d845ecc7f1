cdef class Value:
    cdef public long long nbytes, accounted
    cdef public bint compact
    cpdef bint outgrown(self, object limits)
