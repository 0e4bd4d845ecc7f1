"""RESP2 and RESP3: bytes to requests, replies to bytes. No I/O here.

Two parsers and encoders exist: the compiled ones (`codec.pyx` and `encoded.pyx`, built where a C compiler is) and plain Python
over hiredis; both pass the same tests, and `IMPLEMENTATION` (INFO: `chronis_engine`) tells which one runs. CHRONIS_PURE=1 asks for
the plain ones.
"""

from __future__ import annotations

from store.resp.codec import IMPLEMENTATION, Parser
from store.resp.encoded import encode
from store.resp.encoder import encode_error

__all__ = ["IMPLEMENTATION", "Parser", "encode", "encode_error"]
