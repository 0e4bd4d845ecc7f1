cimport cython
from store.client.session cimport Session

cdef class Bus:
    cdef public object engine
    cdef public dict channels, patterns, shard_channels
    cdef dict _matchers
    cdef public long long messages
    cpdef Py_ssize_t publish(self, bytes channel, bytes message, bint sharded=*)
    @cython.locals(session=Session, data=bytes, encoded=dict)
    cpdef _send(self, list sessions, object push)
