cimport cython
from store.values.index cimport MemberIndex
from store.values.packed cimport Packed

cdef class FieldTable:
    cdef public dict fields
    cdef public MemberIndex index
    cdef public Py_ssize_t longest

cdef class Hash(Packed):
    @cython.locals(table=FieldTable)
    cpdef Py_ssize_t size(self)
    @cython.locals(table=FieldTable)
    cpdef bint has(self, bytes field)
    @cython.locals(table=FieldTable, place=Py_ssize_t)
    cpdef get(self, bytes field)
    cpdef bytes member_at(self, Py_ssize_t number)
    @cython.locals(table=FieldTable)
    cpdef dict to_dict(self)
    @cython.locals(table=FieldTable)
    cpdef MemberIndex indexed(self)
    @cython.locals(table=FieldTable, longer=Py_ssize_t, place=Py_ssize_t, size=Py_ssize_t, known=bint)
    cpdef bint put(self, bytes field, bytes value)
    @cython.locals(old=bytes)
    cpdef bint _put(self, FieldTable table, bytes field, bytes value)
    @cython.locals(table=FieldTable, place=Py_ssize_t, value=bytes)
    cpdef bint remove(self, bytes field)
