"""Reading the suite's output: every way a test can end, and the judgement by the list of exceptions."""

from pathlib import Path

import pytest

from tests.conformance.results import DIED, OUTSIDE, Known, Outcome, parse, read_exceptions, stale, table, unlisted
from tests.conformance.unit import Plan, command_line

OUTPUT = """\
Cleanup: may take some time... OK
Starting test server at port 21079
[ready]: 4711
Testing unit/type/list
[ok]: LPUSH works (12 ms)
[\x1b[0;32;49mok\x1b[0m]: LPOP (count) (0 ms)
[err]: LINSERT in tests/unit/type/list.tcl
Expected '1' to be equal to '2' (context: type eval)
    more
[ok]: after it (1 ms)
[err]: BLPOP timeout in tests/unit/type/list.tcl
reading reply
I/O error reading reply
    while executing
[ignore]: large values: large memory flag not provided
[skip]: LREM
[err]: ERR unknown command
    while executing
[1/1 done]: unit/type/list (2 seconds)

                   The End

Execution time of different units:
  2 seconds - unit/type/list

!!! WARNING The following tests failed:

*** [err]: LINSERT in tests/unit/type/list.tcl
Expected '1' to be equal to '2' (context: type eval)
Cleanup: may take some time... OK
"""


def test_every_status_is_read_once() -> None:
    outcome = parse("unit/type/list", OUTPUT)
    assert outcome.finished
    assert outcome.passed == ["LPUSH works", "LPOP (count)", "after it"]
    assert outcome.failed == [
        ("LINSERT", "Expected '1' to be equal to '2' (context: type eval)\n    more"),
        ("BLPOP timeout", "I/O error reading reply\n    while executing"),
        (OUTSIDE, "ERR unknown command\n    while executing"),
    ]
    assert (outcome.skipped, outcome.ignored) == (1, 1)


def test_a_hang_is_a_failure_of_the_test_in_progress() -> None:
    output = (
        "[ok]: first (1 ms)\n[TIMEOUT]: clients state report follows.\n"
        "sock1 => (IN PROGRESS) second one\nKilling still running Redis server 77\n\n       The End\n"
    )
    outcome = parse("unit/x", output)
    assert [name for name, _ in outcome.failed] == ["second one"]


def test_an_exception_outside_a_test_is_a_failure() -> None:
    output = "[ok]: first (1 ms)\n[exception]: Executing test client: boom.\nboom\n    while executing"
    outcome = parse("unit/x", output)
    assert not outcome.finished
    assert outcome.failed == [
        (OUTSIDE, "Executing test client: boom.\nboom\n    while executing\n(last test passed: first)")
    ]


def test_an_exception_in_a_test_with_a_server_of_its_own_is_that_tests_failure() -> None:
    output = (
        "[ok]: first (1 ms)\n[err]: ess exited abnormally\nchild process exited abnormally\n    while executing\n"
        '[err]: second in tests/integration/x.tcl\nkey "pid" not known in dictionary\n[err]: lone text\nmore\n'
    )
    names = [name for name, _ in parse("integration/x", output).failed]
    assert names == ["second", OUTSIDE]
    details = parse("integration/x", output).failed[0][1]
    assert "child process exited abnormally" in details
    assert 'key "pid"' in details


def test_a_dead_server_is_one_failure_with_the_test_it_died_in() -> None:
    refused = "couldn't open socket: connection refused"
    outcome = Outcome("unit/x", passed=["a"], failed=[("b", "I/O error"), ("c", refused), (OUTSIDE, refused)])
    outcome.died("exit code 139")
    assert outcome.failed == [("b", "I/O error"), (DIED, "in or after: b\nexit code 139")]


def test_exceptions_cover_failures_of_their_unit_only_and_become_stale() -> None:
    known = [Known("unit/x", "b", "why"), Known("unit/x", "a", "why"), Known("unit/y", "c", "why")]
    outcome = Outcome("unit/x", passed=["a"], failed=[("b", ""), ("c", "")])
    assert unlisted(outcome, known) == [("c", "")]
    assert stale(outcome, known) == [known[1]]
    assert [line.split() for line in table([outcome], known).splitlines()[1:]] == [
        ["unit/x", "1", "1", "1", "0", "0"],
        ["total", "1", "1", "1", "0", "0"],
    ]


def test_an_exception_needs_a_reason(tmp_path: Path) -> None:
    path = tmp_path / "exceptions.toml"
    path.write_text('[[exception]]\nunit = "unit/x"\ntest = "a"\nreason = ""\n')
    with pytest.raises(ValueError, match="unit, test and reason"):
        read_exceptions(path)


def test_the_list_of_exceptions_is_well_formed_and_without_doubles() -> None:
    known = read_exceptions(Path(__file__).parent / "exceptions.toml")
    assert len({(entry.unit, entry.test) for entry in known}) == len(known)


def test_what_is_skipped_is_left_out_of_its_unit_only(tmp_path: Path) -> None:
    path = tmp_path / "exceptions.toml"
    entry = '[[exception]]\nunit = "unit/x"\ntest = "a b"\nreason = "c"\n'
    path.write_text(f"{entry}skip = true\n{entry.replace('a b', 'd')}")
    skip = tuple((entry.unit, entry.test) for entry in read_exceptions(path) if entry.skip)
    plan = Plan(suite=tmp_path, server=[], output=tmp_path, skip=skip)
    assert command_line(plan, "unit/x", ())[-2:] == ["--skiptest", "a b"]
    assert "--skiptest" not in command_line(plan, "unit/y", ())
    path.write_text(f"{entry}skipped = true\n")
    with pytest.raises(ValueError, match="unit, test and reason"):
        read_exceptions(path)
