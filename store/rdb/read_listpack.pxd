"""The entries of a listpack (grammar: `compact`), read where they are. There is no module to it: users compile it in."""

from cpython.bytes cimport PyBytes_FromStringAndSize
from libc.stdint cimport int64_t, uint8_t, uint32_t

from store.primitives cimport write_integer
from store.rdb.read_bytes cimport signed


cdef struct Item:
    const uint8_t* text  # NULL: it is the number
    Py_ssize_t size
    int64_t number


cdef inline Py_ssize_t next_item(const uint8_t* pack, Py_ssize_t place, Py_ssize_t end, Item* item) noexcept nogil:
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
        item.number = signed(pack + place + 1, <int>(size - 1))
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


cdef inline object text_of(Item* item):
    return PyBytes_FromStringAndSize(<const char*>item.text, item.size) if item.text != NULL else write_integer(item.number)


cdef inline Py_ssize_t count_said(const uint8_t* pack, Py_ssize_t size) noexcept nogil:
    """Return how many entries a listpack says it has, -1 if its head or its end is wrong."""
    if size < 7 or pack[size - 1] != 0xFF:
        return -1
    if (pack[0] | <uint32_t>pack[1] << 8 | <uint32_t>pack[2] << 16 | <uint32_t>pack[3] << 24) != size:
        return -1
    return pack[4] | <Py_ssize_t>pack[5] << 8
