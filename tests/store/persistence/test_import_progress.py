"""The import of a Redis data directory at the start tells the log how far it is."""

from pathlib import Path

import pytest

from store.config.settings import Settings
from store.engine import Engine
from store.events import encode_event
from store.log.memory import MemoryLog
from store.persistence.control import Persistence


def test_an_import_says_how_far_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import store.commands  # noqa: F401 - fills the command table

    monkeypatch.setattr("store.steps.SAY_SECONDS", 0.0)
    commands = [encode_event(b"SET", b"key:%d" % number, b"x") for number in range(4000)]
    (tmp_path / "appendonly.aof").write_bytes(b"".join(commands))
    settings = Settings()
    settings.dir = str(tmp_path)
    lines: list[str] = []
    engine = Engine(settings, MemoryLog(0, limit=0))
    persistence = Persistence(engine, lines.append, lines.append)
    persistence.open()
    persistence.close()
    assert len(engine.keyspace.databases[0]) == 4000
    total = sum(map(len, commands))
    told = [line for line in lines if line.startswith("importing: ")]
    assert len(told) > 2
    assert all(f" of {total} bytes (" in line and " seconds left" in line for line in told)
