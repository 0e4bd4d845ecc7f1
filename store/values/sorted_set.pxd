cimport cython
from store.values.base cimport Value
from store.values.index cimport MemberIndex
from store.values.ranking cimport Ranking

cdef class SortedSet(Value):
    cdef public dict scores
    cdef public Ranking order
    cdef public Py_ssize_t longest
    cdef public MemberIndex index
    cpdef list slice(self, Py_ssize_t start, Py_ssize_t stop)
    @cython.locals(scores=dict, order=Ranking)
    cpdef bint add(self, bytes member, double score)
    cpdef bint remove(self, bytes member)
    @cython.locals(gone=list)
    cpdef list remove_span(self, Py_ssize_t start, Py_ssize_t stop)
    @cython.locals(size=Py_ssize_t)
    cpdef _joins(self, bytes member)
    cpdef _left(self, bytes member)
