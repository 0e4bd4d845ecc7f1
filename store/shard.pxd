"""Shards of the compiled table of keys (see table.pyx): slots, and how a row of them is laid out. Only the table compiles it in."""

from cpython.object cimport PyObject

from store.entry cimport Entry
from store.table cimport Shard

ctypedef unsigned long long u64

cdef extern from "Python.h":
    void* calloc "PyMem_RawCalloc"(size_t count, size_t size) nogil

cdef enum:
    TAG = 20  # bits of a tag
    ADDRESS = 44  # bits of an address without its lowest four
    LEAST = 8  # homes of the smallest shard
    SPARE = 8  # slots behind the last one that is taken, in a new shard


cdef inline u64 home(u64 slot, u64 homes) noexcept nogil:
    return ((slot >> ADDRESS) * homes) >> TAG


cdef inline char* address_of(u64 slot) noexcept nogil:
    return <char*><size_t>((slot & ((1ull << ADDRESS) - 1)) << 4)


cdef inline Entry entry_of(u64 slot):
    return <Entry><PyObject*>address_of(slot)


cdef inline Py_ssize_t roomy(Py_ssize_t used) noexcept nogil:
    """The homes that a shard of so many entries is made with: it is 71 % full, and copied when it is 88 % or 25 %."""
    return max(LEAST, used + used * 2 // 5)


cdef inline Shard* laid_out(const u64* slots, Py_ssize_t count, Py_ssize_t homes, int depth) noexcept nogil:
    """Make a shard of slots that are in order, gaps among them skipped; NULL if there is no memory."""
    cdef Py_ssize_t number, size, place = -1, used = 0
    cdef Shard* shard
    for number in range(count):
        if slots[number]:
            place = max(place + 1, <Py_ssize_t>home(slots[number], homes))
            used += 1
    size = max(homes, place + 1) + SPARE
    shard = <Shard*>calloc(1, sizeof(Shard) + (size - 1) * sizeof(u64))
    if shard is NULL:
        return NULL
    shard.depth, shard.homes, shard.size, shard.used = depth, homes, size, used
    place = -1
    for number in range(count):
        if slots[number]:
            place = max(place + 1, <Py_ssize_t>home(slots[number], homes))
            shard.slots[place] = slots[number]
    return shard


cdef inline Py_ssize_t in_order(const Shard* one, const Shard* other, u64* slots) noexcept nogil:
    """Write the slots of two shards in the order of their tags; return how many there are."""
    cdef Py_ssize_t left = 0, right = 0, count = 0
    while left < one.size and right < other.size:
        if not one.slots[left]:
            left += 1
        elif not other.slots[right]:
            right += 1
        elif one.slots[left] <= other.slots[right]:
            slots[count] = one.slots[left]
            left, count = left + 1, count + 1
        else:
            slots[count] = other.slots[right]
            right, count = right + 1, count + 1
    while left < one.size:
        slots[count] = one.slots[left]
        count += one.slots[left] != 0
        left += 1
    while right < other.size:
        slots[count] = other.slots[right]
        count += other.slots[right] != 0
        right += 1
    return count
