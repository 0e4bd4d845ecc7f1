cimport cython
from store.values.chunks cimport Chunks
from store.values.packed cimport Packed

cdef class List(Packed):
    @cython.locals(chunks=Chunks)
    cpdef Py_ssize_t size(self)
    cpdef bint _holds(self, object members)
    @cython.locals(chunks=Chunks)
    cpdef Chunks _use_chunks(self)
    @cython.locals(chunks=Chunks)
    cpdef list span(self, Py_ssize_t start, Py_ssize_t stop)
    @cython.locals(chunks=Chunks, member=bytes)
    cpdef push_right(self, object members)
    @cython.locals(chunks=Chunks, member=bytes)
    cpdef push_left(self, object members)
    @cython.locals(chunks=Chunks, taken=list)
    cpdef list pop_left(self, Py_ssize_t count=*)
    @cython.locals(chunks=Chunks, taken=list, start=Py_ssize_t)
    cpdef list pop_right(self, Py_ssize_t count=*)

cpdef tuple bounds(long long start, long long stop, Py_ssize_t length)
