"""TIME, MONITOR, LOLWUT, and the waits for safety: WAIT, and WAITAOF of Redis 7.2."""

from __future__ import annotations

from store.arguments import parse_int
from store.commands.connection import REDIS_VERSION
from store.commands.table import command
from store.commands.timeouts import parse_milliseconds
from store.errors import ReplyError
from store.replies import OK, Verbatim
from store.tx import Tx
from store.waiting import Goal, last_write_to_wait_for

GROUP = "server"


@command("TIME", "loading stale fast", since="2.6.0", group=GROUP, complexity="O(1)", tips="nondeterministic_output")
def time_(tx: Tx) -> list[bytes]:
    """Tell the time: unix seconds, and microseconds of the current one."""
    microseconds = tx.engine.clock.now_us()
    return [b"%d" % (microseconds // 1_000_000), b"%d" % (microseconds % 1_000_000)]


@command("MONITOR", "admin noscript loading stale", since="1.0.0", group=GROUP)
def monitor(tx: Tx) -> str:
    """Show this client every request that the node runs from now on."""
    if tx.engine.depth > 1 or not tx.session.may_block:
        raise ReplyError("MONITOR isn't allowed for DENY BLOCKING client")
    tx.engine.monitors[tx.session] = None
    return OK


def _must_be_primary(tx: Tx, name: str) -> None:
    if tx.engine.topology.leader is not None:
        raise ReplyError(
            f"{name} cannot be used with replica instances. Please also note that since Redis 4.0 if a replica is configured "
            "to be writable (which is not the default) writes to replicas are just local and are not propagated."
        )


@command(
    "WAIT", "noscript", since="3.0.0", group="generic", acl="connection -keyspace", complexity="O(1)",
    tips="request_policy:all_shards response_policy:agg_min",
)  # fmt: skip
def wait(tx: Tx, numreplicas: bytes, timeout: bytes) -> object:
    """Wait until that many replicas hold what this client has written; reply: how many do."""
    _must_be_primary(tx, "WAIT")
    replicas = parse_int(numreplicas)
    limit = parse_milliseconds(timeout)
    return tx.engine.waiting.wait(tx, Goal(last_write_to_wait_for(tx), replicas), limit)


@command("WAITAOF", "noscript", since="7.2.0", group="generic", acl="connection -keyspace", complexity="O(1)")
def waitaof(tx: Tx, numlocal: bytes, numreplicas: bytes, timeout: bytes) -> object:
    """Wait until what this client has written is on the disk here and on that many replicas; reply: where it is."""
    _must_be_primary(tx, "WAITAOF")
    local = parse_int(numlocal, "value is out of range, must be positive")
    if local not in (0, 1):
        raise ReplyError("value is out of range, value must between 0 and 1")
    replicas = parse_int(numreplicas)
    if replicas < 0:
        raise ReplyError("value is out of range, must be positive")
    limit = parse_milliseconds(timeout)
    goal = Goal(last_write_to_wait_for(tx), replicas, local=bool(local), on_disk=True)
    return tx.engine.waiting.wait(tx, goal, limit)


@command("LOLWUT", "readonly fast", since="5.0.0", group=GROUP)
def lolwut(tx: Tx, *options: bytes) -> Verbatim:
    """Draw how far time has come."""
    if len(options) >= 2 and options[0].upper() == b"VERSION":
        for number in options[1:]:
            parse_int(number)
    return Verbatim(f"{hourglass(tx.engine.log.offset)}\nEvery grain is an event. Redis ver. {REDIS_VERSION}\n".encode())


GLASS = (
    r" =================",
    r"  \ttttttttttttt/ ",
    r"   \ttttttttttt/  ",
    r"    \ttttttttt/   ",
    r"      \ttttt/     ",
    r"        \o/       ",
    r"        /o\       ",
    r"      /bbbbb\     ",
    r"    /bbbbbbbbb\   ",
    r"   /bbbbbbbbbbb\  ",
    r"  /bbbbbbbbbbbbb\ ",
    r" =================",
)


def hourglass(offset: int) -> str:
    """An hourglass that runs out once a mebibyte of history: sand in the upper half goes, in the lower half comes."""
    grains = sum(row.count("t") for row in GLASS)
    fallen = grains * (offset % (1 << 20)) >> 20
    kept, lower = grains - fallen, sum(row.count("b") for row in GLASS)
    rows = []
    for row in reversed(GLASS):  # sand lies at the bottom of either half
        drawn = ""
        for sign in row:
            if sign == "t":
                drawn, kept = drawn + (":" if kept > 0 else " "), kept - 1
            elif sign == "b":
                drawn, lower = drawn + (":" if fallen > 0 else " "), lower - 1
                fallen -= 1
            else:
                drawn += "." if sign == "o" else sign
        rows.append(drawn.rstrip())
    return "\n".join(reversed(rows))
