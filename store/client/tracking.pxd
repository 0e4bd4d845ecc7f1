cdef class Tracking:
    cdef dict __dict__
    cdef public object clients, pending
