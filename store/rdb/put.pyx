# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
"""The compiled form of put.py: what a snapshot is written with, appended in place."""

from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_GET_SIZE, PyByteArray_Resize
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.mem cimport PyMem_Free
from libc.math cimport isinf
from libc.stdint cimport int64_t, uint8_t, uint64_t
from libc.string cimport memcpy, strlen

from store.decimal cimport write_decimal
from store.entry cimport Entry, key_of, value_of
from store.values.hash cimport Hash
from store.values.packed cimport Packed
from store.values.packed_scores cimport PackedScores
from store.values.sorted_set cimport SortedSet

from store.rdb import codes
from store.rdb.lzf import compress

cdef extern from "Python.h":
    char* PyOS_double_to_string(double value, char form, int precision, int flags, int* kind) except NULL

cdef enum:
    COMPRESS_FROM = 21
    MANY = 0xFFFF
    ENTRY_COST = 9  # see put.py
    STRING = 0
    LZF = 3
    HASH_LISTPACK = 16
    ZSET_LISTPACK = 17
    IDLE = 248
    FREQ = 249
    EXPIRETIME_MS = 252

assert (HASH_LISTPACK, ZSET_LISTPACK) == (codes.HASH_LISTPACK, codes.ZSET_LISTPACK)
assert (STRING, LZF, IDLE, FREQ, EXPIRETIME_MS) == (codes.STRING, codes.LZF, codes.IDLE, codes.FREQ, codes.EXPIRETIME_MS)


# ── bytes ────────────────────────────────────────────────────────────────────────────────────────────────────────────
cdef inline uint8_t* _room(bytearray out, Py_ssize_t size) except NULL:
    """Make out longer by size bytes; return where they are."""
    cdef Py_ssize_t before = PyByteArray_GET_SIZE(out)
    PyByteArray_Resize(out, before + size)
    return <uint8_t*>PyByteArray_AS_STRING(out) + before


cdef inline int _little(uint8_t* at, uint64_t number, int width) noexcept:
    cdef int step
    for step in range(width):
        at[step] = <uint8_t>(number >> (8 * step))
    return width


cdef inline int _big(uint8_t* at, uint64_t number, int width) noexcept:
    cdef int step
    for step in range(width):
        at[step] = <uint8_t>(number >> (8 * (width - 1 - step)))
    return width


cdef int _length(uint8_t* at, uint64_t number) noexcept:
    """Write a length of up to 9 bytes; return how many they are."""
    if number < 0x40:
        at[0] = <uint8_t>number
        return 1
    if number < 0x4000:
        return _big(at, number | 0x4000, 2)
    if number < <uint64_t>1 << 32:
        at[0] = 0x80
        return 1 + _big(at + 1, number, 4)
    at[0] = 0x81
    return 1 + _big(at + 1, number, 8)


cdef bint _number(const uint8_t* text, Py_ssize_t size, int64_t* value) noexcept:
    """Read a canonical signed 64-bit integer; False if text is none."""
    cdef uint64_t number = 0
    cdef bint negative = size > 0 and text[0] == c'-'
    cdef Py_ssize_t place = negative
    if place >= size or size - place > 19 or (text[place] == c'0' and size > 1):
        return False
    while place < size:
        if not c'0' <= text[place] <= c'9':
            return False
        number = number * 10 + (text[place] - c'0')
        place += 1
    if number > (<uint64_t>1 << 63) - (0 if negative else 1):
        return False
    value[0] = <int64_t>(0 - number if negative else number)
    return True


cdef int _opened(object text, const uint8_t** start, Py_ssize_t* size) except -1:
    """Find the bytes of a bytes or bytearray."""
    if type(text) is bytes:
        start[0], size[0] = <const uint8_t*>PyBytes_AS_STRING(text), PyBytes_GET_SIZE(text)
    elif type(text) is bytearray:
        start[0], size[0] = <const uint8_t*>PyByteArray_AS_STRING(text), PyByteArray_GET_SIZE(text)
    else:
        raise TypeError(f"{type(text).__name__} where bytes belong")
    return 0


# ── strings and numbers ──────────────────────────────────────────────────────────────────────────────────────────────
cpdef put_length(bytearray out, object number):
    """Append a length (0 to 2**64-1)."""
    cdef uint8_t[9] head
    cdef int size = _length(head, number)
    memcpy(_room(out, size), head, size)


cpdef put_integer(bytearray out, long long number):
    """Append a string that is the decimal number (32 bits, signed)."""
    cdef int form = 0 if -0x80 <= number <= 0x7F else 1 if -0x8000 <= number <= 0x7FFF else 2
    cdef uint8_t* at = _room(out, 1 + (1 << form))
    at[0] = <uint8_t>(0xC0 | form)
    _little(at + 1, <uint64_t>number, 1 << form)


cpdef put_string(bytearray out, object text, bint packing):
    """Append a string: as a number if it is one of up to 32 bits, with packing by LZF if shorter, else as it is."""
    cdef const uint8_t* start = NULL
    cdef Py_ssize_t size = 0
    cdef int64_t number = 0
    cdef uint8_t[9] head
    cdef uint8_t* at
    cdef int width
    cdef bytes packed
    _opened(text, &start, &size)
    if size <= 11:
        if size and start[0] <= 57 and _number(start, size, &number) and -0x80000000 <= number <= 0x7FFFFFFF:
            put_integer(out, number)
            return
    elif packing and size >= COMPRESS_FROM:
        packed = compress(text if type(text) is bytes else bytes(text))
        if packed is not None:
            _put_packed(out, packed, size)
            return
    width = _length(head, size)
    at = _room(out, width + size)
    memcpy(at, head, width)
    memcpy(at + width, start, size)


cpdef put_strings(bytearray out, texts, bint packing):
    """Append strings as put_string does."""
    for text in texts:
        put_string(out, text, packing)


cdef _put_packed(bytearray out, bytes packed, Py_ssize_t plain):
    """Append a string that was compressed from `plain` bytes."""
    cdef uint8_t[19] head
    cdef int width = 1
    cdef Py_ssize_t size = PyBytes_GET_SIZE(packed)
    cdef uint8_t* at
    head[0] = 0xC0 | LZF
    width += _length(head + width, size)
    width += _length(head + width, plain)
    at = _room(out, width + size)
    memcpy(at, head, width)
    memcpy(at + width, PyBytes_AS_STRING(packed), size)


cpdef put_double(bytearray out, double value):
    """Append a binary double."""
    cdef uint64_t bits
    memcpy(&bits, &value, 8)
    _little(_room(out, 8), bits, 8)


# ── listpacks ────────────────────────────────────────────────────────────────────────────────────────────────────────
cdef int _back_length(uint8_t* at, uint64_t size) noexcept:
    """Write the size of an entry so that it can be read backwards; return its bytes, 1 to 5."""
    cdef int groups = 1 if size <= 127 else 2 if size < 16383 else 3 if size < 2097151 else 4 if size < 268435455 else 5
    cdef int step
    for step in range(groups):
        at[step] = <uint8_t>((size >> (7 * (groups - 1 - step))) & 0x7F | (0x80 if step else 0))
    return groups


def back_length(size):
    """Encode the size of an entry so that it can be read backwards; the odd limits are those of Redis."""
    cdef uint8_t[5] text
    return PyBytes_FromStringAndSize(<char*>text, _back_length(text, size))


cdef int _put_number(bytearray out, int64_t number) except -1:
    cdef uint8_t[11] text
    cdef int size, width
    if 0 <= number <= 0x7F:
        text[0] = <uint8_t>number
        size = 1
    elif -0x1000 <= number <= 0xFFF:
        size = _big(text, <uint64_t>(0xC000 | (number & 0x1FFF)), 2)
    else:
        width = 2 if -0x8000 <= number <= 0x7FFF else 3 if -0x800000 <= number <= 0x7FFFFF else 4 if -0x80000000 <= number <= 0x7FFFFFFF else 8
        text[0] = <uint8_t>(0xF4 if width == 8 else 0xEF + width)
        size = 1 + _little(text + 1, <uint64_t>number, width)
    text[size] = <uint8_t>size
    memcpy(_room(out, size + 1), text, size + 1)
    return 0


cpdef put_entry(bytearray out, object entry):
    """Append one entry of a listpack."""
    cdef const uint8_t* start = NULL
    cdef Py_ssize_t size = 0
    _opened(entry, &start, &size)
    _put_text(out, start, size)


cdef int _put_text(bytearray out, const uint8_t* start, Py_ssize_t size) except -1:
    cdef int64_t number = 0
    cdef uint8_t[5] head
    cdef uint8_t[5] back
    cdef uint8_t* at
    cdef int width, behind
    if 0 < size <= 20 and start[0] <= 57 and _number(start, size, &number):
        return _put_number(out, number)
    if size < 0x40:
        head[0] = <uint8_t>(0x80 | size)
        width = 1
    elif size < 0x1000:
        width = _big(head, 0xE000 | size, 2)
    elif size >> 32:
        raise OverflowError("an entry of 4 GiB in a listpack")
    else:
        head[0] = 0xF0
        width = 1 + _little(head + 1, size, 4)
    behind = _back_length(back, width + size)
    at = _room(out, width + size + behind)
    memcpy(at, head, width)
    memcpy(at + width, start, size)
    memcpy(at + width + size, back, behind)
    return 0


cdef bytes _closed(bytearray out, Py_ssize_t count):
    """End a listpack that was begun with room for its head."""
    cdef uint8_t* head
    _room(out, 1)[0] = 0xFF
    head = <uint8_t*>PyByteArray_AS_STRING(out)
    if PyByteArray_GET_SIZE(out) >> 32:
        raise OverflowError("a listpack of 4 GiB")
    _little(head, PyByteArray_GET_SIZE(out), 4)
    _little(head + 4, min(count, MANY), 2)
    return PyBytes_FromStringAndSize(<char*>head, PyByteArray_GET_SIZE(out))


cpdef bytes encode_listpack(object entries):
    """Make a listpack; entries that are canonical 64-bit integers are stored as numbers."""
    cdef bytearray out = bytearray(6)
    cdef Py_ssize_t count = 0
    for entry in entries:
        put_entry(out, entry)
        count += 1
    return _closed(out, count)


cpdef bytes encode_packed(Packed value):
    """Make a listpack of the items of a value that has them in its block."""
    cdef bytearray out = bytearray(6)
    cdef Py_ssize_t place = 0
    while place < value.used:
        _put_text(out, value.data + place + 1, value.data[place])
        place += value.data[place] + 1
    return _closed(out, value.count)


cpdef bytes encode_scores(object pairs):
    """Make a listpack of members, each followed by its score, of (score, member)."""
    cdef bytearray out = bytearray(6)
    cdef Py_ssize_t count = 0
    for score, member in pairs:
        put_entry(out, member)
        _put_score(out, score)
        count += 2
    return _closed(out, count)


cpdef bytes encode_packed_scores(PackedScores value):
    """Make a listpack as `encode_scores` does, of a value that has its pairs in its block."""
    cdef bytearray out = bytearray(6)
    cdef Py_ssize_t place = 0
    cdef const uint8_t* at
    cdef double score
    while place < value.used:
        at = value.data + place
        _put_text(out, at + 9, at[0] - 8)
        memcpy(&score, at + 1, 8)
        _put_score(out, score)
        place += at[0] + 1
    return _closed(out, 2 * value.count)


cdef int _put_score(bytearray out, double score) except -1:
    cdef uint8_t[32] text
    cdef int size
    if -9007199254740992.0 <= score <= 9007199254740992.0 and score == <double><int64_t>score:
        return _put_number(out, <int64_t>score)
    size = _short_score(score, text)
    if size:
        return _put_text(out, text, size)
    put_entry(out, format_score(score))
    return 0


cdef int _short_score(double score, uint8_t* text) noexcept:
    """Write a score whose digits are few, and all of them exact: one with up to six bits behind the point; return its size or 0."""
    cdef int size = 0
    cdef uint64_t whole, parts
    if not -8589934592.0 < score < 8589934592.0 or score * 64 != <double><int64_t>(score * 64):
        return 0
    if score < 0:
        text[0] = c'-'
        size, score = 1, -score
    whole = <uint64_t>score
    parts = <uint64_t>((score - <double>whole) * 64) * 15625  # millionths
    size += write_decimal(<char*>text + size, whole)
    if parts:
        text[size] = c'.'
        size += 1
        whole = 100000
        while parts:
            text[size] = <uint8_t>(c'0' + parts // whole)
            parts %= whole
            whole //= 10
            size += 1
    return size


cpdef list cut_nodes(members, Py_ssize_t most_bytes, Py_ssize_t most_members, Py_ssize_t longest):
    """Cut a list into nodes: (False, listpack) or, for a member of `longest` bytes and more, (True, member)."""
    cdef list nodes = []
    cdef bytearray node = bytearray(6)
    cdef Py_ssize_t count = 0, size
    cdef bytes member
    cdef bint plain
    for member in members:
        size = PyBytes_GET_SIZE(member)
        plain = size >= longest
        if count and (plain or count >= most_members or PyByteArray_GET_SIZE(node) + size + ENTRY_COST > most_bytes):
            nodes.append((False, _closed(node, count)))
            node, count = bytearray(6), 0
        if plain:
            nodes.append((True, member))
        else:
            _put_text(node, <const uint8_t*>PyBytes_AS_STRING(member), size)
            count += 1
    if count:
        nodes.append((False, _closed(node, count)))
    return nodes


cpdef bytes format_score(double score):
    """Write a score as text: as an integer if it is one and fits, else in 17 digits, which read back the same."""
    cdef char* text
    if isinf(score):
        return b"inf" if score > 0 else b"-inf"
    if abs(score) <= <double>(<int64_t>1 << 62) and score == <double><int64_t>score:
        return b"%d" % <int64_t>score
    text = PyOS_double_to_string(score, c'g', 17, 0, NULL)
    try:
        return PyBytes_FromStringAndSize(text, strlen(text))
    finally:
        PyMem_Free(text)


# ── keys ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
def put_keys(bytearray out, list order, Py_ssize_t place, Py_ssize_t most, bint packing, access, long long clock, put):
    """Append keys from order[place] on until out has `most` bytes; return the place of the next. See put.py."""
    cdef Py_ssize_t count = len(order)
    cdef bint idle = access == "idle", told = access is not None
    cdef Entry entry
    cdef uint8_t* at
    cdef object value
    while place < count:
        entry = order[place]
        place += 1
        if idle:
            _room(out, 1)[0] = IDLE
            put_length(out, max(<long long>0, clock - entry.access))
        elif told:
            at = _room(out, 2)
            at[0], at[1] = FREQ, <uint8_t>(entry.access & 0xFF)
        if entry.deadline:
            at = _room(out, 9)
            at[0] = EXPIRETIME_MS
            _little(at + 1, <uint64_t>entry.deadline, 8)
        value = value_of(entry)
        if type(value) is bytes or type(value) is bytearray:
            _room(out, 1)[0] = STRING
            put_string(out, key_of(entry), packing)
            put_string(out, value, packing)
        elif (type(value) is Hash or type(value) is SortedSet) and (<Packed>value).table is None and (<Packed>value).compact:
            _room(out, 1)[0] = HASH_LISTPACK if type(value) is Hash else ZSET_LISTPACK
            put_string(out, entry.key, packing)
            put_string(out, encode_packed(value) if type(value) is Hash else encode_packed_scores(value), packing)
        else:
            put(out, key_of(entry), value)
        if PyByteArray_GET_SIZE(out) >= most:
            break
    return place
