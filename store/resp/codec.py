"""The plain form of `codec.pyx`: where that is compiled, it takes the place of this module (see store.resp)."""

from __future__ import annotations

from store.resp.parser import Parser

__all__ = ["IMPLEMENTATION", "Parser"]

IMPLEMENTATION = "python"
