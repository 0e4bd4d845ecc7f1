"""Steps of appending to a bytearray: room, numbers, lengths of RDB. There is no module to it: users compile it in."""

from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_GET_SIZE, PyByteArray_Resize
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.stdint cimport int64_t, uint8_t, uint64_t


cdef inline uint8_t* room(bytearray out, Py_ssize_t size) except NULL:
    """Make out longer by size bytes; return where they are."""
    cdef Py_ssize_t before = PyByteArray_GET_SIZE(out)
    PyByteArray_Resize(out, before + size)
    return <uint8_t*>PyByteArray_AS_STRING(out) + before


cdef inline int little(uint8_t* at, uint64_t number, int width) noexcept:
    """Write a number of width bytes, the lowest first; return width."""
    cdef int step
    for step in range(width):
        at[step] = <uint8_t>(number >> (8 * step))
    return width


cdef inline int big(uint8_t* at, uint64_t number, int width) noexcept:
    """Write a number of width bytes, the highest first; return width."""
    cdef int step
    for step in range(width):
        at[step] = <uint8_t>(number >> (8 * (width - 1 - step)))
    return width


cdef inline int write_length(uint8_t* at, uint64_t number) noexcept:
    """Write a length of up to 9 bytes; return how many they are."""
    if number < 0x40:
        at[0] = <uint8_t>number
        return 1
    if number < 0x4000:
        return big(at, number | 0x4000, 2)
    if number < <uint64_t>1 << 32:
        at[0] = 0x80
        return 1 + big(at + 1, number, 4)
    at[0] = 0x81
    return 1 + big(at + 1, number, 8)


cdef inline bint is_integer(const uint8_t* text, Py_ssize_t size, int64_t* value) noexcept:
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


cdef inline int bytes_of(object text, const uint8_t** start, Py_ssize_t* size) except -1:
    """Find the bytes of a bytes or bytearray."""
    if type(text) is bytes:
        start[0], size[0] = <const uint8_t*>PyBytes_AS_STRING(text), PyBytes_GET_SIZE(text)
    elif type(text) is bytearray:
        start[0], size[0] = <const uint8_t*>PyByteArray_AS_STRING(text), PyByteArray_GET_SIZE(text)
    else:
        raise TypeError(f"{type(text).__name__} where bytes belong")
    return 0
