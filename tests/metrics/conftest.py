"""A whole node in this process, without a TCP port, for the tests of what is read from it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

import store.commands  # noqa: F401 - fills the command table
from store.config.settings import Settings
from store.node import Node


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    """A node that has started, its data below tmp_path."""
    settings = Settings()
    settings.port = 0
    settings.dir = str(tmp_path)
    made = Node(settings)
    await made.start()
    for row in made.engine.commands.values():  # rows count for the process, and other tests ran commands too
        row.calls = row.failed = row.rejected = row.nanoseconds = 0
        row.buckets = [0] * len(row.buckets)
    yield made
    made.stop()
    await made.stopped.wait()
