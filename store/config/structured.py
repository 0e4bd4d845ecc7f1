"""The option values with a shape of their own: save points, buffer limits, addresses, event classes and the like.

Law: as in `store.config.kinds`: reading has no side effect, gives a complete new immutable value or raises
ValueError with Redis 7.0's reason; what `show` writes reads back as the same value.
"""

from __future__ import annotations

import errno
import math
import os
import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from store.config.kinds import decode, encode
from store.config.numerals import c_integer, format_memory, memory_size
from store.config.quoting import quote

BIND_ADDRESSES_MAX = 16
EVENT_CLASSES = "g$lshzxetdnKEm"  # in the order CONFIG GET lists them
ALL_EVENTS = frozenset("g$lshzxetd")  # what A stands for: misses (m) and new keys (n) are asked for by name


class BufferLimit(NamedTuple):
    """When a client that does not read is cut off: at hard bytes at once, above soft bytes for `seconds`; 0 = never."""

    hard: int
    soft: int
    seconds: int


DEFAULT_LIMITS: Mapping[str, BufferLimit] = MappingProxyType(
    {
        "normal": BufferLimit(0, 0, 0),
        "replica": BufferLimit(256 << 20, 64 << 20, 60),
        "pubsub": BufferLimit(32 << 20, 8 << 20, 60),
    }
)


class Save:
    """Save points as ((seconds, changes), …): a snapshot is due after `seconds` with at least `changes` writes."""

    many = True

    def read(self, args: Sequence[bytes], current: Any) -> tuple[tuple[int, int], ...]:
        """Return the save points in args; one empty argument means none."""
        if list(args) == [b""]:
            return ()
        numbers = [c_integer(arg) for arg in args]
        values = [number for number in numbers if number is not None]
        points = tuple(zip(values[::2], values[1::2], strict=False))
        if len(values) != len(args) or len(args) % 2 or any(s < 1 or c < 0 for s, c in points):
            raise ValueError("Invalid save parameters")
        return points

    def show(self, value: Any) -> bytes:
        """Return the numbers with spaces between."""
        return b" ".join(b"%d %d" % point for point in value)

    def lines(self, name: bytes, value: Any, default: Any) -> list[tuple[bytes, bool]]:
        """Return a line a save point, always needed: an absent `save` means the defaults, not none."""
        points = [b"%d %d" % point for point in value] or [b'""']
        return [(name + b" " + point, True) for point in points]


class BufferLimits:
    """Output buffer limits by class of client: normal, replica (Redis shows it as slave), pubsub."""

    many = True

    def read(self, args: Sequence[bytes], current: Any) -> Mapping[str, BufferLimit]:
        """Return current with the limits of the classes named in args replaced."""
        if len(args) % 4:
            raise ValueError("Wrong number of arguments in buffer limit configuration.")
        limits = dict(current)
        for start in range(0, len(args), 4):
            kind = decode(args[start]).lower().replace("slave", "replica")
            if kind not in limits:
                raise ValueError("Invalid client class specified in buffer limit configuration.")
            limits[kind] = self._limit(args[start + 1 : start + 4])
        return MappingProxyType(limits)

    def show(self, value: Any) -> bytes:
        """Return the three classes with their limits, bytes as plain numbers."""
        names = {"replica": b"slave"}
        return b" ".join(b"%s %d %d %d" % (names.get(kind, encode(kind)), *limit) for kind, limit in value.items())

    def lines(self, name: bytes, value: Any, default: Any) -> list[tuple[bytes, bool]]:
        """Return a line a class; needed where its limits are not the default."""
        return [
            (
                b"%s %s %s %s %d"
                % (name, encode(kind), format_memory(limit.hard), format_memory(limit.soft), limit.seconds),
                limit != default[kind],
            )
            for kind, limit in value.items()
        ]

    @staticmethod
    def _limit(args: Sequence[bytes]) -> BufferLimit:
        hard, soft, seconds = memory_size(args[0]), memory_size(args[1]), c_integer(args[2])
        if hard is None or soft is None or seconds is None or seconds < 0:
            raise ValueError("Error in hard, soft or soft_seconds setting in buffer limit configuration.")
        return BufferLimit(hard, soft, seconds)


class ScoreAdjust:
    """Three values for Linux's oom_score_adj, -2000 to 2000: as primary, as replica, of a child process."""

    many = True

    def read(self, args: Sequence[bytes], current: Any) -> tuple[int, ...]:
        """Return the three values."""
        if len(args) != 3:
            raise ValueError("wrong number of arguments")
        values = tuple(number for number in map(c_integer, args) if number is not None and -2000 <= number <= 2000)
        if len(values) != 3:
            raise ValueError("Invalid oom-score-adj-values, elements must be between -2000 and 2000.")
        return values

    def show(self, value: Any) -> bytes:
        """Return the values with spaces between."""
        return b" ".join(b"%d" % number for number in value)

    def lines(self, name: bytes, value: Any, default: Any) -> list[tuple[bytes, bool]]:
        """Return the one line; needed when it is not the default."""
        return [(name + b" " + self.show(value), value != default)]


class KeyspaceEvents:
    """Classes of keyspace notifications as their letters in a fixed order, A spelt out; empty = off."""

    many = False

    def read(self, args: Sequence[bytes], current: Any) -> str:
        """Return the letters of the classes."""
        letters = set(decode(args[0]))
        if not letters <= {"A", *EVENT_CLASSES}:
            raise ValueError("Invalid event class character. Use 'Ag$lshzxeKEtmdn'.")
        if "A" in letters:
            letters |= ALL_EVENTS
        return "".join(letter for letter in EVENT_CLASSES if letter in letters)

    def show(self, value: Any) -> bytes:
        """Return the letters, A for all of its classes (which swallows n, as in Redis)."""
        if set(value) >= ALL_EVENTS:
            return b"A" + encode("".join(letter for letter in "KEm" if letter in value))
        return encode(value)

    def lines(self, name: bytes, value: Any, default: Any) -> list[tuple[bytes, bool]]:
        """Return the one line, quoted; needed unless notifications are off."""
        # Not `show`: n beside A is not shown, but has to survive a restart.
        text = self.show(value) + (b"n" if "n" in value and set(value) >= ALL_EVENTS else b"")
        return [(name + b" " + quote(text), value != default)]


class Bind:
    """Addresses to listen on; a leading - makes one optional, * and -::* are all IPv4 and all IPv6 addresses."""

    many = True

    def read(self, args: Sequence[bytes], current: Any) -> tuple[str, ...]:
        """Return the addresses; one empty argument means none."""
        if len(args) > BIND_ADDRESSES_MAX:
            raise ValueError("Too many bind addresses specified.")
        return () if list(args) == [b""] else tuple(decode(arg) for arg in args)

    def show(self, value: Any) -> bytes:
        """Return the addresses with spaces between."""
        return encode(" ".join(value))

    def lines(self, name: bytes, value: Any, default: Any) -> list[tuple[bytes, bool]]:
        """Return the one line; none for the default."""
        return [] if value == default else [(name + b" " + (self.show(value) or b'""'), True)]


class ReplicaOf:
    """The primary to follow as (host, port), or None for a primary."""

    many = True

    def read(self, args: Sequence[bytes], current: Any) -> tuple[str, int] | None:
        """Return the address; `no one` means none."""
        if len(args) != 2:
            raise ValueError("wrong number of arguments")
        if [arg.lower() for arg in args] == [b"no", b"one"]:
            return None
        port = c_integer(args[1])
        if port is None or not 0 <= port <= 65535:
            raise ValueError("Invalid master port")
        return decode(args[0]), port

    def show(self, value: Any) -> bytes:
        """Return host and port, or nothing."""
        return b"" if value is None else b"%s %d" % (encode(value[0]), value[1])

    def lines(self, name: bytes, value: Any, default: Any) -> list[tuple[bytes, bool]]:
        """Return the one line; none for a primary, so that it starts as one."""
        return [] if value is None else [(name + b" " + self.show(value), True)]


class Percentiles:
    """Percentiles from 0 to 100 as floats."""

    many = True

    def read(self, args: Sequence[bytes], current: Any) -> tuple[float, ...]:
        """Return the percentiles in the order given; one empty argument means none."""
        values = [] if list(args) == [b""] else [_float(arg) for arg in args]
        for value in values:
            if value is None:
                raise ValueError("Invalid latency-tracking-info-percentiles parameters")
            if not 0 <= value <= 100:
                raise ValueError("latency-tracking-info-percentiles parameters should sit between [0.0,100.0]")
        return tuple(value for value in values if value is not None)

    def show(self, value: Any) -> bytes:
        """Return the percentiles with at most six decimals and no trailing zeros."""
        return b" ".join((b"%f" % number).rstrip(b"0").rstrip(b".") for number in value)

    def lines(self, name: bytes, value: Any, default: Any) -> list[tuple[bytes, bool]]:
        """Return the one line; needed when it is not the default."""
        return [(name + b" " + (self.show(value) or b'""'), value != default)]


class Directory:
    """The data directory as an absolute path without links; it has to exist. A relative one starts at the current."""

    many = False

    def read(self, args: Sequence[bytes], current: Any) -> str:
        """Return the absolute path; raise ValueError with the system's reason when it can't be entered."""
        try:
            # The dot makes the system check what a change of directory would: that it is one, and may be searched.
            os.stat(os.path.join(current, os.fsdecode(args[0]), ".") if args[0] else "")
        except OSError as error:
            raise ValueError(os.strerror(error.errno or errno.EIO)) from None
        return os.path.realpath(os.path.join(current, os.fsdecode(args[0])))

    def show(self, value: Any) -> bytes:
        """Return the path as bytes."""
        return os.fsencode(value)

    def lines(self, name: bytes, value: Any, default: Any) -> list[tuple[bytes, bool]]:
        """Return the one line, always needed: the next start may be from another directory."""
        return [(name + b" " + quote(self.show(value)), True)]


_DECIMAL = re.compile(rb"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[+-]?inf(?:inity)?", re.IGNORECASE)
_HEX = re.compile(rb"[+-]?0x(?:[0-9a-f]+\.?[0-9a-f]*|\.[0-9a-f]+)(?:p[+-]?[0-9]{1,4})?", re.IGNORECASE)


def _float(text: bytes) -> float | None:
    """Return what strtod(3) reads when it reads all of text; None when it does not, or on overflow."""
    try:
        if _HEX.fullmatch(text):
            return float.fromhex(text.decode())
    except OverflowError:
        return None
    if not _DECIMAL.fullmatch(text):
        return None
    value = float(text)
    overflowed = math.isinf(value) and b"inf" not in text.lower()
    return None if overflowed else value
