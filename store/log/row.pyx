# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
"""The compiled form of store/log/row.py: the bytes of all events side by side, and where each begins."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.string cimport memcmp, memcpy, memmove

from store.resp.encoded cimport Encoded


cdef class Row:
    """See store.log.row.Row."""

    def __cinit__(self):
        self._events = Encoded.__new__(Encoded)

    def __len__(self):
        return self._events._marks

    cpdef append(self, bytes event):
        """Add an encoded event."""
        cdef Encoded events = self._events
        cdef Py_ssize_t before = events._size
        events.room_for_mark()  # so that nothing fails between the bytes and their place
        events.append(event)
        events.mark(before)

    cpdef Py_ssize_t enter(self, tuple words) except -1:
        """Encode an event and add it; return its bytes."""
        cdef Encoded events = self._events
        cdef Py_ssize_t before = events._size, size
        events.room_for_mark()
        size = events.words(words)
        events.mark(before)
        return size

    cpdef insert(self, Py_ssize_t place, bytes event):
        """Put an encoded event before that of a place."""
        cdef Encoded events = self._events
        cdef Py_ssize_t size = PyBytes_GET_SIZE(event), last = events._size, start, later
        if place >= events._marks:
            self.append(event)
            return
        start = events._places[place]
        events.room_for_mark()
        events.append(event)  # for the room
        events.mark(0)
        for later in range(events._marks - 1, place, -1):
            events._places[later] = events._places[later - 1] + size
        memmove(events._data + start + size, events._data + start, last - start)
        memcpy(events._data + start, PyBytes_AS_STRING(event), size)

    cpdef bint begins(self, Py_ssize_t place, bytes prefix) except -1:
        """Tell whether the event at a place begins with a prefix."""
        cdef Encoded events = self._events
        cdef Py_ssize_t size = PyBytes_GET_SIZE(prefix)
        if not 0 <= place < events._marks:
            raise IndexError(place)
        if events._size - events._places[place] < size:
            return False
        return memcmp(events._data + events._places[place], PyBytes_AS_STRING(prefix), size) == 0

    cpdef bytes cut(self, Py_ssize_t count):
        """Take the first so many events out; return their bytes."""
        cdef Encoded events = self._events
        cdef Py_ssize_t size, place
        cdef bytes data
        if count >= events._marks:
            return events.take()
        size = events._places[count]
        data = PyBytes_FromStringAndSize(events._data, size)
        memmove(events._data, events._data + size, events._size - size)
        for place in range(count, events._marks):
            events._places[place - count] = events._places[place] - size
        events._marks -= count
        events._size -= size
        return data
