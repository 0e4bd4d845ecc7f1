"""Say whether two servers' replies to the same command mean the same.

Law: equal means equal in type and bytes. The only exceptions, each for a reason Redis documents: collections without
order, members the server chooses itself, and what is left of a deadline at the moment of asking.
"""

from collections.abc import Callable

from tests.kit.resp_client import Error, Map, Null, Push, Reply, Set
from tests.oracle.grammar import Command

# Commands whose reply is a choice of the server, and the command that lists what it may choose from.
CHOSEN_BY_SERVER: dict[bytes, tuple[bytes, ...]] = {
    b"SPOP": (b"SMEMBERS",),
    b"SRANDMEMBER": (b"SMEMBERS",),
    b"HRANDFIELD": (b"HGETALL",),
    b"ZRANDMEMBER": (b"ZRANGE", b"0", b"-1", b"WITHSCORES"),
    b"RANDOMKEY": (b"KEYS",),
}
# What may differ by the time between two servers' clocks, and how much.
CLOCK_SLACK = {b"TTL": 2, b"PTTL": 2000, b"EXPIRETIME": 2, b"PEXPIRETIME": 2000}


def canonical(reply: Reply) -> object:
    """Return reply in a form where the order inside sets and maps is fixed."""
    if isinstance(reply, Map):
        return ("map", sorted(((canonical(key), canonical(value)) for key, value in reply.pairs), key=repr))
    if isinstance(reply, Set):
        return ("set", sorted((canonical(member) for member in reply.members), key=repr))
    if isinstance(reply, Push):
        return ("push", [canonical(item) for item in reply.items])
    if isinstance(reply, list):
        return [canonical(item) for item in reply]
    return reply


def unordered(reply: Reply) -> object:
    """Return an array's items in a fixed order."""
    return sorted((canonical(item) for item in reply), key=repr) if isinstance(reply, list) else canonical(reply)


def unordered_pairs(reply: Reply) -> object:
    """Return a flat array of pairs with the pairs in a fixed order."""
    if not isinstance(reply, list) or len(reply) % 2:
        return canonical(reply)
    return sorted(([reply[at], reply[at + 1]] for at in range(0, len(reply), 2)), key=repr)


def scanned(order: Callable[[Reply], object]) -> Callable[[Reply], object]:
    """Return the form of a SCAN reply: its cursor, and the items in a fixed order."""

    def form(reply: Reply) -> object:
        return [reply[0], order(reply[1])] if isinstance(reply, list) and len(reply) == 2 else canonical(reply)

    return form


FORMS: dict[bytes, Callable[[Reply], object]] = {
    b"KEYS": unordered,
    b"SMEMBERS": unordered,
    b"SINTER": unordered,
    b"SUNION": unordered,
    b"SDIFF": unordered,
    b"HKEYS": unordered,
    b"HVALS": unordered,
    b"HGETALL": unordered_pairs,
    b"SCAN": scanned(unordered),
    b"SSCAN": scanned(unordered),
    b"HSCAN": scanned(unordered_pairs),
    b"ZSCAN": scanned(unordered_pairs),
}


def form_of(command: Command) -> Callable[[Reply], object]:
    """Return the function that brings a reply to command into comparable form."""
    name = command[0].upper()
    if name in (b"SORT", b"SORT_RO"):
        options = [word.upper() for word in command[2:]]
        # Elements of a set with no sorting key, or with equal strings as keys, come in no promised order.
        if b"NOSORT" in options or (b"BY" in options and b"ALPHA" in options):
            return unordered
    return FORMS.get(name, canonical)


def shape(reply: Reply) -> object:
    """Return what is left of a reply when the chosen members don't matter: its types, and how many there are."""
    if isinstance(reply, Map | Set):
        return (type(reply), len(flat(reply)))
    if isinstance(reply, list):
        return [shape(item) for item in reply]
    return reply if isinstance(reply, Error | Null) else type(reply)


def flat(reply: Reply) -> list[Reply]:
    """Return every scalar inside a reply."""
    if isinstance(reply, Map):
        return [item for pair in reply.pairs for side in pair for item in flat(side)]
    if isinstance(reply, Set):
        return [item for member in reply.members for item in flat(member)]
    if isinstance(reply, list):
        return [item for member in reply for item in flat(member)]
    return [reply]


def population(command: Command) -> Command:
    """Return the command that lists what the server may choose from when it answers command."""
    name, *rest = CHOSEN_BY_SERVER[command[0].upper()]
    key = command[1] if len(command) > 1 else b"*"
    return (name, key, *rest)


def from_population(reply: Reply, among: Reply) -> bool:
    """Tell whether everything in reply occurs in among (errors and nulls choose nothing)."""
    may_be = flat(among)
    return all(isinstance(item, Error | Null) or item in may_be for item in flat(reply))


def equal(command: Command, ours: Reply, theirs: Reply) -> bool:
    """Tell whether two replies to command mean the same."""
    name = command[0].upper()
    if name in CHOSEN_BY_SERVER:
        return shape(ours) == shape(theirs)
    slack = CLOCK_SLACK.get(name)
    if slack and isinstance(ours, int) and isinstance(theirs, int) and min(ours, theirs) > 0:
        return abs(ours - theirs) <= slack
    form = form_of(command)
    return form(ours) == form(theirs)


def equal_transaction(queued: list[Command], ours: Reply, theirs: Reply) -> bool:
    """Tell whether two EXEC replies mean the same, each part by the command queued for it."""
    if not (isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs) == len(queued)):
        return canonical(ours) == canonical(theirs)
    return all(equal(command, a, b) for command, a, b in zip(queued, ours, theirs, strict=True))
