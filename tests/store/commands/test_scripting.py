"""Scripts: what they leave in history, what they may do to the node, and what they leave for the next script."""

from __future__ import annotations

import pytest

from store.commands.table import READ_ONLY, STALE, TABLE
from store.errors import ReplyError
from tests.kit.inprocess import Node


def error(reply: object) -> str:
    assert isinstance(reply, ReplyError)
    return reply.line.decode()


def test_history_holds_what_a_script_did_as_one_transaction_and_never_the_script() -> None:
    node = Node()
    node.run("EVAL", "for i = 1, 2 do redis.call('RPUSH', KEYS[1], i) end redis.call('INCR', 'n')", 1, "list")
    assert node.events() == [
        [b"SELECT", b"0"], [b"MULTI"], [b"RPUSH", b"list", b"1"], [b"RPUSH", b"list", b"2"], [b"SET", b"n", b"1", b"KEEPTTL"], [b"EXEC"],
    ]  # fmt: skip
    node.check()


def test_a_script_that_fails_keeps_what_it_wrote_before() -> None:
    node = Node()
    assert error(node.run("EVAL", "redis.call('SET', 'k', 1) redis.call('LPUSH', 'k', 1)", 0)).startswith("WRONGTYPE ")
    assert node.run("GET", "k") == b"1"
    node.check()


def test_a_script_in_a_transaction_is_part_of_it() -> None:
    node = Node()
    for argv in (["MULTI"], ["SET", "a", 1], ["EVAL", "redis.call('SET', 'b', 1) return 'x'", 0]):
        node.run(*argv)
    assert node.run("EXEC") == ["OK", b"x"]
    assert [event[0] for event in node.events()] == [b"SELECT", b"MULTI", b"SET", b"SET", b"EXEC"]
    node.check()


def test_what_a_script_selects_or_asks_for_ends_with_it() -> None:
    node = Node()
    node.run("EVAL", "redis.setresp(3) redis.call('SELECT', 3) redis.call('SET', 'k', 'v')", 0)
    assert (node.client.tx.db.index, node.client.resp, node.client.may_block, node.client.scripted) == (
        0,
        2,
        True,
        False,
    )
    node.run("SELECT", 3)
    assert node.run("GET", "k") == b"v"
    node.check()


def test_the_clock_stands_still_while_a_script_runs() -> None:
    node = Node()
    node.run("SET", "k", "v", "PX", 10)
    node.clock.source = iter(range(0, 10**12, 10**9)).__next__
    assert node.run("EVAL", "redis.call('PING') redis.call('PING') return redis.call('EXISTS', 'k')", 0) == 1


def test_no_script_can_leave_anything_for_the_next_one() -> None:
    node = Node()
    for attempt in (
        "x = 1", "rawset(_G, 'x', 1)", "setmetatable(_G, {__index = {x = 1}})", "redis.x = 1", "table.insert(string, 1)",
        "getmetatable('').__index = {x = 1}", "getmetatable(redis).__index = {x = 1}", "string.x = 1", "_G._G.x = 1",
        "table.sort(_G, function() end)", "coroutine.wrap(function() x = 1 end)()", "loadstring('x = 1')()",
        "rawset(getmetatable(_G), 'x', 1)", "setmetatable(getmetatable(_G), {})",
    ):  # fmt: skip
        assert "Attempt to modify a readonly table" in error(node.run("EVAL", attempt, 0)), attempt
    assert "nonexistent global variable 'x'" in error(node.run("EVAL", "return x", 0))
    assert node.run("EVAL", "return {rawget(_G, 'x'), redis.x, string.x, ('').x}", 0) == []


def test_scripts_see_nothing_of_the_host() -> None:
    node = Node()
    for name in (
        "os",
        "io",
        "debug",
        "package",
        "require",
        "python",
        "dofile",
        "loadfile",
        "module",
        "print",
        "getfenv",
    ):
        assert f"nonexistent global variable '{name}'" in error(node.run("EVAL", f"return {name}", 0))
    for value in ("redis.call", "cjson.encode", "bit.band", "math.random", "struct.pack"):
        assert node.run("EVAL", f"return type({value})", 0) == b"function"
    assert node.run("EVAL", "local ok, e = pcall(redis.call, 'NOSUCH') return type(e)", 0) == b"string"
    assert node.run("EVAL", "local ok, e = pcall(cjson.decode, '[') return type(e)", 0) == b"string"
    caught = "local ok, e = coroutine.resume(coroutine.create(function() redis.call('NOSUCH') end)) return type(e)"
    assert node.run("EVAL", caught, 0) == b"table"


def test_a_command_of_a_script_counts_for_itself_and_its_error_only_once() -> None:
    node = Node()
    for row in (TABLE[b"eval"], TABLE[b"get"]):
        row.reset_statistics()
    node.run("LPUSH", "list", 1)
    node.run("EVAL", "redis.call('GET', 'list')", 0)
    assert (TABLE[b"eval"].calls, TABLE[b"eval"].failed, TABLE[b"get"].calls, TABLE[b"get"].failed) == (1, 1, 1, 1)
    node.run("EVAL", "return redis.pcall('GET')", 0)
    assert (TABLE[b"get"].rejected, TABLE[b"eval"].failed) == (1, 2)
    node.run("EVAL", "error('x')", 0)
    assert node.engine.stats.errors == {"WRONGTYPE": 1, "ERR": 2}


@pytest.mark.parametrize(
    ("head", "command", "reply"),
    [
        ("", "'GET', 'k'", None),
        ("", "'SET', 'k', 1", "READONLY You can't write against a read only replica."),
        ("#!lua\n", "'GET', 'k'", "READONLY You can't write against a read only replica."),
        ("#!lua flags=no-writes\n", "'GET', 'k'", None),
    ],
)
def test_what_a_script_declares_decides_where_writes_are_refused(head: str, command: str, reply: str | None) -> None:
    node = Node()
    node.engine.gates.set(READ_ONLY, True)
    answer = node.run("EVAL", f"{head}return redis.call({command})", 0)
    assert answer is None if reply is None else error(answer).startswith(reply)


def test_a_stale_replica_runs_what_allows_it() -> None:
    node = Node()
    node.engine.gates.set(STALE, True)
    assert node.run("EVAL", "#!lua flags=allow-stale,no-writes\nreturn redis.call('ECHO', 'x')", 0) == b"x"
    assert error(node.run("EVAL", "#!lua flags=no-writes\nreturn 1", 0)).startswith("MASTERDOWN ")
    asked = node.run("EVAL", "#!lua flags=allow-stale,no-writes\nreturn redis.call('GET', 'x')", 0)
    assert "Can not execute the command on a stale replica" in error(asked)


def test_a_queued_script_is_judged_by_what_it_declares() -> None:
    node = Node()
    node.run("MULTI")
    node.run("EVAL", "#!lua\nreturn 1", 0)
    node.engine.gates.set(READ_ONLY, True)
    assert error(node.run("EXEC")).startswith("EXECABORT Transaction discarded because of: READONLY")


def test_memory_that_is_full_stops_a_script_before_its_first_write_only() -> None:
    node = Node()
    node.run("SET", "k", "x" * 1000)
    node.engine.settings.set([(b"maxmemory", b"1")])
    assert error(node.run("EVAL", "return redis.call('SET', 'k', 1)", 0)).startswith("OOM command not allowed")
    assert node.run("EVAL", "return redis.call('GET', 'k')", 0) == b"x" * 1000
    assert error(node.run("EVAL", "#!lua\nreturn 1", 0)).startswith("OOM ")
    assert node.run("EVAL", "#!lua flags=allow-oom\nreturn redis.call('SET', 'k', 1)", 0) == "OK"
    assert node.run("EVAL", "redis.call('DEL', 'k') return redis.call('SET', 'k', 2)", 0) == "OK"
    node.check()


def test_flushing_the_cache_forgets_scripts_and_their_interpreter() -> None:
    node = Node()
    digest = node.run("SCRIPT", "LOAD", "return 1")
    assert isinstance(digest, bytes)
    assert node.run("EVALSHA", digest.upper(), 0) == 1
    before = node.engine.scripts.eval_interpreter
    node.run("SCRIPT", "FLUSH")
    assert error(node.run("EVALSHA", digest, 0)) == "NOSCRIPT No matching script. Please use EVAL."
    assert node.engine.scripts.eval_interpreter is not before


def test_a_blocking_command_of_a_script_does_not_wait() -> None:
    node = Node()
    assert "not allowed from script" in error(node.run("EVAL", "return redis.call('BLPOP', 'l', 0)", 0))
    assert node.run("EVAL", "return redis.call('LMPOP', 1, 'l', 'LEFT')", 0) is None
