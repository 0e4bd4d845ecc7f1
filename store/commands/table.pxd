from store.primitives cimport bit_length, call_with


cdef class Command:
    cdef public str name, since, group, doc, complexity
    cdef public object handler, flags
    cdef public int arity, words
    cdef public tuple keyspecs, categories, tips
    cdef public dict subcommands
    cdef public long long gate, calls, nanoseconds, failed, rejected
    cdef public bint writes, reads
    cdef public long long[64] buckets
    cdef public Command base
    cdef public object variant
    cpdef object run(self, object tx, list argv)
    cpdef bint accepts(self, Py_ssize_t count)
    cpdef ran(self, long long duration)
