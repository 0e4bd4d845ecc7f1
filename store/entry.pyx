# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""The compiled entry of a key: one piece of memory, and nothing that the garbage collector would have to look at.

    header | deadline | word | access | slot | length | key | room for a short value

`word` says what the value is: an object (its address, which is even) or a short string in the room (twice its length, and
one). Its highest byte is the length of the room, however the value is kept. What is in the room is copied out when it is
read, which is cheaper than it looks: the copy is made in memory that is in the cache, the other object was elsewhere.
Invariant: `length` bytes of key and the room fit what was allocated, a multiple of 16.
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.object cimport PyObject
from cpython.ref cimport Py_DECREF, Py_INCREF
from libc.string cimport memcpy

cdef extern from "Python.h":
    """
    #define CHRONIS_INIT(memory, type) PyObject_Init((PyObject*)(memory), (PyTypeObject*)(type))
    #define CHRONIS_BYTES_HEAD ((Py_ssize_t)offsetof(PyBytesObject, ob_sval) + 1)
    """
    void* PyObject_Malloc(size_t size)
    Entry init_object "CHRONIS_INIT"(void* memory, object type)
    const Py_ssize_t BYTES_HEAD "CHRONIS_BYTES_HEAD"

from store.values.base cimport Value

from store.values.base import Value as _Value

ENTRY_COST = 70  # what comes before the key, what is lost to the allocator's steps, places
Stored = bytes | bytearray | _Value
cdef enum:
    PLACES = 19  # 8 bytes of `order` and 8 of the table, both with what they keep free
    SHORT = 64  # bytes of a value up to which a new entry has room for it
    ROOM = 255
    BYTEARRAY = 80  # an empty bytearray
    TWICE = 512  # what is longer does not come from pools and has a header

cdef unsigned long long OBJECT = (1ull << 56) - 1
cdef Py_ssize_t HEAD  # bytes before the key


cdef inline Py_ssize_t allocated(Py_ssize_t size) noexcept:
    """The bytes that an allocation takes."""
    return ((size if size <= TWICE else size + 8) + 15) & ~<Py_ssize_t>15


@cython.no_gc  # what an entry refers to never refers back to it
@cython.final
cdef class Entry:
    """See store.entry.Entry."""

    def __cinit__(self):
        self._word = 1

    def __dealloc__(self):
        if not self._word & 1:
            Py_DECREF(<object><PyObject*><size_t>(self._word & OBJECT))

    def __sizeof__(self):
        return HEAD + self.length + (self._word >> 56)

    @property
    def key(self):
        """The name, a new object each time."""
        return key_of(self)

    @property
    def value(self):
        """What the key holds."""
        return value_of(self)


cpdef Entry new_entry(bytes key, object value, Py_ssize_t slot, long long access):
    """Make the entry of a key."""
    cdef Py_ssize_t length = PyBytes_GET_SIZE(key), size = HEAD + length, room
    cdef Entry entry
    cdef void* memory
    if type(value) is bytes and PyBytes_GET_SIZE(value) <= SHORT:
        size += PyBytes_GET_SIZE(value)
    size = (size + 15) & ~<Py_ssize_t>15
    memory = PyObject_Malloc(size)
    if memory is NULL:
        raise MemoryError
    entry = init_object(memory, Entry)
    room = min(size - HEAD - length, ROOM)
    entry.deadline = 0
    entry._word = <unsigned long long>room << 56 | 1
    entry.access = <unsigned int>access
    entry.slot = <int>slot
    entry.length = <unsigned int>length
    memcpy(entry.text, PyBytes_AS_STRING(key), length)
    keep(entry, value)
    return entry


cpdef bytes key_of(Entry entry):
    """The key of an entry."""
    return PyBytes_FromStringAndSize(entry.text, entry.length)


cpdef object value_of(Entry entry):
    """The value of an entry."""
    cdef unsigned long long word = entry._word
    if word & 1:
        return PyBytes_FromStringAndSize(entry.text + entry.length, (word >> 1) & ROOM)
    return <object><PyObject*><size_t>(word & OBJECT)


cpdef object collection(Entry entry):
    """The value of an entry unless it is a string."""
    cdef unsigned long long word = entry._word
    if word & 1:
        return None
    value = <object><PyObject*><size_t>(word & OBJECT)
    return None if type(value) is bytes or type(value) is bytearray else value


cpdef object keep(Entry entry, object value):
    """Replace the value of an entry; return the former one unless it was a string."""
    cdef unsigned long long word = entry._word, room = word >> 56
    cdef object old = None
    if type(value) is bytes and <unsigned long long>PyBytes_GET_SIZE(value) <= room:
        memcpy(entry.text + entry.length, PyBytes_AS_STRING(value), PyBytes_GET_SIZE(value))
        entry._word = room << 56 | <unsigned long long>PyBytes_GET_SIZE(value) << 1 | 1
    else:
        Py_INCREF(value)
        entry._word = room << 56 | <unsigned long long><size_t><PyObject*>value
    if not word & 1:
        old = <object><PyObject*><size_t>(word & OBJECT)
        Py_DECREF(old)
        if type(old) is bytes or type(old) is bytearray:
            return None
    return old


cpdef Py_ssize_t size_of(Entry entry):
    """Bytes of an entry with its places, key and string; a collection accounts for itself."""
    cdef unsigned long long word = entry._word
    cdef Py_ssize_t size = PLACES + allocated(HEAD + entry.length + <Py_ssize_t>(word >> 56))
    if word & 1:
        return size
    value = <object><PyObject*><size_t>(word & OBJECT)
    if type(value) is bytes:
        return size + allocated(BYTES_HEAD + PyBytes_GET_SIZE(value))
    return size + BYTEARRAY + len(value) if type(value) is bytearray else size


cpdef Py_ssize_t cost_of(Entry entry):
    """Bytes that a key takes with all that it holds."""
    cdef Value value = collection(entry)
    return size_of(entry) if value is None else size_of(entry) + value.nbytes


cdef Entry _sample = Entry.__new__(Entry)
HEAD = <char*>_sample.text - <char*><PyObject*>_sample
