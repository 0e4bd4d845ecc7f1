"""One option: what is known of it, and the short words with which the table of options is written.

Law: an option's row says everything there is to know about it; no other module knows an option by its name except
to use its value.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict, Unpack

from store.config.kinds import Choice, Choices, Flag, Kind, Number, Secret, Text
from store.config.numerals import INT_MAX, LONG_MAX


@dataclass(eq=False)
class Option:
    """A row of the table.

    `fixed`: only settable at start (Redis: immutable). `inert`: accepted so that a redis.conf works, without effect.
    `sensitive`: its value must not reach logs. `hidden`: CONFIG GET shows it only by its exact name.
    `protected`: CONFIG SET needs `enable-protected-configs`. `not_loading`: can't be set while data is loaded.
    `check` raises ValueError with the rule a readable value breaks.
    """

    kind: Kind
    default: Any
    doc: str
    name: str = ""  # the attribute's name with dashes when not given
    alias: str = ""
    fixed: bool = False
    inert: bool = False
    sensitive: bool = False
    hidden: bool = False
    protected: bool = False
    not_loading: bool = False
    check: Callable[[Any], None] | None = None
    attribute: str = ""

    def read(self, args: Sequence[bytes], current: Any) -> Any:
        """Return the value that args mean, current being the one so far; raise ValueError with the rule they break."""
        value = self.kind.read(args, current)
        if self.check is not None:
            self.check(value)
        return value


class Traits(TypedDict, total=False):
    """What a row may say beyond kind, default and doc; see Option."""

    name: str
    alias: str
    fixed: bool
    inert: bool
    sensitive: bool
    hidden: bool
    protected: bool
    not_loading: bool
    check: Callable[[Any], None] | None


# These return Any so that a row can state the type its attribute has on Settings: `port: int = integer(…)`.


def special(kind: Kind, default: Any, doc: str, **traits: Unpack[Traits]) -> Any:
    """Make a row with a kind of its own."""
    return Option(kind, default, doc, **traits)


def flag(default: bool, doc: str, **traits: Unpack[Traits]) -> Any:
    """Make a row for a yes/no option."""
    return Option(Flag(), default, doc, **traits)


def integer(
    default: int, doc: str, low: int = 0, high: int = INT_MAX, unsigned: bool = False, **traits: Unpack[Traits]
) -> Any:
    """Make a row for a number from low to high."""
    return Option(Number(low, high, unsigned=unsigned), default, doc, **traits)


def memory(
    default: int, doc: str, low: int = 0, high: int = LONG_MAX, unsigned: bool = False, **traits: Unpack[Traits]
) -> Any:
    """Make a row for a size in bytes from low to high."""
    return Option(Number(low, high, "memory", unsigned), default, doc, **traits)


def choice(default: str, words: str, doc: str, **traits: Unpack[Traits]) -> Any:
    """Make a row for one of several words, given with spaces between; `a=b` makes a another spelling of b."""
    pairs = [word.partition("=") for word in words.split()]
    synonyms = tuple((word, meaning) for word, _, meaning in pairs if meaning)
    return Option(Choice(tuple(word for word, _, _ in pairs), synonyms), default, doc, **traits)


def choices(words: str, doc: str, **traits: Unpack[Traits]) -> Any:
    """Make a row for any number of words; the first stands for none, which is the default."""
    return Option(Choices(tuple(words.split())), (), doc, **traits)


def text(default: str, doc: str, **traits: Unpack[Traits]) -> Any:
    """Make a row for text that may be empty."""
    return Option(Text(), default, doc, **traits)


def optional(doc: str, **traits: Unpack[Traits]) -> Any:
    """Make a row for text where empty means unset, which is the default."""
    return Option(Text(optional=True), "", doc, **traits)


def secret(doc: str, **traits: Unpack[Traits]) -> Any:
    """Make a row for bytes that must not reach logs; empty means unset, which is the default."""
    traits["sensitive"] = True
    return Option(Secret(), b"", doc, **traits)
