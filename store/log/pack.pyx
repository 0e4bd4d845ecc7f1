# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
"""The compiled form of store/log/pack.py: a frame written in one go."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport uint8_t, uint32_t
from libc.string cimport memcpy

from store.log.scan cimport checksum

MAX_BODY = 2**32 - 1

cdef enum:
    HEADER = 8  # length and checksum
    START = 32  # most bytes of a body before its origins: the array's, three integers


cdef inline uint8_t* _big(uint8_t* out, unsigned long long number, int width) noexcept:
    """Write a number's bytes, the highest first; return the place after them."""
    cdef int place
    for place in range(width):
        out[place] = <uint8_t>(number >> 8 * (width - 1 - place))
    return out + width


cdef inline void _little(uint8_t* out, uint32_t number) noexcept:
    cdef int place
    for place in range(4):
        out[place] = <uint8_t>(number >> 8 * place)


cdef uint8_t* _unsigned(uint8_t* out, unsigned long long number) noexcept:
    """Write an integer in msgpack's shortest form."""
    if number < 0x80:
        out[0] = <uint8_t>number
        return out + 1
    if number < 0x100:
        out[0] = 0xCC
        return _big(out + 1, number, 1)
    if number < 0x10000:
        out[0] = 0xCD
        return _big(out + 1, number, 2)
    if number < <unsigned long long>0x100000000:
        out[0] = 0xCE
        return _big(out + 1, number, 4)
    out[0] = 0xCF
    return _big(out + 1, number, 8)


cdef uint8_t* _bin(uint8_t* out, Py_ssize_t size) noexcept:
    """Write msgpack's shortest header for a bin of size bytes, below 2**32."""
    if size < 0x100:
        out[0] = 0xC4
        return _big(out + 1, size, 1)
    if size < 0x10000:
        out[0] = 0xC5
        return _big(out + 1, size, 2)
    out[0] = 0xC6
    return _big(out + 1, size, 4)


def pack(unsigned long long offset, unsigned long long unix_ms, unsigned long long db, bytes origins not None, bytes payload not None):
    """Return the bytes of one frame; see pack.py."""
    cdef uint8_t start[START]
    cdef uint8_t head[8]
    cdef uint8_t* out = start
    cdef Py_ssize_t first, second, middle = PyBytes_GET_SIZE(origins), size = PyBytes_GET_SIZE(payload)
    cdef bytes made
    cdef uint8_t* data
    out[0] = 0x95
    out = _unsigned(_unsigned(_unsigned(out + 1, offset), unix_ms), db)
    first = out - start
    if first + middle + 5 + size > <Py_ssize_t>0xFFFFFFFF:
        raise ValueError(f"a frame of about {size} bytes does not fit into {MAX_BODY}")
    second = _bin(head, size) - head
    made = PyBytes_FromStringAndSize(NULL, HEADER + first + middle + second + size)
    data = <uint8_t*>PyBytes_AS_STRING(made)
    memcpy(data + HEADER, start, first)
    memcpy(data + HEADER + first, PyBytes_AS_STRING(origins), middle)
    memcpy(data + HEADER + first + middle, head, second)
    memcpy(data + HEADER + first + middle + second, PyBytes_AS_STRING(payload), size)
    _little(data, <uint32_t>(first + middle + second + size))
    _little(data + 4, checksum(data + HEADER, first + middle + second + size))
    return made
