from store.primitives cimport read_integer

cpdef bint is_integer(object text)
