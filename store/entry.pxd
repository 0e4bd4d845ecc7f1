cimport cython

@cython.no_gc
@cython.final
cdef class Entry:
    cdef public long long deadline
    cdef unsigned long long _word
    cdef public unsigned int access
    cdef public int slot
    cdef unsigned int length
    cdef char text[4]

cpdef Entry new_entry(bytes key, object value, Py_ssize_t slot, long long access)
cpdef bytes key_of(Entry entry)
cpdef object value_of(Entry entry)
cpdef object collection(Entry entry)
cpdef object keep(Entry entry, object value)
cpdef Py_ssize_t size_of(Entry entry)
cpdef Py_ssize_t cost_of(Entry entry)
