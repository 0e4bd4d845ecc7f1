cdef class Cursor:
    cdef public bytes data
    cdef public Py_ssize_t pos, base
    cdef public object limit
    cpdef int byte(self) except -1
    cpdef bytes take(self, object count)
    cpdef object length(self)
    cpdef bytes string(self)
