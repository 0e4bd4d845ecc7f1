cimport cython
from store.values.index cimport MemberIndex
from store.values.packed_scores cimport PackedScores
from store.values.ranking cimport Ranking

cdef class ScoreTable:
    cdef public dict scores
    cdef public Ranking order
    cdef public Py_ssize_t longest
    cdef public MemberIndex index

cdef class SortedSet(PackedScores):
    @cython.locals(table=ScoreTable)
    cpdef Py_ssize_t size(self)
    @cython.locals(table=ScoreTable, place=Py_ssize_t)
    cpdef score(self, bytes member)
    @cython.locals(table=ScoreTable)
    cpdef list slice(self, Py_ssize_t start, Py_ssize_t stop)
    @cython.locals(table=ScoreTable)
    cpdef MemberIndex indexed(self)
    @cython.locals(table=ScoreTable, place=Py_ssize_t)
    cpdef bint add(self, bytes member, double score)
    cpdef _move(self, Py_ssize_t place, bytes member, double score)
    @cython.locals(scores=dict, order=Ranking)
    cpdef bint _add(self, ScoreTable table, bytes member, double score)
    @cython.locals(table=ScoreTable, place=Py_ssize_t)
    cpdef bint remove(self, bytes member)
    @cython.locals(gone=list, table=ScoreTable)
    cpdef list remove_span(self, Py_ssize_t start, Py_ssize_t stop)
    @cython.locals(size=Py_ssize_t)
    cpdef _joins(self, ScoreTable table, bytes member)
    cpdef _left(self, ScoreTable table, bytes member)
