# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""The compiled form of store/values/packed_scores.py."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.string cimport memcmp, memcpy
from store.values.packed cimport Packed, open_gap

cdef enum:
    SCORE = 8
    MEMBER = 247

MOST_MEMBER = MEMBER


cdef class PackedScores(Packed):
    """See store.values.packed_scores.PackedScores."""

    cpdef Py_ssize_t _where(self, bytes member) noexcept:
        """The place of a member, -1 if it is not there."""
        cdef unsigned char* at = self.data
        cdef unsigned char* end = at + self.used
        cdef Py_ssize_t size = PyBytes_GET_SIZE(member) + SCORE
        cdef const char* text = PyBytes_AS_STRING(member)
        while at < end:
            if at[0] == size and memcmp(at + 1 + SCORE, text, size - SCORE) == 0:
                return at - self.data
            at += at[0] + 1
        return -1

    cpdef double _score(self, Py_ssize_t place) noexcept:
        """The score at a place."""
        cdef double score
        memcpy(&score, self.data + place + 1, SCORE)
        return score

    cpdef Py_ssize_t _seek(self, double score, bytes member, bint after) noexcept:
        """The place of the first pair that is not less than (score, member), or with `after` whose score is higher."""
        cdef unsigned char* at = self.data
        cdef unsigned char* end = at + self.used
        cdef Py_ssize_t size = PyBytes_GET_SIZE(member), other
        cdef const char* text = PyBytes_AS_STRING(member)
        cdef double here
        cdef int order
        while at < end:
            memcpy(&here, at + 1, SCORE)
            if here > score:
                break
            if here == score and not after:
                other = at[0] - SCORE
                order = memcmp(at + 1 + SCORE, text, min(size, other))
                if order > 0 or (order == 0 and other >= size):
                    break
            at += at[0] + 1
        return at - self.data

    cpdef Py_ssize_t _rank(self, Py_ssize_t place) noexcept:
        """How many pairs there are before a place."""
        cdef unsigned char* at = self.data
        cdef unsigned char* end = at + place
        cdef Py_ssize_t rank = 0
        while at < end:
            at += at[0] + 1
            rank += 1
        return rank

    cpdef list _pairs(self, Py_ssize_t first, Py_ssize_t stop):
        """The pairs with first (not below 0) <= number < stop."""
        cdef list found = []
        cdef unsigned char* at = self.data + self._locate(first)
        cdef double score
        if stop > self.count:
            stop = self.count
        while first < stop:
            memcpy(&score, at + 1, SCORE)
            found.append((score, PyBytes_FromStringAndSize(<char*>at + 1 + SCORE, at[0] - SCORE)))
            at += at[0] + 1
            first += 1
        return found

    cpdef _put(self, Py_ssize_t place, double score, bytes member):
        """Put a pair, which fits, before the one at a place."""
        cdef Py_ssize_t size = PyBytes_GET_SIZE(member)
        cdef unsigned char* at
        if size > MEMBER:
            raise ValueError("a member takes 247 bytes at most")
        at = open_gap(self, place, 1 + SCORE + size)
        at[0] = <unsigned char>(SCORE + size)
        memcpy(at + 1, &score, SCORE)
        memcpy(at + 1 + SCORE, PyBytes_AS_STRING(member), size)
        self.count += 1
