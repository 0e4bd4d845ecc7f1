"""Union, intersection and difference of sorted sets and sets, with weights and an aggregate.

    call    = numkeys 1*key *option
    option  = WEIGHTS 1*weight | AGGREGATE (SUM | MIN | MAX) | WITHSCORES | LIMIT count

Law: the same words on the same inputs give the same scores, to the bit: inputs are taken from the smallest to the
largest, as Redis does. What is not a number counts as 0; a member of a plain set has the score 1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Protocol

from store.arguments import INT64_MAX, parse_float, parse_int, parse_range
from store.entry import Stored
from store.errors import ReplyError, syntax_error, wrong_type
from store.values.base import Value
from store.values.set import Set
from store.values.sorted_set import SortedSet

Aggregate = Callable[[float, float], float]
Fetch = Callable[[bytes], Stored | None]


class Input(Protocol):
    """What an operation needs of an input: the part of a dict of scores."""

    def items(self) -> Iterable[tuple[bytes, float]]:
        """All members with their scores."""

    def get(self, member: bytes, /) -> float | None:
        """The score of a member, or None."""

    def __len__(self) -> int: ...


class _Ones:
    """A set seen as scores that are all 1."""

    __slots__ = ("members",)

    def __init__(self, members: Set) -> None:
        self.members = members

    def items(self) -> Iterator[tuple[bytes, float]]:
        return ((member, 1.0) for member in self.members)

    def get(self, member: bytes, /) -> float | None:
        return 1.0 if member in self.members else None

    def __len__(self) -> int:
        return len(self.members)


def _sum(a: float, b: float) -> float:
    total = a + b
    return total if total == total else 0.0


def _min(a: float, b: float) -> float:
    return b if b < a else a


def _max(a: float, b: float) -> float:
    return b if b > a else a


AGGREGATES: dict[bytes, Aggregate] = {b"SUM": _sum, b"MIN": _min, b"MAX": _max}


@dataclass(slots=True)
class Operation:
    """A call, read, with its inputs. `limit`: members to count at most, 0 for all; `values`: what the inputs are parts of."""

    kind: str
    inputs: list[Input]
    weights: list[float]
    aggregate: Aggregate = _sum
    with_scores: bool = False
    limit: int = 0
    values: list[Value] = field(default_factory=list)

    def scores(self) -> dict[bytes, float]:
        """The result: members with their scores, in no order."""
        return self._union() if self.kind == "union" else dict(self.found())

    def steps(self, size: int) -> Iterator[list[tuple[float, bytes]]]:
        """The result as (score, member) in no order, found in steps of size candidates; inputs must not change meanwhile."""
        found = self._merged() if self.kind == "union" else self._tried()
        while step := list(islice(found, size)):
            yield [(score, member) for member, score in step if member is not None]

    def _tried(self) -> Iterator[tuple[bytes | None, float]]:
        """The members of an intersection or difference, and None for each that was looked at in vain."""
        if self.kind == "diff":
            first, *others = self.inputs
            for member, score in first.items():
                yield (member, score) if all(other.get(member) is None for other in others) else (None, 0.0)
            return
        ascending = self._sorted()
        for member, _ in ascending[0][0].items():
            whole = all(source.get(member) is not None for source, _ in ascending)
            yield (member, self._total(member, ascending)) if whole else (None, 0.0)

    def _merged(self) -> Iterator[tuple[bytes | None, float]]:
        """The members of a union, from one input after the other, each where it comes first."""
        ascending = self._sorted()
        for place, (first, _) in enumerate(ascending):
            before, rest = ascending[:place], ascending[place:]
            for member, _ in first.items():
                new = all(source.get(member) is None for source, _ in before)
                yield (member, self._total(member, rest)) if new else (None, 0.0)

    def _total(self, member: bytes, ascending: list[tuple[Input, float]]) -> float:
        """The scores of one member put together, from the smallest input to the largest."""
        total: float | None = None
        for source, weight in ascending:
            score = source.get(member)
            if score is None:
                continue
            value = weight * score
            if total is None:
                total = value if value == value else 0.0
            else:
                total = self.aggregate(total, value if value == value or self.kind == "inter" else 0.0)
        return 0.0 if total is None else total

    def is_empty(self) -> bool:
        """Tell whether the result has no members, without making more of it than one."""
        return not any(map(len, self.inputs)) if self.kind == "union" else next(self.found(), None) is None

    def count(self) -> int:
        """How many members an intersection has, at most `limit` (0: all of them)."""
        return sum(1 for _ in islice(self.found(), self.limit or None))

    def found(self) -> Iterator[tuple[bytes, float]]:
        """The members of an intersection or difference with their scores, one by one."""
        return self._difference() if self.kind == "diff" else self._intersection()

    def _sorted(self) -> list[tuple[Input, float]]:
        return sorted(zip(self.inputs, self.weights, strict=True), key=lambda pair: len(pair[0]))

    def _union(self) -> dict[bytes, float]:
        total: dict[bytes, float] = {}
        aggregate = self.aggregate
        for source, weight in self._sorted():
            for member, score in source.items():
                value = weight * score
                if value != value:
                    value = 0.0
                known = total.get(member)
                total[member] = value if known is None else aggregate(known, value)
        return total

    def _intersection(self) -> Iterator[tuple[bytes, float]]:
        (first, weight), *others = self._sorted()
        for member, score in first.items():
            total = weight * score
            if total != total:
                total = 0.0
            for source, other_weight in others:
                value = source.get(member)
                if value is None:
                    break
                total = self.aggregate(total, value * other_weight)
            else:
                yield member, total

    def _difference(self) -> Iterator[tuple[bytes, float]]:
        first, *others = self.inputs
        for member, score in first.items():
            if all(source.get(member) is None for source in others):
                yield member, score


def read_operation(kind: str, command: str, words: Sequence[bytes], fetch: Fetch, store: bool = False) -> Operation:
    """Read `numkeys key … option …` of a command (kind: union, inter, diff or card) and fetch its inputs.

    Raise the ReplyError that Redis answers, in its order: the number of keys, their types, then the options.
    """
    count = parse_int(words[0])
    if count < 1:
        raise ReplyError(f"at least 1 input key is needed for '{command}' command")
    if count > len(words) - 1:
        raise syntax_error()
    stored = [fetch(key) for key in words[1 : 1 + count]]
    operation = Operation(kind, [_input(value) for value in stored], [1.0] * count)
    operation.values = [value for value in stored if isinstance(value, Value)]
    _read_options(operation, words[1 + count :], count, store)
    return operation


def _input(value: Stored | None) -> Input:
    if value is None:
        return {}
    if isinstance(value, SortedSet):
        return value.scores()
    if isinstance(value, Set):
        return _Ones(value)
    raise wrong_type()


def _read_options(operation: Operation, words: Sequence[bytes], count: int, store: bool) -> None:
    weighs = operation.kind in ("union", "inter")
    place = 0
    while place < len(words):
        word, left = words[place].upper(), len(words) - place
        if weighs and word == b"WEIGHTS" and left > count:
            weights = words[place + 1 : place + 1 + count]
            operation.weights = [parse_float(weight, "weight value is not a float") for weight in weights]
            place += count
        elif weighs and word == b"AGGREGATE" and left >= 2:
            aggregate = AGGREGATES.get(words[place + 1].upper())
            if aggregate is None:
                raise syntax_error()
            operation.aggregate = aggregate
            place += 1
        elif word == b"WITHSCORES" and not store and operation.kind != "card":
            operation.with_scores = True
        elif word == b"LIMIT" and operation.kind == "card" and left >= 2:
            operation.limit = parse_range(words[place + 1], 0, INT64_MAX, "LIMIT can't be negative")
            place += 1
        else:
            raise syntax_error()
        place += 1
