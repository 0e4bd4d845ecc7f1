"""The long comparison: `python -m tests.oracle --seed N --count 200000 --families string,hash --resp 3`.

Exit code 0 if nothing differed, 1 at a difference (its short reproduction is printed), 2 if it could not run.
"""

import argparse
import shlex
import sys
from itertools import islice
from random import SystemRandom

from tests.kit.servers import Server, chronis_server, redis_server, running
from tests.oracle.duel import Difference, Duel, missing_commands
from tests.oracle.families import ALL
from tests.oracle.generate import Generator, Step, command_names
from tests.oracle.minimise import minimise, report

# redis-server ends a blocked client's wait at its next tick: with 10 a second, most of the run would be waiting.
PROMPT = ("--hz", "500")


def compare(
    ours: Server,
    theirs: Server,
    *,
    seed: int,
    count: int,
    families: list[str],
    resp: int = 2,
    without: frozenset[bytes] = frozenset(),
    restart: bool = True,
    seconds: float = 60.0,
) -> str | None:
    """Play count steps of a seed on both servers; return the report of the first difference, made short, or None."""
    steps: list[Step] = list(islice(Generator(seed, families, without).steps(), count))
    duel = Duel(ours, theirs, resp)
    again = Duel(ours, theirs, resp)
    try:
        found = duel.play(steps)
        if found is not None:
            short, last = minimise(steps, found, again.play, seconds)
            silent = isinstance(last.ours, str)
            return report(short, last) + (f"\noutput of the server:\n{ours.output()[-3000:]}" if silent else "")
        if restart and (lost := duel.restart_ours()) is not None:
            short, last = minimise(steps, lost, lambda attempt: replay(again, attempt), seconds)
            return report(short, last)
    finally:
        duel.close()
        again.close()
    return None


def replay(duel: Duel, steps: list[Step]) -> Difference | None:
    """Play steps, and compare after a restart of our server as well."""
    return duel.play(steps) or duel.restart_ours()


def arguments(argv: list[str] | None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.oracle", description=__doc__)
    parser.add_argument("--seed", type=int, help="default: a new one, printed")
    parser.add_argument("--count", type=int, default=20000, help="steps to play (default 20000)")
    parser.add_argument("--families", default=",".join(ALL), help=f"of {','.join(ALL)} (default: all)")
    parser.add_argument("--resp", type=int, choices=(2, 3), default=2)
    parser.add_argument("--without", default="", help="commands to leave out, separated by commas")
    parser.add_argument("--server", help="command line of the server to compare (default: Chronis)")
    parser.add_argument("--seconds", type=float, default=60.0, help="time to spend on shortening a difference")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Compare the two servers and return the exit code."""
    options = arguments(argv)
    families = options.families.split(",")
    seed = options.seed if options.seed is not None else SystemRandom().randrange(1 << 32)
    print(f"seed {seed}, {options.count} steps of {options.families}, RESP{options.resp}", flush=True)
    under_test = running(shlex.split(options.server)) if options.server else chronis_server()
    with under_test as ours, redis_server(*PROMPT) as theirs:
        missing = missing_commands(ours, command_names(families))
        if missing:
            print("not known to the server, left out: " + b" ".join(missing).decode(), flush=True)
        without = frozenset(missing) | frozenset(name.encode().upper() for name in options.without.split(",") if name)
        difference = compare(
            ours,
            theirs,
            seed=seed,
            count=options.count,
            families=families,
            resp=options.resp,
            without=without,
            seconds=options.seconds,
        )
    print(difference or "no difference")
    return int(bool(difference or missing))


if __name__ == "__main__":
    sys.exit(main())
