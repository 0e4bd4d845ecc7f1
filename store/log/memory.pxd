from store.log.buffer cimport EventBuffer

cdef class MemoryLog(EventBuffer):
    cdef object __weakref__
    cdef public object failed, tail
    cdef object _waiters
    cdef list _callbacks
