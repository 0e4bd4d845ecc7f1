"""RESP2 and RESP3: bytes to requests, replies to bytes. No I/O here.

Two parsers and encoders exist: the compiled ones (`_fast`, built where a C compiler is) and plain Python over hiredis; both
pass the same tests, and `IMPLEMENTATION` (INFO: `chronis_engine`) tells which one runs. CHRONIS_PURE=1 asks for the plain ones.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from store.resp.encoder import encode_error

if TYPE_CHECKING or os.environ.get("CHRONIS_PURE"):
    from store.resp.encoder import encode
    from store.resp.parser import Parser

    IMPLEMENTATION = "python"
else:
    try:
        from store.resp._fast import Parser, encode

        IMPLEMENTATION = "compiled"
    except ImportError:
        from store.resp.encoder import encode
        from store.resp.parser import Parser

        IMPLEMENTATION = "python"

__all__ = ["IMPLEMENTATION", "Parser", "encode", "encode_error"]
