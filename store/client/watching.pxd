from store.client.session cimport Session

cdef class Watching:
    cdef Session _session
    cdef public dict places
    cdef public bint touched
    cpdef forget(self)
