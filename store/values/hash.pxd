cimport cython
from store.values.base cimport Value
from store.values.index cimport MemberIndex

cdef class Hash(Value):
    cdef public dict fields
    cdef public Py_ssize_t longest
    cdef public MemberIndex index
    @cython.locals(old=bytes)
    cpdef bint put(self, bytes field, bytes value)
    @cython.locals(value=bytes)
    cpdef bint remove(self, bytes field)
    cpdef MemberIndex indexed(self)
