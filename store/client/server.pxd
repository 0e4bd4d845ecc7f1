from store.client.session cimport Session

cdef class Accepted(Session):
    cdef object _server
