"""Permissions: what rules allow, how they are described, and that the description is the same permissions again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.acl import CATEGORIES, Catalog
from store.acl.describe import command_rules, describe
from store.acl.rule import RuleError, merged, unmatched
from store.acl.selector import Denied, Selector
from store.commands.key_access import key_uses
from store.commands.table import TABLE

CATALOG = Catalog(TABLE)


def selector(*rules: str) -> Selector:
    made = Selector(CATALOG)
    for rule in rules:
        made.apply(rule.encode())
    return made


def refusal(permissions: Selector, *argv: str) -> Denied | None:
    words = [word.encode() for word in argv]
    command = CATALOG.find(words[0])
    assert command is not None
    if command.subcommands:
        command = command.subcommands[words[1].lower()]
    return permissions.refusal(command, words, key_uses(command, words))


def test_nothing_is_allowed_at_first() -> None:
    assert refusal(selector(), "get", "k") == Denied("command", 0)
    assert refusal(selector("+get"), "get", "k") == Denied("key", 1)
    assert refusal(selector("+publish"), "publish", "c", "m") == Denied("channel", 1)


def test_commands_that_log_in_are_always_allowed() -> None:
    assert refusal(selector(), "auth", "password") is None


def test_a_key_pattern_permits_what_its_letters_say() -> None:
    permissions = selector("+@all", "%R~r*", "%W~w*", "~both*")
    assert refusal(permissions, "get", "r1") is None
    assert refusal(permissions, "get", "w1") == Denied("key", 1)
    assert refusal(permissions, "set", "w1", "v") is None
    assert refusal(permissions, "set", "w1", "v", "GET") == Denied("key", 1)
    assert refusal(permissions, "set", "both1", "v", "get") is None
    assert refusal(permissions, "lmove", "w1", "r1", "left", "left") == Denied("key", 1)
    assert refusal(permissions, "strlen", "w1") is None  # tells nothing of the value: any permission will do
    assert refusal(permissions, "strlen", "other") == Denied("key", 1)


def test_permissions_for_the_same_pattern_add_up() -> None:
    assert describe(selector("%R~k", "%W~k")) == b"~k resetchannels -@all"
    assert describe(selector("%rw~k")) == b"~k resetchannels -@all"


def test_a_request_whose_keys_cannot_be_told_is_left_to_the_command() -> None:
    permissions = selector("+@all", "~k")
    assert refusal(permissions, "zunionstore", "other", "9", "k") is None
    assert refusal(permissions, "zunionstore", "other", "1", "k") == Denied("key", 1)


def test_migrate_has_its_keys_in_one_of_two_places() -> None:
    permissions = selector("+@all", "~k")
    assert refusal(permissions, "migrate", "host", "1", "k", "0", "9") is None
    assert refusal(permissions, "migrate", "host", "1", "", "0", "9", "AUTH2", "KEYS", "x", "KEYS", "k") is None
    assert refusal(permissions, "migrate", "host", "1", "", "0", "9", "AUTH", "KEYS", "KEYS", "k", "x") == Denied(
        "key", 10
    )


def test_subscribing_to_a_pattern_needs_that_very_pattern() -> None:
    permissions = selector("+@all", "&news.*")
    assert refusal(permissions, "subscribe", "news.a", "news.b") is None
    assert refusal(permissions, "subscribe", "news.a", "other") == Denied("channel", 2)
    assert refusal(permissions, "psubscribe", "news.*") is None
    assert refusal(permissions, "psubscribe", "news.a") == Denied("channel", 1)


def test_a_container_stands_for_its_subcommands() -> None:
    permissions = selector("+config", "-config|set")
    assert refusal(permissions, "config", "get", "x") is None
    assert refusal(permissions, "config", "set", "x", "y") == Denied("command", 0)
    assert refusal(selector("+@all", "-config"), "config", "get", "x") == Denied("command", 0)


def test_a_first_argument_can_be_allowed_alone() -> None:
    permissions = selector("+select|0")
    assert refusal(permissions, "select", "0") is None
    assert refusal(permissions, "select", "1") == Denied("command", 0)
    assert command_rules(permissions) == b"-@all +select|0"


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ("+nosuch", "Unknown command or category name in ACL"),
        ("-nosuch", "Unknown command or category name in ACL"),
        ("+@nosuch", "Unknown command or category name in ACL"),
        ("+config|nosuch", "Unknown command or category name in ACL"),
        ("-select|0", "Unknown command or category name in ACL"),
        ("+config|get|maxmemory", "Allowing first-arg of a subcommand is not supported"),
        ("+select|", "Syntax error"),
        ("%~k", "Syntax error"),
        ("%RR~k", "Syntax error"),
        ("%X~k", "Syntax error"),
        ("~a b", "Syntax error"),
        ("nonsense", "Syntax error"),
    ],
)
def test_a_rule_that_is_wrong_says_why_and_changes_nothing(rule: str, reason: str) -> None:
    permissions = selector("+get", "~k")
    before = describe(permissions)
    with pytest.raises(RuleError) as caught:
        permissions.apply(rule.encode())
    assert str(caught.value) == reason
    assert describe(permissions) == before


def test_patterns_after_all_are_refused() -> None:
    with pytest.raises(RuleError, match="'allkeys' flag"):
        selector("~*", "~k")
    with pytest.raises(RuleError, match="'allchannels' flag"):
        selector("&*", "&c")


@pytest.mark.parametrize("category", CATEGORIES)
def test_one_category_is_described_by_its_name(category: str) -> None:
    if not CATALOG.members[category]:
        pytest.skip(f"no command in {category}")
    assert command_rules(selector("+@all", f"-@{category}")) == f"+@all -@{category}".encode()
    assert command_rules(selector(f"+@{category}")) == f"-@all +@{category}".encode()


RULES = st.lists(
    st.one_of(
        st.sampled_from(["+@all", "-@all"]),
        st.builds("{}@{}".format, st.sampled_from("+-"), st.sampled_from(CATEGORIES)),
        st.builds("{}{}".format, st.sampled_from("+-"), st.sampled_from(CATALOG.names)),
        st.sampled_from(["+select|0", "+select|1", "+echo|hello"]),
    ),
    max_size=12,
)


@given(RULES)
def test_a_description_makes_the_same_permissions_again(rules: list[str]) -> None:
    permissions = selector(*rules)
    again = selector(*command_rules(permissions).decode().split())
    assert (again.allowed, again.future, again.first_args) == (
        permissions.allowed,
        permissions.future,
        {name: words for name, words in permissions.first_args.items() if name not in permissions.allowed},
    )


def test_selectors_may_be_spread_over_arguments() -> None:
    assert merged([b"on", b"(+get", b"~a)", b"(+set)", b"(", b"~b", b")"]) == [
        b"on",
        b"(+get ~a)",
        b"(+set)",
        b"( ~b )",
    ]
    assert unmatched([b"(+get", b"~a"]) == b"(+get"
    assert unmatched([b"(+get)", b"~a"]) is None
