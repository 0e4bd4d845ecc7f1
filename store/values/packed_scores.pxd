from store.values.packed cimport Packed

cdef class PackedScores(Packed):
    cpdef Py_ssize_t _where(self, bytes member) noexcept
    cpdef double _score(self, Py_ssize_t place) noexcept
    cpdef Py_ssize_t _seek(self, double score, bytes member, bint after) noexcept
    cpdef Py_ssize_t _rank(self, Py_ssize_t place) noexcept
    cpdef list _pairs(self, Py_ssize_t first, Py_ssize_t stop)
    cpdef _put(self, Py_ssize_t place, double score, bytes member)
