# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
"""The compiled parser: what store/resp/parser.py does, straight on the received buffer.

The rules, limits and error texts are those of the plain module (its tests run on both).
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.list cimport PyList_New, PyList_SET_ITEM
from cpython.ref cimport Py_INCREF
from libc.string cimport memchr, memcmp

from store.resp.words import UnbalancedQuotes, split_words

IMPLEMENTATION = "compiled"

cdef Py_ssize_t INLINE_MAX = 65536
cdef long long MULTIBULK_MAX = 2147483647
cdef long long UNAUTHENTICATED_COUNT = 10
cdef long long UNAUTHENTICATED_BULK = 16384
cdef long long NOT_A_NUMBER = -9223372036854775807

cdef enum:
    FEW = 64  # words of a request that is parsed in one go
    NAMES = 64
    LONGEST_NAME = 20

cdef list _names = [b""] * NAMES
"""Names of commands as clients write them: requests share them, and so their hashes."""


cdef inline long long _number(const char* text, Py_ssize_t size) noexcept:
    """A strict decimal as Redis's string2ll reads it; NOT_A_NUMBER for anything else."""
    cdef Py_ssize_t place = 0
    cdef long long value = 0
    cdef bint negative = False
    if size > 0 and text[0] == c'-':
        negative = True
        place = 1
    if place >= size or size - place > 18:
        return NOT_A_NUMBER
    if text[place] == c'0' and (size - place > 1 or negative):
        return NOT_A_NUMBER
    while place < size:
        if text[place] < c'0' or text[place] > c'9':
            return NOT_A_NUMBER
        value = value * 10 + (text[place] - c'0')
        place += 1
    return -value if negative else value


cdef inline bytes _name(const char* text, Py_ssize_t size):
    """The first word of a request: one of the names that were seen before, if it is the same."""
    cdef Py_ssize_t slot
    cdef bytes found
    if not 0 < size <= LONGEST_NAME:
        return PyBytes_FromStringAndSize(text, size)
    slot = (<unsigned char>text[0] + 5 * <unsigned char>text[size - 1] + 11 * size) % NAMES
    found = <bytes>_names[slot]
    if PyBytes_GET_SIZE(found) != size or memcmp(PyBytes_AS_STRING(found), text, size) != 0:
        found = _names[slot] = PyBytes_FromStringAndSize(text, size)
    return found


cdef inline const char* _count(const char* text, const char* end, Py_ssize_t* number) noexcept:
    """Read up to 9 digits and CRLF: return the place after them, or NULL for anything else and when more bytes are needed."""
    cdef const char* start = text
    cdef Py_ssize_t value = 0
    while text < end and c'0' <= text[0] <= c'9' and text - start < 9:
        value = value * 10 + (text[0] - c'0')
        text += 1
    if text == start or end - text < 2 or text[0] != c'\r' or (start[0] == c'0' and text - start > 1):
        return NULL
    number[0] = value
    return text + 2


cdef class Parser:
    """Turns the bytes of one connection into requests; see store.resp.parser.Parser."""

    def __init__(self, bulk_max=512 * 1024 * 1024, authenticated=True):
        self.bulk_max = bulk_max
        self.authenticated = authenticated
        self.error = None
        self._rest = b""
        self._place = 0
        self._chunks = []
        self._size = 0
        self._need = 0
        self._args = []
        self._missing = 0
        self._args_size = 0

    @property
    def pending(self):
        """Bytes received that were not returned as requests yet (the query buffer)."""
        return self.unparsed()

    cdef Py_ssize_t unparsed(self) noexcept:
        return self._size + self._args_size

    cpdef receive(self, bytes data):
        """Take received bytes."""
        if self._size:
            self._chunks.append(data)
            self._size += PyBytes_GET_SIZE(data)
        else:
            self._rest = data
            self._place = 0
            self._size = PyBytes_GET_SIZE(data)

    cpdef list next(self):
        """Return the next request; None when more bytes are needed or `error` is set."""
        cdef list request
        if self._size == 0 or self._size < self._need or self.error is not None:
            return None
        if self._chunks:
            self._rest = b"".join([self._rest[self._place :], *self._chunks])
            self._place = 0
            self._chunks = []
        self._need = 0
        request = self._quick() if not self._missing and self.authenticated else None
        if request is None:
            request = self._parse()
        if self._size == 0:
            self._rest = b""
            self._place = 0
        return request

    cdef list _quick(self):
        """Parse a request that is there as a whole and like most; None: look closer."""
        cdef const char* start = PyBytes_AS_STRING(self._rest)
        cdef const char* text = start + self._place
        cdef const char* end = start + PyBytes_GET_SIZE(self._rest)
        cdef const char* words[FEW]
        cdef Py_ssize_t sizes[FEW]
        cdef Py_ssize_t count = 0, place
        cdef list request
        cdef bytes word
        if text[0] != c'*':
            return None
        text = _count(text + 1, end, &count)
        if text is NULL or not 0 < count <= FEW:
            return None
        for place in range(count):
            if end - text < 4 or text[0] != c'$':
                return None
            text = _count(text + 1, end, &sizes[place])
            if text is NULL or end - text < sizes[place] + 2 or sizes[place] > self.bulk_max:
                return None
            words[place] = text
            text += sizes[place] + 2
        request = PyList_New(count)
        for place in range(count):
            word = PyBytes_FromStringAndSize(words[place], sizes[place]) if place else _name(words[0], sizes[0])
            Py_INCREF(word)
            PyList_SET_ITEM(request, place, word)
        self._size -= text - start - self._place
        self._place = text - start
        return request

    cdef list _parse(self):
        """Parse the next request, whatever it is like."""
        cdef bytes data = self._rest
        cdef const char* text = PyBytes_AS_STRING(data)
        cdef Py_ssize_t end = PyBytes_GET_SIZE(data), place = self._place
        cdef list requests = []
        while place < end and self.error is None and not requests:
            if self._missing or text[place] == c'*':
                place = self._multibulk(text, place, end, requests)
            else:
                place = self._inline(data, text, place, end, requests)
            if place < 0:
                place = -place - 1
                break
        self._size = end - place
        self._place = place
        if not requests and place:
            self._rest = data[place:]
            self._place = 0
        return requests[0] if requests else None

    cdef Py_ssize_t _inline(self, bytes data, const char* text, Py_ssize_t place, Py_ssize_t end, list requests) except? -9:
        cdef const char* found = <const char*>memchr(text + place, 10, end - place)
        cdef Py_ssize_t stop
        if found is NULL:
            if end - place > INLINE_MAX:
                self.error = "too big inline request"
            return -place - 1
        stop = found - text
        try:
            words = split_words(data[place:stop].removesuffix(b"\r"))
        except UnbalancedQuotes:
            self.error = "unbalanced quotes in request"
            return -(stop + 1) - 1
        if words:
            requests.append(words)
        return stop + 1

    cdef Py_ssize_t _line_end(self, const char* text, Py_ssize_t place, Py_ssize_t end, str too_big) except? -9:
        """The place of the CR that ends a header line, or -1 when more bytes are needed (or `error` is set)."""
        cdef const char* found = <const char*>memchr(text + place, 13, end - place)
        if found is NULL:
            if end - place > INLINE_MAX:
                self.error = too_big
            return -1
        if found - text + 1 >= end:
            return -1
        return found - text

    cdef Py_ssize_t _multibulk(self, const char* text, Py_ssize_t place, Py_ssize_t end, list requests) except? -9:
        """Parse one request from place on; return the place after it, or -(place to resume at) - 1."""
        cdef Py_ssize_t stop, resume
        cdef long long count, length
        if not self._missing:
            stop = self._line_end(text, place, end, "too big mbulk count string")
            if stop < 0:
                return -place - 1
            count = _number(text + place + 1, stop - place - 1)
            if count == NOT_A_NUMBER or count > MULTIBULK_MAX:
                self.error = "invalid multibulk length"
                return -place - 1
            if count > UNAUTHENTICATED_COUNT and not self.authenticated:
                self.error = "unauthenticated multibulk length"
                return -place - 1
            place = stop + 2
            if count <= 0:
                return place
            self._missing = count
            self._args = []
            self._args_size = 0
        while self._missing:
            resume = place
            if place >= end:
                return -resume - 1
            stop = self._line_end(text, place, end, "too big bulk count string")
            if stop < 0:
                return -resume - 1
            if text[place] != c'$':
                self.error = "expected '$', got '%s'" % chr(<unsigned char>text[place])
                return -resume - 1
            length = _number(text + place + 1, stop - place - 1)
            if length < 0 or length > self.bulk_max:
                self.error = "invalid bulk length"
                return -resume - 1
            if length > UNAUTHENTICATED_BULK and not self.authenticated:
                self.error = "unauthenticated bulk length"
                return -resume - 1
            place = stop + 2
            if end - place < length + 2:
                self._need = place - resume + length + 2
                return -resume - 1
            self._args.append(PyBytes_FromStringAndSize(text + place, length))
            self._args_size += length
            place += length + 2
            self._missing -= 1
        requests.append(self._args)
        self._args = []
        self._args_size = 0
        return place
