"""Progress bars: on a terminal only, and what a tool prints stays the same."""

import io
import sys
from pathlib import Path

import pytest

from store.steps import LoadFigures, Steps, drained, said
from store.tools.main import main
from store.tools.progress import bar, watched
from tests.kit.logs import NOW, new_log, turn


class Terminal(io.StringIO):
    """Text that claims to be a terminal."""

    def isatty(self) -> bool:
        return True


def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Standard error as a terminal, from now on (pytest puts its own in place before each test)."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    made = Terminal()
    monkeypatch.setattr(sys, "stderr", made)
    return made


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A data directory with two segments."""
    directory = tmp_path / "data"
    directory.mkdir()
    log = new_log(directory, segment_bytes=200)
    for number in range(6):
        turn(log, f"SET k {number}", now=NOW + number)
    log.close()
    return directory


def loading(figures: LoadFigures) -> Steps[str]:
    """Work of three steps."""
    figures.total = 300
    for _ in range(3):
        figures.loaded += 100
        yield
    return "done"


def test_steps_are_watched_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    shown, figures = terminal(monkeypatch), LoadFigures()
    assert watched("reading it", loading(figures), figures) == "done"
    assert "reading it" in shown.getvalue()
    assert "300/300 bytes" in shown.getvalue()


def test_a_bar_reaches_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = terminal(monkeypatch)
    with bar("comparing", 4, pieces=True) as advance:
        for _ in range(4):
            advance(1)
    assert "comparing" in shown.getvalue()
    assert "4/4" in shown.getvalue()


def test_nothing_is_shown_elsewhere(capsys: pytest.CaptureFixture[str]) -> None:
    figures = LoadFigures()
    assert watched("reading it", loading(figures), figures) == "done"
    with bar("comparing", 4) as advance:
        advance(4)
    assert capsys.readouterr() == ("", "")


def test_tools_print_the_same_with_a_bar_and_without(
    directory: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(target: Path) -> list[str]:
        statuses = [main(["check", str(directory)]), main(["export", "--rdb", str(directory), str(target)])]
        assert statuses == [0, 0]
        return capsys.readouterr().out.replace(str(target), "TARGET").splitlines()

    plain = run(tmp_path / "a")
    shown = terminal(monkeypatch)
    assert run(tmp_path / "b") == plain
    assert "checking 2 segments" in shown.getvalue() or "checking 3 segments" in shown.getvalue()
    assert f"reading {directory}"[:20] in shown.getvalue()


def test_long_work_is_told_of_between_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("store.steps.SAY_SECONDS", 0.0)
    figures, lines = LoadFigures(), []
    assert drained(said(loading(figures), lambda: lines.append(figures.percent))) == "done"
    assert lines == [pytest.approx(100 / 3), pytest.approx(200 / 3), 100.0]
