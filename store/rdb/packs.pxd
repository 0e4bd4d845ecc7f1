from libc.stdint cimport uint8_t

cpdef list listpack_entries(bytes blob)
cdef bint fill_list(const uint8_t* pack, Py_ssize_t size, list entries) except -1
cdef object hash_of(const uint8_t* pack, Py_ssize_t size)
cdef object zset_of(const uint8_t* pack, Py_ssize_t size)
