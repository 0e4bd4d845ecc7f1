# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""The compiled form of store/values/packed.py: items in one block of memory, each a byte of length and its bytes."""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.list cimport PyList_New, PyList_SET_ITEM
from cpython.mem cimport PyMem_Free, PyMem_Realloc
from cpython.ref cimport Py_INCREF
from libc.string cimport memcmp, memcpy, memmove
from store.values.base cimport Value

cdef enum:
    ITEM = 255
    BLOCK = 65535
    EMPTY = 64

MOST_ITEM, MOST_BYTES, EMPTY_COST = ITEM, BLOCK, EMPTY


cpdef Py_ssize_t block(Py_ssize_t size) noexcept:
    """The bytes that the allocator takes for a block of size bytes."""
    if size > 512:  # beyond, it is malloc's: with a header
        return (size + 8 + 15) // 16 * 16
    return (size + 15) // 16 * 16


@cython.no_gc
cdef class Packed(Value):
    """See store.values.packed.Packed; a place is the offset of an item's length."""

    def __init__(self):
        Value.__init__(self)
        self.nbytes = EMPTY

    def __dealloc__(self):
        PyMem_Free(self.data)

    cpdef bint _fits(self, Py_ssize_t items, Py_ssize_t size) noexcept:
        """Tell whether so many more items of so many bytes together fit in."""
        return self.used + items + size <= BLOCK

    # ── reading ────────────────────────────────────────────────────────────────────────────────────────────────────
    cpdef Py_ssize_t _find(self, bytes item, int step) noexcept:
        """The place of the first item equal to the one given, of every step-th (1 or 2) from the first; -1 without one."""
        cdef unsigned char* at = self.data
        cdef unsigned char* end = at + self.used
        cdef Py_ssize_t size = PyBytes_GET_SIZE(item)
        cdef const char* text = PyBytes_AS_STRING(item)
        if size > ITEM:
            return -1
        if step == 1:
            while at < end:
                if at[0] == size and memcmp(at + 1, text, size) == 0:
                    return at - self.data
                at += at[0] + 1
            return -1
        while at < end:
            if at[0] == size and memcmp(at + 1, text, size) == 0:
                return at - self.data
            at += at[0] + 1
            at += at[0] + 1
        return -1

    cpdef Py_ssize_t _locate(self, Py_ssize_t number) noexcept:
        """The place of an item by its number (0 <= number <= count)."""
        cdef Py_ssize_t place = 0
        if number >= self.count:
            return self.used
        while number > 0:
            place += self.data[place] + 1
            number -= 1
        return place

    cpdef bytes _item(self, Py_ssize_t place, int ahead=0):
        """The item at a place, or so many ahead of it."""
        cdef unsigned char* at = self.data + place
        while ahead > 0:
            at += at[0] + 1
            ahead -= 1
        return PyBytes_FromStringAndSize(<char*>at + 1, at[0])

    cpdef list _items(self, Py_ssize_t first, Py_ssize_t stop, int step=1):
        """The items with first (not below 0) <= number < stop, every step-th (1 or 2) of them."""
        cdef unsigned char* at = self.data + self._locate(first)
        cdef Py_ssize_t number, count
        cdef list found
        cdef bytes item
        if stop > self.count:
            stop = self.count
        count = (stop - first + step - 1) // step if first < stop else 0
        found = PyList_New(count)
        for number in range(count):
            item = PyBytes_FromStringAndSize(<char*>at + 1, at[0])
            Py_INCREF(item)  # the list takes one
            PyList_SET_ITEM(found, number, item)
            at += at[0] + 1
            if step == 2 and number + 1 < count:
                at += at[0] + 1
        return found

    cpdef dict _pairs_as_dict(self):
        """Every other item from the first, each with the one after it; there must be an even number."""
        cdef dict found = {}
        cdef unsigned char* at = self.data
        cdef unsigned char* end = at + self.used
        cdef bytes first
        while at < end:
            first = PyBytes_FromStringAndSize(<char*>at + 1, at[0])
            at += at[0] + 1
            found[first] = PyBytes_FromStringAndSize(<char*>at + 1, at[0])
            at += at[0] + 1
        return found

    # ── changing ───────────────────────────────────────────────────────────────────────────────────────────────────
    cpdef _fill(self, list items):
        """Put items, which fit, into an empty block."""
        cdef bytes item
        cdef Py_ssize_t size = 0
        cdef unsigned char* at
        for item in items:
            size += 1 + length(item)
        if not size:
            return
        at = open_gap(self, 0, size)
        for item in items:
            at = write(at, item)
        self.count = <unsigned short>len(items)

    cdef int _fill_raw(self, const unsigned char* block, Py_ssize_t size, Py_ssize_t items, Py_ssize_t longest) except -1:
        """Become a new, compact value with a copy of the block of so many items, of which the longest is told."""
        memcpy(open_gap(self, 0, size), block, size)
        self.count = <unsigned short>items
        self.longest = <unsigned short>longest
        self.compact = True
        return 0

    cpdef _insert(self, Py_ssize_t place, bytes item):
        """Put an item, which fits, before the one at a place."""
        write(open_gap(self, place, 1 + length(item)), item)
        self.count += 1

    cpdef _append(self, bytes item):
        """Put an item, which fits, behind all others."""
        write(open_gap(self, self.used, 1 + length(item)), item)
        self.count += 1

    cpdef _append_pair(self, bytes first, bytes second):
        """Put two items, which fit, behind all others."""
        cdef unsigned char* at = open_gap(self, self.used, 2 + length(first) + length(second))
        write(write(at, first), second)
        self.count += 2

    cpdef Py_ssize_t _replace(self, Py_ssize_t place, int ahead, bytes item) except -1:
        """Put an item, which fits, in the place of the one so many ahead of a place; return the old one's length."""
        cdef Py_ssize_t size = length(item), old, start
        cdef unsigned char* at = self.data + place
        while ahead > 0:
            at += at[0] + 1
            ahead -= 1
        old = at[0]
        start = at - self.data
        if size > old:
            at = open_gap(self, start + 1 + old, size - old) - old - 1
        elif size < old:
            memmove(at + 1 + size, at + 1 + old, self.used - start - 1 - old)
            resize(self, self.used - old + size)
            at = self.data + start
        write(at, item)
        return old

    cpdef _delete(self, Py_ssize_t place, int number):
        """Take out so many items from a place on."""
        cdef unsigned char* start = self.data + place
        cdef unsigned char* stop = start
        cdef int left = number
        while left > 0:
            stop += stop[0] + 1
            left -= 1
        memmove(start, stop, self.data + self.used - stop)
        resize(self, self.used - (stop - start))
        self.count -= <unsigned short>number

    cpdef _release(self):
        """Take out all items."""
        resize(self, 0)
        self.count = 0

    cpdef _take_over(self, Packed other):
        """Become a copy of another block, with what `Value` knows of it; this one must be empty."""
        if other.used:
            memcpy(open_gap(self, 0, other.used), other.data, other.used)
        self.count = other.count
        self.longest = other.longest
        self.compact = other.compact
        self.nbytes = other.nbytes

    def check_packed(self):
        """Assert every invariant of the block."""
        cdef Py_ssize_t place = 0, items = 0
        while place < self.used:
            place += self.data[place] + 1
            items += 1
        assert place == self.used
        assert items == self.count
        assert (self.data == NULL) == (self.used == 0)


cdef Py_ssize_t length(bytes item) except -1:
    """The bytes of an item that may get into a block."""
    cdef Py_ssize_t size = PyBytes_GET_SIZE(item)
    if size > ITEM:
        raise ValueError("an item takes 255 bytes at most")
    return size


cdef unsigned char* write(unsigned char* at, bytes item) noexcept:
    """Write an item with its length; return what is behind it."""
    cdef Py_ssize_t size = PyBytes_GET_SIZE(item)
    at[0] = <unsigned char>size
    memcpy(at + 1, PyBytes_AS_STRING(item), size)
    return at + 1 + size


cdef int resize(Packed self, Py_ssize_t used) except -1:
    cdef unsigned char* data
    if used == 0:
        PyMem_Free(self.data)
        self.data = NULL
    else:
        data = <unsigned char*>PyMem_Realloc(self.data, used)
        if data == NULL:
            raise MemoryError
        self.data = data
    self.used = <unsigned short>used
    self.nbytes = EMPTY + block(used)
    return 0


cdef unsigned char* open_gap(Packed self, Py_ssize_t place, Py_ssize_t size) except NULL:
    """Make room for size bytes at a place."""
    cdef Py_ssize_t behind = self.used - place
    if size > BLOCK - self.used:
        raise ValueError("a block takes no more")
    resize(self, self.used + size)
    if behind:
        memmove(self.data + place + size, self.data + place, behind)
    return self.data + place
