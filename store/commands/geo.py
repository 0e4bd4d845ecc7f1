"""GEO commands on single places: GEOADD, GEODIST, GEOHASH, GEOPOS. A place is a member of a sorted set, its score a cell.

Searching is in `geo_search`. Law: GEOADD is ZADD with scores worked out, and is recorded as one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from store.commands.arguments import parse_float
from store.commands.sorted_sets import zadd
from store.commands.table import command
from store.errors import ReplyError, syntax_error
from store.geohash import LATITUDES, LONGITUDES, Point, cell_of, distance, format_distance, geohash_text, point_of
from store.numbers import LongDouble
from store.replies import NULL_ARRAY, DoubleText

if TYPE_CHECKING:
    from store.tx import Tx

_METRES = {b"m": 1.0, b"km": 1000.0, b"ft": 0.3048, b"mi": 1609.34}
PER_MEMBER = "O(N) where N is the number of members given"


def read_unit(word: bytes) -> float:
    """Read a unit of length as metres; raise ReplyError for an unknown one."""
    metres = _METRES.get(word.lower())
    if metres is None:
        raise ReplyError("unsupported unit provided. please use M, KM, FT, MI")
    return metres


def read_point(longitude: bytes, latitude: bytes) -> Point:
    """Read a place in degrees; raise ReplyError unless both are floats within the limits of the grid."""
    point = Point(parse_float(longitude), parse_float(latitude))
    if not (LONGITUDES[0] <= point.longitude <= LONGITUDES[1] and LATITUDES[0] <= point.latitude <= LATITUDES[1]):
        raise ReplyError(f"invalid longitude,latitude pair {point.longitude:f},{point.latitude:f}")
    return point


def degrees(point: Point) -> list[DoubleText]:
    """A place as a reply: two doubles with up to 17 decimals."""
    return [_degrees_text(part) for part in point]


def _degrees_text(number: float) -> DoubleText:
    mantissa, divisor = number.as_integer_ratio()
    return DoubleText(bytes(LongDouble(mantissa, 1 - divisor.bit_length())))


@command(
    "GEOADD", "write denyoom", keys="RW update @1", since="3.2.0", group="geo",
    complexity="O(M*log(N)) for M places given",
)  # fmt: skip
def geoadd(tx: Tx, key: bytes, longitude: bytes, latitude: bytes, member: bytes, *more: bytes) -> object:
    """Give members places, adding those that are missing; reply how many are new (CH: new or moved)."""
    words = (longitude, latitude, member, *more)
    count = 0
    while count < len(words) and words[count].upper() in (b"NX", b"XX", b"CH"):
        count += 1
    options = {word.upper() for word in words[:count]}
    if (len(words) - count) % 3 or {b"NX", b"XX"} <= options:
        raise syntax_error()
    pairs: list[bytes] = []
    for place in range(count, len(words), 3):
        point = read_point(words[place], words[place + 1])
        pairs += (b"%d" % cell_of(point).bits, words[place + 2])
    return zadd(tx, key, *words[:count], *pairs)


@command("GEODIST", "readonly", keys="RO access @1", since="3.2.0", group="geo", complexity="O(1)")
def geodist(tx: Tx, key: bytes, first: bytes, second: bytes, *unit: bytes) -> bytes | None:
    """Reply the distance between two members, in metres or the given unit, or null if one is missing."""
    metres = read_unit(unit[0]) if len(unit) == 1 else 1.0
    if len(unit) > 1:
        raise syntax_error()
    zset = tx.db.zset(key)
    start, end = (None, None) if zset is None else (zset.score(first), zset.score(second))
    if start is None or end is None:
        return None
    return format_distance(distance(point_of(start), point_of(end)) / metres)


def _points(tx: Tx, key: bytes, members: tuple[bytes, ...]) -> list[Point | None]:
    zset = tx.db.zset(key)
    scores = [None if zset is None else zset.score(member) for member in members]
    return [None if score is None else point_of(score) for score in scores]


@command("GEOHASH", "readonly", keys="RO access @1", since="3.2.0", group="geo", complexity=PER_MEMBER)
def geohash(tx: Tx, key: bytes, *members: bytes) -> list[bytes | None]:
    """Reply the members' places as standard geohashes of eleven letters, null for each that is missing."""
    return [None if point is None else geohash_text(point) for point in _points(tx, key, members)]


@command("GEOPOS", "readonly", keys="RO access @1", since="3.2.0", group="geo", complexity=PER_MEMBER)
def geopos(tx: Tx, key: bytes, *members: bytes) -> list[object]:
    """Reply the members' places as longitude and latitude, a null array for each that is missing."""
    return [NULL_ARRAY if point is None else degrees(point) for point in _points(tx, key, members)]
