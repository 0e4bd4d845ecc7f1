"""Command line of the benchmark: `make bench [ARGS="--tests set,get --pipelines 1,64 --rounds 9"]`.

Both servers run the whole time; each round measures A and then B, case by case: A B A B.
"""

import argparse
import contextlib
import json
import os
import platform
import shlex
import shutil
import sys
import time
from pathlib import Path

from tests.bench.measure import Case, Sample, measure
from tests.bench.report import Pair, as_json, summarise, table
from tests.kit.servers import Server, running

RESULTS = Path(__file__).parent / "results"
REDIS = "redis-server --appendonly yes --appendfsync everysec --save ''"
CHRONIS = f"{sys.executable} -m store --appendonly yes --appendfsync everysec --save '' --metrics-port 0"


def arguments(argv: list[str] | None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--a", default=REDIS, help="command line of server A (default: redis-server, log on everysec)")
    parser.add_argument("--b", default=CHRONIS, help="command line of server B (default: Chronis, log on everysec)")
    parser.add_argument("--names", default="redis,chronis", help="what to call A and B in the table")
    parser.add_argument("--tests", default="set,get,incr", help="tests of redis-benchmark (default set,get,incr)")
    parser.add_argument("--pipelines", default="1,16,64", help="pipeline depths (default 1,16,64)")
    parser.add_argument("--clients", type=int, default=50, help="connections (default 50)")
    parser.add_argument("--keys", type=int, default=100_000, help="different keys, 0 for one (default 100000)")
    parser.add_argument("--requests", type=int, default=100_000, help="requests a run at P=1 (more when pipelined)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds, each measuring both (default 5)")
    parser.add_argument("--output", type=Path, default=RESULTS, help="where the JSON goes")
    return parser.parse_args(argv)


def cases(options: argparse.Namespace) -> list[Case]:
    """Return the loads to run; a pipelined run takes more requests, so that it lasts about as long."""
    return [
        Case(test, depth, options.clients, options.requests * min(depth, 10), options.keys)
        for depth in (int(text) for text in options.pipelines.split(","))
        for test in options.tests.split(",")
    ]


def machine() -> dict[str, object]:
    """Describe where the figures were measured."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "load": os.getloadavg()[0],
    }


def versions(server: Server) -> dict[str, str]:
    """Return what a server says of its version and build."""
    info = server.command_reply("INFO", "server")
    text = info.decode() if isinstance(info, bytes) else getattr(info, "text", b"").decode()
    fields = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
    return {name: value for name, value in fields.items() if name == "redis_version" or name.startswith("chronis_")}


def run_rounds(a: Server, b: Server, loads: list[Case], rounds: int) -> dict[str, list[Pair]]:
    """Warm both up, then measure every load on A and B in turn, round after round."""
    samples: dict[str, list[Pair]] = {f"{load.test} P={load.pipeline}": [] for load in loads}
    for load in loads:
        for server in (a, b):
            measure(server, load, requests=max(load.requests // 10, 1))
    for number in range(rounds):
        for load in loads:
            pair: tuple[Sample, Sample] = (measure(a, load), measure(b, load))
            samples[f"{load.test} P={load.pipeline}"].append(pair)
            if sys.stderr.isatty():
                print(f"\rround {number + 1}/{rounds}: {load.test} P={load.pipeline}   ", end="", file=sys.stderr)
    return samples


def main(argv: list[str] | None = None) -> int:
    """Run the benchmark, print the table, write the JSON; return the exit code."""
    options = arguments(argv)
    for program in ("redis-benchmark", shlex.split(options.a)[0], shlex.split(options.b)[0]):
        if shutil.which(program) is None:
            print(f"{program} is not installed")
            return 2
    loads = cases(options)
    names = tuple(options.names.split(","))
    with contextlib.ExitStack() as stack:
        a = stack.enter_context(running(shlex.split(options.a)))
        b = stack.enter_context(running(shlex.split(options.b)))
        about = {"time": time.strftime("%Y-%m-%dT%H:%M:%S%z"), "machine": machine(), "a": options.a, "b": options.b}
        about |= {"version_a": versions(a), "version_b": versions(b)}
        samples = run_rounds(a, b, loads, options.rounds)
    rows = [summarise(load, rounds) for load, rounds in zip(loads, samples.values(), strict=True)]
    options.output.mkdir(parents=True, exist_ok=True)
    path = options.output / (time.strftime("%Y%m%d-%H%M%S") + ".json")
    path.write_text(json.dumps(as_json(rows, samples, about), indent=1) + "\n")
    print(f"{about['machine']}\nA: {options.a} {about['version_a']}\nB: {options.b} {about['version_b']}")
    print(
        f"{options.clients} clients, {options.rounds} rounds, medians\n\n{table(rows, (names[0], names[1]))}\n\n{path}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
