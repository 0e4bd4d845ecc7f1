"""Read what the suite prints, and judge it against the list of known exceptions.

Law: a test that the suite could not finish (hang, crash, exception outside a test) counts as a failure by name;
only a failure listed with its reason in exceptions.toml is tolerated, and a listed one that passes is reported.

Status lines of the suite (7.0), everything up to the next one belongs to it:
    [ok]: NAME (N ms)    [err]: NAME in tests/UNIT.tcl    [skip]: NAME    [ignore]: NAME: REASON
    [exception]: TEXT    [TIMEOUT]: clients state report follows.  ... => (IN PROGRESS) NAME
"""

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

OUTSIDE = "(outside a test)"
DIED = "(server died)"
UNFINISHED = "(unfinished)"
REFUSED = "couldn't open socket: connection refused"

FOLLOWS = 'key "pid" not known in dictionary'
"""In the details of a test that starts a server itself and threw within: its text has come before, without a name."""

STATUS = re.compile(r"^\[(ok|err|skip|ignore|exception|TIMEOUT)\]: (.*)$")
OTHER = re.compile(r"^(\[[^\]]*\]: |Testing |Execution time of different units)|^\s+The End$")
FAILED_IN = re.compile(r"^(.*?) in tests/\S+\.tcl$", re.DOTALL)
TOOK = re.compile(r" \(\d+ ms\)$")
IN_PROGRESS = re.compile(r"=> \(IN PROGRESS\) (.*)$", re.MULTILINE)
COLOURS = re.compile(r"\x1b\[[0-9;]*m")


@dataclass
class Outcome:
    """What a unit did: tests passed by name, failures with their details, counts of those not run."""

    unit: str
    passed: list[str] = field(default_factory=list)
    failed: list[tuple[str, str]] = field(default_factory=list)
    skipped: int = 0
    ignored: int = 0
    seconds: float = 0.0
    finished: bool = False

    def fail(self, name: str, details: str) -> None:
        """Count a failure under name."""
        first, _, rest = details.strip().partition("\n")
        # The suite prints an exception's text twice, the first time without its first ten characters.
        self.failed.append((name, rest if first and rest.partition("\n")[0].endswith(first) else details.strip()))

    def died(self, details: str) -> None:
        """Count the server's death once, with the test it died in, and forget the failures that only follow from it."""
        self.failed = [(name, text) for name, text in self.failed if REFUSED not in text]
        where = self.failed[-1][0] if self.failed else self.passed[-1] if self.passed else "the start"
        self.fail(DIED, f"in or after: {where}\n{details}")


def blocks(output: str) -> Iterable[tuple[str, str]]:
    """Cut the suite's output into (status, text) pairs, the lines that follow a status line included."""
    status, lines = "", [""]
    for line in COLOURS.sub("", output).splitlines():
        if line.strip() == "The End":
            break
        if found := STATUS.match(line):
            yield status, "\n".join(lines)
            status, lines = found[1], [found[2]]
        elif OTHER.match(line):
            yield status, "\n".join(lines)
            status, lines = "", [""]
        else:
            lines.append(line)
    yield status, "\n".join(lines)


def parse(unit: str, output: str) -> Outcome:
    """Read the whole output of one unit."""
    outcome = Outcome(unit, finished="The End" in output)
    thrown = ""
    for status, text in blocks(output):
        first, _, rest = text.partition("\n")
        if thrown and FOLLOWS not in rest:
            outcome.fail(OUTSIDE, thrown)
        rest, thrown = f"{thrown}\n{rest}".lstrip(), ""
        if status == "ok":
            outcome.passed.append(TOOK.sub("", text.strip()))
        elif status == "skip":
            outcome.skipped += 1
        elif status == "ignore":
            outcome.ignored += 1
        elif status == "err":
            named = FAILED_IN.match(first)
            if named:
                outcome.fail(named[1], rest)
            else:
                thrown = text
        elif status == "exception":
            last = outcome.passed[-1] if outcome.passed else "none"
            outcome.fail(OUTSIDE, f"{text.strip()}\n(last test passed: {last})")
        elif status == "TIMEOUT":
            hung = IN_PROGRESS.search(text)
            outcome.fail(hung[1] if hung else UNFINISHED, "hung: no progress\n" + rest)
    if thrown:
        outcome.fail(OUTSIDE, thrown)
    return outcome


@dataclass(frozen=True)
class Known:
    """One tolerated failure: the unit, the test's name as the suite prints it, and why it is so.

    skip: it is left out, because what it leaves behind, failing, makes the next test fail.
    """

    unit: str
    test: str
    reason: str
    skip: bool = False


def read_exceptions(path: Path) -> list[Known]:
    """Read exceptions.toml; raise ValueError for an entry without one of unit, test and reason, or with more than these and skip."""
    with path.open("rb") as file:
        entries = tomllib.load(file).get("exception", [])
    for entry in entries:
        if set(entry) - {"skip"} != {"unit", "test", "reason"} or not all(entry.values()):
            raise ValueError(f"{path}: each exception has unit, test and reason: {entry}")
    return [Known(**entry) for entry in entries]


def unlisted(outcome: Outcome, known: list[Known]) -> list[tuple[str, str]]:
    """Return the failures of outcome that no exception covers."""
    names = {entry.test for entry in known if entry.unit == outcome.unit}
    return [(name, details) for name, details in outcome.failed if name not in names]


def stale(outcome: Outcome, known: list[Known]) -> list[Known]:
    """Return the exceptions of this unit whose test passed in outcome and never failed."""
    failed = {name for name, _ in outcome.failed}
    return [k for k in known if k.unit == outcome.unit and k.test in outcome.passed and k.test not in failed]


def table(outcomes: list[Outcome], known: list[Known]) -> str:
    """Format one line a unit and the totals."""
    rows: list[tuple[str, ...]] = [("unit", "ok", "failed", "listed", "ignored", "seconds")]
    for outcome in outcomes:
        new = len(unlisted(outcome, known))
        listed = len(outcome.failed) - new
        rest = outcome.ignored + outcome.skipped
        passed = str(len(outcome.passed))
        rows.append((outcome.unit, passed, str(new), str(listed), str(rest), f"{outcome.seconds:.0f}"))
    sums = [sum(float(row[column]) for row in rows[1:]) for column in range(1, 6)]
    rows.append(("total", *(f"{value:.0f}" for value in sums)))
    return "\n".join(f"{row[0]:<44}" + "".join(f"{cell:>9}" for cell in row[1:]) for row in rows)
