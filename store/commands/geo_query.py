"""What a search for places asks: where, how far, how many, in which order, and what is told of each place found.

    search  = *part                                (GEORADIUS and its like give centre and radius before, as positions)
    part    = FROMMEMBER member | FROMLONLAT longitude latitude | BYRADIUS radius unit | BYBOX width height unit
            | ASC | DESC | COUNT count [ANY] | ANY | WITHCOORD | WITHDIST | WITHHASH | STORE key | STOREDIST [key]

Law: errors come in Redis's order: a part that can't be read at once, what is missing or does not fit together at the end.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from store.commands.arguments import parse_float, parse_int
from store.commands.geo import read_point, read_unit
from store.errors import ReplyError, syntax_error
from store.geohash import Area, Point, point_of
from store.values.sorted_set import SortedSet

_TOLD = (b"WITHDIST", b"WITHHASH", b"WITHCOORD")


@dataclass(slots=True)
class GeoQuery:
    """A search, read. `flexible`: the GEOSEARCH forms; `may_store`: STORE and STOREDIST are known; `area`: once complete."""

    command: str
    zset: SortedSet | None
    flexible: bool = False
    may_store: bool = False
    destination: bytes | None = None
    store_distance: bool = False
    told: frozenset[bytes] = frozenset()
    order: bytes = b""
    count: int = 0
    any: bool = False
    centre: Point | None = None
    from_member: bool = False
    from_point: bool = False
    radius: float | None = None
    box: tuple[float, float] | None = None
    unit: float = 1.0

    # ── centre and size ──────────────────────────────────────────────────────────────────────────────────────────────
    def around(self, member: bytes) -> None:
        """Take a member's place as the centre; raise ReplyError if it has none. Without a key there is no centre."""
        self.from_member = True
        if self.zset is None:
            return
        score = self.zset.score(member)
        if score is None:
            raise ReplyError("could not decode requested zset member")
        self.centre = point_of(score)

    def within(self, radius: bytes, unit: bytes) -> None:
        """Search a circle."""
        self.radius = parse_float(radius, "need numeric radius")
        if self.radius < 0:
            raise ReplyError("radius cannot be negative")
        self.unit = read_unit(unit)

    def inside(self, width: bytes, height: bytes, unit: bytes) -> None:
        """Search a box."""
        self.box = (parse_float(width, "need numeric width"), parse_float(height, "need numeric height"))
        if min(self.box) < 0:
            raise ReplyError("height or width cannot be negative")
        self.unit = read_unit(unit)

    @property
    def area(self) -> Area | None:
        """What is to be searched, or None when there is nothing to search in."""
        if self.centre is None:
            return None
        width, height = self.box or (0.0, 0.0)
        return Area(self.centre, self.unit, None if self.box else self.radius, width, height)

    # ── options ──────────────────────────────────────────────────────────────────────────────────────────────────────
    def read(self, words: tuple[bytes, ...]) -> None:
        """Read the options, then check that they are complete and fit together."""
        place = 0
        while place < len(words):
            place += 1 + self._read_one(words[place].upper(), words[place + 1 :])
        self._check()

    def _read_one(self, word: bytes, rest: tuple[bytes, ...]) -> int:
        """Read one option; return how many words after its name belong to it."""
        if word in _TOLD:
            self.told |= {word}
        elif word in (b"ASC", b"DESC"):
            self.order = word
        elif word == b"ANY":
            self.any = True
        elif word == b"STOREDIST" and self.flexible and self.may_store:
            self.store_distance = True
        else:
            return self._read_with_words(word, rest)
        return 0

    def _read_with_words(self, word: bytes, rest: tuple[bytes, ...]) -> int:
        count, wanted, read = self._readers().get(word, (0, False, None))
        if read is None or not wanted or len(rest) < count:
            raise syntax_error()
        read(*rest[:count])
        return count

    def _readers(self) -> dict[bytes, tuple[int, bool, Callable[..., None]]]:
        """Options with words after them: how many, whether they may stand here, and what reads them."""
        stores = self.may_store and not self.flexible
        return {
            b"COUNT": (1, True, self._set_count),
            b"STORE": (1, stores, lambda key: self._store(key, False)),
            b"STOREDIST": (1, stores, lambda key: self._store(key, True)),
            b"FROMMEMBER": (1, self.flexible and not self.from_point, self.around),
            b"FROMLONLAT": (2, self.flexible and not self.from_member, self._set_centre),
            b"BYRADIUS": (2, self.flexible and self.box is None, self.within),
            b"BYBOX": (3, self.flexible and self.radius is None, self.inside),
        }

    def _set_count(self, word: bytes) -> None:
        self.count = parse_int(word)
        if self.count <= 0:
            raise ReplyError("COUNT must be > 0")

    def _set_centre(self, longitude: bytes, latitude: bytes) -> None:
        self.centre = read_point(longitude, latitude)
        self.from_point = True

    def _store(self, key: bytes, distances: bool) -> None:
        self.destination, self.store_distance = key, distances

    def _check(self) -> None:
        if self.destination is not None and self.told:
            what = "GEOSEARCHSTORE" if self.flexible else "STORE option in GEORADIUS"
            raise ReplyError(f"{what} is not compatible with WITHDIST, WITHHASH and WITHCOORD options")
        if self.flexible and not (self.from_member or self.from_point):
            raise ReplyError(f"exactly one of FROMMEMBER or FROMLONLAT can be specified for {self.command}")
        if self.flexible and self.radius is None and self.box is None:
            raise ReplyError(f"exactly one of BYRADIUS and BYBOX can be specified for {self.command}")
        if self.any and not self.count:
            raise ReplyError("the ANY argument requires COUNT argument")
