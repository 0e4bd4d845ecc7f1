# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
"""The compiled form of quick.py: the entries that most of a snapshot consists of, read without an object but those that stay.

Law: it takes an entry only if it is all there and everything about it is in order, looks at no byte before it has compared its place
with the end, and stops before any other. The plain code (`reader`, `decode`) then takes that one, or says what is wrong with it: so
a damaged file is told the same way whether this is compiled or not.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.mem cimport PyMem_Realloc
from libc.stdint cimport int64_t, uint8_t
from libc.string cimport memcpy

from store.primitives cimport write_integer
from store.rdb.packs cimport fill_list, hash_of, zset_of
from store.rdb.read_bytes cimport read_length, signed, unpack
from store.values.hash cimport Hash
from store.values.sorted_set cimport SortedSet

from store.rdb import codes
from store.values.list import List
from store.values.set import Set

cdef enum:
    MOST_EXPANSION = 88  # as in lzf.py

# The codes of the format as C numbers, by the names of codes.py.
cdef enum:
    STRING = 0
    LIST = 1
    SET = 2
    HASH = 4
    ZSET_2 = 5
    SET_INTSET = 11
    HASH_LISTPACK = 16
    ZSET_LISTPACK = 17
    LIST_QUICKLIST_2 = 18
    SET_LISTPACK = 20
    IDLE = 248
    FREQ = 249
    EXPIRETIME_MS = 252
    LZF = 3
    PLAIN_NODE = 1
    PACKED_NODE = 2

assert (STRING, LIST, SET, HASH, ZSET_2) == (codes.STRING, codes.LIST, codes.SET, codes.HASH, codes.ZSET_2)
assert (SET_INTSET, HASH_LISTPACK, ZSET_LISTPACK) == (codes.SET_INTSET, codes.HASH_LISTPACK, codes.ZSET_LISTPACK)
assert (LIST_QUICKLIST_2, SET_LISTPACK, LZF) == (codes.LIST_QUICKLIST_2, codes.SET_LISTPACK, codes.LZF)
assert (IDLE, FREQ, EXPIRETIME_MS) == (codes.IDLE, codes.FREQ, codes.EXPIRETIME_MS)
assert (PLAIN_NODE, PACKED_NODE) == (codes.PLAIN_NODE, codes.PACKED_NODE)

cdef uint8_t* _scratch = NULL  # what was decompressed last; good until the next blob
cdef Py_ssize_t _room = 0


cdef class Entries:
    """See quick.py."""

    def __cinit__(self):
        self._data = b""
        self._text = <const uint8_t*>PyBytes_AS_STRING(self._data)
        self.key = b""
        self.value = b""
        self.idle = self.frequency = -1

    cpdef open(self, bytes data, Py_ssize_t pos):
        """Begin at pos."""
        self._data = data
        self._text = <const uint8_t*>PyBytes_AS_STRING(data)
        self._size = PyBytes_GET_SIZE(data)
        self.pos = pos

    cpdef bint next(self) except -1:
        """Read the next entry; False, and `pos` as it was, if it is anything but a common one that is all there."""
        cdef Py_ssize_t start = self.pos
        cdef int type_byte = 0
        cdef object key, value = None
        if start < 0 or not self._head(&type_byte):
            self.pos = start
            return False
        key = self._string()
        if key is not None:
            value = self._value(type_byte)
        if value is None:
            self.pos = start
            return False
        self.key, self.value, self.type_byte, self.start = key, value, type_byte, start
        return True

    cdef bint _head(self, int* type_byte) noexcept:
        """Read what stands before the key; False if this is no common entry."""
        cdef const uint8_t* text = self._text
        cdef Py_ssize_t pos = self.pos, size = self._size, idle = 0
        self.deadline, self.idle, self.frequency = 0, -1, -1
        while True:
            if pos >= size:
                return False
            type_byte[0] = text[pos]
            pos += 1
            if type_byte[0] == EXPIRETIME_MS:
                if size - pos < 8:
                    return False
                self.deadline = signed(text + pos, 8)
                self.deadline = 0 if self.deadline == -1 else max(<long long>1, self.deadline)
                pos += 8
            elif type_byte[0] == IDLE:
                pos = read_length(text, size, pos, &idle)
                if pos < 0:
                    return False
                self.idle = idle
            elif type_byte[0] == FREQ:
                if pos >= size:
                    return False
                self.frequency = text[pos]
                pos += 1
            else:
                self.pos = pos
                return True

    cdef object _value(self, int type_byte):
        """Read a value; None if it is not a common one."""
        cdef list members
        if type_byte == STRING:
            return self._string()
        if type_byte == HASH_LISTPACK:
            return self._hash_pack()
        if type_byte == ZSET_LISTPACK:
            return self._zset_pack()
        if type_byte == LIST_QUICKLIST_2:
            return self._list()
        if type_byte == HASH:
            return self._hash()
        if type_byte == SET:
            members = self._strings(1)
            return None if members is None else self._set(members)
        if type_byte == ZSET_2:
            return self._zset()
        if type_byte == SET_INTSET or type_byte == SET_LISTPACK:
            return self._small_set(type_byte)
        return None

    cdef object _string(self):
        """Read a string; None if it is not all there."""
        cdef const uint8_t* text = self._text
        cdef Py_ssize_t pos = self.pos, size = self._size, length = 0, packed = 0
        cdef int form
        cdef bytes made
        if pos >= size:
            return None
        if text[pos] < 0xC0:
            pos = read_length(text, size, pos, &length)
            if pos < 0 or length > size - pos:
                return None
            self.pos = pos + length
            return PyBytes_FromStringAndSize(<const char*>text + pos, length)
        form = text[pos] & 0x3F
        pos += 1
        if form < LZF:
            if size - pos < 1 << form:
                return None
            self.pos = pos + (1 << form)
            return write_integer(signed(text + pos, 1 << form))
        if form != LZF:
            return None
        pos = read_length(text, size, pos, &packed)
        if pos < 0:
            return None
        pos = read_length(text, size, pos, &length)
        if pos < 0 or packed > size - pos or length > packed * MOST_EXPANSION:
            return None
        made = PyBytes_FromStringAndSize(NULL, length)
        if length and unpack(text + pos, packed, <uint8_t*>PyBytes_AS_STRING(made), length) < 0:
            return None
        if not length:
            return None
        self.pos = pos + packed
        return made

    cdef list _strings(self, Py_ssize_t each):
        """Read a count and `each` times as many strings; None if they are not all there, or none."""
        cdef Py_ssize_t count = 0, pos = read_length(self._text, self._size, self.pos, &count)
        cdef list found = []
        cdef object text
        if pos < 0 or not count or count > (self._size - pos) // each:
            return None
        self.pos = pos
        count *= each
        while count > 0:
            text = self._string()
            if text is None:
                return None
            found.append(text)
            count -= 1
        return found

    cdef const uint8_t* _blob(self, Py_ssize_t* size) except? NULL:
        """Find the bytes of a string, decompressed if need be; NULL if it is not all there. They are good until the next call."""
        global _scratch, _room
        cdef const uint8_t* text = self._text
        cdef Py_ssize_t pos = self.pos, length = 0, packed = 0
        cdef void* grown
        if pos < self._size and text[pos] == (0xC0 | LZF):
            pos = read_length(text, self._size, pos + 1, &packed)
            if pos >= 0:
                pos = read_length(text, self._size, pos, &length)
            if pos < 0 or packed > self._size - pos or length > packed * MOST_EXPANSION:
                return NULL
            if length > _room:
                grown = PyMem_Realloc(_scratch, length)
                if grown == NULL:
                    raise MemoryError
                _scratch, _room = <uint8_t*>grown, length
            if not length or unpack(text + pos, packed, _scratch, length) < 0:
                return NULL
            self.pos, size[0] = pos + packed, length
            return _scratch
        pos = read_length(text, self._size, pos, &length)
        if pos < 0 or length > self._size - pos:
            return NULL
        self.pos, size[0] = pos + length, length
        return text + pos

    cdef object _hash_pack(self):
        cdef Py_ssize_t size = 0
        cdef const uint8_t* pack = self._blob(&size)
        return None if pack == NULL else hash_of(pack, size)

    cdef object _zset_pack(self):
        cdef Py_ssize_t size = 0
        cdef const uint8_t* pack = self._blob(&size)
        return None if pack == NULL else zset_of(pack, size)

    cdef object _hash(self):
        cdef list flat = self._strings(2)
        cdef dict fields = {}
        cdef Py_ssize_t place
        if flat is None:
            return None
        for place in range(0, len(flat), 2):
            fields[flat[place]] = flat[place + 1]
        return Hash(fields) if 2 * len(fields) == len(flat) else None

    cdef object _zset(self):
        cdef Py_ssize_t count = 0, left, pos = read_length(self._text, self._size, self.pos, &count)
        cdef dict scores = {}
        cdef object member
        cdef int64_t bits
        cdef double score
        if pos < 0 or not count or count > (self._size - pos) // 9:
            return None
        self.pos, left = pos, count
        while left > 0:
            member = self._string()
            if member is None or self._size - self.pos < 8:
                return None
            bits = signed(self._text + self.pos, 8)
            memcpy(&score, &bits, 8)
            if score != score:
                return None
            self.pos += 8
            scores[member] = score
            left -= 1
        return SortedSet(scores.items()) if len(scores) == count else None

    cdef object _list(self):
        cdef Py_ssize_t nodes = 0, form = 0, size = 0, pos = read_length(self._text, self._size, self.pos, &nodes)
        cdef const uint8_t* pack
        cdef list members = []
        cdef object member
        if pos < 0 or not nodes:
            return None
        self.pos = pos
        while nodes > 0:
            pos = read_length(self._text, self._size, self.pos, &form)
            if pos < 0:
                return None
            self.pos = pos
            if form == PACKED_NODE:
                pack = self._blob(&size)
                if pack == NULL or not fill_list(pack, size, members):
                    return None
            elif form == PLAIN_NODE:
                member = self._string()
                if not member:
                    return None
                members.append(member)
            else:
                return None
            nodes -= 1
        return List(members) if members else None

    cdef object _set(self, list members):
        made = Set(members)
        return made if len(made) == len(members) else None

    cdef object _small_set(self, int type_byte):
        cdef Py_ssize_t size = 0, count, place
        cdef const uint8_t* pack = self._blob(&size)
        cdef int width
        cdef int64_t number, before = 0
        cdef list members = []
        if pack == NULL:
            return None
        if type_byte == SET_LISTPACK:
            return self._set(members) if fill_list(pack, size, members) and members else None
        if size < 8:
            return None
        width = <int>signed(pack, 4)
        count = signed(pack + 4, 4)
        if width not in (2, 4, 8) or count < 1 or 8 + count * width != size:
            return None
        for place in range(count):
            number = signed(pack + 8 + place * width, width)
            if place and number <= before:
                return None
            members.append(write_integer(number))
            before = number
        return self._set(members)
