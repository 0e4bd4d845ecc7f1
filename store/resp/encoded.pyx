# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
"""The compiled form of store/resp/encoded.py: replies and events written straight into one growing piece of memory.

What is rare (maps, doubles, errors, texts that are not ASCII) is handed to the plain encoder.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.list cimport PyList_GET_ITEM, PyList_GET_SIZE
from cpython.long cimport PyLong_AsLongLongAndOverflow
from cpython.mem cimport PyMem_Free, PyMem_Realloc
from cpython.tuple cimport PyTuple_GET_ITEM
from libc.string cimport memcpy, memmove

from store.decimal cimport write_decimal
from store.primitives cimport write_integer
from store.replies import Pairs, Push, SetReply
from store.resp import encoder as _plain

cdef extern from "Python.h":
    bint PyUnicode_IS_COMPACT_ASCII(object text)
    char* PyUnicode_DATA(object text)
    Py_ssize_t PyUnicode_GET_LENGTH(object text)

cdef extern from "<sys/socket.h>":
    ssize_t c_send "send"(int fd, const void* data, size_t size, int flags) nogil
    int MSG_DONTWAIT, MSG_NOSIGNAL

cdef enum:
    FIRST = 512  # bytes that a row begins with
    KEPT = 4096  # bytes that an empty row keeps
    HEADER = 24  # bytes of the longest line that holds a number

cdef object _pairs = Pairs
cdef object _push = Push
cdef object _set = SetReply


cdef class Encoded:
    """See store.resp.encoded.Encoded."""

    def __cinit__(self):
        self._data = NULL
        self._places = NULL
        self._size = self._room = self._marks = self._mark_room = 0

    def __dealloc__(self):
        PyMem_Free(self._data)
        PyMem_Free(self._places)

    def __len__(self):
        return self._size

    def __bytes__(self):
        return PyBytes_FromStringAndSize(self._data, self._size)

    @property
    def places(self):
        """The ranges of what `written` added: (start, end) in bytes."""
        return [(self._places[place], self._places[place + 1]) for place in range(0, self._marks, 2)]

    cdef int _grow(self, Py_ssize_t more) except -1:
        """Have room for more bytes."""
        cdef Py_ssize_t room = self._room if self._room else FIRST
        cdef char* data
        while room - self._size < more:
            room *= 2
        data = <char*>PyMem_Realloc(self._data, room)
        if data is NULL:
            raise MemoryError
        self._data = data
        self._room = room
        return 0

    cdef int room_for_mark(self) except -1:
        """Have room for one more place."""
        cdef Py_ssize_t room
        cdef Py_ssize_t* places
        if self._marks == self._mark_room:
            room = 2 * self._mark_room if self._mark_room else 32
            places = <Py_ssize_t*>PyMem_Realloc(self._places, room * sizeof(Py_ssize_t))
            if places is NULL:
                raise MemoryError
            self._places = places
            self._mark_room = room
        return 0

    cdef int mark(self, Py_ssize_t place) except -1:
        """Remember a place."""
        self.room_for_mark()
        self._places[self._marks] = place
        self._marks += 1
        return 0

    cdef int _line(self, char kind, long long number) except -1:
        """Add a line of a letter and a number."""
        cdef char* out
        if self._room - self._size < HEADER:
            self._grow(HEADER)
        out = self._data + self._size
        out[0] = kind
        out += 1 + write_decimal(out + 1, number)
        out[0] = c'\r'
        out[1] = c'\n'
        self._size = out + 2 - self._data
        return 0

    cdef int _bulk(self, object word) except -1:
        """Add a bulk string; word: bytes."""
        cdef Py_ssize_t size = PyBytes_GET_SIZE(word)
        cdef char* out
        if self._room - self._size < size + HEADER:
            self._grow(size + HEADER)
        out = self._data + self._size
        out[0] = c'$'
        out += 1 + write_decimal(out + 1, size)
        out[0] = c'\r'
        out[1] = c'\n'
        memcpy(out + 2, PyBytes_AS_STRING(word), size)
        out += 2 + size
        out[0] = c'\r'
        out[1] = c'\n'
        self._size = out + 2 - self._data
        return 0

    cdef int _text(self, object text) except -1:
        """Add a simple string; text: str, ASCII."""
        cdef Py_ssize_t size = PyUnicode_GET_LENGTH(text)
        cdef char* out
        if self._room - self._size < size + 3:
            self._grow(size + 3)
        out = self._data + self._size
        out[0] = c'+'
        memcpy(out + 1, PyUnicode_DATA(text), size)
        out[1 + size] = c'\r'
        out[2 + size] = c'\n'
        self._size += 3 + size
        return 0

    cdef int _encode(self, object reply, int resp) except -1:
        cdef object kind = type(reply)
        cdef int overflow = 0
        cdef long long number
        cdef Py_ssize_t place
        if kind is bytes:
            return self._bulk(reply)
        if kind is int:
            number = PyLong_AsLongLongAndOverflow(reply, &overflow)
            if not overflow:
                return self._line(c':', number)
        elif reply is None:
            self.append(b"_\r\n" if resp == 3 else b"$-1\r\n")
            return 0
        elif kind is str:
            if PyUnicode_IS_COMPACT_ASCII(reply):
                return self._text(reply)
        elif kind is list or kind is _push or (resp != 3 and (kind is _pairs or kind is _set)):
            self._line(c'>' if kind is _push and resp == 3 else c'*', PyList_GET_SIZE(reply))
            place = 0
            while place < PyList_GET_SIZE(reply):
                self._encode(<object>PyList_GET_ITEM(reply, place), resp)
                place += 1
            return 0
        elif kind is float and resp != 3 and -1e15 < <double>reply < 1e15 and <double>reply == <long long><double>reply != 0:
            return self._bulk(write_integer(<long long><double>reply))
        self.append(<bytes>_plain.encode(reply, resp))
        return 0

    cpdef append(self, bytes data):
        """Add bytes as they are."""
        cdef Py_ssize_t size = PyBytes_GET_SIZE(data)
        if self._room - self._size < size:
            self._grow(size)
        memcpy(self._data + self._size, PyBytes_AS_STRING(data), size)
        self._size += size

    cpdef reply(self, object reply, int resp):
        """Add an encoded reply; nothing of one that can't be encoded."""
        cdef Py_ssize_t before = self._size
        try:
            self._encode(reply, resp)
        except BaseException:
            self._size = before
            raise

    cpdef written(self, object reply, int resp):
        """Add the reply to what wrote."""
        cdef Py_ssize_t before = self._size
        self.reply(reply, resp)
        self.mark(before)
        self.mark(self._size)

    cpdef Py_ssize_t words(self, tuple words) except -1:
        """Add a command given as a tuple: the array of bulk strings that history stores; return its bytes."""
        cdef Py_ssize_t before = self._size, room = HEADER, place, count = len(words)
        for place in range(count):
            if type(<object>PyTuple_GET_ITEM(words, place)) is not bytes:
                raise TypeError("a word of an event has to be bytes")
            room += HEADER + PyBytes_GET_SIZE(<object>PyTuple_GET_ITEM(words, place))
        if self._room - before < room:
            self._grow(room)
        self._line(c'*', count)
        for place in range(count):
            self._bulk(<object>PyTuple_GET_ITEM(words, place))
        return self._size - before

    cpdef bytes take(self):
        """Return all bytes and be empty."""
        cdef bytes data = PyBytes_FromStringAndSize(self._data, self._size)
        self.clear()
        return data

    cpdef clear(self):
        """Be empty, and forget the places."""
        self._size = self._marks = 0
        if self._room > KEPT:
            PyMem_Free(self._data)
            self._data = NULL
            self._room = 0
        if self._mark_room > KEPT:
            PyMem_Free(self._places)
            self._places = NULL
            self._mark_room = 0

    cpdef Py_ssize_t send(self, int fd) except -1:
        """Give a socket what it takes at once; return how many bytes those were, 0 on an error."""
        cdef ssize_t sent = 0
        cdef char* data = self._data
        cdef size_t size = self._size
        with nogil:
            sent = c_send(fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL)
        return sent if sent > 0 else 0

    cpdef drop(self, Py_ssize_t sent):
        """Forget the first bytes, and all places."""
        if sent >= self._size:
            self.clear()
            return
        memmove(self._data, self._data + sent, self._size - sent)
        self._size -= sent
        self._marks = 0


def encode_event(*args):
    """Encode one command (name and arguments) as the RESP array of bulk strings; see encoder.py."""
    return encode_words(<tuple>args)


cpdef bytes encode(object reply, int resp=2):
    """Encode a reply for a client speaking RESP2 or RESP3; see store.resp.encoder.encode."""
    cdef Encoded made = Encoded.__new__(Encoded)
    made._encode(reply, resp)
    return PyBytes_FromStringAndSize(made._data, made._size)


cpdef bytes encode_words(tuple words):
    """Encode one command given as a tuple; see encoder.py."""
    cdef Encoded made = Encoded.__new__(Encoded)
    made.words(words)
    return PyBytes_FromStringAndSize(made._data, made._size)
