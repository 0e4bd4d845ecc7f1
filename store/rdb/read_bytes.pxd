"""Numbers, lengths and LZF, read from the bytes of an RDB file. There is no module to it: users compile it in.

Law: no byte is looked at before its place was compared with the end.
"""

from libc.stdint cimport int64_t, uint8_t, uint64_t
from libc.string cimport memcpy


cdef inline int64_t signed(const uint8_t* at, int width) noexcept nogil:
    """A signed little-endian integer of 1 to 8 bytes."""
    cdef uint64_t number = 0
    cdef int step
    for step in range(width):
        number |= <uint64_t>at[step] << (8 * step)
    return <int64_t>(number << (64 - 8 * width)) >> (64 - 8 * width)


cdef inline Py_ssize_t unpack(const uint8_t* data, Py_ssize_t size, uint8_t* out, Py_ssize_t length) noexcept nogil:
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


cdef inline Py_ssize_t read_length(const uint8_t* data, Py_ssize_t size, Py_ssize_t pos, Py_ssize_t* value) noexcept nogil:
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
