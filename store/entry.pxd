cimport cython

@cython.no_gc
@cython.final
cdef class Entry:
    cdef public bytes key
    cdef public object value
    cdef public long long deadline
    cdef public unsigned int access
    cdef public int slot
