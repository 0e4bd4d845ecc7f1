# cython: language_level=3
"""The compiled entry of a key: 48 bytes, and nothing that the garbage collector would have to look at."""

cimport cython


@cython.no_gc  # what an entry refers to never refers back to it
@cython.final
cdef class Entry:
    """See store.entry.Entry."""

    def __init__(self, bytes key, object value, int slot, unsigned int access):
        self.key = key
        self.value = value
        self.deadline = 0
        self.access = access
        self.slot = slot
