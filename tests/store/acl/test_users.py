"""Users: logging in, changes and whom they disconnect, files, and the log of refusals."""

from __future__ import annotations

from pathlib import Path

import pytest

from store.errors import ConfigError, ReplyError
from tests.kit.inprocess import Client, Node

NEEDS_PASSWORD = "WRONGPASS invalid username-password pair or user is disabled."


@pytest.fixture
def node() -> Node:
    return Node()


def said(reply: object) -> str:
    """An error reply as the client reads it."""
    assert isinstance(reply, ReplyError), reply
    return reply.line.decode()


def logged_in(node: Node, name: str, *rules: str) -> Client:
    """A client of a user with these rules."""
    assert node.run("acl", "setuser", name, "on", ">secret", *rules) == "OK"
    client = node.connect()
    assert client.run("auth", name, "secret") == "OK"
    return client


def test_a_user_logs_in_with_any_of_the_passwords(node: Node) -> None:
    node.run("acl", "setuser", "ann", "on", ">one", ">two")
    assert node.run("auth", "ann", "two") == "OK"
    assert said(node.run("auth", "ann", "three")) == NEEDS_PASSWORD
    assert said(node.run("auth", "nobody", "one")) == NEEDS_PASSWORD


def test_a_user_who_is_off_stays_in_but_cannot_log_in(node: Node) -> None:
    client = logged_in(node, "ann", "+ping")
    node.run("acl", "setuser", "ann", "off")
    assert client.run("ping") == "PONG"
    assert said(client.run("auth", "ann", "secret")) == NEEDS_PASSWORD


def test_refusals_in_redis_words(node: Node) -> None:
    client = logged_in(node, "ann", "+get", "+publish", "~a", "&c")
    assert (
        said(client.run("config", "get", "x")) == "NOPERM this user has no permissions to run the 'config|get' command"
    )
    assert (
        said(client.run("get", "b"))
        == "NOPERM this user has no permissions to access one of the keys used as arguments"
    )
    assert (
        said(client.run("publish", "d", "m"))
        == "NOPERM this user has no permissions to access one of the channels used as arguments"
    )


def test_one_wrong_rule_changes_nothing(node: Node) -> None:
    reply = node.run("acl", "setuser", "ann", "on", "+get", "~a b")
    assert said(reply) == "ERR Error in ACL SETUSER modifier '~a b': Syntax error"
    assert node.run("acl", "getuser", "ann") is None


def test_a_refused_command_voids_its_transaction(node: Node) -> None:
    client = logged_in(node, "ann", "+multi", "+exec", "+get", "~*")
    client.run("multi")
    assert said(client.run("set", "k", "v")).startswith("NOPERM")
    assert said(client.run("exec")).startswith("EXECABORT")


def test_permission_lost_between_queueing_and_exec(node: Node) -> None:
    client = logged_in(node, "ann", "+multi", "+exec", "+get", "+set", "~*")
    client.run("multi")
    client.run("set", "k", "v")
    client.run("get", "k")
    node.run("acl", "setuser", "ann", "-set")
    replies = client.run("exec")
    assert isinstance(replies, list)
    assert said(replies[0]) == (
        "NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC call. "
        "This command is no longer allowed for the following reason: can't run this command or subcommand"
    )
    assert replies[1] is None
    node.check()


def test_who_loses_a_channel_is_disconnected(node: Node) -> None:
    keeps, loses = logged_in(node, "ann", "+@all", "&a", "&b"), logged_in(node, "bob", "+@all", "&a", "&b")
    keeps.run("subscribe", "a")
    loses.run("subscribe", "b")
    for name in ("ann", "bob"):
        node.run("acl", "setuser", name, "resetchannels", "&a")
    assert (keeps.closing, loses.closing) == (False, True)
    assert list(node.engine.bus.channels) == [b"a"]


def test_deleting_users_disconnects_them(node: Node) -> None:
    client = logged_in(node, "ann")
    assert node.run("acl", "deluser", "ann", "ann", "nobody") == 1
    assert client.closing
    assert client.number not in node.engine.sessions
    assert said(node.run("acl", "deluser", "default")) == "ERR The 'default' user cannot be removed"


def test_who_deletes_herself_gets_the_reply_first(node: Node) -> None:
    client = logged_in(node, "ann", "+acl")
    assert client.run("acl", "deluser", "ann") == 1
    assert client.closing


def test_requirepass_is_the_default_users_password(node: Node) -> None:
    old = node.connect()
    node.run("config", "set", "requirepass", "secret")
    new = node.connect()
    assert old.run("ping") == "PONG"
    assert said(new.run("ping")) == "NOAUTH Authentication required."
    assert said(new.run("auth", "wrong")) == NEEDS_PASSWORD
    assert new.run("auth", "secret") == "OK"
    assert new.run("ping") == "PONG"
    node.run("config", "set", "requirepass", "")
    assert node.connect().run("ping") == "PONG"


def test_reset_asks_for_the_password_again(node: Node) -> None:
    node.run("config", "set", "requirepass", "secret")
    assert node.run("reset") == "RESET"
    assert said(node.run("ping")) == "NOAUTH Authentication required."


def test_similar_refusals_are_counted_as_one(node: Node) -> None:
    client = logged_in(node, "ann", "+get")
    for _ in range(3):
        client.run("get", "k")
    client.run("set", "k", "v")
    node.clock.advance(60_001)
    client.run("get", "k")
    log = node.run("acl", "log")
    assert isinstance(log, list)
    shown = [(entry[b"count"], entry[b"reason"], entry[b"object"], entry[b"age-seconds"]) for entry in log]
    assert shown == [(1, b"key", b"k", 0.0), (1, b"command", b"set", 60.001), (3, b"key", b"k", 60.001)]
    assert log[0][b"client-info"].startswith(b"id=%d addr=127.0.0.1:1 " % client.number)


def test_the_log_of_refusals_has_a_limit(node: Node) -> None:
    node.run("config", "set", "acllog-max-len", "2")
    client = logged_in(node, "ann", "+get")
    for key in "abc":
        client.run("get", key)
    assert [entry[b"object"] for entry in node.run("acl", "log")] == [b"c", b"b"]  # type: ignore[attr-defined]
    assert node.run("acl", "log", "reset") == "OK"
    assert node.run("acl", "log") == []


# ── files ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def with_file(text: str, tmp_path: Path) -> Node:
    node, path = Node(), tmp_path / "users.acl"
    path.write_text(text)
    node.engine.settings.aclfile = str(path)
    node.engine.users.start()
    return node


def test_users_survive_save_and_load(tmp_path: Path) -> None:
    node = with_file("", tmp_path)
    node.run("acl", "setuser", "ann", "on", ">secret", "+get", "%R~a", "(+set ~b)", "&c")
    node.run("acl", "setuser", "bob", "off", "+@all", "-config|set")
    shown = node.run("acl", "list")
    assert node.run("acl", "save") == "OK"
    node.run("acl", "deluser", "ann")
    assert node.run("acl", "load") == "OK"
    assert node.run("acl", "list") == shown
    assert (tmp_path / "users.acl").read_bytes().splitlines() == shown


def test_loading_disconnects_all_but_default(tmp_path: Path) -> None:
    node = with_file("user ann on nopass +@all\n", tmp_path)
    client = node.connect()
    client.run("auth", "ann", "x")
    assert node.run("acl", "load") == "OK"
    assert client.closing
    assert node.run("ping") == "PONG"


def test_a_file_with_mistakes_changes_nothing_and_tells_them_all(tmp_path: Path) -> None:
    node = with_file("user ann on\n", tmp_path)
    (tmp_path / "users.acl").write_text("user bob +nosuch\nuser bob on\nusr x\n\nuser eve ~a (\n")
    path = tmp_path / "users.acl"
    assert said(node.run("acl", "load")) == (
        f"ERR {path}:1: Error in applying operation '+nosuch': Unknown command or category name in ACL. "
        "WARNING: Duplicate user 'bob' found on line 2. "
        f"{path}:3 should start with user keyword followed by the username. "
        f"{path}:5: Unmatched parenthesis in selector definition. "
        "WARNING: ACL errors detected, no change to the previously active ACL rules was performed"
    )
    assert node.run("acl", "users") == [b"ann", b"default"]


def test_users_of_the_configuration() -> None:
    node = Node()
    node.engine.settings.users = [[b"default", b"on", b"nopass", b"+ping"], [b"ann", b"on", b"(+get", b"~a)"]]
    node.engine.users.start()
    assert node.run("ping") == "PONG"
    assert said(node.run("get", "a")).startswith("NOPERM")
    node.engine.settings.users.append([b"ann", b"on"])
    with pytest.raises(ConfigError, match="Duplicate user found"):
        node.engine.users.start()
