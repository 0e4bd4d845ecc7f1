"""DEBUG about the process: sleep, crash, start again, and what is switched off for a test."""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from typing import NoReturn

from store.arguments import parse_int, strtod
from store.commands.config import write_configuration
from store.config.numerals import memory_size
from store.debugging.table import row, switch
from store.errors import ReplyError
from store.glob import compile_glob
from store.logfile import log, warn
from store.replies import OK, Verbatim
from store.tx import Tx

PACKED_LIMIT = 4 << 30


def debug_sleep(_tx: Tx, seconds: bytes) -> str:
    """Stop everything for that many seconds, a decimal number."""
    time.sleep(max(0.0, strtod(seconds) or 0.0))
    return OK


def debug_log(_tx: Tx, text: bytes) -> str:
    """Write a line to the server's log."""
    warn(f"DEBUG LOG: {text.decode('utf-8', 'replace')}")
    return OK


# ── ends ───────────────────────────────────────────────────────────────────────────────────────────────────────────────
def _last_words(text: str) -> None:
    warn(text)
    for handler in log.handlers:
        handler.flush()
    sys.stdout.flush()


def debug_segfault(_tx: Tx) -> NoReturn:
    """Crash by SIGSEGV."""
    _last_words("crashed by signal: 11")
    os.kill(os.getpid(), signal.SIGSEGV)
    os.abort()


def debug_panic(_tx: Tx) -> NoReturn:
    """Crash as by a fault that was found."""
    _last_words(f"Guru Meditation: DEBUG PANIC called at Unix time {int(time.time())}")
    os.abort()


def debug_assert(_tx: Tx) -> NoReturn:
    """Crash as by an assertion that failed."""
    _last_words("=== ASSERTION FAILED === 1 == 2")
    os.abort()


def _start_again(tx: Tx, delay: bytes) -> NoReturn:
    time.sleep(max(0, parse_int(delay)) / 1000)
    node = tx.engine.node
    if node is None:
        raise ReplyError("failed to restart the server. Check server logs.")
    sys.stdout.flush()
    # Every descriptor but the standard streams was opened close-on-exec, the lock of the data directory too.
    os.execv(sys.executable, [sys.executable, "-m", "store", *sys.argv[1:]])


def debug_restart(tx: Tx, delay: bytes = b"0") -> NoReturn:
    """End in order and start again after some milliseconds."""
    parse_int(delay)
    if tx.engine.node is not None:
        if tx.engine.settings.config_file:
            write_configuration(tx.engine)
        tx.engine.turn.end()
        tx.engine.node.persistence.close()
    _start_again(tx, delay)


def debug_crash_and_recover(tx: Tx, delay: bytes = b"0") -> NoReturn:
    """End as by a crash and start again after some milliseconds."""
    _start_again(tx, delay)


# ── switches ───────────────────────────────────────────────────────────────────────────────────────────────────────────
def debug_set_active_expire(tx: Tx, state: bytes) -> str:
    """0 leaves expired keys where they are until they are used; 1 removes them as soon as they are due."""
    tx.engine.expiring_actively = switch(state)
    return OK


def debug_pause_cron(tx: Tx, state: bytes) -> str:
    """1 stops what is done by time (expiry, snapshots, timeouts); 0 lets it go on."""
    if tx.engine.node is not None and tx.engine.node.timers is not None:
        tx.engine.node.timers.paused = switch(state)
    return OK


def debug_set_skip_checksum_validation(tx: Tx, state: bytes) -> str:
    """1 lets RESTORE take payloads with any checksum."""
    tx.engine.switches.skip_checksums = switch(state)
    return OK


def debug_set_disable_deny_scripts(tx: Tx, state: bytes) -> str:
    """1 lets scripts call commands that are not meant for them."""
    tx.engine.scripts.all_commands = switch(state)
    return OK


def debug_quicklist_packed_threshold(_tx: Tx, size: bytes) -> str:
    """Accepted, without effect: members of lists are never packed."""
    number = memory_size(size)
    if number is None or not 0 <= number < PACKED_LIMIT:
        raise ReplyError("argument must be a memory value bigger than 1 and smaller than 4gb")
    return OK


def debug_replybuffer(_tx: Tx, what: bytes, value: bytes) -> str:
    """Accepted, without effect: there are no fixed reply buffers."""
    word = what.lower()
    if word == b"peak-reset-time":
        if value.lower() not in (b"never", b"reset"):
            parse_int(value)
    elif word != b"resizing":
        raise ReplyError("unknown subcommand or wrong number of arguments for 'REPLYBUFFER'. Try DEBUG HELP.")
    return OK


def debug_client_eviction(tx: Tx) -> Verbatim:
    """How many clients there are for maxmemory-clients to choose from, and what they take."""
    from store.observe.memory_report import session_bytes

    if not tx.engine.settings.maxmemory_clients:
        raise ReplyError("maxmemory-clients is disabled.")
    sizes = [session_bytes(session) for session in tx.engine.sessions.values()]
    return Verbatim(b"tot-mem: %d, clients: %d\n" % (sum(sizes), len(sizes)))


# ── rest ───────────────────────────────────────────────────────────────────────────────────────────────────────────────
def debug_change_repl_id(tx: Tx) -> str:
    """Go on under a new history id."""
    chain = tx.engine.node.persistence.history if tx.engine.node is not None else None
    if chain is not None:
        warn("Changing replication IDs after receiving DEBUG change-repl-id")
        chain.renew(tx.engine.log.offset)
    return OK


def debug_config_rewrite_force_all(tx: Tx) -> str:
    """Write every option to the configuration file, whatever its value."""
    write_configuration(tx.engine, everything=True)
    return OK


def debug_stringmatch_test(_tx: Tx) -> str:
    """Match random patterns with random texts for a moment."""
    until, signs = time.monotonic() + 0.1, b"*?[]-^\\abc"
    while time.monotonic() < until:
        pattern, text = (bytes(random.choices(signs, k=random.randrange(12))) for _ in range(2))
        compile_glob(pattern)(text)
    return "Apparently Redis did not crash: test passed"


ROWS = (
    row("assert", debug_assert),
    row("change-repl-id", debug_change_repl_id),
    row("client-eviction", debug_client_eviction),
    row("config-rewrite-force-all", debug_config_rewrite_force_all),
    row("crash-and-recover", debug_crash_and_recover, "[<milliseconds>]"),
    row("log", debug_log, "<message>"),
    row("panic", debug_panic),
    row("pause-cron", debug_pause_cron, "<0|1>"),
    row("quicklist-packed-threshold", debug_quicklist_packed_threshold, "<size>"),
    row("replybuffer", debug_replybuffer, "PEAK-RESET-TIME <NEVER|RESET|time> | RESIZING <0|1>"),
    row("restart", debug_restart, "[<milliseconds>]"),
    row("segfault", debug_segfault),
    row("set-active-expire", debug_set_active_expire, "<0|1>"),
    row("set-disable-deny-scripts", debug_set_disable_deny_scripts, "<0|1>"),
    row("set-skip-checksum-validation", debug_set_skip_checksum_validation, "<0|1>"),
    row("sleep", debug_sleep, "<seconds>"),
    row("stringmatch-test", debug_stringmatch_test),
)
