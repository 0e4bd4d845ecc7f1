# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
"""The compiled form of quick.py: the entries that most of a snapshot consists of, read without an object but those that stay.

Law: it takes an entry only if it is all there and everything about it is in order, looks at no byte before it has compared its place
with the end, and stops before any other. The plain code (`reader`, `decode`) then takes that one, or says what is wrong with it: so
a damaged file is told the same way whether this is compiled or not.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.mem cimport PyMem_Realloc
from cpython.object cimport PyObject
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy

from store.decimal cimport write_decimal
from store.primitives cimport write_integer
from store.values.hash cimport Hash
from store.values.sorted_set cimport SortedSet

from store.rdb import codes
from store.values.list import List
from store.values.set import Set

cdef extern from "Python.h":
    double PyOS_string_to_double(const char* text, char** end, PyObject* overflow) except? -1.0

cdef enum:
    MOST_EXPANSION = 88  # as in lzf.py
    LONGEST_SCORE = 63
    FEW_PAIRS = 128  # up to which each field or member is compared with those before
    LARGEST_BLOCK = 65535  # of `values.packed`
    LONGEST_ITEM = 255  # of a block of `values.packed`

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

cdef uint8_t[2 * FEW_PAIRS * (LONGEST_ITEM + 1)] _block  # a hash in the making

cdef double[23] _TENS
cdef int _power
for _power in range(23):
    _TENS[_power] = 10.0 ** _power  # exact in a double


# ── bytes ────────────────────────────────────────────────────────────────────────────────────────────────────────────
cdef inline int64_t _signed(const uint8_t* at, int width) noexcept nogil:
    """A signed little-endian integer of 1 to 8 bytes."""
    cdef uint64_t number = 0
    cdef int step
    for step in range(width):
        number |= <uint64_t>at[step] << (8 * step)
    return <int64_t>(number << (64 - 8 * width)) >> (64 - 8 * width)


cdef Py_ssize_t _unpack(const uint8_t* data, Py_ssize_t size, uint8_t* out, Py_ssize_t length) noexcept nogil:
    """Write the length bytes to out that LZF data stand for; return length, or -1 if they stand for anything else."""
    cdef Py_ssize_t place = 0, made = 0, count, back, step
    cdef uint8_t control
    while place < size:
        control = data[place]
        place += 1
        if control < 32:
            count = control + 1
            if count > size - place or count > length - made:
                return -1
            memcpy(out + made, data + place, count)
            place += count
        else:
            count = control >> 5
            if count == 7:
                if place >= size:
                    return -1
                count += data[place]
                place += 1
            if place >= size:
                return -1
            back = (<Py_ssize_t>(control & 31) << 8) + data[place] + 1
            place += 1
            count += 2
            if back > made or count > length - made:
                return -1
            if back >= count:
                memcpy(out + made, out + made - back, count)
            else:  # it overlaps what it makes
                for step in range(made, made + count):
                    out[step] = out[step - back]
        made += count
    return made if made == length else -1


cdef Py_ssize_t _length(const uint8_t* data, Py_ssize_t size, Py_ssize_t pos, Py_ssize_t* value) noexcept nogil:
    """Read a length at pos into value; return the place after it, -1 if there is none or it is beyond 2**62."""
    cdef uint64_t number = 0
    cdef int width, step
    if pos >= size:
        return -1
    if data[pos] < 0x40:
        value[0] = data[pos]
        return pos + 1
    if data[pos] < 0x80:
        if size - pos < 2:
            return -1
        value[0] = <Py_ssize_t>(data[pos] & 0x3F) << 8 | data[pos + 1]
        return pos + 2
    if data[pos] > 0x81:
        return -1
    width = 4 if data[pos] == 0x80 else 8
    if size - pos <= width:
        return -1
    for step in range(width):
        number = number << 8 | data[pos + 1 + step]
    if number >> 62:
        return -1
    value[0] = <Py_ssize_t>number
    return pos + 1 + width


# ── listpacks ────────────────────────────────────────────────────────────────────────────────────────────────────────
cdef struct Item:
    const uint8_t* text  # NULL: it is the number
    Py_ssize_t size
    int64_t number


cdef Py_ssize_t _item(const uint8_t* pack, Py_ssize_t place, Py_ssize_t end, Item* item) noexcept nogil:
    """Read an entry of a listpack whose last byte is at end; return the place of the next, -1 if something is wrong."""
    cdef uint8_t first = pack[place], groups
    cdef Py_ssize_t size, back = 0, step
    item.text = NULL
    if first < 0x80:
        item.number = first
        size = 1
    elif first < 0xC0:
        item.text, item.size = pack + place + 1, first & 0x3F
        size = 1 + item.size
    elif first < 0xE0:
        if end - place < 2:
            return -1
        item.number = (first & 0x1F) << 8 | pack[place + 1]
        if item.number >= 0x1000:
            item.number -= 0x2000
        size = 2
    elif first < 0xF0:
        if end - place < 2:
            return -1
        item.text, item.size = pack + place + 2, <Py_ssize_t>(first & 0x0F) << 8 | pack[place + 1]
        size = 2 + item.size
    elif first == 0xF0:
        if end - place < 5:
            return -1
        item.text = pack + place + 5
        item.size = pack[place + 1] | <Py_ssize_t>pack[place + 2] << 8 | <Py_ssize_t>pack[place + 3] << 16 | <Py_ssize_t>pack[place + 4] << 24
        size = 5 + item.size
    elif first <= 0xF4:
        size = 9 if first == 0xF4 else first - 0xEE
        if end - place < size:
            return -1
        item.number = _signed(pack + place + 1, <int>(size - 1))
    else:
        return -1
    if size >= end - place:
        return -1
    place += size
    if size < 0x80:  # the back-length is one byte
        return place + 1 if pack[place] == size else -1
    groups = 2 if size < 16383 else 3 if size < 2097151 else 4 if size < 268435455 else 5
    if end - place < groups:
        return -1
    for step in range(groups):
        if pack[place + step] != ((size >> (7 * (groups - 1 - step))) & 0x7F | (0x80 if step else 0)):
            return -1
    return place + groups


cdef inline object _text_of(Item* item):
    return PyBytes_FromStringAndSize(<const char*>item.text, item.size) if item.text != NULL else write_integer(item.number)


cdef Py_ssize_t _opened(const uint8_t* pack, Py_ssize_t size) noexcept nogil:
    """Return how many entries a listpack says it has, -1 if its head or its end is wrong."""
    if size < 7 or pack[size - 1] != 0xFF:
        return -1
    if (pack[0] | <uint32_t>pack[1] << 8 | <uint32_t>pack[2] << 16 | <uint32_t>pack[3] << 24) != size:
        return -1
    return pack[4] | <Py_ssize_t>pack[5] << 8


cdef bint _fill(const uint8_t* pack, Py_ssize_t size, list entries) except -1:
    """Append the entries of a listpack; False if something is wrong with it."""
    cdef Py_ssize_t said = _opened(pack, size), place = 6, count = 0
    cdef Item item
    if said < 0:
        return False
    while place < size - 1:
        place = _item(pack, place, size - 1, &item)
        if place < 0:
            return False
        entries.append(_text_of(&item))
        count += 1
    return said == 0xFFFF or said == count


cpdef list listpack_entries(bytes blob):
    """The entries of a listpack; None if something is wrong with it."""
    cdef list entries = []
    return entries if _fill(<const uint8_t*>PyBytes_AS_STRING(blob), PyBytes_GET_SIZE(blob), entries) else None


cdef bint _score(Item* item, double* score) except -1:
    """Read a score that is stored as text; False if it is not a plain number."""
    cdef char[LONGEST_SCORE + 1] text
    cdef Py_ssize_t place = 0, digits = 0, decimals = 0
    cdef uint64_t number = 0
    cdef char sign
    cdef char* end = NULL
    cdef bint pointed = False
    if item.text == NULL:
        score[0] = <double>item.number
        return True
    if not 0 < item.size <= LONGEST_SCORE:
        return False
    memcpy(text, item.text, item.size)
    text[item.size] = 0
    sign = text[0]
    if sign == c'-':
        place = 1
    while place < item.size:
        if c'0' <= text[place] <= c'9':
            digits += 1
            decimals += pointed
            if digits <= 15:
                number = number * 10 + <uint64_t>(text[place] - c'0')
        elif text[place] == c'.' and not pointed:
            pointed = True
        elif not (digits and (text[place] == c'e' or text[place] == c'E' or text[place] == c'+' or text[place] == c'-')):
            return False
        else:
            digits += 100  # an exponent: not for the short way
        place += 1
    if not digits or digits == decimals or (pointed and not decimals):
        return False
    if digits <= 15:  # both numbers are exact, so their quotient is rounded once
        score[0] = <double>number / _TENS[decimals]
        if sign == c'-':
            score[0] = -score[0]
        return True
    try:
        score[0] = PyOS_string_to_double(text, &end, NULL)
    except ValueError:
        return False
    return end == text + item.size


# ── small hashes and sorted sets ───────────────────────────────────────────────────────────────────────────────────────
cdef object _small_hash(const uint8_t* pack, Py_ssize_t size):
    """Make a hash of a listpack of few pairs, item by item into its block (see values.packed); None if it is no such."""
    cdef Py_ssize_t said = _opened(pack, size), place = 6, count = 0, used = 0, longest = 0, other
    cdef Item item
    cdef Hash made
    if said < 2 or said > 2 * FEW_PAIRS or said & 1:
        return None
    while place < size - 1:
        place = _item(pack, place, size - 1, &item)
        if place < 0 or count == said:
            return None
        if item.text == NULL:
            item.size = write_decimal(<char*>&_block[used + 1], item.number)
        elif item.size > LONGEST_ITEM:
            return None
        else:
            memcpy(&_block[used + 1], item.text, item.size)
        _block[used] = <uint8_t>item.size
        if not count & 1:
            other = 0
            while other < used:  # a field that is there already
                if _block[other] == item.size and memcmp(&_block[other + 1], &_block[used + 1], item.size) == 0:
                    return None
                other += _block[other] + 1
                other += _block[other] + 1
        longest = max(longest, item.size)
        used += item.size + 1
        count += 1
    if count != said or used > LARGEST_BLOCK:
        return None
    made = Hash.__new__(Hash)
    made._fill_raw(_block, used, count, longest)
    return made


cdef object _other_hash(const uint8_t* pack, Py_ssize_t size):
    """Make a hash of a listpack; None if something is wrong with it."""
    cdef Py_ssize_t said = _opened(pack, size), place = 6, count = 0
    cdef Item field, value
    cdef dict fields = {}
    if said < 0:
        return None
    while place < size - 1:
        place = _item(pack, place, size - 1, &field)
        if place < 0 or place >= size - 1:
            return None
        place = _item(pack, place, size - 1, &value)
        if place < 0:
            return None
        fields[_text_of(&field)] = _text_of(&value)
        count += 2
    if not count or (said != 0xFFFF and said != count) or 2 * len(fields) != count:
        return None
    return Hash(fields)


cdef object _small_zset(const uint8_t* pack, Py_ssize_t size):
    """Make a sorted set of a listpack of few pairs in order, in its block (see values.packed_scores); None if it is no such."""
    cdef Py_ssize_t said = _opened(pack, size), place = 6, count = 0, used = 0, longest = 0, other, before = -1
    cdef Item item, text
    cdef double score = 0, last = 0
    cdef uint8_t* at
    cdef SortedSet made
    if said < 2 or said > 2 * FEW_PAIRS or said & 1:
        return None
    while place < size - 1:
        place = _item(pack, place, size - 1, &item)
        if place < 0 or place >= size - 1 or 2 * count == said:
            return None
        place = _item(pack, place, size - 1, &text)
        if place < 0 or not _score(&text, &score):
            return None
        at = &_block[used]
        if item.text == NULL:
            item.size = write_decimal(<char*>at + 9, item.number)
        elif item.size > LONGEST_ITEM - 8:
            return None
        else:
            memcpy(at + 9, item.text, item.size)
        at[0] = <uint8_t>(8 + item.size)
        score += 0.0  # turns -0.0 into 0.0
        memcpy(at + 1, &score, 8)
        other = 0
        while other < used:  # a member that is there already
            if _block[other] == at[0] and memcmp(&_block[other + 9], at + 9, item.size) == 0:
                return None
            other += _block[other] + 1
        if before >= 0 and (score < last or (score == last and _less(at, &_block[before]))):
            return None  # not in order: to be sorted
        last, before = score, used
        longest = max(longest, item.size)
        used += item.size + 9
        count += 1
    if 2 * count != said:
        return None
    made = SortedSet.__new__(SortedSet)
    made._fill_raw(_block, used, count, longest)
    return made


cdef bint _less(const uint8_t* item, const uint8_t* other) noexcept:
    """Tell whether an item's member is before another's by its bytes."""
    cdef int size = item[0] - 8, most = other[0] - 8
    cdef int order = memcmp(item + 9, other + 9, min(size, most))
    return order < 0 or (order == 0 and size < most)


cdef object _other_zset(const uint8_t* pack, Py_ssize_t size):
    """Make a sorted set of a listpack; None if something is wrong with it."""
    cdef Py_ssize_t said = _opened(pack, size), place = 6, count = 0
    cdef Item member, text
    cdef double score = 0
    cdef dict scores = {}
    if said < 0:
        return None
    while place < size - 1:
        place = _item(pack, place, size - 1, &member)
        if place < 0 or place >= size - 1:
            return None
        place = _item(pack, place, size - 1, &text)
        if place < 0 or not _score(&text, &score):
            return None
        scores[_text_of(&member)] = score
        count += 2
    if not count or (said != 0xFFFF and said != count) or 2 * len(scores) != count:
        return None
    return SortedSet(scores.items())


# ── entries ──────────────────────────────────────────────────────────────────────────────────────────────────────────
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
                self.deadline = _signed(text + pos, 8)
                self.deadline = 0 if self.deadline == -1 else max(<long long>1, self.deadline)
                pos += 8
            elif type_byte[0] == IDLE:
                pos = _length(text, size, pos, &idle)
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
            pos = _length(text, size, pos, &length)
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
            return write_integer(_signed(text + pos, 1 << form))
        if form != LZF:
            return None
        pos = _length(text, size, pos, &packed)
        if pos < 0:
            return None
        pos = _length(text, size, pos, &length)
        if pos < 0 or packed > size - pos or length > packed * MOST_EXPANSION:
            return None
        made = PyBytes_FromStringAndSize(NULL, length)
        if length and _unpack(text + pos, packed, <uint8_t*>PyBytes_AS_STRING(made), length) < 0:
            return None
        if not length:
            return None
        self.pos = pos + packed
        return made

    cdef list _strings(self, Py_ssize_t each):
        """Read a count and `each` times as many strings; None if they are not all there, or none."""
        cdef Py_ssize_t count = 0, pos = _length(self._text, self._size, self.pos, &count)
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
            pos = _length(text, self._size, pos + 1, &packed)
            if pos >= 0:
                pos = _length(text, self._size, pos, &length)
            if pos < 0 or packed > self._size - pos or length > packed * MOST_EXPANSION:
                return NULL
            if length > _room:
                grown = PyMem_Realloc(_scratch, length)
                if grown == NULL:
                    raise MemoryError
                _scratch, _room = <uint8_t*>grown, length
            if not length or _unpack(text + pos, packed, _scratch, length) < 0:
                return NULL
            self.pos, size[0] = pos + packed, length
            return _scratch
        pos = _length(text, self._size, pos, &length)
        if pos < 0 or length > self._size - pos:
            return NULL
        self.pos, size[0] = pos + length, length
        return text + pos

    cdef object _hash_pack(self):
        cdef Py_ssize_t size = 0
        cdef const uint8_t* pack = self._blob(&size)
        cdef object made
        if pack == NULL:
            return None
        made = _small_hash(pack, size)
        return _other_hash(pack, size) if made is None else made

    cdef object _zset_pack(self):
        cdef Py_ssize_t size = 0
        cdef const uint8_t* pack = self._blob(&size)
        cdef object made
        if pack == NULL:
            return None
        made = _small_zset(pack, size)
        return _other_zset(pack, size) if made is None else made

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
        cdef Py_ssize_t count = 0, left, pos = _length(self._text, self._size, self.pos, &count)
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
            bits = _signed(self._text + self.pos, 8)
            memcpy(&score, &bits, 8)
            if score != score:
                return None
            self.pos += 8
            scores[member] = score
            left -= 1
        return SortedSet(scores.items()) if len(scores) == count else None

    cdef object _list(self):
        cdef Py_ssize_t nodes = 0, form = 0, size = 0, pos = _length(self._text, self._size, self.pos, &nodes)
        cdef const uint8_t* pack
        cdef list members = []
        cdef object member
        if pos < 0 or not nodes:
            return None
        self.pos = pos
        while nodes > 0:
            pos = _length(self._text, self._size, self.pos, &form)
            if pos < 0:
                return None
            self.pos = pos
            if form == PACKED_NODE:
                pack = self._blob(&size)
                if pack == NULL or not _fill(pack, size, members):
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
            return self._set(members) if _fill(pack, size, members) and members else None
        if size < 8:
            return None
        width = <int>_signed(pack, 4)
        count = _signed(pack + 4, 4)
        if width not in (2, 4, 8) or count < 1 or 8 + count * width != size:
            return None
        for place in range(count):
            number = _signed(pack + 8 + place * width, width)
            if place and number <= before:
                return None
            members.append(write_integer(number))
            before = number
        return self._set(members)
