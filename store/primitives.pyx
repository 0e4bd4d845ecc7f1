# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""The compiled forms of what store/primitives.py offers."""

from cpython.bytearray cimport PyByteArray_AsString, PyByteArray_Size
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.object cimport PyObject
from posix.time cimport CLOCK_MONOTONIC, CLOCK_REALTIME, clock_gettime, timespec

from store.decimal cimport LONGEST_DECIMAL, write_decimal

cdef extern from "Python.h":
    object PyObject_Vectorcall(object function, PyObject** args, size_t count, PyObject* names)
    PyObject** PySequence_Fast_ITEMS(object words)
    Py_ssize_t PySequence_Fast_GET_SIZE(object words)

cdef enum:
    FEW = 16


cpdef object call_with(object function, object first, object words, Py_ssize_t skip):
    """Call function(first, *words[skip:]), words being a list or a tuple; see primitives.py."""
    cdef PyObject* few[FEW + 1]
    cdef Py_ssize_t count = PySequence_Fast_GET_SIZE(words) - skip, place
    cdef PyObject** items
    if count < 0 or count > FEW:
        return function(first, *words[skip:])
    items = PySequence_Fast_ITEMS(words)
    few[0] = <PyObject*>first
    for place in range(count):
        few[place + 1] = items[skip + place]
    return PyObject_Vectorcall(function, few, count + 1, NULL)


cdef extern from *:
    int __builtin_clzll(unsigned long long number) noexcept nogil


cpdef int bit_length(long long number) noexcept:
    """The bits that a number >= 0 takes."""
    return 64 - __builtin_clzll(number) if number > 0 else 0


cpdef long long perf_counter_ns() noexcept:
    """Read the monotonic clock: nanoseconds."""
    cdef timespec now
    clock_gettime(CLOCK_MONOTONIC, &now)
    return now.tv_sec * <long long>1000000000 + now.tv_nsec


cpdef long long time_ns() noexcept:
    """Read the wall clock: unix nanoseconds."""
    cdef timespec now
    clock_gettime(CLOCK_REALTIME, &now)
    return now.tv_sec * <long long>1000000000 + now.tv_nsec


cpdef object read_integer(object text):
    """Read a canonical signed 64-bit integer; None if text is something else."""
    cdef const char* start
    cdef Py_ssize_t size
    cdef unsigned long long number = 0
    cdef unsigned long long most = 9223372036854775807
    cdef bint negative
    cdef Py_ssize_t place
    if type(text) is bytes:
        start = PyBytes_AS_STRING(text)
        size = PyBytes_GET_SIZE(text)
    else:
        start = PyByteArray_AsString(text)
        size = PyByteArray_Size(text)
    negative = size > 0 and start[0] == c'-'
    place = 1 if negative else 0
    if place >= size or size - place > 19 or (start[place] == c'0' and size > 1):
        return None
    while place < size:
        if not c'0' <= start[place] <= c'9':
            return None
        number = number * 10 + <unsigned char>(start[place] - c'0')
        place += 1
    if number > most + negative:
        return None
    return -<long long>(number - 1) - 1 if negative else <long long>number


cpdef bytes write_integer(long long number):
    """Write a signed 64-bit integer in decimal digits."""
    cdef char[LONGEST_DECIMAL] text
    return PyBytes_FromStringAndSize(text, write_decimal(text, number))


cpdef object quick_float(bytes text):
    """Read a number that is written in up to 15 digits; None: look closer."""
    cdef const char* start = PyBytes_AS_STRING(text)
    cdef Py_ssize_t size = PyBytes_GET_SIZE(text), place
    cdef long long number = 0
    if not 0 < size < 16:
        return None
    for place in range(size):
        if not c'0' <= start[place] <= c'9':
            return None
        number = number * 10 + (start[place] - c'0')
    return <double>number


cpdef Py_ssize_t total_length(object words) except -1:
    """Sum the lengths of words, a list or a tuple."""
    cdef Py_ssize_t count = PySequence_Fast_GET_SIZE(words), place, size = 0
    cdef PyObject** items = PySequence_Fast_ITEMS(words)
    for place in range(count):
        size += PyBytes_GET_SIZE(<object>items[place])
    return size
