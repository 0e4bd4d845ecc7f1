"""RDB, the snapshot format of Redis: read (versions 1 to 11), written (version 10), and as DUMP payloads.

Reading order: codes (the grammar), primitives and put, compact, put_listpack and legacy (blobs), decode and encode (values),
reader, loading and writer (files), dump. Compiled only: quick and packs, which read what is common.
"""

from store.rdb.dump import dump_value, restore_value
from store.rdb.loading import load, verify
from store.rdb.reader import RdbLoader
from store.rdb.report import Extras, RdbReport
from store.rdb.writer import encode_snapshot, save, standard_aux

__all__ = [
    "Extras",
    "RdbLoader",
    "RdbReport",
    "dump_value",
    "encode_snapshot",
    "load",
    "restore_value",
    "save",
    "standard_aux",
    "verify",
]
