# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
"""The compiled form of put.py: what a snapshot is written with, appended in place."""

from cpython.bytearray cimport PyByteArray_GET_SIZE
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.stdint cimport int64_t, uint8_t, uint64_t
from libc.string cimport memcpy

from store.entry cimport Entry, key_of, value_of
from store.rdb.append cimport bytes_of, is_integer, little, room, write_length
from store.rdb.put_listpack cimport encode_packed, encode_packed_scores
from store.values.hash cimport Hash
from store.values.packed cimport Packed
from store.values.sorted_set cimport SortedSet

from store.rdb import codes
from store.rdb.lzf import compress

cdef enum:
    COMPRESS_FROM = 21
    STRING = 0
    LZF = 3
    HASH_LISTPACK = 16
    ZSET_LISTPACK = 17
    IDLE = 248
    FREQ = 249
    EXPIRETIME_MS = 252

assert (HASH_LISTPACK, ZSET_LISTPACK) == (codes.HASH_LISTPACK, codes.ZSET_LISTPACK)
assert (STRING, LZF, IDLE, FREQ, EXPIRETIME_MS) == (codes.STRING, codes.LZF, codes.IDLE, codes.FREQ, codes.EXPIRETIME_MS)


cpdef put_length(bytearray out, object number):
    """Append a length (0 to 2**64-1)."""
    cdef uint8_t[9] head
    cdef int size = write_length(head, number)
    memcpy(room(out, size), head, size)


cpdef put_integer(bytearray out, long long number):
    """Append a string that is the decimal number (32 bits, signed)."""
    cdef int form = 0 if -0x80 <= number <= 0x7F else 1 if -0x8000 <= number <= 0x7FFF else 2
    cdef uint8_t* at = room(out, 1 + (1 << form))
    at[0] = <uint8_t>(0xC0 | form)
    little(at + 1, <uint64_t>number, 1 << form)


cpdef put_string(bytearray out, object text, bint packing):
    """Append a string: as a number if it is one of up to 32 bits, with packing by LZF if shorter, else as it is."""
    cdef const uint8_t* start = NULL
    cdef Py_ssize_t size = 0
    cdef int64_t number = 0
    cdef uint8_t[9] head
    cdef uint8_t* at
    cdef int width
    cdef bytes packed
    bytes_of(text, &start, &size)
    if size <= 11:
        if size and start[0] <= 57 and is_integer(start, size, &number) and -0x80000000 <= number <= 0x7FFFFFFF:
            put_integer(out, number)
            return
    elif packing and size >= COMPRESS_FROM:
        packed = compress(text if type(text) is bytes else bytes(text))
        if packed is not None:
            _put_packed(out, packed, size)
            return
    width = write_length(head, size)
    at = room(out, width + size)
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
    width += write_length(head + width, size)
    width += write_length(head + width, plain)
    at = room(out, width + size)
    memcpy(at, head, width)
    memcpy(at + width, PyBytes_AS_STRING(packed), size)


cpdef put_double(bytearray out, double value):
    """Append a binary double."""
    cdef uint64_t bits
    memcpy(&bits, &value, 8)
    little(room(out, 8), bits, 8)


# ── keys ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────
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
            room(out, 1)[0] = IDLE
            put_length(out, max(<long long>0, clock - entry.access))
        elif told:
            at = room(out, 2)
            at[0], at[1] = FREQ, <uint8_t>(entry.access & 0xFF)
        if entry.deadline:
            at = room(out, 9)
            at[0] = EXPIRETIME_MS
            little(at + 1, <uint64_t>entry.deadline, 8)
        value = value_of(entry)
        if type(value) is bytes or type(value) is bytearray:
            room(out, 1)[0] = STRING
            put_string(out, key_of(entry), packing)
            put_string(out, value, packing)
        elif (type(value) is Hash or type(value) is SortedSet) and (<Packed>value).table is None and (<Packed>value).compact:
            room(out, 1)[0] = HASH_LISTPACK if type(value) is Hash else ZSET_LISTPACK
            put_string(out, entry.key, packing)
            put_string(out, encode_packed(value) if type(value) is Hash else encode_packed_scores(value), packing)
        else:
            put(out, key_of(entry), value)
        if PyByteArray_GET_SIZE(out) >= most:
            break
    return place
