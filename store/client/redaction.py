"""Hiding secrets in requests that are shown to others: MONITOR and SLOWLOG (redactClientCommandArgument in Redis 7.0)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from store.config.options import NAMES

if TYPE_CHECKING:
    from store.commands.table import Command

HIDDEN = b"(redacted)"


def redacted(command: Command, argv: list[bytes]) -> list[bytes]:
    """Return a request as it may be shown: passwords, and all about users, replaced."""
    secret = _SECRETS.get(command.name)
    if secret is None:
        return argv
    shown = list(argv)
    for place in secret(argv):
        if place < len(shown):
            shown[place] = HIDDEN
    return shown


def _after_auth(argv: list[bytes], start: int) -> Iterable[int]:
    """AUTH is followed by a password (MIGRATE) or a user and a password (HELLO), AUTH2 by both."""
    for place, word in enumerate(argv[start:], start):
        if word.upper() in (b"AUTH", b"AUTH2"):
            one = word.upper() == b"AUTH" and argv[0].upper() == b"MIGRATE"
            return range(place + 1, place + (2 if one else 3))
    return ()


def _config_values(argv: list[bytes]) -> Iterable[int]:
    for place in range(2, len(argv) - 1, 2):
        option = NAMES.get(argv[place].decode("utf-8", "surrogateescape").lower())
        if option is not None and option.sensitive:
            yield place + 1


_SECRETS: dict[str, Callable[[list[bytes]], Iterable[int]]] = {
    "auth": lambda argv: range(1, len(argv)),
    "hello": lambda argv: _after_auth(argv, 2),
    "migrate": lambda argv: _after_auth(argv, 6),
    "acl|setuser": lambda argv: range(2, len(argv)),
    "config|set": _config_values,
}
"""For each command that may hold secrets, the places of those."""
