# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""The compiled table of keys: eight bytes a slot, two reads of memory a lookup, and no pause when it grows.

    table = directory of 2^depth shards, by the lowest bits of the hash      a shard may stand at several places
    shard = slots in the order of their tags, with gaps; the last one is 0
    slot  = tag, the 20 highest bits of the hash | address of the entry / 16, or 0: a gap

The tag gives a slot its home, `tag * homes >> 20`. Where a home is taken, slots move on: from its home to a slot there is no
gap. So a search starts at the home and ends at a gap or a greater tag, an insertion moves a run of slots up by one, a
removal moves them back, and a shard is copied into a larger or smaller one in one pass that looks at no entry. A shard of
MOST entries is split in two by one more bit of the hash, and merged again when few are left: so the work done at once
is bounded. Slots borrow their entries; `order` holds them.

Two keys may have the same tag: keys are compared then. Hashes are Python's, which are keyed, so nobody can choose them.
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.list cimport PyList_GET_SIZE
from cpython.object cimport PyObject
from libc.string cimport memcmp, memcpy, memmove

from store.entry cimport Entry, new_entry
from store.shard cimport ADDRESS, LEAST, TAG, address_of, entry_of, home, in_order, laid_out, roomy, u64

cdef extern from "Python.h":
    """
    #if PY_VERSION_HEX >= 0x030E0000
    #define CHRONIS_HASH Py_HashBuffer
    #else
    #define CHRONIS_HASH _Py_HashBytes
    #if PY_VERSION_HEX >= 0x030D0000
    PyAPI_FUNC(Py_hash_t) _Py_HashBytes(const void*, Py_ssize_t);  // 3.13 exports it, but hides its declaration
    #endif
    #endif
    """
    Py_hash_t hash_of "PyObject_Hash"(object key) noexcept  # of bytes it can't fail
    Py_hash_t hash_bytes "CHRONIS_HASH"(const void* start, Py_ssize_t size) noexcept
    void* malloc "PyMem_RawMalloc"(size_t size) nogil
    void free "PyMem_RawFree"(void* memory) nogil
    void PyObject_GC_UnTrack(void* object)
    void __builtin_prefetch(const void* address) nogil

cdef enum:
    MOST = 2048  # entries from which a shard is split
    FEW = 256  # entries from which down it may be merged
    DEEPEST = 30
    AHEAD = 16  # slots between an entry that is looked at and one that is asked for
    KEY = 48  # bytes from an entry's start to somewhere in its key

cdef Shard NOTHING  # the shard of an empty table: full from the beginning
NOTHING.depth = NOTHING.homes = NOTHING.used = 0
NOTHING.size = 1
NOTHING.slots[0] = 0


cdef inline void dispose(Shard* shard) noexcept nogil:
    if shard is not &NOTHING:
        free(shard)


@cython.no_gc  # nothing that an entry holds leads back to its table
@cython.final
cdef class Table:
    """See store.table.Table."""

    def __cinit__(self, spread=-1):
        self.order = []
        PyObject_GC_UnTrack(<PyObject*>self.order)  # a million entries are not to be looked through for cycles
        self._spread = <u64>(spread & 0xFFFFFFFFFFFFFFFF)
        self._first = &NOTHING
        self._shards = &self._first
        self._deep[0] = 1

    def __dealloc__(self):
        self._bury()
        self._free_dead(self._dying)

    def __len__(self):
        return PyList_GET_SIZE(self.order)

    def __bool__(self):
        return PyList_GET_SIZE(self.order) > 0

    def __iter__(self):
        return (entry.key for entry in self.order)

    def __contains__(self, bytes key):
        return self.get(key) is not None

    def __getitem__(self, bytes key):
        entry = self.get(key)
        if entry is None:
            raise KeyError(key)
        return entry

    def __sizeof__(self):
        """Bytes of the table and its places; entries are not part of it."""
        cdef Py_ssize_t number, size = 0
        cdef Shard* shard
        for number in range(1 << self._depth):
            shard = self._shards[number]
            if shard is not &NOTHING and number < 1 << shard.depth:
                size += sizeof(Shard) + (shard.size - 1) * sizeof(u64)
        return object.__sizeof__(self) + (sizeof(void*) << self._depth) + size + self.order.__sizeof__()

    cdef inline u64 _hash(self, bytes key) except? 1:
        if key is None:
            raise TypeError("a key is bytes")
        return <u64>hash_of(key) & self._spread

    cdef inline u64 _rehash(self, u64 slot) noexcept:
        cdef Entry entry = entry_of(slot)
        return <u64>hash_bytes(entry.text, entry.length) & self._spread

    cdef inline Py_ssize_t _find(self, Shard* shard, u64 hashed, bytes key) noexcept:
        """The place of a key's slot, or -1."""
        cdef u64 slot, tag = hashed >> ADDRESS
        cdef Py_ssize_t place = (tag * shard.homes) >> TAG, length = PyBytes_GET_SIZE(key)
        cdef Entry entry
        while True:
            slot = shard.slots[place]
            if slot >> ADDRESS >= tag:
                if slot >> ADDRESS > tag or not slot:
                    return -1
                entry = entry_of(slot)
                if entry.length == length and memcmp(entry.text, PyBytes_AS_STRING(key), length) == 0:
                    return place
            elif not slot:
                return -1
            place += 1

    cpdef Entry get(self, bytes key):
        """The entry of key, or None."""
        cdef u64 hashed = self._hash(key)
        cdef Shard* shard = self._shards[hashed & ((1ull << self._depth) - 1)]
        cdef Py_ssize_t place = self._find(shard, hashed, key)
        return None if place < 0 else entry_of(shard.slots[place])

    cpdef Entry add(self, bytes key, object value, long long access):
        """Make an entry for a key that has none, at the end of `order`. Where memory fails nothing has changed."""
        cdef u64 hashed = self._hash(key), tag = hashed >> ADDRESS, address
        cdef Shard* shard = self._shards[hashed & ((1ull << self._depth) - 1)]
        cdef Py_ssize_t place, gap
        cdef Entry entry
        if shard.used >= shard.homes - (shard.homes >> 3):
            shard = self._grown(hashed)
        entry = new_entry(key, value, PyList_GET_SIZE(self.order), access)
        address = <u64><size_t><PyObject*>entry
        if address & 15 or address >> (ADDRESS + 4) or PyList_GET_SIZE(self.order) > 0x7FFFFFF0:
            raise MemoryError("no place for a key")  # on no platform that is known
        while True:
            place = (tag * shard.homes) >> TAG
            while shard.slots[place] and shard.slots[place] >> ADDRESS <= tag:
                place += 1
            gap = place
            while shard.slots[gap]:
                gap += 1
            if gap < shard.size - 1:
                break
            shard = self._replaced(shard, hashed, shard.homes)  # with slots to spare at its end
        self.order.append(entry)
        memmove(&shard.slots[place + 1], &shard.slots[place], (gap - place) * sizeof(u64))
        shard.slots[place] = tag << ADDRESS | address >> 4
        shard.used += 1
        return entry

    cpdef Entry remove(self, bytes key):
        """Take the entry of key out, or return None; it keeps the number of its place, which the last entry is given."""
        cdef u64 hashed = self._hash(key)
        cdef Shard* shard = self._shards[hashed & ((1ull << self._depth) - 1)]
        cdef Py_ssize_t place = self._find(shard, hashed, key)
        cdef Entry entry, last
        if place < 0:
            return None
        entry = entry_of(shard.slots[place])
        last = self.order.pop()  # the one step that may fail
        while shard.slots[place + 1] and home(shard.slots[place + 1], shard.homes) <= <u64>place:
            shard.slots[place] = shard.slots[place + 1]
            place += 1
        shard.slots[place] = 0
        shard.used -= 1
        if last is not entry:
            self.order[entry.slot] = last
            last.slot = entry.slot
        if shard.used < shard.homes >> 2 and shard.homes > LEAST:
            self._shrink(shard, hashed)
        elif shard.used < FEW and self._depth:
            self._merge(shard, hashed)
            while self._depth and not self._deep[self._depth] and self._halve():
                pass
        return entry

    cdef void _place(self, Shard* shard, u64 hashed) noexcept:
        """Let a shard stand where a hash leads to, and wherever else those bits of it do."""
        cdef Py_ssize_t number = hashed & ((1ull << shard.depth) - 1)
        while number < 1 << self._depth:
            self._shards[number] = shard
            number += 1 << shard.depth

    cdef Shard* _replaced(self, Shard* shard, u64 hashed, Py_ssize_t homes) except NULL:
        """Put a copy with so many homes in the place of a shard."""
        cdef Shard* copy = laid_out(shard.slots, shard.size, homes, shard.depth)
        if copy is NULL:
            raise MemoryError("no room for another key")
        self._place(copy, hashed)
        dispose(shard)
        return copy

    cdef Shard* _grown(self, u64 hashed) except NULL:
        """Make room in the shard of a hash."""
        cdef Shard* shard = self._shards[hashed & ((1ull << self._depth) - 1)]
        # Hashes that agree in more bits than chance allows are not told apart by a larger directory either.
        if shard.used >= MOST and shard.depth < DEEPEST and <Py_ssize_t>(MOST >> 3) << shard.depth <= PyList_GET_SIZE(self.order):
            self._split(shard, hashed)
            shard = self._shards[hashed & ((1ull << self._depth) - 1)]
            if shard.used < shard.homes - (shard.homes >> 3):
                return shard
        return self._replaced(shard, hashed, roomy(shard.used + 1))

    cdef int _split(self, Shard* shard, u64 hashed) except -1:
        """Put two shards in the place of one, by one more bit of the hash."""
        cdef int depth = shard.depth
        cdef Shard* low = NULL
        cdef Shard* high = NULL
        cdef u64* slots = <u64*>malloc(2 * shard.used * sizeof(u64))
        cdef Py_ssize_t lows
        if slots is not NULL:
            lows = self._parted(shard, slots, slots + shard.used)
            low = laid_out(slots, lows, roomy(lows), depth + 1)
            high = laid_out(slots + shard.used, shard.used - lows, roomy(shard.used - lows), depth + 1)
            free(slots)
        if low is NULL or high is NULL or (depth == self._depth and not self._double()):
            free(low)
            free(high)
            raise MemoryError("no room for another key")
        self._deep[depth] -= 1
        self._deep[depth + 1] += 2
        self._place(low, hashed & ~(1ull << depth))
        self._place(high, hashed | 1ull << depth)
        dispose(shard)
        return 0

    cdef Py_ssize_t _parted(self, Shard* shard, u64* low, u64* high) noexcept:
        """Part the slots of a shard by the first bit of the hash that it does not go by; return how many have a 0 there."""
        cdef Py_ssize_t number, ahead = 0, lows = 0, highs = 0
        for number in range(shard.size):
            if number + AHEAD < shard.size:
                __builtin_prefetch(address_of(shard.slots[number + AHEAD]) + KEY)
            if not shard.slots[number]:
                continue
            if self._rehash(shard.slots[number]) >> shard.depth & 1:
                high[highs] = shard.slots[number]
                highs += 1
            else:
                low[lows] = shard.slots[number]
                lows += 1
        return lows

    cdef bint _double(self) noexcept:
        """Let the directory go by one more bit; False if there is no memory."""
        cdef Py_ssize_t half = 1 << self._depth
        cdef Shard** shards = <Shard**>malloc(2 * half * sizeof(void*))
        if shards is NULL:
            return False
        memcpy(shards, self._shards, half * sizeof(void*))
        memcpy(shards + half, self._shards, half * sizeof(void*))
        self._take_directory(shards, self._depth + 1)
        return True

    cdef void _take_directory(self, Shard** shards, int depth) noexcept:
        if self._shards is not &self._first:
            free(self._shards)
        self._shards = shards
        self._depth = depth

    cdef void _shrink(self, Shard* shard, u64 hashed) noexcept:
        """Put a smaller copy in the place of a shard that is mostly gaps, memory permitting."""
        cdef Shard* copy = laid_out(shard.slots, shard.size, roomy(shard.used), shard.depth)
        if copy is not NULL:
            self._place(copy, hashed)
            dispose(shard)

    cdef void _merge(self, Shard* shard, u64 hashed) noexcept:
        """Put one shard in the place of two that have few entries together, memory permitting."""
        cdef Shard* other
        cdef Shard* merged
        cdef u64* slots
        if not shard.depth:
            return
        other = self._shards[(hashed ^ 1ull << (shard.depth - 1)) & ((1ull << self._depth) - 1)]
        if other.depth != shard.depth or shard.used + other.used > MOST >> 1:
            return
        slots = <u64*>malloc((shard.used + other.used + 1) * sizeof(u64))
        if slots is NULL:
            return
        merged = laid_out(slots, in_order(shard, other, slots), roomy(shard.used + other.used), shard.depth - 1)
        free(slots)
        if merged is NULL:
            return
        self._deep[shard.depth] -= 2
        self._deep[merged.depth] += 1
        self._place(merged, hashed)
        dispose(shard)
        dispose(other)

    cdef bint _halve(self) noexcept:
        """Let the directory go by one bit less, as no shard needs it; False if there is no memory."""
        cdef Py_ssize_t half = 1 << (self._depth - 1)
        cdef Shard** shards = &self._first
        if half > 1:
            shards = <Shard**>malloc(half * sizeof(void*))
            if shards is NULL:
                return False
        memcpy(shards, self._shards, half * sizeof(void*))
        self._take_directory(shards, self._depth - 1)
        return True

    cpdef list drop(self, Py_ssize_t count):
        """Take out up to count entries of a table that is dead: from now on only `drop` and `len` make sense."""
        cdef Py_ssize_t start = max(PyList_GET_SIZE(self.order) - count, 0)
        cdef list gone = self.order[start:]
        self._bury()
        self._free_dead(1 + count * 4 // FEW)
        del self.order[start:]
        return gone

    cdef void _bury(self) noexcept:
        """Let no slot lead to an entry any more; the shards are still to be freed."""
        if self._depth:
            self._free_dead(self._dying)
            self._dead, self._dying = self._shards, 1 << self._depth
        else:
            dispose(self._first)
        self._first, self._depth, self._deep[0] = &NOTHING, 0, 1
        self._shards = &self._first

    cdef void _free_dead(self, Py_ssize_t count) noexcept:
        """Free up to count shards of a dead directory from its end on, where a shard comes last at its lowest place."""
        while self._dying and count > 0:
            self._dying -= 1
            if self._dying < 1 << self._dead[self._dying].depth:
                free(self._dead[self._dying])
                count -= 1
        if not self._dying:
            free(self._dead)
            self._dead = NULL

    def _check(self):
        """Assert every invariant."""
        cdef Py_ssize_t number, found = 0
        cdef int depth
        cdef Shard* shard
        cdef Entry entry
        deep = [0] * 32
        for number in range(1 << self._depth):
            shard = self._shards[number]
            assert shard is self._shards[number & ((1 << shard.depth) - 1)]
            if number < 1 << shard.depth:
                deep[shard.depth] += 1
                found += self._check_shard(shard, number)
        assert found == len(self.order)
        assert deep == [self._deep[depth] for depth in range(32)]
        for place, entry in enumerate(self.order):
            assert entry.slot == place
            assert self.get(entry.key) is entry

    cdef Py_ssize_t _check_shard(self, Shard* shard, Py_ssize_t number) except -1:
        cdef Py_ssize_t place, taken = 0
        cdef u64 slot, hashed, last = 0
        cdef Entry entry
        assert shard.slots[shard.size - 1] == 0
        for place in range(shard.size):
            slot = shard.slots[place]
            if slot:
                entry = entry_of(slot)
                hashed = <u64>hash_of(entry.key) & self._spread
                assert hashed == self._rehash(slot)
                assert hashed & ((1ull << shard.depth) - 1) == <u64>number
                assert slot >> ADDRESS == hashed >> ADDRESS >= last
                assert self.order[entry.slot] is entry
                assert place >= <Py_ssize_t>home(slot, shard.homes)
                assert place == <Py_ssize_t>home(slot, shard.homes) or shard.slots[place - 1]
                last = slot >> ADDRESS
                taken += 1
        assert taken == shard.used
        assert shard.used <= shard.homes - (shard.homes >> 3)
        return taken
