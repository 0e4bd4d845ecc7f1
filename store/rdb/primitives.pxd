cdef class Cursor:
    cdef public bytes data
    cdef public Py_ssize_t pos, base
    cdef public object limit
    cpdef int byte(self) except -1
    cpdef bytes take(self, object count)
    cpdef object length(self)
    cpdef bytes string(self)

cpdef put_length(bytearray out, object number)
cpdef put_string(bytearray out, object text, bint packing)
cpdef put_integer(bytearray out, long long number)
