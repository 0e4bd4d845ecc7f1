# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
"""The compiled form of scan.py: frames cut out of what was read of a segment, many at a time.

It takes a frame only if everything about it is as our writer makes it, and stops before any other: the plain code then takes
that one, or says what is wrong with it.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport uint8_t, uint32_t

cdef extern from *:
    """
    #include <stddef.h>
    #include <stdint.h>
    #include <string.h>

    static uint32_t chronis_crc_table[256];

    static void chronis_crc_prepare(void) {
        for (uint32_t n = 0; n < 256; n++) {
            uint32_t crc = n;
            for (int bit = 0; bit < 8; bit++)
                crc = crc & 1 ? crc >> 1 ^ 0x82F63B78u : crc >> 1;
            chronis_crc_table[n] = crc;
        }
    }

    #if defined(__x86_64__) && defined(__GNUC__)
    #include <nmmintrin.h>
    __attribute__((target("sse4.2")))
    static uint32_t chronis_crc_hard(const uint8_t *data, size_t size) {
        uint64_t crc = 0xFFFFFFFFu, word;
        for (; size >= 8; data += 8, size -= 8) {
            memcpy(&word, data, 8);
            crc = _mm_crc32_u64(crc, word);
        }
        for (; size; data++, size--)
            crc = _mm_crc32_u8((uint32_t)crc, *data);
        return (uint32_t)crc ^ 0xFFFFFFFFu;
    }
    #define CHRONIS_HARD_CRC __builtin_cpu_supports("sse4.2")
    #else
    #define CHRONIS_HARD_CRC 0
    #define chronis_crc_hard(data, size) 0
    #endif

    static uint32_t chronis_crc(const uint8_t *data, size_t size) {
        uint32_t crc = 0xFFFFFFFFu;
        if (CHRONIS_HARD_CRC)
            return chronis_crc_hard(data, size);
        for (; size; data++, size--)
            crc = crc >> 8 ^ chronis_crc_table[(crc ^ *data) & 0xFF];
        return crc ^ 0xFFFFFFFFu;
    }
    """
    void chronis_crc_prepare()
    uint32_t chronis_crc(const uint8_t* data, size_t size) nogil

chronis_crc_prepare()


cdef uint32_t checksum(const uint8_t* data, Py_ssize_t size) noexcept nogil:
    """The CRC32C of some bytes."""
    return chronis_crc(data, size)


cdef enum:
    HEADER = 8
    LEAST = 7  # bytes of a body, as in frame.py


cdef inline uint32_t _little(const uint8_t* at) noexcept nogil:
    return at[0] | <uint32_t>at[1] << 8 | <uint32_t>at[2] << 16 | <uint32_t>at[3] << 24


cdef Py_ssize_t _unsigned(const uint8_t* data, Py_ssize_t place, Py_ssize_t end, long long* value) noexcept nogil:
    """Read a msgpack integer from 0 to 2**63-1 into value; return the place after it, -1 if that is not what stands there."""
    cdef int width, step
    cdef unsigned long long number = 0
    if place >= end:
        return -1
    if data[place] < 0x80:
        value[0] = data[place]
        return place + 1
    if not 0xCC <= data[place] <= 0xCF:
        return -1
    width = 1 << (data[place] - 0xCC)
    if width > end - place - 1:
        return -1
    for step in range(width):
        number = number << 8 | data[place + 1 + step]
    if number >> 62:  # as frame.MOST
        return -1
    value[0] = <long long>number
    return place + 1 + width


cdef Py_ssize_t _payload(const uint8_t* data, Py_ssize_t place, Py_ssize_t end) noexcept nogil:
    """Return where the bytes of a msgpack bin start that ends at end; -1 if there is none."""
    cdef Py_ssize_t size = 0
    cdef int width, step
    if place >= end or not 0xC4 <= data[place] <= 0xC6:
        return -1
    width = 1 << (data[place] - 0xC4)
    if width > end - place - 1:
        return -1
    for step in range(width):
        size = size << 8 | data[place + 1 + step]
    place += 1 + width
    return place if size == end - place else -1


cdef Py_ssize_t _items(const uint8_t* data, Py_ssize_t place, Py_ssize_t end, uint8_t few, int mask, uint8_t wide, Py_ssize_t* count) noexcept nogil:
    """Read the head of a msgpack array or string: a byte that holds the count as well, or one followed by u16."""
    if place >= end:
        return -1
    if data[place] & ~mask == few:
        count[0] = data[place] & mask
        return place + 1
    if data[place] != wide or end - place < 3:
        return -1
    count[0] = <Py_ssize_t>data[place + 1] << 8 | data[place + 2]
    return place + 3


cdef Py_ssize_t _text(const uint8_t* data, Py_ssize_t place, Py_ssize_t end) noexcept nogil:
    """Return the place after a msgpack string of ASCII, -1 if there is none."""
    cdef Py_ssize_t size = 0, stop
    if place + 1 < end and data[place] == 0xD9:
        size = data[place + 1]
        place += 2
    else:
        place = _items(data, place, end, 0xA0, 0x1F, 0xDA, &size)
    if place < 0 or size > end - place:
        return -1
    stop = place + size
    while place < stop:
        if data[place] >= 0x80:
            return -1
        place += 1
    return stop


cdef Py_ssize_t _origins(const uint8_t* data, Py_ssize_t place, Py_ssize_t end) noexcept nogil:
    """Return the place after the origins, nil or [[events, user, address], …]; -1 if they are not there."""
    cdef Py_ssize_t count = 0
    cdef long long events
    if place < end and data[place] == 0xC0:
        return place + 1
    place = _items(data, place, end, 0x90, 0x0F, 0xDC, &count)
    while place >= 0 and count > 0:
        if place >= end or data[place] != 0x93:
            return -1
        place = _unsigned(data, place + 1, end, &events)
        if place >= 0:
            place = _text(data, place, end)
        if place >= 0:
            place = _text(data, place, end)
        count -= 1
    return place


def scan_frames(bytes data, Py_ssize_t place, long long offset, long long since, Py_ssize_t most):
    """Take plain frames from place on, the first being that of offset; see scan.py.

    Return ([(offset, unix ms, database, payload), …], place and offset after them). Those that end at or before `since` are
    checked and left out; it ends after `most` bytes of data, before the first frame that is not plain or not all there.
    """
    cdef const uint8_t* text = <const uint8_t*>PyBytes_AS_STRING(data)
    cdef Py_ssize_t size = PyBytes_GET_SIZE(data), until, end, at
    cdef long long first, unix_ms, db
    cdef uint32_t length
    cdef list found = []
    until = size if most > size - place else place + most
    while place < until and size - place >= HEADER:
        length = _little(text + place)
        if length < LEAST or length > size - place - HEADER:
            break
        at = place + HEADER
        end = at + length
        if chronis_crc(text + at, length) != _little(text + place + 4) or text[at] != 0x95:
            break
        at = _unsigned(text, at + 1, end, &first)
        if at < 0 or first != offset:
            break
        at = _unsigned(text, at, end, &unix_ms)
        if at < 0:
            break
        at = _unsigned(text, at, end, &db)
        if at < 0:
            break
        at = _origins(text, at, end)
        if at < 0:
            break
        at = _payload(text, at, end)
        if at < 0:
            break
        place = end
        offset += end - at
        if offset > since:
            found.append((first, unix_ms, db, PyBytes_FromStringAndSize(<const char*>text + at, end - at)))
    return found, place, offset
