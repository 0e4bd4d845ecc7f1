"""A graph of numbers in ASCII, four rows high, with labels written downwards below it (sparkline.c 7.0)."""

from __future__ import annotations

from collections.abc import Sequence

COLUMNS = 80
ROWS = 4
_STEPS = "_o#"  # a third, two thirds and all of a character's height
_FULL = "|"


def sparkline(samples: Sequence[tuple[float, str]]) -> str:
    """Draw samples (value, label), 80 in a block."""
    blocks = [samples[start : start + COLUMNS] for start in range(0, len(samples), COLUMNS)]
    values = [value for value, _ in samples]
    return "\n".join(_block(block, min(values), max(values)) for block in blocks)


def _block(samples: Sequence[tuple[float, str]], least: float, most: float) -> str:
    steps = len(_STEPS) * ROWS
    spread = (most - least) or 1
    heights = [min(steps - 1, int((value - least) * steps / spread)) for value, _ in samples]
    rows = [
        "".join(_cell(height - below) for height in heights) for below in range(steps - len(_STEPS), -1, -len(_STEPS))
    ]
    labels = [label for _, label in samples]
    rows.append(" " * len(samples))
    for place in range(max(map(len, labels))):
        rows.append("".join(label[place : place + 1] or " " for label in labels))
    return "".join(row + "\n" for row in rows)


def _cell(step: int) -> str:
    if step < 0:
        return " "
    return _STEPS[step] if step < len(_STEPS) else _FULL
