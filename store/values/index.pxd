cimport cython

cdef class MemberIndex:
    cdef public list order
    cdef public set gone
    cdef public Py_ssize_t hand
    cpdef add(self, bytes member)
    @cython.locals(size=Py_ssize_t)
    cpdef discard(self, bytes member)
    @cython.locals(last=bytes)
    cpdef _free(self, Py_ssize_t place)
    @cython.locals(place=Py_ssize_t, member=bytes)
    cpdef bytes choice(self)
