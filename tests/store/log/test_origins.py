"""With `log-origins yes` the log tells who caused what; else it says nothing and costs nothing."""

from __future__ import annotations

from pathlib import Path

from store.log.frame import Frame
from store.log.reader import LogReader
from store.tools.log_events import events_of
from tests.kit.resp_client import RespClient
from tests.kit.servers import chronis_server


def by_origin(frames: list[Frame]) -> list[tuple[str, tuple[str, str] | None]]:
    found = [(b" ".join(event.args).decode(), event.origin) for frame in frames for event in events_of(frame)]
    return [(text, origin) for text, origin in found if not text.startswith("SELECT")]


def address(client: RespClient) -> str:
    host, port = client.socket.getsockname()
    return f"{host}:{port}"


def test_each_event_names_its_user_and_address(tmp_path: Path) -> None:
    with chronis_server("--log-origins", "yes", directory=tmp_path) as server:
        with server.client() as alice, server.client() as other:
            other.command("ACL", "SETUSER", "alice", "on", "nopass", "+@all", "~*", "&*")
            alice.command("AUTH", "alice", "")
            alice.command("SET", "a", 1)
            other.command("SET", "gone", 1, "PX", 1)
            alice.pipeline([("MULTI",), ("SET", "b", 1), ("EVAL", "return redis.call('SET', 'c', 1)", 0), ("EXEC",)])
            other.command("CONFIG", "SET", "log-origins", "no")
            other.command("DEL", "a")
            mine, others = ("alice", address(alice)), ("default", address(other))
        found = by_origin(list(LogReader(str(tmp_path))))
    expired = [pair for pair in found if pair[0] == "DEL gone"]
    assert expired in ([], [("DEL gone", ("", ""))], [("DEL gone", None)])  # the node's own
    known = [pair for pair in found if pair[0] != "DEL gone"]
    texts, origins = [text.split(" PXAT")[0] for text, _ in known], [origin for _, origin in known]
    assert texts == ["SET a 1", "SET gone 1", "MULTI", "SET b 1", "SET c 1", "EXEC", "DEL a"]
    assert origins == [mine, others, mine, mine, mine, mine, None]
