from store.numbers cimport is_integer
from store.values.base cimport Value
from store.values.index cimport MemberIndex

cdef class Set(Value):
    cdef public set members
    cdef public MemberIndex index
    cpdef bint add(self, bytes member)
    cpdef bint remove(self, bytes member)
    cpdef MemberIndex indexed(self)
