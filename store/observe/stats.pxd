cdef class Stats:
    cdef public long long active_expire_cycles_cut, commands, connections, evicted, evicted_clients, exceeded_ms, expired
    cdef public long long expired_keys_active, net_input, net_output, net_repl_input, net_repl_output, output_limit_disconnects
    cdef public long long peak_memory, query_limit_disconnects, reads, rejected, started_ms, total_blocking_keys
    cdef public long long total_error_replies, unexpected_errors, writes
    cdef public double expire_seconds
    cdef public dict errors, cut_off
