cdef class Encoded:
    cdef char* _data
    cdef Py_ssize_t _size, _room
    cdef Py_ssize_t* _places  # `_marks` of them
    cdef Py_ssize_t _marks, _mark_room
    cdef int _grow(self, Py_ssize_t more) except -1
    cdef int _line(self, char kind, long long number) except -1
    cdef int _text(self, object text) except -1
    cdef int _bulk(self, object word) except -1
    cdef int _encode(self, object reply, int resp) except -1
    cdef int room_for_mark(self) except -1
    cdef int mark(self, Py_ssize_t place) except -1
    cpdef append(self, bytes data)
    cpdef reply(self, object reply, int resp)
    cpdef written(self, object reply, int resp)
    cpdef Py_ssize_t words(self, tuple words) except -1
    cpdef bytes take(self)
    cpdef clear(self)
    cpdef Py_ssize_t send(self, int fd) except -1
    cpdef drop(self, Py_ssize_t sent)

cpdef bytes encode(object reply, int resp=*)
cpdef bytes encode_words(tuple words)
