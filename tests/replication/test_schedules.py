"""Three nodes, whatever happens to them and to the network between them: in the end one primary, equal data, nothing promised lost.

CHRONIS_SEEDS=FIRST-LAST (or one number) runs other schedules than the few of every day; what happened is shown when one fails.
"""

import os

import pytest

from tests.kit.cluster import eventually
from tests.kit.group import Group
from tests.kit.schedule import Director, plan, rest
from tests.kit.workload import Promised, Writer


def seeds() -> range:
    """The seeds to run."""
    first, _, last = os.environ.get("CHRONIS_SEEDS", "1-2").partition("-")
    return range(int(first), int(last or first) + 1)


@pytest.mark.timeout(150)
@pytest.mark.parametrize("seed", seeds())
def test_schedule(seed: int) -> None:
    """Cuts, stalls, kills, promotions, failovers and options at random, under load."""
    drawn = plan(seed)
    with Group((*drawn.options, "--repl-timeout", "3", "--repl-ping-replica-period", "1")) as group:
        servers = [node.server for node in group.nodes]
        promised = Promised(servers, lambda: group.primary, f"p{seed}", drawn.replicas)
        clients = [Writer(servers, lambda: group.primary, f"w{seed}"), promised]
        for client in clients:
            client.start()
        goes_on(promised)
        Director(group, drawn).run()
        group.heal()
        rest(group)
        primary = group.settle()
        goes_on(promised)
        for client in clients:
            client.end()
        group.note(f"{len(promised.acknowledged)} promised writes were acknowledged, {promised.unknown} not")
        held = group.check_equal(primary)
        if drawn.promised:
            with primary.server.client() as client:
                assert promised.missing(client) == []
        group.end_well(held)


def goes_on(promised: Promised) -> None:
    """Wait until writes are acknowledged."""
    before = len(promised.acknowledged)
    eventually(lambda: len(promised.acknowledged) > before + 50, "writes are acknowledged", 20)
