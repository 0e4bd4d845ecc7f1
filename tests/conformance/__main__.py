"""Command line of the conformance run: `make conformance [UNITS="unit/type/string …"] [ARGS="…"]`.

Exit code 0 if every failure is listed in exceptions.toml, 1 if not, 2 if the suite could not be run.
"""

import argparse
import shlex
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.conformance import suite
from tests.conformance.results import Known, Outcome, read_exceptions, stale, table, unlisted
from tests.conformance.unit import Plan, run_unit

CHRONIS = Path(sys.executable).parent / "chronis-server"
EXCEPTIONS = Path(__file__).parent / "exceptions.toml"


def arguments(argv: list[str] | None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="make conformance", description=__doc__)
    parser.add_argument("units", nargs="*", help="units to run, such as unit/type/string (default: all)")
    parser.add_argument("--server", default=str(CHRONIS), help="command line of the server (default: chronis-server)")
    parser.add_argument("--own-servers", action="store_true", help="let the suite start the servers itself")
    parser.add_argument("--only", action="append", default=[], help="a test's name, or /regular expression")
    parser.add_argument("--jobs", type=int, default=1, help="units to run at the same time (default 1)")
    parser.add_argument("--stall", type=int, default=90, help="seconds without progress that count as a hang")
    parser.add_argument("--unit-timeout", type=int, default=900, help="seconds a unit may take in all")
    parser.add_argument("--suite", type=Path, help="an unpacked Redis source tree (default: fetched from Debian)")
    parser.add_argument("--exceptions", type=Path, default=EXCEPTIONS, help="the list of tolerated failures")
    parser.add_argument("--output", type=Path, default=suite.CACHE, help="where each unit's log and directory go")
    parser.add_argument("-v", "--verbose", action="store_true", help="print all details of each failure")
    return parser.parse_args(argv)


def report(outcome: Outcome, known: list[Known], verbose: bool) -> None:
    """Print what a unit did as soon as it is done."""
    counts = f"{len(outcome.passed)} ok, {len(outcome.failed)} failed, {outcome.seconds:.0f} s"
    print(f"{outcome.unit}: {counts}", flush=True)
    for name, details in unlisted(outcome, known):
        lines = details.splitlines() if verbose else details.splitlines()[:2]
        print(f"  FAILED {name}")
        print("".join(f"         {line[:400]}\n" for line in lines), end="")
    for entry in stale(outcome, known):
        print(f"  stale exception, it passes: {entry.test}")


def main(argv: list[str] | None = None) -> int:
    """Run the units and return the exit code."""
    options = arguments(argv)
    try:
        tree = options.suite.absolute() if options.suite else suite.fetch()
        names = options.units or suite.units(tree)
    except (suite.SuiteMissing, OSError) as error:
        print(f"the suite could not be run: {error}")
        return 2
    known = read_exceptions(options.exceptions)
    plan = Plan(
        suite=tree,
        server=shlex.split(options.server),
        output=options.output.absolute() / ("own-servers" if options.own_servers else "external"),
        own_servers=options.own_servers,
        only=tuple(options.only),
        skip=tuple((entry.unit, entry.test) for entry in known if entry.skip),
        stall_seconds=options.stall,
        unit_seconds=options.unit_timeout,
    )
    outcomes = []
    with ThreadPoolExecutor(options.jobs) as pool:
        for outcome in pool.map(lambda unit: run_unit(plan, unit), names):
            report(outcome, known, options.verbose)
            outcomes.append(outcome)
    print(f"\n{table(outcomes, known)}\n\nfull output: {plan.output}")
    return int(any(unlisted(outcome, known) for outcome in outcomes))


if __name__ == "__main__":
    sys.exit(main())
