"""Write the newest results into README.md, RESULTS.md, the picture and the history: `make bench ARGS=--publish`.

Law: README holds figures only between its markers `<!-- bench: PART -->` and `<!-- /bench -->`, and only from here.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench import results
from tests.bench.plot import draw
from tests.bench.report import full_table, markdown, short_table

ROOT = Path(__file__).resolve().parents[2]
PICTURE = Path("deploy/pictures/speed.svg")
FULL = Path("tests/bench/RESULTS.md")

Result = Mapping[str, Any]


def names(result: Result) -> tuple[str, str]:
    """Return what A and B are called."""
    a, b, *_ = result["servers"]
    return a, b


def where(result: Result) -> str:
    """Return the line that says when, of what and on which machine a result was measured."""
    machine = result["machine"]
    return (
        f"Measured {result['time'][:16].replace('T', ' ')} at commit {result['commit']}: {machine['cores']} cores "
        f"({machine['cpu']}), Linux {machine['kernel']}, Python {machine['python']}."
    )


def version(fields: Mapping[str, str]) -> str:
    """Return what a server said of itself, for reading."""
    return ", ".join(f"{name} {value}" for name, value in fields.items())


def throughput_full(result: Result) -> str:
    """Return the whole table of the main part."""
    a, b = names(result)
    cpu_a, cpu_b = result["cpu_seconds"]
    servers = "\n".join(
        f"- {name}: `{line}` {version(result['versions'][name])}" for name, line in result["servers"].items()
    )
    return (
        f"{where(result)} {result['clients']} clients, {result['keys']} keys, {result['rounds']} rounds.\n\n{servers}\n\n"
        f"{markdown(*full_table(result['rows'], (a, b)))}\n\n"
        f"CPU time of the whole run, preparations included: {a} {cpu_a:.0f} s, {b} {cpu_b:.0f} s."
    )


def throughput_short(result: Result) -> str:
    """Return picture and short table of the main part, for README."""
    a, b = names(result)
    below = sum(row["ratio"] < 1 for row in result["rows"])
    above = sum(row["cpu_ratio"] > 1 for row in result["rows"])
    return (
        f"![Requests per second and CPU time per request, {b} / {a}]({PICTURE})\n\n"
        f"Ratios {b} / {a}, medians, {result['rounds']} round(s): of {len(result['rows'])} cases {below} are below {a}'s "
        f"requests per second, {above} above its CPU per request.\n\n"
        f"{markdown(*short_table(result['rows']))}\n\n"
        f"{where(result)} Absolute figures and spread: [{FULL}]({FULL})."
    )


def plain(result: Result) -> str:
    """Return the table a part has made itself."""
    return f"{markdown(result['header'], result['cells'])}\n\n{where(result)}"


@dataclass(frozen=True)
class Section:
    """How a part is published: its title, its text in RESULTS.md, and its text in README."""

    title: str
    full: Callable[[Result], str]
    short: Callable[[Result], str]


SECTIONS = {
    "throughput": Section("Throughput and CPU", throughput_full, throughput_short),
    "latency": Section("Latency at a fixed rate", plain, plain),
    "fsync": Section("Every write synced: `appendfsync always`", plain, plain),
    "memory": Section("Memory: bytes resident a key (or member)", plain, plain),
    "restart": Section("Restart", plain, plain),
    "peers": Section("Beside a Redis in Python", plain, plain),
}


def between_markers(text: str, part: str, new: str) -> str:
    """Return text with what stands between the part's markers replaced. Raise ValueError if it has no such markers."""
    pattern = rf"(<!-- bench: {part} -->\n).*?(<!-- /bench -->)"
    changed, count = re.subn(pattern, lambda found: f"{found[1]}{new}\n{found[2]}", text, flags=re.DOTALL)
    if count != 1:
        raise ValueError(f"README has no place for {part}: <!-- bench: {part} --> … <!-- /bench -->")
    return changed


def publish(directory: Path, root: Path = ROOT) -> list[str]:
    """Publish the newest result of every part there is one of; return the parts."""
    found = {part: result for part in SECTIONS if (result := results.newest(part, directory)) is not None}
    readme = (root / "README.md").read_text()
    for part, result in found.items():
        readme = between_markers(readme, part, SECTIONS[part].short(result))
    (root / "README.md").write_text(readme)
    sections = [f"## {SECTIONS[part].title}\n\n{SECTIONS[part].full(result)}" for part, result in found.items()]
    intro = (
        "# Benchmark results\n\nWritten by `make bench ARGS=--publish`. Ratios are medians of the rounds' own ratios."
    )
    (root / FULL).parent.mkdir(parents=True, exist_ok=True)
    (root / FULL).write_text("\n\n".join([intro, *sections]) + "\n")
    if "throughput" in found:
        draw(found["throughput"], root / PICTURE)
        results.remember(found["throughput"], root / results.HISTORY.relative_to(ROOT))
    return list(found)
