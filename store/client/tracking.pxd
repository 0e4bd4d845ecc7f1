cdef class Tracking:
    cdef public object engine, current
    cdef public Py_ssize_t clients, items
    cdef public dict keys, prefixes
    cdef public list pending
    cdef bint _stirred, _script_read
    cpdef end_turn(self)
    cpdef settle(self)
