"""Pictures: what they are made of, and that the README shows files that are there."""

import re
from pathlib import Path

import pytest

from metrics.pages import DASHBOARDS
from metrics.pages.overview import OVERVIEW
from metrics.panels import PRIMARY
from tests.pictures.draw import Page, broken, reading
from tests.pictures.record import Recorded, key
from tests.pictures.units import shown

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0, "s", "0 s"),
        (0.00034, "s", "340 µs"),
        (90, "s", "90 s"),
        (7200, "s", "2 h"),
        (-0.0, "Bps", "0 B/s"),
        (1536, "bytes", "1.5 KiB"),
        (12_345, "ops", "12.3 K ops/s"),
        (0.25, "percentunit", "25 %"),
        (float("nan"), "short", "–"),
    ],
)
def test_numbers_with_units(value: float, unit: str, text: str) -> None:
    assert shown(value, unit) == text


def test_words_and_thresholds_of_a_panel() -> None:
    assert reading(PRIMARY, 1.0) == ("primary", "green")
    assert reading(PRIMARY, 0.0) == ("replica", "blue")


def test_no_line_over_an_outage() -> None:
    samples = [(1.0, 5.0), (2.0, 5.0), (20.0, 6.0)]
    assert [at for at, _ in broken(samples)] == [1.0, 2.0, 20.0, 20.0]


def test_a_dashboard_is_drawn(tmp_path: Path) -> None:
    """Every kind of panel, with data and without."""
    recorded = Recorded(0.0, 60.0, marks=[(30.0, "Restarts")])
    for panel in (panel for row in OVERVIEW.rows for panel in row.panels):
        samples = [(float(at), float(at % 7)) for at in range(0, 61, 2)]
        recorded.panels[key(panel)] = [("node", {"le": "1"}, samples)] if panel.kind != "table" else []
    path = tmp_path / "overview.png"
    Page(OVERVIEW, recorded).save(path)
    assert path.read_bytes().startswith(b"\x89PNG")


def test_readme_shows_every_dashboard() -> None:
    shown_files = re.findall(r"\((deploy/pictures/[^)]+)\)", (ROOT / "README.md").read_text())
    shown_files.remove("deploy/pictures/speed.svg")  # the benchmark's own
    wanted = [f"deploy/pictures/{board.uid.removeprefix('chronis-')}.png" for board in DASHBOARDS]
    assert sorted(shown_files) == sorted([*wanted, "deploy/pictures/top.svg"])
    assert all((ROOT / name).stat().st_size < 400_000 for name in shown_files)
