"""Pauses for several purposes: the strictest holds, and each ends by itself."""

import asyncio

import pytest

import store.commands  # noqa: F401 - gates and commands know each other; this way in is open
from store.gates import Gates
from store.pauses import UNTIL_ENDED, Pauses, Purpose


class Paused:
    """Pauses, and how often something that was held back was let go."""

    def __init__(self) -> None:
        self.gates, self.released, self.let_go = Gates(), 0, asyncio.Event()
        self.pauses = Pauses(self.gates, self._let_go)

    def _let_go(self) -> None:
        self.released += 1
        self.let_go.set()

    @property
    def held(self) -> str:
        """What is held back."""
        assert self.pauses.hold(writes=True) is self.gates.writes_paused
        return "all" if self.pauses.hold(writes=False) else "writes" if self.pauses.hold(writes=True) else "nothing"


@pytest.fixture
def paused() -> Paused:
    return Paused()


async def test_the_end_of_one_pause_does_not_end_another(paused: Paused) -> None:
    paused.pauses.begin(Purpose.FAILOVER, UNTIL_ENDED, everything=False)
    paused.pauses.begin(Purpose.COMMAND, 100_000, everything=False)
    paused.pauses.end(Purpose.COMMAND)
    assert (paused.held, paused.released) == ("writes", 0)
    paused.pauses.begin(Purpose.COMMAND, 100_000, everything=False)
    paused.pauses.end(Purpose.FAILOVER)
    assert (paused.held, paused.released) == ("writes", 0)
    paused.pauses.end(Purpose.COMMAND)
    paused.pauses.end(Purpose.COMMAND)
    assert (paused.held, paused.released) == ("nothing", 1)


async def test_a_short_pause_of_everything_is_no_long_one_beside_a_long_pause_of_writes(paused: Paused) -> None:
    """When it ends, what does not write is let go."""
    paused.pauses.begin(Purpose.COMMAND, 1, everything=True)
    paused.pauses.begin(Purpose.FAILOVER, UNTIL_ENDED, everything=False)
    assert paused.held == "all"
    await asyncio.wait_for(paused.let_go.wait(), 30)
    assert (paused.held, paused.released) == ("writes", 1)
    paused.pauses.end(Purpose.FAILOVER)
    assert (paused.held, paused.released) == ("nothing", 2)


async def test_for_one_purpose_the_longer_and_the_stricter_stay(paused: Paused) -> None:
    paused.pauses.begin(Purpose.COMMAND, 100_000, everything=True)
    paused.pauses.begin(Purpose.COMMAND, 0, everything=False)
    assert paused.held == "all"
    paused.pauses.end(Purpose.COMMAND)
    paused.pauses.begin(Purpose.COMMAND, 100_000, everything=False)
    assert paused.held == "writes"


async def test_a_pause_of_no_time_ends_at_once(paused: Paused) -> None:
    paused.pauses.begin(Purpose.COMMAND, 0, everything=True)
    assert paused.held == "nothing"
