# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
"""The compiled form of put_listpack.py: listpacks and the text of scores, appended in place."""

from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_GET_SIZE
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.mem cimport PyMem_Free
from libc.math cimport isinf
from libc.stdint cimport int64_t, uint8_t, uint64_t
from libc.string cimport memcpy, strlen

from store.decimal cimport write_decimal
from store.rdb.append cimport big, bytes_of, is_integer, little, room
from store.values.packed cimport Packed
from store.values.packed_scores cimport PackedScores

cdef extern from "Python.h":
    char* PyOS_double_to_string(double value, char form, int precision, int flags, int* kind) except NULL

cdef enum:
    MANY = 0xFFFF
    ENTRY_COST = 9  # see put_listpack.py


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
        size = big(text, <uint64_t>(0xC000 | (number & 0x1FFF)), 2)
    else:
        width = 2 if -0x8000 <= number <= 0x7FFF else 3 if -0x800000 <= number <= 0x7FFFFF else 4 if -0x80000000 <= number <= 0x7FFFFFFF else 8
        text[0] = <uint8_t>(0xF4 if width == 8 else 0xEF + width)
        size = 1 + little(text + 1, <uint64_t>number, width)
    text[size] = <uint8_t>size
    memcpy(room(out, size + 1), text, size + 1)
    return 0


cpdef put_entry(bytearray out, object entry):
    """Append one entry of a listpack."""
    cdef const uint8_t* start = NULL
    cdef Py_ssize_t size = 0
    bytes_of(entry, &start, &size)
    _put_text(out, start, size)


cdef int _put_text(bytearray out, const uint8_t* start, Py_ssize_t size) except -1:
    cdef int64_t number = 0
    cdef uint8_t[5] head
    cdef uint8_t[5] back
    cdef uint8_t* at
    cdef int width, behind
    if 0 < size <= 20 and start[0] <= 57 and is_integer(start, size, &number):
        return _put_number(out, number)
    if size < 0x40:
        head[0] = <uint8_t>(0x80 | size)
        width = 1
    elif size < 0x1000:
        width = big(head, 0xE000 | size, 2)
    elif size >> 32:
        raise OverflowError("an entry of 4 GiB in a listpack")
    else:
        head[0] = 0xF0
        width = 1 + little(head + 1, size, 4)
    behind = _back_length(back, width + size)
    at = room(out, width + size + behind)
    memcpy(at, head, width)
    memcpy(at + width, start, size)
    memcpy(at + width + size, back, behind)
    return 0


cdef bytes _closed(bytearray out, Py_ssize_t count):
    """End a listpack that was begun with room for its head."""
    cdef uint8_t* head
    room(out, 1)[0] = 0xFF
    head = <uint8_t*>PyByteArray_AS_STRING(out)
    if PyByteArray_GET_SIZE(out) >> 32:
        raise OverflowError("a listpack of 4 GiB")
    little(head, PyByteArray_GET_SIZE(out), 4)
    little(head + 4, min(count, MANY), 2)
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
