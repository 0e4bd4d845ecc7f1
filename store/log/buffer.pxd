cimport cython
from store.log.frame cimport Frame
from store.log.row cimport Row

cdef class EventBuffer:
    cdef public long long offset, events, large, written_offset
    cdef public list _runs, subscribers
    cdef public Row _pending
    cdef public dict _selects
    cdef public object _queue
    cdef public long long _frame_offset
    cdef public int _db, _frame_db, _pending_db
    cdef public bint origins
    cdef public bint _opaque
    cpdef append(self, bytes event, int db)
    cpdef enter(self, tuple words, int db)
    cpdef _change_db(self, int db)
    @cython.locals(event=bytes)
    cpdef _select(self, int db)
    cpdef Py_ssize_t mark(self)
    @cython.locals(pending=Row)
    cpdef wrap_transaction(self, Py_ssize_t mark)
    cpdef bint seal_if_large(self)
    @cython.locals(payload=bytes, frame=Frame, rest=Py_ssize_t, db=int)
    cpdef _seal_first(self, Py_ssize_t count)
    cpdef _enqueue(self, Frame frame)
    cpdef bint commit(self, long long now_ms, object before=*)
    @cython.locals(count=Py_ssize_t, frame=Frame)
    cpdef _close_turn(self, long long now_ms, object before=*)
