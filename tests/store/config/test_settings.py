"""CONFIG GET and CONFIG SET on Settings: all or nothing, listeners that may refuse, names and globs."""

from pathlib import Path

import pytest

from store.config import ConfigRefused, Settings
from store.errors import ConfigError, ReplyError


def refusal(settings: Settings, *pairs: tuple[bytes, bytes], local: bool = False, loading: bool = False) -> str:
    with pytest.raises(ConfigRefused) as caught:
        settings.set(pairs, local=local, loading=loading)
    return f"{caught.value.code} {caught.value.message}"


def test_values_are_plain_typed_attributes() -> None:
    settings = Settings()
    settings.set(
        [
            (b"maxmemory", b"2gb"),
            (b"APPENDFSYNC", b"Always"),
            (b"save", b"60 5 1 2"),
            (b"requirepass", b"p\xff\x00q"),
            (b"notify-keyspace-events", b"AKn"),
            (b"shutdown-on-sigterm", b"force nosave"),
            (b"maxmemory-clients", b"5%"),
        ]
    )
    assert (settings.maxmemory, settings.appendfsync, settings.save) == (2 << 30, "always", ((60, 5), (1, 2)))
    assert settings.requirepass == b"p\xff\x00q"
    assert settings.notify_keyspace_events == "g$lshzxetdnK"
    assert settings.shutdown_on_sigterm == ("nosave", "force")
    assert settings.maxmemory_clients == -5
    assert settings.get([b"maxmemory-clients"]) == [(b"maxmemory-clients", b"5%")]


def test_limits_of_classes_not_named_stay() -> None:
    settings = Settings()
    settings.set([(b"client-output-buffer-limit", b"slave 1mb 2kb 3 Pubsub 0 0 0")])
    assert settings.output_limit("replica") == (1 << 20, 2048, 3)
    assert settings.get([b"client-output-buffer-limit"])[0][1] == b"normal 0 0 0 slave 1048576 2048 3 pubsub 0 0 0"


def test_get_answers_each_name_once_as_it_was_asked() -> None:
    settings = Settings()
    assert settings.get([b"PoRt", b"port", b"p?rt", b"nothing"]) == [(b"PoRt", b"6379")]
    assert [name for name, _ in settings.get([b"*OF"])] == [b"replicaof", b"slaveof"]
    assert settings.get([b"slave-priority"]) == [(b"slave-priority", b"100")]


def test_hidden_options_answer_only_to_their_exact_name() -> None:
    settings = Settings()
    assert settings.get([b"key-load-dela*"]) == []
    assert settings.get([b"key-load-delay"]) == [(b"key-load-delay", b"0")]


def test_one_bad_value_changes_nothing() -> None:
    settings = Settings()
    before = settings.get([b"*"])
    assert (
        refusal(settings, (b"maxmemory", b"1mb"), (b"maxmemory-clients", b"200%"))
        == "ERR CONFIG SET failed (possibly related to argument 'maxmemory-clients')"
        " - percentage argument must be less or equal to 100"
    )
    assert settings.get([b"*"]) == before


def test_protected_options_open_for_those_who_are_allowed() -> None:
    settings = Settings()
    assert refusal(settings, (b"dbfilename", b"x.rdb"), local=True).endswith("can't set protected config")
    settings.enable_protected_configs = "local"
    assert refusal(settings, (b"dbfilename", b"x.rdb")).endswith("can't set protected config")
    settings.set([(b"dbfilename", b"x.rdb")], local=True)
    assert settings.dbfilename == "x.rdb"


def test_some_options_wait_for_the_end_of_loading() -> None:
    settings = Settings()
    pair = (b"appendonly", b"no")
    assert refusal(settings, pair, loading=True) == "LOADING Redis is loading the dataset in memory"
    settings.set([(b"maxmemory", b"1")], loading=True)
    assert (settings.appendonly, settings.maxmemory) == (True, 1)


def test_the_data_directory_has_to_exist_and_becomes_absolute(tmp_path: Path) -> None:
    settings = Settings()
    settings.enable_protected_configs = "yes"
    (tmp_path / "data").mkdir()
    (tmp_path / "file").touch()
    settings.set([(b"dir", str(tmp_path).encode())])
    settings.set([(b"dir", b"data/../data")])
    assert settings.dir == str(tmp_path / "data")
    assert settings.resolve("log") == str(tmp_path / "data" / "log")
    reasons = [refusal(settings, (b"dir", path)).split(" - ")[1] for path in (b"gone", b"../file", b"")]
    assert reasons == ["No such file or directory", "Not a directory", "No such file or directory"]


def test_tls_and_cluster_can_not_be_switched_on() -> None:
    settings = Settings()
    assert "TLS is not built" in refusal(settings, (b"tls-port", b"6380"))
    assert "TLS is not built" in refusal(settings, (b"tls-replication", b"yes"))
    settings.set([(b"tls-port", b"0"), (b"tls-cert-file", b"/x.pem")])
    assert settings.without_effect() == ["tls-cert-file"]


def test_secrets_are_marked() -> None:
    settings = Settings()
    assert [settings.sensitive(name) for name in (b"RequirePass", b"masterauth", b"port", b"x")] == [
        True,
        True,
        False,
        False,
    ]


def test_listeners_hear_of_changes_only_and_once() -> None:
    settings = Settings()
    heard: list[int] = []

    def listener() -> None:
        heard.append(settings.min_replicas_to_write)

    settings.on_change("min-slaves-to-write", listener)
    settings.on_change("min-replicas-max-lag", listener)
    settings.set([(b"min-replicas-to-write", b"3"), (b"min-replicas-max-lag", b"4")])
    settings.set([(b"min-replicas-to-write", b"3"), (b"timeout", b"9")])
    assert heard == [3]


@pytest.mark.parametrize("error", [ConfigError("no such port"), ReplyError("no such port")])
def test_a_listener_that_refuses_puts_all_back(error: Exception) -> None:
    settings = Settings()
    told: list[int] = []

    def refuse() -> None:
        raise error

    settings.on_change("maxmemory", lambda: told.append(settings.maxmemory))
    settings.on_change("port", refuse)
    text = refusal(settings, (b"maxmemory", b"7"), (b"PORT", b"1"), (b"timeout", b"5"))
    assert text == "ERR CONFIG SET failed (possibly related to argument 'port') - no such port"
    assert (settings.maxmemory, settings.port, settings.timeout) == (0, 6379, 0)
    assert told == [7, 0]


def test_a_listener_that_can_not_go_back_is_named() -> None:
    settings = Settings()

    def one_way() -> None:
        if not settings.maxmemory:
            raise ConfigError("too late")

    def refuse() -> None:
        raise ConfigError("no")

    settings.on_change("maxmemory", one_way)
    settings.on_change("port", refuse)
    text = refusal(settings, (b"maxmemory", b"7"), (b"port", b"1"))
    assert text.endswith("'port') - no; restoring 'maxmemory' failed: too late")


def test_a_broken_listener_is_no_refusal_but_all_is_put_back() -> None:
    settings = Settings()

    def broken() -> None:
        raise KeyError("bug")

    settings.on_change("port", broken)
    with pytest.raises(KeyError, match="bug"):
        settings.set([(b"port", b"1")])
    assert settings.port == 6379


def test_listening_to_an_unknown_option_is_a_mistake() -> None:
    with pytest.raises(KeyError):
        Settings().on_change("no-such-option", lambda: None)
