"""Apply functions of strings and keys: state, accounting, notifications; also in the forms a Redis primary sends."""

from __future__ import annotations

from typing import cast

import pytest

from store.apply import APPLY
from store.database import Database
from store.keyspace import Keyspace
from store.notifications import ALL, EXPIRED, NEW
from store.values.list import List

Notice = tuple[int, bytes, bytes]


class State:
    """A keyspace that remembers its notifications; `apply` checks every invariant after each event."""

    def __init__(self) -> None:
        self.keyspace = Keyspace()
        self.keyspace.notify_classes = ALL | NEW
        self.notices: list[Notice] = []
        self.keyspace.on_notify = self._notice

    def _notice(self, db: Database, _notice_class: int, notice: bytes, key: bytes) -> None:
        self.notices.append((db.index, notice, key))

    def apply(self, event: str, db: int = 0) -> object:
        name, *args = event.encode().split()
        result = APPLY[name](self.keyspace.databases[db], *args)
        self.keyspace._check()
        return result

    def string(self, key: bytes, db: int = 0) -> bytes | None:
        return self.keyspace.databases[db].string(key)

    def deadline(self, key: bytes, db: int = 0) -> int:
        return self.keyspace.databases[db].entries[key].deadline


@pytest.fixture
def state() -> State:
    return State()


def test_set_replaces_value_and_deadline(state: State) -> None:
    state.apply("SET k v PXAT 5000")
    assert (state.string(b"k"), state.deadline(b"k")) == (b"v", 5000)
    state.apply("SET k w KEEPTTL")
    assert (state.string(b"k"), state.deadline(b"k")) == (b"w", 5000)
    state.apply("SET k x")
    assert (state.string(b"k"), state.deadline(b"k")) == (b"x", 0)
    assert [notice for _, notice, _ in state.notices] == [b"new", b"set", b"expire", b"set", b"set"]


def test_set_as_a_redis_primary_sends_it(state: State) -> None:
    state.apply("SET k v nx pxat 7000 get")
    assert (state.string(b"k"), state.deadline(b"k")) == (b"v", 7000)
    state.apply("SET k w XX keepttl")
    assert (state.string(b"k"), state.deadline(b"k")) == (b"w", 7000)


def test_append_and_setrange_edit_in_place(state: State) -> None:
    assert state.apply("APPEND k 12") == 2
    assert type(state.keyspace.databases[0].entries[b"k"].value) is bytes
    assert state.apply("APPEND k 34") == 4
    assert state.apply("SETRANGE k 6 xy") == 8
    assert state.apply("SETRANGE k 1 ab") == 8
    assert state.string(b"k") == b"1ab4\x00\x00xy"
    assert state.apply("SETRANGE fresh 1 z") == 2
    assert state.string(b"fresh") == b"\x00z"


def test_an_event_for_a_string_never_meets_another_type(state: State) -> None:
    state.keyspace.databases[0].put(b"l", List([b"a"]))
    with pytest.raises(TypeError, match="meets List"):
        state.apply("APPEND l x")


def test_del_counts_and_names_what_expiry_says(state: State) -> None:
    state.apply("MSET a 1 b 2 c 3")
    state.notices.clear()
    assert state.apply("DEL a b nothing a") == 2
    keyspace = state.keyspace
    keyspace.notice, keyspace.notice_class = b"expired", EXPIRED
    assert state.apply("UNLINK c") == 1
    assert state.notices == [(0, b"del", b"a"), (0, b"del", b"b"), (0, b"expired", b"c")]


def test_rename_takes_deadline_and_access_time_along(state: State) -> None:
    state.apply("SET a 1 PXAT 9000")
    state.apply("SET b 2 PXAT 1000")
    state.keyspace.databases[0].entries[b"a"].access = 77
    state.notices.clear()
    assert state.apply("RENAME a b") is True
    entry = state.keyspace.databases[0].entries[b"b"]
    assert (entry.value, entry.deadline, entry.access) == (b"1", 9000, 77)
    assert state.notices == [(0, b"new", b"b"), (0, b"rename_from", b"a"), (0, b"rename_to", b"b")]
    assert state.apply("RENAME a b") is False
    assert state.apply("RENAME b b") is False


def test_move_goes_only_where_the_key_is_free(state: State) -> None:
    state.apply("SET a 1 PXAT 9000")
    assert state.apply("MOVE a 3") is True
    assert (state.string(b"a"), state.string(b"a", 3), state.deadline(b"a", 3)) == (None, b"1", 9000)
    state.apply("SET a 2")
    assert state.apply("MOVE a 3") is False
    assert state.apply("MOVE missing 3") is False
    assert state.apply("MOVE a 0") is False
    assert state.notices[-4:-2] == [(0, b"move_from", b"a"), (3, b"move_to", b"a")]


def test_a_copy_is_independent(state: State) -> None:
    state.apply("SETRANGE a 0 text")
    state.apply("PEXPIREAT a 8000")
    assert state.apply("COPY a b DB 2") is True
    assert state.apply("COPY a b DB 2") is False
    state.apply("APPEND a !")
    assert (state.string(b"a"), state.string(b"b", 2), state.deadline(b"b", 2)) == (b"text!", b"text", 8000)
    assert state.apply("COPY a b db 2 replace") is True
    assert state.string(b"b", 2) == b"text!"
    state.keyspace.databases[0].put(b"l", List([b"x"]))
    assert state.apply("COPY l m") is True
    first, second = (cast(List, state.keyspace.databases[0].entries[key].value) for key in (b"l", b"m"))
    assert first is not second
    assert list(first) == list(second)


def test_deadlines_come_and_go(state: State) -> None:
    state.apply("SET k v")
    assert state.apply("PEXPIREAT k 5000") is True
    assert state.apply("PEXPIREAT k -3 NX") is True
    assert state.deadline(b"k") == 1
    assert state.apply("PERSIST k") is True
    assert state.apply("PERSIST k") is False
    assert state.apply("PEXPIREAT missing 5000") is False
    assert [notice for _, notice, _ in state.notices] == [b"new", b"set", b"expire", b"expire", b"persist"]


def test_flush_and_swap(state: State) -> None:
    state.apply("SET a 0")
    state.apply("SET a 1 PXAT 4000", db=1)
    state.apply("SWAPDB 0 1")
    assert (state.string(b"a"), state.string(b"a", 1), state.deadline(b"a")) == (b"1", b"0", 4000)
    state.apply("SWAPDB 1 1")
    assert state.apply("FLUSHDB ASYNC") == 1
    assert (state.string(b"a"), state.string(b"a", 1)) == (None, b"0")
    assert state.apply("FLUSHALL") == 1
    assert state.keyspace.used == 0


def test_moves_between_databases_wake_watchers_of_both_ends(state: State) -> None:
    woken: list[str] = []
    for place in ((0, b"a"), (1, b"a"), (0, b"b")):
        state.keyspace.watched[place] = [lambda place=place: woken.append(f"{place[0]}{place[1].decode()}")]
        state.keyspace.waiting[place] = object()
    for event, expected in (
        ("SET a 1", {"0a"}),
        ("MOVE a 1", {"0a", "1a"}),
        ("SWAPDB 0 1", {"0a", "1a"}),
        ("RENAME a b", {"0a", "0b"}),
        ("SWAPDB 2 3", set[str]()),
        ("COPY b a", {"0a"}),
        ("FLUSHDB", {"0a", "0b"}),
    ):
        woken.clear()
        state.keyspace.ready.clear()
        state.apply(event)
        assert set(woken) == expected, event
        assert {f"{index}{key.decode()}" for index, key in state.keyspace.ready} == expected, event
