"""Random members for SPOP, SRANDMEMBER and HRANDFIELD: fair, and O(1) a member in big collections.

Law: nothing here is recorded; a command that changes data by chance records what was chosen.
"""

from __future__ import annotations

import random

from store.commands.arguments import INT64_MAX, parse_range
from store.errors import ReplyError
from store.values.hash import Hash
from store.values.set import Set

Collection = Hash | Set

FEW = 64
"""Up to this many members of a table are listed anew each time: cheaper than keeping an index of them."""
MOST_REPEATS = 10_000_000
"""The longest reply with repetitions: a longer one would only exhaust the server's memory."""


def parse_count(text: bytes) -> int:
    """Read the count of SRANDMEMBER and its like: negative allows repetitions; the lowest integer is refused."""
    return parse_range(text, -INT64_MAX, INT64_MAX)


def pick(collection: Collection) -> bytes:
    """One member of a collection that is not empty."""
    if collection.table is None:
        return collection.member_at(int(random.random() * len(collection)))
    if len(collection) > FEW:
        return collection.indexed().choice()
    return random.choice(list(collection.unordered()))


def pick_different(collection: Collection, count: int) -> list[bytes]:
    """Return min(count, size) different members; all of them in the collection's own order."""
    size = len(collection)
    if count >= size:
        return list(collection)
    if collection.table is None or size <= FEW or count * 4 >= size:
        return random.sample(list(collection.unordered()), count)
    return collection.indexed().sample(count)


def pick_repeating(collection: Collection, count: int) -> list[bytes]:
    """Return count members of a collection that is not empty, each chosen anew; raise ReplyError above MOST_REPEATS."""
    if count > MOST_REPEATS:
        raise ReplyError("value is out of range")
    if collection.table is None or len(collection) <= max(FEW, count):
        return random.choices(list(collection.unordered()), k=count)
    return collection.indexed().choices(count)


def pick_counted(collection: Collection, count: int) -> list[bytes]:
    """Return count different members, or -count with repetitions if count is negative."""
    return pick_different(collection, count) if count >= 0 else pick_repeating(collection, -count)
