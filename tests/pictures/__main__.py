"""`make pictures`: draw every dashboard and `chronis top` from a real run into deploy/pictures."""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console

from metrics.pages import DASHBOARDS
from store.tools.top_cli import Link, View
from tests.kit.servers import HOST
from tests.pictures.draw import Page
from tests.pictures.record import Run, collect, load, outage, running

DIRECTORY = Path(__file__).parents[2] / "deploy/pictures"


def top(run: Run, path: Path) -> None:
    """Draw what `chronis top` shows of both nodes as an SVG."""
    view = View([Link(f"{HOST}:{server.port}") for server in (run.primary, run.replica)])
    view.refresh()
    time.sleep(1)
    with open("/dev/null", "w", encoding="utf-8") as nowhere:
        console = Console(record=True, width=140, file=nowhere, force_terminal=True, color_system="truecolor")
        console.print(view.refresh())
    for link in view.links:
        link.close()
    drawn = console.export_svg(title="chronis top")
    # rich would have the reader's browser fetch a font from elsewhere; any monospaced one does.
    path.write_text(re.sub(r"\s*@font-face \{[^}]*\}", "", drawn), encoding="utf-8")


def main(argv: list[str] | None = None) -> int:
    """Run, record, draw; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.pictures", description=__doc__)
    parser.add_argument("--seconds", type=float, default=120, help="how long the run is (default 120)")
    parser.add_argument("--output", type=Path, default=DIRECTORY, help="where the pictures go")
    options = parser.parse_args(argv)
    options.output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as directory, running(Path(directory)) as run:
        start = time.time()
        with load(run):
            time.sleep(options.seconds * 0.5)
            outage(run, options.seconds * 0.08)
            time.sleep(max(0.0, start + options.seconds - time.time()))
            top(run, options.output / "top.svg")
            recorded = collect(run, DASHBOARDS, start, time.time())
    for board in DASHBOARDS:
        path = options.output / f"{board.uid.removeprefix('chronis-')}.png"
        Page(board, recorded).save(path)
        print(f"{path}: {path.stat().st_size // 1024} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
