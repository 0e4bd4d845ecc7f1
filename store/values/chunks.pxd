cimport cython
from store.primitives cimport total_length

cdef class Chunks:
    cdef public long long nbytes
    cdef public list chunks
    cdef public Py_ssize_t length
    cdef public object starts
    @cython.locals(chunks=list, from_last=Py_ssize_t)
    cpdef tuple locate(self, Py_ssize_t position)
    @cython.locals(chunks=list, found=list)
    cpdef list span(self, Py_ssize_t start, Py_ssize_t stop)
    @cython.locals(chunks=list, last=list, count=Py_ssize_t, room=Py_ssize_t, place=Py_ssize_t)
    cpdef push_right(self, object members)
    @cython.locals(chunks=list, first=list, count=Py_ssize_t, room=Py_ssize_t, split=Py_ssize_t, odd=Py_ssize_t)
    cpdef push_left(self, object members)
    @cython.locals(chunks=list, first=list, member=bytes, left=Py_ssize_t, whole=Py_ssize_t)
    cpdef list pop_left(self, Py_ssize_t count=*)
    @cython.locals(chunks=list, last=list, member=bytes, left=Py_ssize_t)
    cpdef list pop_right(self, Py_ssize_t count=*)
