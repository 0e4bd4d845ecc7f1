"""Union, intersection and difference of sets; a missing key is None and counts as an empty set.

Law: nothing here changes a set it is given; results are sets of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

from store.numbers import is_integer
from store.values.base import Limits
from store.values.set import Set

Sets = Sequence[Set | None]
Operation = Callable[[Sets], set[bytes]]


def union(sets: Sets) -> set[bytes]:
    """The members of any of the sets."""
    return set().union(*(one.members() for one in sets if one is not None))


def intersection(sets: Sets) -> set[bytes]:
    """The members that all sets have."""
    if any(one is None for one in sets):
        return set()
    first, *others = sorted((one for one in sets if one is not None), key=len)
    return first.members().intersection(*(other.members() for other in others))


def difference(sets: Sets) -> set[bytes]:
    """The members of the first set that none of the others has."""
    first, *others = sets
    if first is None:
        return set()
    return first.members().difference(*(other.members() for other in others if other is not None))


def common(sets: Sets) -> Iterator[bytes]:
    """Yield the members that all sets have, one at a time: for callers that may stop early."""
    if any(one is None for one in sets):
        return
    first, *others = sorted((one for one in sets if one is not None), key=len)
    rest = [other.members() for other in others if other is not first]
    for member in first.members():
        if all(member in other for other in rest):
            yield member


def parts(operation: Operation, sets: Sets, size: int) -> Iterator[list[bytes]]:
    """Find what the operation finds, size candidates at a time; the sets must not change meanwhile.

    No set is built for the result: one that grows rebuilds itself now and then, all at once.
    """
    found = [one.members() for one in sets if one is not None]
    if operation is union:
        for place, members in enumerate(found):
            yield from _filtered(members, size, (), found[:place])
    elif operation is intersection and len(found) == len(sets):
        first, *others = sorted(found, key=len)
        yield from _filtered(first, size, others, ())
    elif operation is difference and sets[0] is not None:
        yield from _filtered(found[0], size, (), found[1:])


def _filtered(
    members: set[bytes], size: int, every: Sequence[set[bytes]], none: Sequence[set[bytes]]
) -> Iterator[list[bytes]]:
    """Those members that every one of some sets has and none of some others."""
    source = iter(members)
    while part := list(islice(source, size)):
        for other in every:
            part = [member for member in part if member in other]
        for other in none:
            part = [member for member in part if member not in other]
        yield part


def is_empty(operation: Operation, sets: Sets) -> bool:
    """Tell whether the operation would find nothing, as early as possible."""
    if operation is union:
        return not any(sets)
    if operation is intersection:
        return next(common(sets), None) is None
    first, *others = sets
    rest = [other.members() for other in others if other is not None]
    return first is None or not any(all(member not in other for other in rest) for member in first.members())


def in_order(members: Iterable[bytes], limits: Limits) -> list[bytes]:
    """The members of a result in the order of a reply: ascending where Redis would build an intset, otherwise any."""
    listed = list(members)
    if len(listed) <= limits.set_max_intset_entries and all(map(is_integer, listed)):
        listed.sort(key=int)
    return listed
