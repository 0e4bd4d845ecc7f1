"""RESP2 and RESP3: bytes to requests, replies to bytes. No I/O here.

Two parsers and encoders exist: the compiled ones (`_fast`, built where a C compiler is) and plain Python over hiredis; both
pass the same tests, and `IMPLEMENTATION` (INFO: `chronis_engine`) tells which one runs.
"""

from __future__ import annotations

from store.resp.encoder import encode
from store.resp.parser import Parser

IMPLEMENTATION = "python"

__all__ = ["IMPLEMENTATION", "Parser", "encode"]
