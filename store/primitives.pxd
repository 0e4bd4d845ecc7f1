cpdef object call_with(object function, object first, object words, Py_ssize_t skip)
cpdef int bit_length(long long number) noexcept
cpdef long long perf_counter_ns() noexcept
cpdef long long time_ns() noexcept
cpdef object read_integer(object text)
cpdef bytes write_integer(long long number)
cpdef object quick_float(bytes text)
cpdef Py_ssize_t total_length(object words) except -1
