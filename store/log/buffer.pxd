cdef class EventBuffer:
    cdef dict __dict__
    cdef public long long offset, events
    cdef public list _pending
    cdef public long long _frame_offset
    cdef public int _db, _frame_db
    cdef public bint origins
    cpdef append(self, bytes event, int db)
    cpdef Py_ssize_t mark(self)
    cpdef wrap_transaction(self, Py_ssize_t mark)
    cpdef bint seal_if_large(self)
