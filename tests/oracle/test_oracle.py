"""Chronis against redis-server by random sequences, and proof that the comparison would notice."""

import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from tests.kit.resp_client import Error, Map, Null, Reply, Set, Simple
from tests.kit.servers import Server, chronis_server, redis_server, requires_redis
from tests.oracle.__main__ import PROMPT, compare
from tests.oracle.compare import equal, equal_transaction, from_population
from tests.oracle.duel import Difference, missing_commands
from tests.oracle.families import ALL
from tests.oracle.generate import Generator, Sent, Step, command_names, single
from tests.oracle.grammar import POOLS, parse
from tests.oracle.minimise import minimise, report

# The families whose commands are all there. A long run by hand: CHRONIS_ORACLE_STEPS=100000.
BUILT = ("string", "generic", "expire", "bits", "hash", "list", "set", "zset")
STEPS = int(os.environ.get("CHRONIS_ORACLE_STEPS", "1500"))


@pytest.fixture(scope="module")
def oracle() -> Iterator[Server]:
    with redis_server(*PROMPT) as server:
        yield server


@pytest.fixture(scope="module")
def chronis() -> Iterator[Server]:
    with chronis_server() as server:
        yield server


@requires_redis
@pytest.mark.parametrize("family", BUILT)
def test_a_family_answers_as_redis_does(family: str, chronis: Server, oracle: Server) -> None:
    assert missing_commands(chronis, command_names([family])) == []
    resp = 2 + ALL.index(family) % 2
    difference = compare(chronis, oracle, seed=1, count=STEPS, families=[family], resp=resp, seconds=20)
    assert difference is None, f"\nseed 1, family {family}, RESP{resp}\n{difference}"


@requires_redis
@pytest.mark.parametrize("resp", [2, 3])
def test_all_families_and_transactions_answer_as_redis_does(resp: int, chronis: Server, oracle: Server) -> None:
    families = [*BUILT, "transaction"]
    difference = compare(chronis, oracle, seed=resp, count=STEPS, families=families, resp=resp, seconds=20)
    assert difference is None, f"\nseed {resp}, RESP{resp}\n{difference}"


@requires_redis
def test_redis_answers_as_redis_does(oracle: Server, tmp_path: Path) -> None:
    with redis_server(*PROMPT, "--appendonly", "yes", directory=tmp_path) as other:
        assert compare(other, oracle, seed=7, count=1500, families=ALL, resp=3) is None


@requires_redis
def test_a_fault_is_found_and_made_short(oracle: Server, tmp_path: Path) -> None:
    with redis_server(*PROMPT, "--rename-command", "LTRIM", "", directory=tmp_path) as faulty:
        difference = compare(faulty, oracle, seed=7, count=1500, families=["list"], resp=2)
    assert difference is not None
    first, *_ = difference.splitlines()
    assert first.split()[0].upper() == "LTRIM"
    assert "chronis       -ERR unknown command" in difference


@requires_redis
def test_data_lost_by_a_restart_is_found(oracle: Server, tmp_path: Path) -> None:
    with redis_server(*PROMPT, directory=tmp_path) as forgetful:
        difference = compare(forgetful, oracle, seed=7, count=200, families=["string"], resp=2, seconds=2)
    assert difference is not None
    assert '"after a restart:"' in difference


def test_a_seed_repeats_its_sequence() -> None:
    def drawn(seed: int) -> list[Step]:
        return list(islice(Generator(seed, ALL).steps(), 500))

    assert drawn(3) == drawn(3) != drawn(4)


def test_a_command_left_out_is_never_drawn() -> None:
    without = frozenset({b"SET", b"HSET"})
    names = {sent.command[0].upper() for step in islice(Generator(1, ALL, without).steps(), 3000) for sent in step}
    assert b"GET" in names
    assert not names & without


def test_templates_say_what_they_mean() -> None:
    generator = Generator(1, ALL)
    drawn = {tuple(parse("A (b | c d) [e] {f}")(generator.rng)) for _ in range(300)}
    heads = [(b"A", b"b"), (b"A", b"c", b"d")]
    tails = [(b"f",) * times for times in (1, 2, 3)]
    assert drawn == {(*head, *middle, *tail) for head in heads for middle in ((), (b"e",)) for tail in tails}
    with pytest.raises(ValueError, match="not closed"):
        parse("A [b")
    assert all(node(generator.rng) for node in POOLS.values())


@pytest.mark.parametrize(
    ("command", "ours", "theirs", "same"),
    [
        ((b"GET", b"k"), b"OK", Simple(b"OK"), False),
        ((b"GET", b"k"), Null("$-1"), Null("_"), False),
        ((b"LRANGE", b"k"), [b"a", b"b"], [b"b", b"a"], False),
        ((b"smembers", b"k"), [b"a", b"b"], [b"b", b"a"], True),
        ((b"SMEMBERS", b"k"), Set([b"a", b"b"]), Set([b"b", b"a"]), True),
        ((b"SMEMBERS", b"k"), Set([b"a"]), [b"a"], False),
        ((b"HGETALL", b"k"), [b"a", b"1", b"b", b"2"], [b"b", b"2", b"a", b"1"], True),
        ((b"HGETALL", b"k"), [b"a", b"1", b"b", b"2"], [b"a", b"2", b"b", b"1"], False),
        ((b"HGETALL", b"k"), Map([(b"a", b"1"), (b"b", b"2")]), Map([(b"b", b"2"), (b"a", b"1")]), True),
        ((b"SSCAN", b"k", b"0"), [b"0", [b"a", b"b"]], [b"0", [b"b", b"a"]], True),
        ((b"SSCAN", b"k", b"0"), [b"0", [b"a", b"b"]], [b"7", [b"b", b"a"]], False),
        ((b"PTTL", b"k"), 999_500, 999_999, True),
        ((b"PTTL", b"k"), -1, -2, False),
        ((b"SRANDMEMBER", b"k", b"2"), [b"a", b"b"], [b"c", b"a"], True),
        ((b"SRANDMEMBER", b"k", b"2"), [b"a"], [b"c", b"a"], False),
        ((b"SRANDMEMBER", b"k"), Error(b"ERR x"), Error(b"ERR y"), False),
    ],
)
def test_equal_means_equal_up_to_what_redis_leaves_open(
    command: tuple[bytes, ...], ours: Reply, theirs: Reply, same: bool
) -> None:
    assert equal(command, ours, theirs) is same


def test_the_parts_of_a_transaction_are_judged_by_their_commands() -> None:
    queued = [(b"SMEMBERS", b"k"), (b"LRANGE", b"l", b"0", b"-1")]
    assert equal_transaction(queued, [[b"a", b"b"], [b"1"]], [[b"b", b"a"], [b"1"]])
    assert not equal_transaction(queued, [[b"a", b"b"], [b"1", b"2"]], [[b"b", b"a"], [b"2", b"1"]])
    assert not equal_transaction(queued, Null("*-1"), [[b"a"], []])


def test_a_choice_must_be_a_possible_one() -> None:
    assert from_population([b"a", b"a"], [b"a", b"b"])
    assert not from_population([b"c"], [b"a", b"b"])
    assert from_population(Null("$-1"), [])


def test_minimising_keeps_what_the_difference_needs() -> None:
    def play(steps: list[Step]) -> Difference | None:
        """Differ at GET x once a SET x and the DEL of a transaction came before it."""
        names = [sent.command for step in steps for sent in step]
        needed = [(b"SET", b"x"), (b"DEL", b"x"), (b"GET", b"x")]
        if not all(command in names for command in needed) or not names.index(needed[0]) < names.index(needed[2]):
            return None
        return Difference(needed[2], b"1", Null("$-1"), len(steps))

    noise = [single((b"PING", b"%d" % number)) for number in range(300)]
    transaction = (Sent((b"MULTI",)), Sent((b"PING",)), Sent((b"DEL", b"x")), Sent((b"EXEC",)))
    steps = [*noise[:100], single((b"SET", b"x")), *noise[100:], transaction, single((b"GET", b"x"))]
    found = play(steps)
    assert found is not None
    short, last = minimise(steps, found, play)
    expected = [single((b"SET", b"x")), (transaction[0], *transaction[2:]), single((b"GET", b"x"))]
    assert short == expected
    assert report(short, last).splitlines() == [
        "  SET x",
        "  MULTI",
        "  DEL x",
        "  EXEC",
        "  GET x",
        "the replies to",
        "  GET x",
        "differ:",
        "  chronis       $1",
        "  redis-server  null ($-1)",
    ]
