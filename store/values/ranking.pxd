cimport cython

@cython.locals(members=list, ordered=list, start=Py_ssize_t, stop=Py_ssize_t, size=Py_ssize_t, score=double)
cpdef tuple in_order(dict scores)

cdef class Ranking:
    cdef public list _scores, _members, _last
    cdef public Py_ssize_t _size
    cdef public list _tree
    @cython.locals(pair=tuple, last=list, chunk=Py_ssize_t, place=Py_ssize_t, members=list)
    cpdef add(self, double score, bytes member)
    @cython.locals(chunk=Py_ssize_t, place=Py_ssize_t)
    cpdef remove(self, double score, bytes member)
    @cython.locals(chunk=Py_ssize_t, place=Py_ssize_t, first=Py_ssize_t, gone=Py_ssize_t)
    cpdef cut(self, Py_ssize_t start, Py_ssize_t stop)
    @cython.locals(members=list)
    cpdef _delete(self, Py_ssize_t chunk, Py_ssize_t start, Py_ssize_t stop)
    @cython.locals(members=list, middle=Py_ssize_t)
    cpdef _split(self, Py_ssize_t chunk)
    cpdef _merge(self, Py_ssize_t chunk)
    @cython.locals(members=list, place=Py_ssize_t)
    @cython.locals(twin=Ranking)
    cpdef Ranking copy(self)
    @cython.locals(members=list, place=Py_ssize_t)
    cpdef Py_ssize_t _within(self, Py_ssize_t chunk, double score, bytes member)
    @cython.locals(chunk=Py_ssize_t, place=Py_ssize_t, left=Py_ssize_t, pairs=list)
    cpdef list slice(self, Py_ssize_t start, Py_ssize_t stop)
    cpdef list _indexed(self)
    @cython.locals(tree=list, node=Py_ssize_t)
    cpdef _count(self, Py_ssize_t chunk, Py_ssize_t change)
    @cython.locals(tree=list, count=Py_ssize_t)
    cpdef Py_ssize_t _before(self, Py_ssize_t chunk)
    @cython.locals(tree=list, chunk=Py_ssize_t, step=Py_ssize_t, tail=Py_ssize_t)
    cpdef tuple _find(self, Py_ssize_t rank)
