"""RDB, the snapshot format of Redis: read (versions 1 to 11), written (version 10), and as DUMP payloads.

Reading order: codes (the grammar), primitives, compact and legacy (blobs), decode and encode (values),
reader and writer (files), dump.
"""

from store.rdb.dump import dump_value, restore_value
from store.rdb.reader import RdbLoader, load, verify
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
