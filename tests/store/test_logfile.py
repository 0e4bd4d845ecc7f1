"""The server's own log lines: text as Redis writes it, or JSON by option, one line an event of interest."""

from __future__ import annotations

import json
import logging
import os
import re
from pathlib import Path
from typing import Any

import pytest

from store.logfile import NOTICE, JsonFormat, TextFormat
from tests.kit.cluster import linked
from tests.kit.servers import HOST, chronis_server


def record(level: int, text: str, error: Exception | None = None) -> logging.LogRecord:
    """A log record of a known moment."""
    trace = (type(error), error, error.__traceback__) if error is not None else None
    made = logging.LogRecord("chronis", level, __file__, 1, "%s", (text,), trace)
    made.created, made.msecs = 1_700_000_000.123, 123.0
    return made


@pytest.mark.parametrize(
    ("level", "mark"), [(logging.DEBUG, "."), (logging.INFO, "-"), (NOTICE, "*"), (logging.WARNING, "#"), (logging.ERROR, "#")]
)
def test_a_line_of_text_is_as_redis_writes_it(level: int, mark: str) -> None:
    line = TextFormat().format(record(level, "a text"))
    assert re.fullmatch(rf"{os.getpid()}:M \d\d Nov 2023 \d\d:\d\d:\d\d\.123 {re.escape(mark)} a text", line)


@pytest.mark.parametrize(
    ("level", "name"),
    [(logging.DEBUG, "debug"), (logging.INFO, "verbose"), (NOTICE, "notice"), (30, "warning"), (40, "warning")],
)
def test_a_line_of_json_holds_the_same(level: int, name: str) -> None:
    line = JsonFormat().format(record(level, 'a "text"\nof two lines'))
    assert "\n" not in line
    assert json.loads(line) == {
        "time": "2023-11-14T22:13:20.123Z", "level": name, "pid": os.getpid(), "role": "M", "text": 'a "text"\nof two lines',
    }  # fmt: skip


def test_json_keeps_a_trace_within_the_line() -> None:
    try:
        raise ValueError("broken")
    except ValueError as error:
        line = JsonFormat().format(record(logging.ERROR, "an error", error))
    assert "\n" not in line
    assert json.loads(line)["trace"].endswith("ValueError: broken")


def lines(output: str) -> list[dict[str, Any]]:
    """Every line of an output, each of them JSON."""
    return [json.loads(line) for line in output.splitlines()]


def test_servers_tell_what_is_of_interest_in_json(tmp_path: Path) -> None:
    places = tmp_path / "primary", tmp_path / "replica"
    for place in places:
        place.mkdir()
    json_log = ("--log-format", "json")
    with chronis_server(*json_log, directory=places[0]) as primary:
        with chronis_server(*json_log, "--replicaof", f"{HOST} {primary.port}", directory=places[1]) as replica:
            linked(replica)
        pid = primary.pid
    told, followed = lines(primary.output()), lines(replica.output())
    assert {line["pid"] for line in told} == {pid}
    assert {line["role"] for line in told} == {"M"}
    assert followed[-1]["role"] == "S"
    assert all(set(line) == {"time", "level", "pid", "role", "text"} for line in (*told, *followed))
    said = [line["text"] for line in told]
    for event in ("starting", "Ready to accept connections", "Full resync requested", "Connection with replica", "bye bye"):
        assert sum(event in text for text in said) == 1, event
