from store.primitives cimport read_integer

cpdef object parse_int(object text, str message=*)
