from store.primitives cimport quick_float, read_integer

cpdef object parse_int(object text, str message=*)
cpdef object parse_float(object text, object message=*)
