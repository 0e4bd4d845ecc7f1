cimport cython
from store.numbers cimport is_integer
from store.values.index cimport MemberIndex
from store.values.packed cimport Packed

cdef class MemberTable:
    cdef public set members
    cdef public MemberIndex index

cdef class Set(Packed):
    @cython.locals(table=MemberTable)
    cpdef Py_ssize_t size(self)
    @cython.locals(table=MemberTable)
    cpdef bint has(self, bytes member)
    cpdef MemberTable _use_table(self, set members)
    cpdef bytes member_at(self, Py_ssize_t number)
    @cython.locals(table=MemberTable)
    cpdef MemberIndex indexed(self)
    @cython.locals(table=MemberTable)
    cpdef bint add(self, bytes member)
    @cython.locals(members=set)
    cpdef bint _add(self, MemberTable table, bytes member)
    @cython.locals(table=MemberTable, place=Py_ssize_t)
    cpdef bint remove(self, bytes member)
