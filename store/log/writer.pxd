cimport cython
from store.log.buffer cimport EventBuffer
from store.log.frame cimport Frame

cdef class LogWriter(EventBuffer):
    cdef object __weakref__
    cdef public object failed, directory, history
    cdef public long long segment_bytes, frames, bytes_written
    cdef object _disk, _folder, _fsync, _syncer
    cdef set _starts
    cdef list _places
    cdef bint _roll_next, _ragged
    cdef long long _planned, _size, _sealed_bytes, _segment, _segments, _first_offset
    cdef int _fd
    @cython.locals(frame=Frame)
    cpdef bint _write_out(self)
    @cython.locals(size=Py_ssize_t)
    cpdef _write(self, bytes raw)
