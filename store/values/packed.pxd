cimport cython
from store.values.base cimport Value

cpdef Py_ssize_t block(Py_ssize_t size) noexcept

@cython.no_gc
cdef class Packed(Value):
    cdef unsigned char* data
    cdef public object table
    cpdef bint _fits(self, Py_ssize_t items, Py_ssize_t size) noexcept
    cpdef Py_ssize_t _find(self, bytes item, int step) noexcept
    cpdef Py_ssize_t _locate(self, Py_ssize_t number) noexcept
    cpdef bytes _item(self, Py_ssize_t place, int ahead=*)
    cpdef list _items(self, Py_ssize_t first, Py_ssize_t stop, int step=*)
    cpdef dict _pairs_as_dict(self)
    cpdef _fill(self, list items)
    cdef int _fill_raw(self, const unsigned char* block, Py_ssize_t size, Py_ssize_t items, Py_ssize_t longest) except -1
    cpdef _insert(self, Py_ssize_t place, bytes item)
    cpdef _append(self, bytes item)
    cpdef _append_pair(self, bytes first, bytes second)
    cpdef Py_ssize_t _replace(self, Py_ssize_t place, int ahead, bytes item) except -1
    cpdef _delete(self, Py_ssize_t place, int number)
    cpdef _release(self)
    cpdef _take_over(self, Packed other)

cdef unsigned char* open_gap(Packed self, Py_ssize_t place, Py_ssize_t size) except NULL
