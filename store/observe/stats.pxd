cdef class Stats:
    cdef dict __dict__
    cdef public long long commands, net_input, net_output
