"""Places on earth as 52-bit scores, distances between them, and the cells of the grid that cover an area.

    score = 26 bits of longitude and 26 of latitude, interleaved, longitude first      (a grid of 2**26 by 2**26 cells)
    cell  = the first 2 * step bits of a score: a coarser grid, so a cell is one range of scores

Longitude spans -180 to 180 degrees, latitude ±85.05112878 (EPSG:3857). Law: every number is computed in the order of
Redis's geohash.c and geohash_helper.c, with the same libm functions, so that each digit of a reply is the same.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

STEP_MAX = 26
LONGITUDES = (-180.0, 180.0)
LATITUDES = (-85.05112878, 85.05112878)
EARTH_RADIUS = 6372797.560856
"""Metres; the quadratic mean of WGS-84."""
_MERCATOR_MAX = 20037726.37
_RADIAN = math.pi / 180.0
_ODD, _EVEN = 0xAAAAAAAAAAAAAAAA, 0x5555555555555555
_U64 = (1 << 64) - 1
_ALPHABET = b"0123456789bcdefghjkmnpqrstuvwxyz"


class Point(NamedTuple):
    """A place, in degrees."""

    longitude: float
    latitude: float


class Cell(NamedTuple):
    """A cell of the grid: the first 2 * step bits of its members' scores."""

    bits: int
    step: int

    def scores(self) -> tuple[int, int]:
        """The range of scores in the cell: the first, and the first beyond."""
        shift = 52 - 2 * self.step
        return self.bits << shift, self.bits + 1 << shift

    def area(self) -> tuple[float, float, float, float]:
        """The cell's least and greatest longitude, least and greatest latitude, in degrees."""
        x, y = _squash(self.bits >> 1), _squash(self.bits)
        return (*_span(x, self.step, LONGITUDES), *_span(y, self.step, LATITUDES))

    def moved(self, east: int, north: int) -> Cell:
        """The cell next to this one, -1, 0 or 1 cells to the east and north; the grid wraps around."""
        unused = 64 - 2 * self.step
        x, y = self.bits & _ODD, self.bits & _EVEN
        return Cell(
            _step(x, east, _EVEN >> unused, _ODD >> unused) | _step(y, north, _ODD >> unused, _EVEN >> unused),
            self.step,
        )


def _step(axis: int, move: int, gaps: int, mask: int) -> int:
    """Add move to the number that the bits of mask in axis spell; gaps: the other axis's bits, which pass the carry on."""
    if move > 0:
        axis += gaps + 1
    elif move < 0:
        axis = (axis | gaps) - (gaps + 1)
    return axis & mask


def _spread(number: int) -> int:
    """Put the 32 bits of number at the even places of 64."""
    number = (number | number << 16) & 0x0000FFFF0000FFFF
    number = (number | number << 8) & 0x00FF00FF00FF00FF
    number = (number | number << 4) & 0x0F0F0F0F0F0F0F0F
    number = (number | number << 2) & 0x3333333333333333
    return (number | number << 1) & _EVEN


def _squash(number: int) -> int:
    """Gather the bits at the even places of 64 into 32."""
    number &= _EVEN
    number = (number | number >> 1) & 0x3333333333333333
    number = (number | number >> 2) & 0x0F0F0F0F0F0F0F0F
    number = (number | number >> 4) & 0x00FF00FF00FF00FF
    number = (number | number >> 8) & 0x0000FFFF0000FFFF
    return (number | number >> 16) & 0x00000000FFFFFFFF


def _span(index: int, step: int, limits: tuple[float, float]) -> tuple[float, float]:
    low, scale = limits[0], limits[1] - limits[0]
    return low + (index / (1 << step)) * scale, low + ((index + 1 & 0xFFFFFFFF) / (1 << step)) * scale


def cell_of(point: Point, step: int = STEP_MAX, latitudes: tuple[float, float] = LATITUDES) -> Cell:
    """The cell of a grid that holds a point; with step 26 its bits are the score of the point."""
    north = (point.latitude - latitudes[0]) / (latitudes[1] - latitudes[0])
    east = (point.longitude - LONGITUDES[0]) / (LONGITUDES[1] - LONGITUDES[0])
    return Cell(_spread(int(north * (1 << step))) | _spread(int(east * (1 << step))) << 1, step)


def point_of(score: float) -> Point:
    """The middle of the finest cell, where a score's member is taken to be."""
    west, east, south, north = Cell(_as_bits(score), STEP_MAX).area()
    return Point(_clamp((west + east) / 2, LONGITUDES), _clamp((south + north) / 2, LATITUDES))


def _as_bits(score: float) -> int:
    """A score as 64 bits, as C converts it: any sorted set can be asked for places, whatever its scores are."""
    if score >= 1 << 64:
        return 0
    return int(score) & _U64 if score >= -(1 << 63) else 1 << 63


def _clamp(degrees: float, limits: tuple[float, float]) -> float:
    return min(max(degrees, limits[0]), limits[1])


def geohash_text(point: Point) -> bytes:
    """The standard geohash of a point in eleven letters; 52 bits are known, so the last letter is always 0."""
    bits = cell_of(point, latitudes=(-90.0, 90.0)).bits
    return bytes(_ALPHABET[bits >> 52 - 5 * (place + 1) & 0x1F] for place in range(10)) + _ALPHABET[:1]


# ── distances ────────────────────────────────────────────────────────────────────────────────────────────────────────
def distance(first: Point, second: Point) -> float:
    """Metres between two points along a great circle (haversine formula)."""
    v = math.sin((second.longitude * _RADIAN - first.longitude * _RADIAN) / 2)
    if v == 0.0:
        return latitude_distance(first.latitude, second.latitude)
    south, north = first.latitude * _RADIAN, second.latitude * _RADIAN
    u = math.sin((north - south) / 2)
    a = u * u + math.cos(south) * math.cos(north) * v * v
    return 2.0 * EARTH_RADIUS * math.asin(min(math.sqrt(a), 1.0))  # rounding may lead beyond 1 for antipodes


def latitude_distance(first: float, second: float) -> float:
    """Metres between two latitudes."""
    return EARTH_RADIUS * abs(second * _RADIAN - first * _RADIAN)


def format_distance(value: float) -> bytes:
    """Print a distance with four decimals, rounded half to even."""
    whole, fraction = divmod(round(value * 10000.0), 10000)
    return b"%d.%04d" % (whole, fraction)


# ── areas ────────────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class Area:
    """What is searched: a circle (`radius`) or a box (`width`, `height`) around a centre; lengths in units of `unit` metres."""

    centre: Point
    unit: float
    radius: float | None = None
    width: float = 0.0
    height: float = 0.0

    def reach(self, point: Point) -> float | None:
        """Metres from the centre to a point, or None if the point lies outside."""
        if self.radius is not None:
            metres = distance(self.centre, point)
            return None if metres > self.radius * self.unit else metres
        if latitude_distance(point.latitude, self.centre.latitude) > self.height * self.unit / 2:
            return None
        if distance(point, Point(self.centre.longitude, point.latitude)) > self.width * self.unit / 2:
            return None
        return distance(self.centre, point)

    def cells(self) -> Iterator[Cell]:
        """The cells that cover the area: the one of the centre, then those around it that are needed."""
        bounds = self._bounds()
        step = self._first_step()
        if step > 1 and _too_fine(cell_of(self.centre, step), bounds):
            step -= 1
        middle = cell_of(self.centre, step)
        yield middle
        west, east, south, north = middle.area()
        min_lon, max_lon, min_lat, max_lat = bounds
        useless = set()
        if step >= 2:
            useless = {
                move for move, inside in (
                    ((0, -1), south < min_lat), ((0, 1), north > max_lat), ((-1, 0), west < min_lon), ((1, 0), east > max_lon),
                ) if inside
            }  # fmt: skip
        last: Cell | None = None  # in a coarse grid the same cell lies on both sides: not searched twice running
        for move in ((0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (-1, 1), (1, -1), (-1, -1)):
            cell = middle.moved(*move)
            if cell == last or (move[0], 0) in useless or (0, move[1]) in useless:
                continue
            last = cell
            yield cell

    def _bounds(self) -> tuple[float, float, float, float]:
        """The least and greatest longitude and latitude of the area, in degrees; a box is widest at the side of the pole."""
        longitude, latitude = self.centre
        height = self.unit * (self.radius if self.radius is not None else self.height / 2)
        width = self.unit * (self.radius if self.radius is not None else self.width / 2)
        up = height / EARTH_RADIUS / _RADIAN
        far = latitude - up if latitude < 0 else latitude + up
        aside = width / EARTH_RADIUS / (math.cos(far * _RADIAN) if math.isfinite(far) else math.nan) / _RADIAN
        return longitude - aside, longitude + aside, latitude - up, latitude + up

    def _first_step(self) -> int:
        """The finest grid in which nine cells should cover the area; coarser towards the poles, where cells are narrow."""
        radius = self.radius
        if radius is None:
            radius = math.sqrt((self.width / 2) * (self.width / 2) + (self.height / 2) * (self.height / 2))
        metres = radius * self.unit
        if metres == 0:
            return STEP_MAX
        step = -1
        while metres < _MERCATOR_MAX:
            metres *= 2
            step += 1
        latitude = abs(self.centre.latitude)
        return min(max(step - (latitude > 66) - (latitude > 80), 1), STEP_MAX)


def _too_fine(middle: Cell, bounds: tuple[float, float, float, float]) -> bool:
    """Tell whether an area reaches beyond the cells around the middle one."""
    min_lon, max_lon, min_lat, max_lat = bounds
    return (
        middle.moved(0, 1).area()[3] < max_lat
        or middle.moved(0, -1).area()[2] > min_lat
        or middle.moved(1, 0).area()[1] < max_lon
        or middle.moved(-1, 0).area()[0] > min_lon
    )
