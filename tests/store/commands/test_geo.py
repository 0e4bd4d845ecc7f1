"""What searches that store leave in history, and the geometry that they rest on."""

from __future__ import annotations

from store.geohash import Area, Cell, Point, cell_of, format_distance, geohash_text, point_of
from tests.kit.inprocess import Node


def test_a_stored_search_is_recorded_as_its_outcome_in_place_of_what_was_there() -> None:
    node = Node()
    node.run("GEOADD", "g", 1, 2, "a", 50, 60, "b")
    node.run("SET", "d", "old")
    node.run("EXPIRE", "d", 100)
    before = len(node.events())
    assert node.run("GEOSEARCHSTORE", "d", "g", "FROMLONLAT", 1, 2, "BYRADIUS", 1, "km") == 1
    score = node.run("ZSCORE", "g", "a")
    assert [event[:2] for event in node.events()[before:]] == [[b"MULTI"], [b"DEL", b"d"], [b"ZADD", b"d"], [b"EXEC"]]
    assert node.run("ZRANGE", "d", 0, -1, "WITHSCORES") == [b"a", score]
    assert node.run("TTL", "d") == -1
    node.check()


def test_a_search_that_finds_nothing_records_only_a_removal() -> None:
    node = Node()
    node.run("GEOADD", "g", 1, 2, "a")
    before = len(node.events())
    for _ in range(2):
        assert node.run("GEORADIUS", "g", 100, 2, 1, "m", "STORE", "g") == 0
    assert node.events()[before:] == [[b"DEL", b"g"]]


def test_geoadd_is_recorded_as_the_scores_that_change() -> None:
    node = Node()
    node.run("GEOADD", "g", 1, 2, "a")
    before = len(node.events())
    assert node.run("GEOADD", "g", "CH", 1, 2, "a", 3, 4, "b") == 1
    assert node.events()[before:] == [[b"ZADD", b"g", b"%d" % cell_of(Point(3, 4)).bits, b"b"]]


def test_a_cell_is_a_range_of_the_scores_of_its_points() -> None:
    point = Point(13.361389, 38.115556)
    for step in range(1, 27):
        low, high = cell_of(point, step).scores()
        assert low <= cell_of(point).bits < high
        west, east, south, north = cell_of(point, step).area()
        assert west <= point.longitude <= east
        assert south <= point.latitude <= north


def test_neighbours_wrap_around_the_grid() -> None:
    cell = cell_of(Point(179.9, 85.0), 3)
    assert cell.moved(1, 0).area()[0] == -180
    assert cell.moved(0, 1).area()[2] < -85
    assert cell.moved(1, 1).moved(-1, -1) == cell == cell.moved(0, 0)


def test_a_score_gives_back_its_point_within_the_size_of_a_cell() -> None:
    found = point_of(cell_of(Point(2.349, 48.864)).bits)
    assert abs(found.longitude - 2.349) < 360 / (1 << 26)
    assert abs(found.latitude - 48.864) < 171 / (1 << 26)
    assert geohash_text(found)[:6] == b"u09tvr"


def test_an_area_is_covered_by_cells_without_needless_ones() -> None:
    assert list(Area(Point(10, 10), 1.0, 0.0).cells()) == [cell_of(Point(10, 10))]
    everywhere = {cell.scores() for cell in Area(Point(0, 0), 1000.0, 20000.0).cells()}
    assert everywhere == {Cell(bits, 1).scores() for bits in range(4)}


def test_distances_are_rounded_to_four_decimals() -> None:
    assert [format_distance(value) for value in (0.0, 0.00005, 1.23456, 166274.1516)] == [
        b"0.0000", b"0.0000", b"1.2346", b"166274.1516",
    ]  # fmt: skip
