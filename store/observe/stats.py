"""Plain counters of a node; the hot path adds, INFO and the metrics read."""

from __future__ import annotations


class Stats:
    """Counters since the start or CONFIG RESETSTAT; names as in INFO where Redis has them."""

    __slots__ = (
        "active_expire_cycles_cut", "commands", "connections", "cut_off", "errors", "evicted", "evicted_clients", "exceeded_ms",
        "expire_seconds", "expired",
        "expired_keys_active", "net_input", "net_output", "net_repl_input", "net_repl_output", "output_limit_disconnects",
        "peak_memory", "query_limit_disconnects", "reads",
        "rejected", "started_ms", "total_blocking_keys", "total_error_replies", "unexpected_errors", "writes",
    )  # fmt: skip

    def __init__(self) -> None:
        self.started_ms = 0
        self.peak_memory = 0
        self.reset()

    def reset(self) -> None:
        """Set every counter that CONFIG RESETSTAT resets to zero."""
        self.commands = self.connections = self.rejected = 0
        self.net_input = self.net_output = self.net_repl_input = self.net_repl_output = 0
        self.expired = self.expired_keys_active = self.evicted = self.evicted_clients = 0
        self.active_expire_cycles_cut = 0
        self.expire_seconds = 0.0
        self.exceeded_ms = 0  # with more memory in use than maxmemory
        self.reads = self.writes = 0  # of sockets
        self.output_limit_disconnects = self.query_limit_disconnects = 0
        self.total_error_replies = self.total_blocking_keys = self.unexpected_errors = 0
        self.errors: dict[str, int] = {}
        self.cut_off: dict[str, int] = {}  # of output_limit_disconnects, by class of client

    def count_error(self, code: str) -> None:
        """Count an error reply by its first word (INFO errorstats); at most 128 different words, as in Redis 7.2."""
        self.total_error_replies += 1
        if code in self.errors or len(self.errors) < 128:
            self.errors[code] = self.errors.get(code, 0) + 1
