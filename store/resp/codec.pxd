cdef class Parser:
    cdef public long long bulk_max
    cdef public bint authenticated
    cdef public object error
    cdef bytes _rest  # received; parsed up to _place
    cdef Py_ssize_t _place
    cdef list _chunks  # more of it, joined once `_need` bytes are there
    cdef Py_ssize_t _size  # bytes in _rest after _place and in _chunks
    cdef Py_ssize_t _need  # no use to look before this many are there
    cdef list _args
    cdef long long _missing
    cdef Py_ssize_t _args_size
    cdef Py_ssize_t unparsed(self) noexcept
    cpdef receive(self, bytes data)
    cpdef list next(self)
    cdef list _quick(self)
    cdef list _parse(self)
    cdef Py_ssize_t _inline(self, bytes data, const char* text, Py_ssize_t place, Py_ssize_t end, list requests) except? -9
    cdef Py_ssize_t _line_end(self, const char* text, Py_ssize_t place, Py_ssize_t end, str too_big) except? -9
    cdef Py_ssize_t _multibulk(self, const char* text, Py_ssize_t place, Py_ssize_t end, list requests) except? -9
