"""`math.random` of scripts: the 48-bit congruential generator of drand48(3), so that a seed gives the same numbers as in Redis."""

from __future__ import annotations

import math
import secrets

from store.scripting.errors import LibraryError, bad_argument
from store.scripting.interpreter import HostFunction, LuaValue
from store.scripting.libraries.arguments import integer

_MULTIPLIER, _INCREMENT, _LOW = 0x5DEECE66D, 0xB, 0x330E
_MOST = (1 << 31) - 1


class Generator:
    """One interpreter's random numbers; seeded differently at each start."""

    def __init__(self) -> None:
        self._state = secrets.randbits(48)

    def seed(self, *args: LuaValue) -> None:
        """math.randomseed(n)."""
        self._state = ((integer(args, 0, "randomseed") & 0xFFFFFFFF) << 16) | _LOW

    def _next(self) -> float:
        self._state = (self._state * _MULTIPLIER + _INCREMENT) & ((1 << 48) - 1)
        return (self._state >> 17) % _MOST / _MOST

    def random(self, *args: LuaValue) -> float:
        """math.random(): in [0, 1); (m): an integer in [1, m]; (l, m): in [l, m]."""
        drawn = self._next()
        if not args:
            return drawn
        if len(args) > 2:
            raise LibraryError("wrong number of arguments")
        least = integer(args, 0, "random") if len(args) == 2 else 1
        most = integer(args, len(args) - 1, "random")
        if least > most:
            raise bad_argument(len(args), "random", "interval is empty")
        return math.floor(drawn * (most - least + 1)) + least

    def library(self) -> dict[str, HostFunction]:
        """The functions that replace Lua's own."""
        return {"random": self.random, "randomseed": self.seed}
