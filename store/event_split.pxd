cpdef tuple split_events(bytes payload, Py_ssize_t place, Py_ssize_t most)
