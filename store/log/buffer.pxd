cimport cython

cdef class EventBuffer:
    cdef dict __dict__
    cdef public long long offset, events
    cdef public list _pending, _runs, subscribers
    cdef public dict _selects
    cdef public object _queue
    cdef public long long _frame_offset
    cdef public int _db, _frame_db
    cdef public bint origins
    cdef public bint _opaque
    cpdef append(self, bytes event, int db)
    @cython.locals(event=bytes)
    cpdef _select(self, int db)
    cpdef Py_ssize_t mark(self)
    @cython.locals(pending=list)
    cpdef wrap_transaction(self, Py_ssize_t mark)
    cpdef bint seal_if_large(self)
