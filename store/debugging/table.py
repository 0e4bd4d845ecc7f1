"""A row of DEBUG's table: a function from (tx, *arguments) to a reply, how it is called, and what HELP says of it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass

MANY = 1 << 30


@dataclass(frozen=True, slots=True)
class Row:
    """One subcommand. `least` and `most` count the arguments after its name; `usage` names them for HELP."""

    name: bytes
    run: Callable[..., object]
    usage: str
    least: int
    most: int

    @property
    def doc(self) -> str:
        """The first line of the function's docstring."""
        return inspect.cleandoc(self.run.__doc__ or "").partition("\n")[0]


def row(name: str, run: Callable[..., object], usage: str = "") -> Row:
    """Make a row; how many arguments there may be follows from the function's parameters after tx."""
    parameters = list(inspect.signature(run).parameters.values())[1:]
    positional = [p for p in parameters if p.kind is not p.VAR_POSITIONAL]
    least = sum(p.default is p.empty for p in positional)
    return Row(
        name.lower().encode(), run, usage, least, len(positional) if len(positional) == len(parameters) else MANY
    )


def switch(text: bytes) -> bool:
    """Read a 0 or 1 as C's atoi does: what is no number is 0."""
    digits = text.lstrip(b" +-")
    return bool(int(digits[: len(digits) - len(digits.lstrip(b"0123456789"))] or b"0"))
