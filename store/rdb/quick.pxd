from libc.stdint cimport uint8_t

cdef class Entries:
    cdef public bytes key
    cdef public object value
    cdef public int type_byte
    cdef public Py_ssize_t pos, start
    cdef public long long deadline, idle
    cdef public int frequency
    cdef bytes _data
    cdef const uint8_t* _text
    cdef Py_ssize_t _size
    cpdef open(self, bytes data, Py_ssize_t pos)
    cpdef bint next(self) except -1
    cdef bint _head(self, int* type_byte) noexcept
    cdef object _value(self, int type_byte)
    cdef object _string(self)
    cdef list _strings(self, Py_ssize_t count)
    cdef const uint8_t* _blob(self, Py_ssize_t* size) except? NULL
    cdef object _hash_pack(self)
    cdef object _zset_pack(self)
    cdef object _hash(self)
    cdef object _zset(self)
    cdef object _list(self)
    cdef object _set(self, list members)
    cdef object _small_set(self, int type_byte)
