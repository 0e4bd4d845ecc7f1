"""GEO commands that search: GEOSEARCH, GEORADIUS and GEORADIUSBYMEMBER, their read-only and their storing forms.

Law: what a search stores is recorded as its outcome, members with scores: trigonometry may differ in the last digit from
one machine to the next, and then two nodes would not be equal.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from store.commands.arguments import INT64_MAX, INT64_MIN
from store.commands.geo import degrees, read_point
from store.commands.geo_query import GeoQuery
from store.commands.lookups import read_for_write
from store.commands.score_updates import score_text
from store.commands.table import command
from store.errors import wrong_type
from store.geohash import Area, Point, format_distance, point_of
from store.notifications import UNHEARD, ZSET
from store.values.sorted_set import SortedSet

if TYPE_CHECKING:
    from store.tx import Tx

PER_SEARCH = "O(N+log(M)) for N members in the cells around and M in the sorted set"
_SLICE = 512


class Found(NamedTuple):
    """A place that a search found; `metres` from the centre."""

    member: bytes
    score: float
    point: Point
    metres: float


# ── the commands ─────────────────────────────────────────────────────────────────────────────────────────────────────
@command("GEOSEARCH", "readonly", keys="RO access @1", since="6.2.0", group="geo", complexity=PER_SEARCH)
def geosearch(tx: Tx, key: bytes, a: bytes, b: bytes, c: bytes, d: bytes, e: bytes, *more: bytes) -> object:
    """Reply the members in a circle or box around a place or member."""
    query = GeoQuery("geosearch", tx.db.zset(key), flexible=True)
    query.read((a, b, c, d, e, *more))
    return _answer(tx, query)


@command(
    "GEOSEARCHSTORE",
    "write denyoom",
    keys="OW update @1; RO access @2",
    since="6.2.0",
    group="geo",
    complexity=PER_SEARCH,
)
def geosearchstore(
    tx: Tx, destination: bytes, source: bytes, a: bytes, b: bytes, c: bytes, d: bytes, e: bytes, *more: bytes
) -> object:
    """Store the members in a circle or box as a sorted set, with their places or distances; reply how many."""
    query = GeoQuery("geosearchstore", _for_write(tx, source), True, may_store=True, destination=destination)
    query.read((a, b, c, d, e, *more))
    return _answer(tx, query)


@command(
    "GEORADIUS", "write denyoom movablekeys", keys="RO access @1; OW update @STORE+6; OW update @STOREDIST+6",
    since="3.2.0", group="geo", complexity=PER_SEARCH,
)  # fmt: skip
def georadius(
    tx: Tx, key: bytes, longitude: bytes, latitude: bytes, radius: bytes, unit: bytes, *options: bytes
) -> object:
    """Reply or store the members in a circle around a place."""
    query = GeoQuery("georadius", _for_write(tx, key), may_store=True)
    return _circle(tx, query, (longitude, latitude), radius, unit, options)


@command("GEORADIUS_RO", "readonly", keys="RO access @1", since="3.2.10", group="geo", complexity=PER_SEARCH)
def georadius_ro(
    tx: Tx, key: bytes, longitude: bytes, latitude: bytes, radius: bytes, unit: bytes, *options: bytes
) -> object:
    """Reply the members in a circle around a place."""
    return _circle(tx, GeoQuery("georadius_ro", tx.db.zset(key)), (longitude, latitude), radius, unit, options)


@command(
    "GEORADIUSBYMEMBER", "write denyoom movablekeys", keys="RO access @1; OW update @STORE+5; OW update @STOREDIST+5",
    since="3.2.0", group="geo", complexity=PER_SEARCH,
)  # fmt: skip
def georadiusbymember(tx: Tx, key: bytes, member: bytes, radius: bytes, unit: bytes, *options: bytes) -> object:
    """Reply or store the members in a circle around a member."""
    query = GeoQuery("georadiusbymember", _for_write(tx, key), may_store=True)
    return _circle(tx, query, (member,), radius, unit, options)


@command("GEORADIUSBYMEMBER_RO", "readonly", keys="RO access @1", since="3.2.10", group="geo", complexity=PER_SEARCH)
def georadiusbymember_ro(tx: Tx, key: bytes, member: bytes, radius: bytes, unit: bytes, *options: bytes) -> object:
    """Reply the members in a circle around a member."""
    return _circle(tx, GeoQuery("georadiusbymember_ro", tx.db.zset(key)), (member,), radius, unit, options)


def _for_write(tx: Tx, key: bytes) -> SortedSet | None:
    value = read_for_write(tx, key)
    if value is not None and not isinstance(value, SortedSet):
        raise wrong_type()
    return value


def _circle(
    tx: Tx, query: GeoQuery, centre: tuple[bytes, ...], radius: bytes, unit: bytes, options: tuple[bytes, ...]
) -> object:
    """Do GEORADIUS, or GEORADIUSBYMEMBER when the centre is one word; without a key Redis does not read its radius."""
    if len(centre) == 2:
        query.centre = read_point(*centre)
    else:
        query.around(centre[0])
    if len(centre) == 2 or query.zset is not None:
        query.within(radius, unit)
    query.read(options)
    return _answer(tx, query)


# ── searching ────────────────────────────────────────────────────────────────────────────────────────────────────────
def _answer(tx: Tx, query: GeoQuery) -> object:
    area = query.area
    found = [] if query.zset is None or area is None else _search(query.zset, area, query)
    if query.destination is not None:
        return _store(tx, query, query.destination, found)
    return [_told(query, place) for place in found]


def _search(zset: SortedSet, area: Area, query: GeoQuery) -> list[Found]:
    places = _places(zset, area)
    if query.any:
        places = islice(places, query.count)
    if query.order == b"DESC":
        ordered = sorted(places, key=lambda place: -place.metres)
    elif query.order == b"ASC" or (query.count and not query.any):
        if query.count:
            return heapq.nsmallest(query.count, places, key=lambda place: place.metres)
        ordered = sorted(places, key=lambda place: place.metres)
    else:
        ordered = list(places)
    return ordered[: query.count] if query.count else ordered


def _places(zset: SortedSet, area: Area) -> Iterator[Found]:
    """The places inside an area, cell by cell, by score within a cell."""
    for cell in area.cells():
        low, high = cell.scores()
        start, stop = zset.score_span(low, False, high, True)
        for first in range(start, stop, _SLICE):
            for score, member in zset.slice(first, min(first + _SLICE, stop)):
                point = point_of(score)
                metres = area.reach(point)
                if metres is not None:
                    yield Found(member, score, point, metres)


def _told(query: GeoQuery, place: Found) -> object:
    """One place as a reply: the member, and what the options ask to be told of it."""
    if not query.told:
        return place.member
    reply: list[object] = [place.member]
    if b"WITHDIST" in query.told:
        reply.append(format_distance(place.metres / query.unit))
    if b"WITHHASH" in query.told:
        reply.append(int(place.score) if INT64_MIN <= place.score < INT64_MAX else INT64_MIN)
    if b"WITHCOORD" in query.told:
        reply.append(degrees(place.point))
    return reply


def _store(tx: Tx, query: GeoQuery, destination: bytes, found: list[Found]) -> int:
    if not found:
        tx.delete(destination)
        return 0
    if destination in tx.db.entries:
        tx.record_as(b"del", b"DEL", destination, notice_class=UNHEARD)  # Redis tells of the new value only
    words: list[bytes] = []
    for place in found:
        words += (score_text(place.metres / query.unit if query.store_distance else place.score), place.member)
    notice = b"geosearchstore" if query.flexible else b"georadiusstore"
    tx.record_as(notice, b"ZADD", destination, *words, notice_class=ZSET)
    return len(found)
