"""The simple kinds of option values: yes/no, numbers, one of several words, several words, text, secrets.

A kind reads the arguments of one configuration line, shows the value as CONFIG GET does and writes it back as
lines. Law: a kind has no state and no side effect; `read` either returns a complete new value or raises ValueError
with the reason Redis 7.0 gives (config.c), so a refused value has changed nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from store.config.numerals import INT_MAX, ULONG_MAX, c_octal, format_memory, memory_size, strict_integer
from store.config.quoting import quote


class Kind(Protocol):
    """How one sort of value is read, shown and written."""

    @property
    def many(self) -> bool:
        """Tell whether a line may carry any number of arguments; otherwise it is exactly one."""
        ...

    def read(self, args: Sequence[bytes], current: Any) -> Any:
        """Return the value that args mean, where current is the value so far; raise ValueError with the rule."""
        ...

    def show(self, value: Any) -> bytes:
        """Return value in its canonical text, as CONFIG GET answers it."""
        ...

    def lines(self, name: bytes, value: Any, default: Any) -> list[tuple[bytes, bool]]:
        """Return the configuration lines for value, each with whether it is needed where the file has none yet."""
        ...


@dataclass(frozen=True)
class Flag:
    """yes or no, as a bool."""

    many = False

    def read(self, args: Sequence[bytes], current: Any) -> bool:
        """Return True for yes and False for no, in any case of letters."""
        word = args[0].lower()
        if word not in (b"yes", b"no"):
            raise ValueError("argument must be 'yes' or 'no'")
        return word == b"yes"

    def show(self, value: Any) -> bytes:
        """Return yes or no."""
        return b"yes" if value else b"no"

    def lines(self, name: bytes, value: Any, default: Any) -> list[tuple[bytes, bool]]:
        """Return the one line; needed when it is not the default."""
        return [(name + b" " + self.show(value), value != default)]


@dataclass(frozen=True)
class Number:
    """An integer from low to high, both included.

    `form` says how it is written: plain, memory (a size in bytes, units allowed), percent (memory, or a percentage
    that is kept as a negative number), octal. `unsigned` values are compared as unsigned 64-bit numbers, as in Redis.
    """

    low: int
    high: int
    form: str = "plain"
    unsigned: bool = False

    many = False

    def read(self, args: Sequence[bytes], current: Any) -> int:
        """Return the number; raise ValueError when it can't be read or is out of range."""
        number = self._parse(args[0])
        if self.unsigned:
            number &= ULONG_MAX
        elif number > ULONG_MAX >> 1:
            number -= ULONG_MAX + 1
        if self.form == "percent" and number < 0:
            if number < self.low:
                raise ValueError(f"percentage argument must be less or equal to {-self.low}")
        elif not self.low <= number <= self.high:
            bounds = f"{self.low:o} and {self.high:o}" if self.form == "octal" else f"{self.low} and {self.high}"
            raise ValueError(f"argument must be between {bounds} inclusive")
        return number

    def show(self, value: Any) -> bytes:
        """Return the number: in bytes for sizes, with % for percentages, in base 8 for octal ones."""
        if self.form == "percent" and value < 0:
            return b"%d%%" % -value
        return b"%o" % value if self.form == "octal" else b"%d" % value

    def lines(self, name: bytes, value: Any, default: Any) -> list[tuple[bytes, bool]]:
        """Return the one line, sizes in their largest whole unit; needed when it is not the default."""
        sized = self.form in ("memory", "percent") and value >= 0
        text = format_memory(value) if sized else self.show(value)
        return [(name + b" " + text, value != default)]

    def _parse(self, text: bytes) -> int:
        number: int | None = None
        if self.form == "octal":
            number = c_octal(text)
        elif self.form == "plain":
            number = strict_integer(text)
        else:
            number = memory_size(text)
        if number is None and self.form == "percent" and len(text) > 1 and text.endswith(b"%"):
            percentage = strict_integer(text[:-1])
            number = -percentage if percentage is not None and percentage >= 0 else None
        if number is None:
            raise ValueError(_UNREADABLE[self.form])
        return number


_UNREADABLE = {
    "plain": "argument couldn't be parsed into an integer",
    "memory": "argument must be a memory value",
    "percent": "argument must be a memory or percent value",
    "octal": "argument couldn't be parsed as an octal number",
}


@dataclass(frozen=True)
class Hint(Number):
    """A number that is taken as a wish: any from low to high is accepted, then held between least and most."""

    least: int = 0
    most: int = INT_MAX

    def read(self, args: Sequence[bytes], current: Any) -> int:
        """Return the number, moved into the range."""
        return min(max(super().read(args, current), self.least), self.most)


@dataclass(frozen=True)
class Choice:
    """One of several words, kept as text; a synonym is kept as the word it stands for."""

    words: tuple[str, ...]
    synonyms: tuple[tuple[str, str], ...] = ()

    many = False

    def read(self, args: Sequence[bytes], current: Any) -> str:
        """Return the word in its canonical spelling."""
        word = _word(args[0], self.words)
        return dict(self.synonyms).get(word, word)

    def show(self, value: Any) -> bytes:
        """Return the word."""
        return encode(value)

    def lines(self, name: bytes, value: Any, default: Any) -> list[tuple[bytes, bool]]:
        """Return the one line; needed when it is not the default."""
        return [(name + b" " + self.show(value), value != default)]


@dataclass(frozen=True)
class Choices:
    """Any number of words out of a list, kept in the list's order without repeats; the first word stands for none."""

    words: tuple[str, ...]

    many = True

    def read(self, args: Sequence[bytes], current: Any) -> tuple[str, ...]:
        """Return the chosen words; at least one argument is needed."""
        if not args:
            raise ValueError(_one_of(self.words))
        chosen = {_word(arg, self.words) for arg in args}
        return tuple(word for word in self.words[1:] if word in chosen)

    def show(self, value: Any) -> bytes:
        """Return the words with a space between, or the one that stands for none."""
        return encode(" ".join(value) or self.words[0])

    def lines(self, name: bytes, value: Any, default: Any) -> list[tuple[bytes, bool]]:
        """Return the one line; needed when it is not the default."""
        return [(name + b" " + self.show(value), value != default)]


@dataclass(frozen=True)
class Text:
    """Text; bytes that are not UTF-8 survive as surrogates. `optional` text that is empty has no line in a file."""

    optional: bool = False

    many = False

    def read(self, args: Sequence[bytes], current: Any) -> Any:
        """Return the text up to a NUL byte, where a C string ends."""
        return decode(args[0].split(b"\0", 1)[0])

    def show(self, value: Any) -> bytes:
        """Return the text as bytes."""
        return encode(value)

    def lines(self, name: bytes, value: Any, default: Any) -> list[tuple[bytes, bool]]:
        """Return the one line, quoted; none for an optional text that is empty."""
        if self.optional and not value:
            return []
        return [(name + b" " + quote(self.show(value)), self.optional or value != default)]


@dataclass(frozen=True)
class Secret(Text):
    """A password as raw bytes, any byte allowed: it is compared with, or sent as, bytes."""

    optional: bool = True

    def read(self, args: Sequence[bytes], current: Any) -> bytes:
        """Return the bytes as they are."""
        return bytes(args[0])

    def show(self, value: Any) -> bytes:
        """Return the bytes as they are."""
        return bytes(value)


def decode(text: bytes) -> str:
    """Return text as str in a way that `encode` undoes for every byte string."""
    return text.decode("utf-8", "surrogateescape")


def encode(text: str) -> bytes:
    """Return the bytes that `decode` made text from."""
    return text.encode("utf-8", "surrogateescape")


def _one_of(words: tuple[str, ...]) -> str:
    return "argument(s) must be one of the following: " + ", ".join(words)


def _word(text: bytes, words: tuple[str, ...]) -> str:
    word = decode(text).lower()
    if word not in words:
        raise ValueError(_one_of(words))
    return word
