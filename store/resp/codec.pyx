# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
"""The compiled parser and encoder: what store/resp/parser.py and encoder.py do, straight on the received buffer.

The rules, limits and error texts are those of the plain modules (their tests run on both); what is rare here (inline commands,
maps, doubles, errors) is handed to them.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.list cimport PyList_GET_ITEM, PyList_GET_SIZE
from cpython.long cimport PyLong_AsLongLongAndOverflow
from libc.string cimport memchr, memcpy

from store.primitives cimport write_integer
from store.replies import NO_REPLY
from store.resp import encoder as _plain
from store.resp.words import UnbalancedQuotes, split_words

IMPLEMENTATION = "compiled"

cdef Py_ssize_t INLINE_MAX = 65536
cdef long long MULTIBULK_MAX = 2147483647
cdef long long UNAUTHENTICATED_COUNT = 10
cdef long long UNAUTHENTICATED_BULK = 16384
cdef long long NOT_A_NUMBER = -9223372036854775807


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


cdef class Parser:
    """Turns the bytes of one connection into requests; see store.resp.parser.Parser."""

    def __init__(self, bulk_max=512 * 1024 * 1024, authenticated=True):
        self.bulk_max = bulk_max
        self.authenticated = authenticated
        self.error = None
        self._rest = b""
        self._chunks = []
        self._size = 0
        self._need = 0
        self._args = []
        self._missing = 0
        self._args_size = 0

    @property
    def pending(self):
        """Bytes received that do not make a whole request yet (the query buffer)."""
        return self.unparsed()

    cdef Py_ssize_t unparsed(self) noexcept:
        return self._size + self._args_size

    cpdef list feed(self, bytes data):
        """Take received bytes; return the requests they complete, in order."""
        if self._size:
            self._chunks.append(data)
            self._size += PyBytes_GET_SIZE(data)
            if self._size < self._need:
                return []
            self._rest = b"".join([self._rest, *self._chunks])
            self._chunks = []
        else:
            self._rest = data
            self._size = PyBytes_GET_SIZE(data)
        return self._parse()

    cpdef list take(self):
        """Parse what is buffered; while unauthenticated only one request, as AUTH changes the limits of the next."""
        return self._parse() if self._size and not self._chunks else []

    cdef list _parse(self):
        cdef bytes data = self._rest
        cdef const char* text = PyBytes_AS_STRING(data)
        cdef Py_ssize_t end = PyBytes_GET_SIZE(data), place = 0, start
        cdef list requests = []
        cdef object request
        self._need = 0
        while place < end and self.error is None:
            start = place
            if self._missing or text[place] == c'*':
                place = self._multibulk(text, place, end, requests)
            else:
                place = self._inline(data, text, place, end, requests)
            if place < 0:
                place = -place - 1
                break
            if not self.authenticated and requests:
                break
        self._rest = data[place:] if place else data
        self._size = end - place
        return requests

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


# ── replies ────────────────────────────────────────────────────────────────────────────────────────────────────────────
cdef inline int _digits(char* out, Py_ssize_t number) noexcept:
    """Write a number that is not negative as decimal digits; return how many."""
    cdef char reverse[24]
    cdef int count = 0, place
    if number == 0:
        out[0] = c'0'
        return 1
    while number:
        reverse[count] = <char>(c'0' + number % 10)
        number //= 10
        count += 1
    for place in range(count):
        out[place] = reverse[count - 1 - place]
    return count


cdef bytes _integer(object reply):
    cdef char made[32]
    cdef int size = 1, overflow = 0
    cdef long long number = PyLong_AsLongLongAndOverflow(reply, &overflow)
    if overflow or number < 0:
        return b":%d\r\n" % reply
    made[0] = c':'
    size += _digits(made + 1, number)
    made[size] = c'\r'
    made[size + 1] = c'\n'
    return PyBytes_FromStringAndSize(made, size + 2)


cdef bytes _bulk(bytes reply):
    cdef Py_ssize_t size = PyBytes_GET_SIZE(reply)
    cdef char head[32]
    cdef int digits
    cdef char* out
    head[0] = c'$'
    digits = _digits(head + 1, size)
    head[1 + digits] = c'\r'
    head[2 + digits] = c'\n'
    cdef bytes made = PyBytes_FromStringAndSize(NULL, 3 + digits + size + 2)
    out = PyBytes_AS_STRING(made)
    memcpy(out, head, 3 + digits)
    memcpy(out + 3 + digits, PyBytes_AS_STRING(reply), size)
    out[3 + digits + size] = c'\r'
    out[4 + digits + size] = c'\n'
    return made


cdef Py_ssize_t _flat_size(list reply) except -2:
    """Bytes of the bulk strings of a list that holds nothing else, without their headers; -1 if it holds something else."""
    cdef Py_ssize_t size = 0, place
    cdef object item
    for place in range(PyList_GET_SIZE(reply)):
        item = <object>PyList_GET_ITEM(reply, place)
        if type(item) is not bytes:
            return -1
        size += PyBytes_GET_SIZE(item)
    return size


cdef bytes _bulks(list reply, Py_ssize_t size):
    """An array of bulk strings whose contents have `size` bytes together."""
    cdef Py_ssize_t count = PyList_GET_SIZE(reply), place, length
    cdef bytes made = PyBytes_FromStringAndSize(NULL, size + 24 * (count + 1))
    cdef char* start = PyBytes_AS_STRING(made)
    cdef char* out = start
    cdef object item
    out[0] = c'*'
    out += 1 + _digits(out + 1, count)
    out[0] = c'\r'
    out[1] = c'\n'
    out += 2
    for place in range(count):
        item = <object>PyList_GET_ITEM(reply, place)
        length = PyBytes_GET_SIZE(item)
        out[0] = c'$'
        out += 1 + _digits(out + 1, length)
        out[0] = c'\r'
        out[1] = c'\n'
        memcpy(out + 2, PyBytes_AS_STRING(item), length)
        out += 2 + length
        out[0] = c'\r'
        out[1] = c'\n'
        out += 2
    return made[: out - start]


cdef bytes _mixed(list reply, int resp):
    """An array of anything."""
    cdef list parts = [b"*%d\r\n" % PyList_GET_SIZE(reply)]
    cdef object item
    for item in reply:
        parts.append(encode(item, resp))
    return b"".join(parts)


cdef bytes _OK = b"+OK\r\n"
cdef dict _small = {number: b":%d\r\n" % number for number in range(-2, 1024)}
cdef object _none = NO_REPLY


cpdef bytes encode(object reply, int resp=2):
    """Encode a reply for a client speaking RESP2 or RESP3; see store.resp.encoder.encode."""
    cdef object kind = type(reply)
    cdef Py_ssize_t size
    if kind is bytes:
        return _bulk(<bytes>reply)
    if kind is str:
        if reply == "OK":
            return _OK
    elif kind is int:
        found = _small.get(reply)
        return <bytes>found if found is not None else _integer(reply)
    elif reply is None:
        return b"_\r\n" if resp == 3 else b"$-1\r\n"
    elif kind is list:
        size = _flat_size(<list>reply)
        return _bulks(<list>reply, size) if size >= 0 else _mixed(<list>reply, resp)
    elif kind is float and resp != 3 and -1e15 < <double>reply < 1e15 and <double>reply == <long long><double>reply != 0:
        return _bulk(write_integer(<long long><double>reply))
    return _plain.encode(reply, resp)


def encode_event(*args):
    """Encode one command (name and arguments) as the RESP array of bulk strings; see encoder.py."""
    return encode_words(<tuple>args)


cpdef bytes encode_words(tuple words):
    """Encode one command given as a tuple; see encoder.py."""
    cdef Py_ssize_t size = 24, place, length, count = len(words)
    cdef bytes word
    for place in range(count):
        size += PyBytes_GET_SIZE(<bytes>words[place]) + 24
    cdef bytes made = PyBytes_FromStringAndSize(NULL, size)
    cdef char* start = PyBytes_AS_STRING(made)
    cdef char* out = start
    out[0] = c'*'
    out += 1 + _digits(out + 1, count)
    out[0] = c'\r'
    out[1] = c'\n'
    out += 2
    for place in range(count):
        word = <bytes>words[place]
        length = PyBytes_GET_SIZE(word)
        out[0] = c'$'
        out += 1 + _digits(out + 1, length)
        out[0] = c'\r'
        out[1] = c'\n'
        memcpy(out + 2, PyBytes_AS_STRING(word), length)
        out += 2 + length
        out[0] = c'\r'
        out[1] = c'\n'
        out += 2
    return made[: out - start]
