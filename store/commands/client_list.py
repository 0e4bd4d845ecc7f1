"""CLIENT LIST and CLIENT KILL: choosing connections by type, id, address, user."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from store.client.client_line import client_line
from store.commands.arguments import INT64_MAX, parse_int, parse_range
from store.commands.table import command
from store.errors import ReplyError, syntax_error
from store.replies import OK, Verbatim
from store.tx import Tx

if TYPE_CHECKING:
    from store.client.session import Session

GROUP = "connection"
_ADMIN = "admin noscript loading stale"
_TYPES = {b"normal": "normal", b"slave": "replica", b"replica": "replica", b"pubsub": "pubsub", b"master": "master"}

Test = Callable[["Session"], bool]


def _type(word: bytes) -> str:
    if word.lower() not in _TYPES:
        raise ReplyError(f"Unknown client type '{word.decode('utf-8', 'surrogateescape')}'")
    return _TYPES[word.lower()]


@command("CLIENT|LIST", _ADMIN, since="2.4.0", group=GROUP, tips="nondeterministic_output", complexity="O(connections)")
def client_list(tx: Tx, *options: bytes) -> Verbatim:
    """Describe the connections, a line each: all, those of a type, or those with the given ids."""
    sessions = list(tx.engine.sessions.values())
    if len(options) == 2 and options[0].lower() == b"type":
        wanted = _type(options[1])
        sessions = [session for session in sessions if session.role == wanted]
    elif len(options) > 1 and options[0].lower() == b"id":
        numbers = [parse_int(option, "Invalid client ID") for option in options[1:]]
        sessions = [tx.engine.sessions[number] for number in numbers if number in tx.engine.sessions]
    elif options:
        raise syntax_error()
    own = [b"client", b"list", *options]
    lines = (client_line(session, own if session is tx.session else None) for session in sessions)
    return Verbatim(b"".join(line + b"\n" for line in lines))


@command("CLIENT|KILL", _ADMIN, since="2.4.0", group=GROUP, complexity="O(connections)")
def client_kill(tx: Tx, first: bytes, *options: bytes) -> object:
    """Close the connection from an address, or all that fit a list of filters."""
    if not options:
        if not _kill(tx, [lambda session: session.address == first]):
            raise ReplyError("No such client")
        return OK
    tests = list(_filters(tx, (first, *options)))
    words = [word.lower() for word in (first, *options)[::2]]
    return _kill(tx, tests if b"skipme" in words else [*tests, lambda session: session is not tx.session])


def _filters(tx: Tx, options: tuple[bytes, ...]) -> Iterator[Test]:
    """A test for each option of the new form; of a repeated one the last counts."""
    tests: dict[bytes, Test] = {}
    for place in range(0, len(options), 2):
        word = options[place].lower()
        if place + 1 == len(options) or word not in _FILTERS:
            raise syntax_error()
        tests[word] = _FILTERS[word](tx, options[place + 1])
    return iter(tests.values())


def _kill(tx: Tx, tests: list[Test]) -> int:
    """Close the connections that pass all tests, this one only after its reply; return how many."""
    victims = [session for session in tx.engine.sessions.values() if all(test(session) for test in tests)]
    for session in victims:
        if session is tx.session:
            session.close_after_reply()
        else:
            session.abort()
    return len(victims)


def _by_id(tx: Tx, value: bytes) -> Test:
    number = parse_range(value, 1, INT64_MAX, "client-id should be greater than 0")
    return lambda session: session.number == number


def _by_type(tx: Tx, value: bytes) -> Test:
    wanted = _type(value)
    return lambda session: session.role == wanted


def _by_user(tx: Tx, value: bytes) -> Test:
    user = tx.engine.users.table.get(value)
    if user is None:
        raise ReplyError(f"No such user '{value.decode('utf-8', 'surrogateescape')}'")
    return lambda session: session.user is user


def _skip_me(tx: Tx, value: bytes) -> Test:
    if value.lower() not in (b"yes", b"no"):
        raise syntax_error()
    spare = value.lower() == b"yes"
    return lambda session: not (spare and session is tx.session)


_FILTERS: dict[bytes, Callable[[Tx, bytes], Test]] = {
    b"id": _by_id,
    b"type": _by_type,
    b"addr": lambda tx, value: lambda session: session.address == value,
    b"laddr": lambda tx, value: lambda session: session.local_address == value,
    b"user": _by_user,
    b"skipme": _skip_me,
}
