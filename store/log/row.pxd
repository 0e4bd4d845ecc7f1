from store.resp.encoded cimport Encoded

cdef class Row:
    cdef Encoded _events  # a place for the start of each
    cpdef append(self, bytes event)
    cpdef Py_ssize_t enter(self, tuple words) except -1
    cpdef insert(self, Py_ssize_t place, bytes event)
    cpdef bint begins(self, Py_ssize_t place, bytes prefix) except -1
    cpdef bytes cut(self, Py_ssize_t count)
