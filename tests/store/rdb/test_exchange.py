"""Exchange with redis-server: each reads what the other wrote, finds the same data, encodings and digests."""

import shutil
import subprocess
from pathlib import Path

import pytest

from store.digest import digest, digest_value
from store.keyspace import Keyspace
from store.rdb import dump_value, load, restore_value, save, standard_aux
from store.values.base import Value
from tests.kit.rdb_files import contents, mixed_commands
from tests.kit.resp_client import Error, RespClient, Simple
from tests.kit.servers import redis_server, requires_redis

pytestmark = requires_redis


def fill(client: RespClient) -> None:
    replies = client.pipeline(mixed_commands())
    assert not [reply for reply in replies if isinstance(reply, Error)]


def dataset_digest(client: RespClient) -> bytes:
    reply = client.command("DEBUG", "DIGEST")
    assert isinstance(reply, Simple)
    return reply.text


def encodings(client: RespClient) -> dict[bytes, object]:
    keys = client.command("KEYS", "*")
    assert isinstance(keys, list)
    return {key: client.command("OBJECT", "ENCODING", key) for key in keys if isinstance(key, bytes)}


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, object]]:
    """A dump.rdb that redis-server wrote, with what it said about the data."""
    directory = tmp_path_factory.mktemp("redis")
    facts: dict[str, object] = {}
    with redis_server(directory=directory) as server, server.client() as client:
        fill(client)
        client.command("SAVE")
        facts["digest"] = dataset_digest(client)
        facts["encodings"] = encodings(client)
        keys = list(encodings(client))
        facts["dumps"] = {key: client.command("DUMP", key) for key in keys}
        client.command("CONFIG", "SET", "rdbcompression", "no")
        facts["plain dumps"] = {key: client.command("DUMP", key) for key in keys}
        facts["digests"] = {key: client.command("DEBUG", "DIGEST-VALUE", key) for key in keys}
    return directory / "dump.rdb", facts


def test_a_dump_of_redis_is_read_with_the_same_digests_and_encodings(saved: tuple[Path, dict[str, object]]) -> None:
    path, facts = saved
    keyspace = Keyspace()
    report = load(path, keyspace)
    keyspace._check()
    assert digest(keyspace) == facts["digest"]
    assert report.databases == {0: report.keys // 3, 3: report.keys // 3, 15: report.keys // 3}
    assert report.expiring == 6
    db = keyspace.databases[15]  # the one that was selected last
    for item in db.order:
        expected = facts["digests"][item.key]  # type: ignore[index]
        assert [Simple(digest_value(db, item.key, item.value))] == expected, item.key
        if isinstance(item.value, Value):
            assert item.value.encoding().encode() == facts["encodings"][item.key], item.key  # type: ignore[index]


def test_redis_reads_what_is_written_with_the_same_digests_and_encodings(
    saved: tuple[Path, dict[str, object]], tmp_path: Path
) -> None:
    path, facts = saved
    load(path, keyspace := Keyspace())
    aux = standard_aux(ctime=1700000000, history_id="c" * 40, offset=4242, stream_db=3)
    save(keyspace, tmp_path / "dump.rdb", aux=aux)
    checked = subprocess.run(
        ["redis-check-rdb", str(tmp_path / "dump.rdb")], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout
    assert "Checksum OK" in checked.stdout
    with redis_server(directory=tmp_path) as server, server.client() as client:
        assert dataset_digest(client) == facts["digest"]
        client.command("SELECT", 15)
        assert encodings(client) == facts["encodings"]
        assert b"master_repl_offset:4242" in bytes(client.command("INFO", "replication"))  # type: ignore[arg-type]


def test_payloads_are_byte_for_byte_those_of_redis_where_the_order_is_given(
    saved: tuple[Path, dict[str, object]],
) -> None:
    _, facts = saved
    dumps: dict[bytes, bytes] = facts["plain dumps"]  # type: ignore[assignment]
    for key, text in dumps.items():
        keyspace = Keyspace()
        value = keyspace.databases[0].put(key, restore_value(text)).value
        if not key.startswith(b"set:") and key not in (
            b"hash:513",
            b"intset:513",
        ):  # their order is not part of the value
            assert dump_value(value, packing=False) == text, key


def test_payloads_travel_both_ways(saved: tuple[Path, dict[str, object]]) -> None:
    _, facts = saved
    dumps: dict[bytes, bytes] = facts["dumps"]  # type: ignore[assignment]
    with redis_server() as server, server.client() as client:
        for key, text in dumps.items():
            for packing in (True, False):
                client.command("RESTORE", key, 0, dump_value(restore_value(text), packing=packing), "REPLACE")
                if key in (b"string:1", b"list:5"):
                    client.command("PEXPIREAT", key, 4000000000000)
                assert client.command("DEBUG", "DIGEST-VALUE", key) == facts["digests"][key], key  # type: ignore[index]


def stream_facts(client: RespClient) -> list[object]:
    """All that can be asked about the streams `stream` and `short`, but for the layout of deleted entries."""
    return [
        client.command("DEBUG", "DIGEST"),
        client.command("XINFO", "STREAM", "stream"),
        client.command("XINFO", "STREAM", "stream", "FULL", "COUNT", "0"),
        client.command("XINFO", "GROUPS", "stream"),
        client.command("DUMP", "short"),
    ]


def test_streams_and_functions_pass_through(tmp_path: Path) -> None:
    library = b"#!lua name=lib\nredis.register_function('f', function() return 1 end)"
    with redis_server(directory=tmp_path) as server, server.client() as client:
        for number in range(300):
            client.command("XADD", "stream", f"{number + 1}-1", "field", number, "other", "x" * (number % 70))
            client.command(
                "XADD", "short", f"{number + 1}-{number % 7}", "a", number, *(("b", "c") if number % 9 == 0 else ())
            )
        client.command("XDEL", "stream", "5-1", "7-1")
        client.command("XGROUP", "CREATE", "stream", "group", "0")
        client.command("XREADGROUP", "GROUP", "group", "alice", "COUNT", "10", "STREAMS", "stream", ">")
        client.command("XREADGROUP", "GROUP", "group", "bob", "COUNT", "3", "STREAMS", "stream", ">")
        client.command("FUNCTION", "LOAD", library)
        client.command("SAVE")
        facts = stream_facts(client)
    report = load(tmp_path / "dump.rdb", keyspace := Keyspace())
    assert Simple(digest(keyspace)) == facts[0]
    assert (report.opaque, report.functions) == (0, [library])
    keyspace._check()
    assert dump_value(keyspace.databases[0].entries[b"short"].value) == facts[-1]
    deleted = dump_value(keyspace.databases[0].entries[b"stream"].value)
    assert dump_value(restore_value(deleted)) == deleted
    shutil.rmtree(tmp_path)
    tmp_path.mkdir()
    save(keyspace, tmp_path / "dump.rdb", extras=report.extras)
    with redis_server(directory=tmp_path) as server, server.client() as client:
        assert stream_facts(client) == facts
        assert client.command("FCALL", "f", 0) == 1


def test_other_thresholds_give_other_encodings_on_both_sides(tmp_path: Path) -> None:
    options = ["--hash-max-listpack-entries", "3", "--zset-max-listpack-value", "4", "--set-max-intset-entries", "3"]
    options += ["--list-max-listpack-size", "5", "--rdbcompression", "no"]
    with redis_server(*options, directory=tmp_path) as server, server.client() as client:
        fill(client)
        client.command("SAVE")
        expected, dump = encodings(client), client.command("DUMP", "list:513")
    keyspace = Keyspace()
    limits = keyspace.limits
    limits.hash_max_listpack_entries, limits.zset_max_listpack_value, limits.set_max_intset_entries = 3, 4, 3
    limits.list_max_listpack_size = 5
    load(tmp_path / "dump.rdb", keyspace)
    ours = {e.key: e.value.encoding().encode() for e in keyspace.databases[15].order if isinstance(e.value, Value)}
    assert ours == {key: name for key, name in expected.items() if key in ours}
    assert dump_value(keyspace.databases[15].entries[b"list:513"].value, limits, packing=False) == dump


def test_contents_do_not_depend_on_who_wrote_them(saved: tuple[Path, dict[str, object]], tmp_path: Path) -> None:
    path, _ = saved
    load(path, first := Keyspace())
    save(first, tmp_path / "again.rdb")
    load(tmp_path / "again.rdb", second := Keyspace())
    assert contents(first) == contents(second)
