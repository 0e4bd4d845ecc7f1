"""RDB into a keyspace, fed piece by piece while it arrives (`loading` feeds files).

Law: nothing is trusted before it was compared: every length with the bytes there are, the whole with its CRC-64. The
keyspace is filled while reading, so it is worth something only when `finish` returned; after CorruptSnapshot the
caller drops it. Expired keys are loaded like all others: they leave by recorded events.
"""

from __future__ import annotations

from collections.abc import Callable

from store.database import Database
from store.entry import Stored
from store.errors import CorruptSnapshot, ReplyError
from store.keyspace import Keyspace
from store.rdb import codes
from store.rdb.crc64 import crc64
from store.rdb.decode import READERS, EmptyValue
from store.rdb.functions import read_function
from store.rdb.opaque import skip_module_parts
from store.rdb.primitives import Cursor, Malformed, Underflow
from store.rdb.quick import Entries
from store.rdb.report import RdbReport
from store.scripting.metadata import library_head
from store.values.base import Value
from store.values.opaque import OpaqueValue

PIECE = 1 << 20
"""Bytes read at a time; a value that spans more is waited for in doubling steps: no byte is parsed again and again."""
BEYOND = 1 << 62
"""More bytes than there will ever be: what a damaged length asks for may not fit into 64 bits."""


class RdbLoader:
    """Reads one RDB stream into a keyspace (None: reads and checks only).

    `limit`: the stream's size in bytes if known; `replace`: a key that exists is replaced instead of refused;
    `check_crc`: compare the checksum (option rdbchecksum). Feed bytes until `done`, then `finish`; `rest` holds what
    came after the end.
    """

    def __init__(
        self,
        keyspace: Keyspace | None,
        path: str = "(stream)",
        *,
        limit: int | None = None,
        replace: bool = False,
        check_crc: bool = True,
    ) -> None:
        self.keyspace = keyspace
        self.report = RdbReport(path)
        self.done = False
        self._replace = replace
        self._check_crc = check_crc
        self._cursor = Cursor(b"", limit)
        self._pieces: list[bytes] = []
        self._waiting = 0  # bytes in _pieces
        self._wanted = 9  # bytes that have to be there before another try is worth it
        self._crc = 0
        self._begun = False
        self._db = 0
        self._database: Database | None = None  # where keys go: number _db of the keyspace, once one has come
        self._entries = Entries()
        # Keys of this database that `report` does not count yet.
        self._strings = self._hashes = self._zsets = self._lists = self._sets = self._expiring = 0
        self._seen_databases = False
        self._deadline = 0
        self._idle: int | None = None
        self._frequency: int | None = None

    @property
    def position(self) -> int:
        """Bytes fed so far."""
        return self._cursor.base + len(self._cursor.data) + self._waiting

    @property
    def rest(self) -> bytes:
        """The bytes that were fed beyond the end of the file; call it only when `done`."""
        return self._cursor.data[self._cursor.pos :] + b"".join(self._pieces)

    def feed(self, data: bytes) -> bool:
        """Read on with data, in any portions; True when the file is complete. Raise CorruptSnapshot."""
        self._pieces.append(data)
        self._waiting += len(data)
        if not self.done and len(self._cursor.data) + self._waiting >= self._wanted:
            self._read_parts()
        return self.done

    def finish(self) -> RdbReport:
        """Say that no more bytes come; return the report, or raise CorruptSnapshot if the file is not complete."""
        if not self.done:
            self._wanted = 0
            self._read_parts()
        if not self.done:
            raise CorruptSnapshot(self.report.path, self.position, "the file ends before it is complete")
        return self.report

    def _read_parts(self) -> None:
        """Read part after part until the bytes or the file end."""
        cursor = self._cursor
        cursor.data = b"".join((cursor.data, *self._pieces)) if self._pieces else cursor.data
        self._pieces.clear()
        self._waiting = 0
        part = cursor.pos
        try:
            while not self.done:
                part = cursor.pos
                if self._begun:
                    if not self._deadline and self._idle is None and self._frequency is None:  # they are the next entry's
                        self._read_entries()
                        part = cursor.pos
                    self._read_part()
                else:
                    self._read_header()
        except Underflow as short:
            unread = len(cursor.data) - part
            self._wanted = min(max(short.stop - cursor.base - part, 2 * unread if unread > PIECE else 0), BEYOND)
            cursor.pos = part
        except Malformed as error:
            place = error.position if error.position is not None else cursor.base + cursor.pos
            raise CorruptSnapshot(self.report.path, place, error.reason) from error
        self._count()
        if not self.done:
            self._forget()

    def _forget(self) -> None:
        """Drop the bytes that were read, after they went into the checksum."""
        cursor = self._cursor
        if cursor.pos:
            self._crc = crc64(memoryview(cursor.data)[: cursor.pos], self._crc)
            cursor.base += cursor.pos
            cursor.data = cursor.data[cursor.pos :]
            cursor.pos = 0

    # ── the parts of a file ────────────────────────────────────────────────────────────────────────────────────────
    def _read_header(self) -> None:
        header = self._cursor.take(9)
        if not header.startswith(codes.MAGIC) or not header[5:].isdigit():
            raise Malformed("not an RDB file: it does not start with REDIS and a version", 0)
        self.report.version = int(header[5:])
        if not 1 <= self.report.version <= codes.NEWEST:
            raise Malformed(f"RDB version {self.report.version}; versions 1 to {codes.NEWEST} can be read", 5)
        self._begun = True

    def _read_entries(self) -> None:
        """Read entries as long as they are common ones: nearly all of a file, where this is compiled."""
        cursor, entries = self._cursor, self._entries
        entries.open(cursor.data, cursor.pos)
        while entries.next():
            kind, start = entries.type_byte, cursor.base + entries.start
            if kind == codes.STRING:
                self._strings += 1
            elif kind in (codes.HASH, codes.HASH_LISTPACK):
                self._hashes += 1
            elif kind in (codes.ZSET_2, codes.ZSET_LISTPACK):
                self._zsets += 1
            elif kind == codes.LIST_QUICKLIST_2:
                self._lists += 1
            else:
                self._sets += 1
            if entries.deadline:
                self._expiring += 1
            if self.keyspace is not None:
                self._deadline = entries.deadline
                self._idle = entries.idle if entries.idle >= 0 else None
                self._frequency = entries.frequency if entries.frequency >= 0 else None
                self._put(self._database or self._chosen(start), entries.key, entries.value, start)
        cursor.pos = entries.pos
        self._deadline, self._idle, self._frequency = 0, None, None

    def _read_part(self) -> None:
        cursor = self._cursor
        code = cursor.byte()
        if code < codes.FUNCTION2:
            self._read_entry(code)
            return
        reader = _PARTS.get(code)
        if reader is None:
            raise Malformed(f"unknown opcode {code}", cursor.base + cursor.pos - 1)
        reader(self)

    def _read_entry(self, type_byte: int) -> None:
        cursor = self._cursor
        start = cursor.base + cursor.pos - 1
        value: Stored | None
        if type_byte == codes.STRING:
            key, value = cursor.string(), cursor.string()
            self._keep_string(key, value, start)
            return
        reader = READERS.get(type_byte)
        if reader is None:
            raise Malformed(f"unknown type {type_byte} of a value", start)
        key = cursor.string()
        try:
            value = reader(cursor)
        except EmptyValue:
            value = None
        except Malformed as error:
            place = error.position if error.position is not None else start
            where = f"key {key[:64]!r} of database {self._db}, type {type_byte}"
            raise Malformed(f"{where}: {error.reason}", place) from error
        if value is None:
            self.report.empty_skipped += 1
        else:
            self._keep(key, value, start)
        self._deadline, self._idle, self._frequency = 0, None, None

    def _keep_string(self, key: bytes, value: bytes, start: int) -> None:
        """Count a string and put it into its database: most keys are strings."""
        self._strings += 1
        if self._deadline:
            self._expiring += 1
        if self.keyspace is not None:
            self._put(self._database or self._chosen(start), key, value, start)
        self._deadline, self._idle, self._frequency = 0, None, None

    def _keep(self, key: bytes, value: Stored, start: int) -> None:
        """Count an entry and put it into its database."""
        report = self.report
        report.keys += 1
        report.databases[self._db] += 1
        report.types[value.kind if isinstance(value, Value) else "string"] += 1
        if self._deadline:
            report.expiring += 1
        if isinstance(value, OpaqueValue):
            report.opaque += 1
        if self.keyspace is not None:
            self._put(self._database or self._chosen(start), key, value, start)

    def _count(self) -> None:
        """Add the keys of this database to the report."""
        report = self.report
        counted = (
            ("string", self._strings), ("hash", self._hashes), ("zset", self._zsets), ("list", self._lists), ("set", self._sets)
        )  # fmt: skip
        for name, count in counted:
            if count:
                report.types[name] += count
                report.keys += count
                report.databases[self._db] += count
        report.expiring += self._expiring
        self._strings = self._hashes = self._zsets = self._lists = self._sets = self._expiring = 0

    def _chosen(self, start: int) -> Database:
        """The database that was selected."""
        assert self.keyspace is not None
        if self._db >= len(self.keyspace.databases):
            count = len(self.keyspace.databases)
            raise Malformed(f"database {self._db}, but this server has {count} (option databases)", start)
        self._database = self.keyspace.databases[self._db]
        return self._database

    def _put(self, db: Database, key: bytes, value: Stored, start: int) -> None:
        keyspace, before = db.keyspace, len(db.entries)
        entry = db.put(key, value)
        if len(db.entries) == before and not self._replace:
            raise Malformed(f"key {key[:64]!r} is twice in database {self._db}", start)
        if self._deadline:
            db.set_deadline(key, self._deadline)
        if keyspace.lfu is None:
            if self._idle is not None:
                entry.access = max(0, keyspace.access_clock - self._idle)
        elif self._frequency is not None:
            entry.access = keyspace.fresh_access & ~0xFF | self._frequency

    def _read_aux(self) -> None:
        name, value = self._cursor.string(), self._cursor.string()
        self.report.aux[name.decode("utf-8", "backslashreplace")] = value

    def _read_select(self) -> None:
        self._count()
        self._db, self._database = self._cursor.length(), None
        self._seen_databases = True

    def _read_resize(self) -> None:
        self._cursor.length()
        self._cursor.length()

    def _read_deadline(self) -> None:
        self._set_deadline(self._cursor.integer(8))

    def _read_deadline_seconds(self) -> None:
        self._set_deadline(self._cursor.integer(4) * 1000)

    def _set_deadline(self, deadline: int) -> None:
        # -1 is how Redis itself says "none"; what else lies before 1970 is past, which 1 says as well.
        self._deadline = 0 if deadline == -1 else max(1, deadline)

    def _read_idle(self) -> None:
        self._idle = self._cursor.length()

    def _read_frequency(self) -> None:
        self._frequency = self._cursor.byte()

    def _read_function(self) -> None:
        self._keep_function(codes.FUNCTION2)

    def _read_early_function(self) -> None:
        self._keep_function(codes.FUNCTION)

    def _keep_function(self, opcode: int) -> None:
        code = read_function(self._cursor, opcode)
        self.report.functions.append(code)
        if self.keyspace is not None:
            try:
                name = library_head(code).name
            except ReplyError as error:
                raise Malformed(f"a function library: {error.message}") from error
            self.keyspace.functions = {**self.keyspace.functions, name: code}

    def _read_module_aux(self) -> None:
        cursor = self._cursor
        start = cursor.pos
        cursor.length()
        if cursor.length() != codes.MODULE_UINT:
            raise Malformed("a module's data that does not say when it is to be loaded")
        cursor.length()
        skip_module_parts(cursor)
        extras = self.report.extras
        blobs = extras.modules_after if self._seen_databases else extras.modules_before
        blobs.append(cursor.data[start : cursor.pos])

    def _read_end(self) -> None:
        """Compare the checksum: the last 8 bytes, over everything before them."""
        cursor, report = self._cursor, self.report
        stop = cursor.pos
        if report.version >= 5:
            stored = int.from_bytes(cursor.take(8), "little")
            report.checksum = "matches" if stored else "absent"
            if stored and self._check_crc and stored != crc64(memoryview(cursor.data)[:stop], self._crc):
                raise Malformed("the checksum of the file does not match its content", cursor.base + stop)
        report.size = cursor.base + cursor.pos
        self._count()
        self.done = True


_PARTS: dict[int, Callable[[RdbLoader], None]] = {
    codes.AUX: RdbLoader._read_aux, codes.SELECTDB: RdbLoader._read_select, codes.RESIZEDB: RdbLoader._read_resize,
    codes.EXPIRETIME_MS: RdbLoader._read_deadline, codes.EXPIRETIME: RdbLoader._read_deadline_seconds,
    codes.IDLE: RdbLoader._read_idle, codes.FREQ: RdbLoader._read_frequency, codes.FUNCTION2: RdbLoader._read_function,
    codes.FUNCTION: RdbLoader._read_early_function, codes.MODULE_AUX: RdbLoader._read_module_aux,
    codes.EOF: RdbLoader._read_end,
}  # fmt: skip
