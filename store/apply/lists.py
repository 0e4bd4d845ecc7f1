"""Apply: events on lists. Each returns what the deciding command replies, so that nothing is looked up twice.

Law: an event names positions and members as its command did; against the same list it always has the same outcome.
"""

from __future__ import annotations

from store.apply.table import applies, one_change
from store.database import Database
from store.notifications import LIST
from store.values.list import List, bounds


@applies("LPUSH")
def apply_lpush(db: Database, key: bytes, *elements: bytes) -> int:
    """LPUSH key element …: one after the other to the left; the new length."""
    value: List = db.open(key, List)
    value.push_left(elements)
    db.edited(key, value, LIST, b"lpush", len(elements))
    return len(value)


@applies("RPUSH")
def apply_rpush(db: Database, key: bytes, *elements: bytes) -> int:
    """RPUSH key element …: appended in order; the new length."""
    value: List = db.open(key, List)
    value.push_right(elements)
    db.edited(key, value, LIST, b"rpush", len(elements))
    return len(value)


@applies("LPOP")
def apply_lpop(db: Database, key: bytes, count: bytes | None = None) -> list[bytes]:
    """LPOP key [count]; the members taken, from left to right."""
    value: List = db.open(key, List)
    taken = value.pop_left(1 if count is None else int(count))
    db.edited(key, value, LIST, b"lpop", len(taken))
    return taken


@applies("RPOP")
def apply_rpop(db: Database, key: bytes, count: bytes | None = None) -> list[bytes]:
    """RPOP key [count]; the members taken, from right to left."""
    value: List = db.open(key, List)
    taken = value.pop_right(1 if count is None else int(count))
    db.edited(key, value, LIST, b"rpop", len(taken))
    return taken


@applies("LMOVE")
@one_change
def apply_lmove(db: Database, source: bytes, destination: bytes, wherefrom: bytes, whereto: bytes) -> bytes:
    """LMOVE source destination LEFT|RIGHT LEFT|RIGHT; the member moved."""
    return _move(db, source, destination, wherefrom.upper() == b"LEFT", whereto.upper() == b"LEFT")


@applies("RPOPLPUSH")
@one_change
def apply_rpoplpush(db: Database, source: bytes, destination: bytes) -> bytes:
    """RPOPLPUSH source destination; the member moved."""
    return _move(db, source, destination, from_left=False, to_left=True)


def _move(db: Database, source: bytes, destination: bytes, from_left: bool, to_left: bool) -> bytes:
    """Move a member; both may be the same list. The push is announced before the pop, as Redis does."""
    origin = db.open(source, List)
    moved = origin.pop_left() if from_left else origin.pop_right()
    target = db.open(destination, List)
    if to_left:
        target.push_left(moved)
    else:
        target.push_right(moved)
    db.edited(destination, target, LIST, b"lpush" if to_left else b"rpush")
    db.edited(source, origin, LIST, b"lpop" if from_left else b"rpop")
    return moved[0]


@applies("LSET")
def apply_lset(db: Database, key: bytes, position: bytes, element: bytes) -> None:
    """LSET key position element; a negative position counts from the right."""
    value = db.open(key, List)
    place = int(position)
    value.replace(place if place >= 0 else place + len(value), element)
    db.edited(key, value, LIST, b"lset")


@applies("LINSERT")
def apply_linsert(db: Database, key: bytes, where: bytes, pivot: bytes, element: bytes) -> int:
    """LINSERT key BEFORE|AFTER pivot element, at the leftmost pivot; the new length."""
    value = db.open(key, List)
    _, chunk, place = next(value.positions(pivot))
    value.insert(chunk, place + (where.upper() == b"AFTER"), element)
    db.edited(key, value, LIST, b"linsert")
    return len(value)


@applies("LREM")
def apply_lrem(db: Database, key: bytes, count: bytes, element: bytes) -> int:
    """LREM key count element: the first count equal to element, the last -count, or all with 0; how many went."""
    value = db.open(key, List)
    removed = value.remove(element, int(count))
    db.edited(key, value, LIST, b"lrem", removed)
    return removed


@applies("LTRIM")
def apply_ltrim(db: Database, key: bytes, start: bytes, stop: bytes) -> None:
    """LTRIM key start stop: only the members from start to stop, both included, stay."""
    value = db.open(key, List)
    before = len(value)
    first, last = bounds(int(start), int(stop), before)
    value.trim(first, last)
    db.edited(key, value, LIST, b"ltrim", before - len(value))
