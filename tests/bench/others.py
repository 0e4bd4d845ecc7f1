"""The smaller parts: every write synced, from few and many clients; and the same few tests beside a Redis in Python."""

from collections.abc import Sequence
from statistics import median

from tests.bench import loads
from tests.bench.measure import Case, Sample, measure
from tests.bench.report import Cells, Pair, summarise
from tests.bench.throughput import progress
from tests.kit.servers import Server

SYNCED_CLIENTS = (1, 10, 50, 200)
PEER_TESTS = ("SET", "GET", "INCR")
PEER_PIPELINES = (1, 16)
PEER_WARM_UP = 2_000


def synced_cases(keys: int, quick: bool) -> list[Case]:
    """Return the loads for appendfsync always: SET, not pipelined."""
    return [Case(loads.BY_NAME["SET"], 1, clients, keys) for clients in SYNCED_CLIENTS[: 2 if quick else None]]


def synced_table(cases: list[Case], samples: dict[str, list[Pair]], names: Sequence[str]) -> tuple[list[str], Cells]:
    """Return header and cells: a line a number of clients."""
    a, b = names
    header = ["clients", f"{a} req/s", f"{b} req/s", "ratio", "min–max", f"{a} p99 ms", f"{b} p99 ms"]
    header += [f"{a} CPU µs", f"{b} CPU µs", "ratio"]
    cells = []
    for case in cases:
        pairs = samples[case.name]
        row = summarise(case.load.name, case.pipeline, pairs)
        slow = [median(pair[side].p99_ms or 0 for pair in pairs) for side in (0, 1)]
        cells.append(
            [
                str(case.clients),
                *(f"{value:,.0f}" for value in (row.rps_a, row.rps_b)),
                f"{row.ratio:.2f}",
                f"{row.lowest:.2f}–{row.highest:.2f}",
                *(f"{value:.2f}" for value in slow),
                *(f"{value:.2f}" for value in (row.cpu_a, row.cpu_b, row.cpu_ratio)),
            ]
        )
    return header, cells


def run_peers(servers: list[Server], cases: list[Case], rounds: int, seconds: float) -> dict[str, list[list[Sample]]]:
    """Measure every case on every server in turn; each gets as many requests as it serves in the seconds."""
    samples: dict[str, list[list[Sample]]] = {case.name: [] for case in cases}
    requests: dict[tuple[str, int], int] = {}
    for case in cases:
        for server in servers:
            case.load.prepare_once(server, case.keys)
            warm_up = measure(server, case, case.whole(int(min(PEER_WARM_UP, seconds * 20_000))))
            requests[case.name, server.port] = case.whole(int(warm_up.rps * seconds))
    for number in range(rounds):
        for case in cases:
            progress(f"peers, round {number + 1}/{rounds}: {case.name}")
            samples[case.name].append([measure(server, case, requests[case.name, server.port]) for server in servers])
    progress("")
    return samples


def peers_cases(clients: int, keys: int, quick: bool) -> list[Case]:
    """Return the loads for the peers."""
    tests, depths = (PEER_TESTS[:1], PEER_PIPELINES[:1]) if quick else (PEER_TESTS, PEER_PIPELINES)
    return [Case(loads.BY_NAME[name], depth, clients, keys) for depth in depths for name in tests]


def peers_table(
    cases: list[Case], samples: dict[str, list[list[Sample]]], names: Sequence[str]
) -> tuple[list[str], Cells]:
    """Return header and cells: a line a case, medians of every server."""
    header = ["test", "P", *(f"{name} req/s" for name in names), *(f"{name} CPU µs" for name in names)]
    cells = []
    for case in cases:
        by_server = list(zip(*samples[case.name], strict=True))
        speeds = [f"{median(one.rps for one in column):,.0f}" for column in by_server]
        costs = [f"{median(one.cpu_us for one in column):.2f}" for column in by_server]
        cells.append([case.load.name, str(case.pipeline), *speeds, *costs])
    return header, cells
