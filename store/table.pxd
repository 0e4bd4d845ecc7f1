cimport cython
from store.entry cimport Entry

cdef struct Shard:
    unsigned int depth  # lowest bits of the hash that its keys have in common
    unsigned int homes
    unsigned int size  # slots
    unsigned int used
    unsigned long long slots[1]

@cython.no_gc
@cython.final
cdef class Table:
    cdef readonly list order
    cdef Shard** _shards
    cdef Shard** _dead
    cdef Shard* _first  # the directory while there is one shard
    cdef unsigned long long _spread
    cdef Py_ssize_t _dying
    cdef int _depth
    cdef int[32] _deep  # shards by depth
    cdef unsigned long long _hash(self, bytes key) except? 1
    cdef unsigned long long _rehash(self, unsigned long long slot) noexcept
    cdef Py_ssize_t _find(self, Shard* shard, unsigned long long hashed, bytes key) noexcept
    cpdef Entry get(self, bytes key)
    cpdef Entry add(self, bytes key, object value, long long access)
    cpdef Entry remove(self, bytes key)
    cdef void _place(self, Shard* shard, unsigned long long hashed) noexcept
    cdef Shard* _replaced(self, Shard* shard, unsigned long long hashed, Py_ssize_t homes) except NULL
    cdef Shard* _grown(self, unsigned long long hashed) except NULL
    cdef int _split(self, Shard* shard, unsigned long long hashed) except -1
    cdef Py_ssize_t _parted(self, Shard* shard, unsigned long long* low, unsigned long long* high) noexcept
    cdef bint _double(self) noexcept
    cdef void _take_directory(self, Shard** shards, int depth) noexcept
    cdef void _shrink(self, Shard* shard, unsigned long long hashed) noexcept
    cdef void _merge(self, Shard* shard, unsigned long long hashed) noexcept
    cdef bint _halve(self) noexcept
    cpdef list drop(self, Py_ssize_t count)
    cdef void _bury(self) noexcept
    cdef void _free_dead(self, Py_ssize_t count) noexcept
    cdef Py_ssize_t _check_shard(self, Shard* shard, Py_ssize_t number) except -1
