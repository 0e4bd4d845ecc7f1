# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
"""The compiled form of event_split.py: canonical events cut out of a payload, many at a time.

It reads nothing but what is canonical to the byte, and stops before anything else: the plain code then says what is wrong.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE


cdef Py_ssize_t _header(const char* text, Py_ssize_t place, Py_ssize_t end, char kind, Py_ssize_t* value) noexcept:
    """Read `kind number CR LF` at place into value; return the place after it, or -1 if that is not what stands there."""
    cdef Py_ssize_t number = 0, first
    if place >= end or text[place] != kind:
        return -1
    place += 1
    first = place
    while place < end and c'0' <= text[place] <= c'9':
        if place - first > 10:
            return -1
        number = number * 10 + (text[place] - c'0')
        place += 1
    if place == first or (text[first] == c'0' and place - first > 1):
        return -1
    if place + 2 > end or text[place] != c'\r' or text[place + 1] != c'\n':
        return -1
    value[0] = number
    return place + 2


cpdef tuple split_events(bytes payload, Py_ssize_t place, Py_ssize_t most):
    """Return ([(position, arguments), …], place after them): up to `most` events from place on, fewer before what is no event."""
    cdef const char* text = PyBytes_AS_STRING(payload)
    cdef Py_ssize_t end = PyBytes_GET_SIZE(payload), at, count = 0, size = 0
    cdef list events = [], args
    while len(events) < most and place < end:
        at = _header(text, place, end, c'*', &count)
        if at < 0 or count < 1:
            break
        args = []
        while count > 0:
            at = _header(text, at, end, c'$', &size)
            if at < 0 or size > end - at - 2 or text[at + size] != c'\r' or text[at + size + 1] != c'\n':
                at = -1
                break
            args.append(PyBytes_FromStringAndSize(text + at, size))
            at += size + 2
            count -= 1
        if at < 0:
            break
        events.append((place, args))
        place = at
    return events, place
