"""Progress bars of long work, on the standard error of a terminal; elsewhere nothing is shown and nothing is slower.

Law: what a tool prints and its exit status are the same with a bar and without.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

from store.steps import LoadFigures, Steps, drained

T = TypeVar("T")
Advance = Callable[[int], None]
"""Says how much more is done, in bytes or pieces."""
UPDATES = 500
"""The bar is moved about so many times from its beginning to its end: moving it for every frame would cost more than reading it."""


def ignore(amount: int) -> None:
    """Progress that nobody looks at."""


@contextmanager
def bar(what: str, total: int, *, pieces: bool = False) -> Iterator[Advance]:
    """Show a bar for what, up to total bytes (or pieces), while the context lasts; yield what moves it."""
    if not sys.stderr.isatty():
        yield ignore
        return
    size: ProgressColumn = MofNCompleteColumn() if pieces else DownloadColumn()
    with _shown(size) as shown:
        task = shown.add_task(what, total=total)
        waiting = 0

        def advance(amount: int) -> None:
            nonlocal waiting
            waiting += amount
            if waiting * UPDATES >= total:
                shown.advance(task, waiting)
                waiting = 0

        yield advance


def _shown(size: ProgressColumn) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), size, TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True)


def watched(what: str, steps: Steps[T], figures: LoadFigures) -> T:
    """Take all steps of loading, with a bar that follows their figures; return their result."""
    if not sys.stderr.isatty():
        return drained(steps)
    with _shown(DownloadColumn()) as shown:
        task = shown.add_task(what, total=None)
        while True:
            try:
                next(steps)
            except StopIteration as end:
                result: T = end.value
                return result
            shown.update(task, total=figures.total or None, completed=figures.loaded)
