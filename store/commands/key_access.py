"""Which arguments of a request are keys and what it does with each: for ACL, COMMAND GETKEYS and client-side caching.

Law: a request whose key positions can't be told (its key count is no number, a keyword has nothing after it) has no keys:
it is a mistake that the command itself answers (db.c 7.0, getKeysUsingKeySpecs).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from store.commands.keyspecs import KeySpec
from store.commands.table import Command

Flags = tuple[str, ...]

READS: Flags = ("RO", "access")
CHANGES: Flags = ("RW", "access", "update")
OVERWRITES: Flags = ("OW", "update")
MOVES: Flags = ("RW", "access", "delete")


class KeyUse(NamedTuple):
    """One key of a request: its place in argv, and what is done with it in the words of key specifications."""

    place: int
    flags: Flags


def has_keys(command: Command) -> bool:
    """Tell whether calls of a command may have keys (shard channels, which look like keys, are none)."""
    return any("not_key" not in spec.flags for spec in command.keyspecs)


def key_uses(command: Command, argv: list[bytes]) -> list[KeyUse]:
    """The keys of a request, in the order of the command's key specifications."""
    if command.name in READERS:
        return READERS[command.name](argv)
    uses: list[KeyUse] = []
    for spec in command.keyspecs:
        if "not_key" in spec.flags:
            continue
        places = spec.positions(argv)
        if not places and _is_broken(spec, argv):
            return []
        flags = VARIABLE[command.name](argv) if "variable_flags" in spec.flags else spec.flags
        uses += [KeyUse(place, flags) for place in places]
    return uses


def _is_broken(spec: KeySpec, argv: list[bytes]) -> bool:
    """Tell a specification that a request doesn't fit from one that has nothing to find in it."""
    if spec.unknown:
        return False
    return spec.keyword is None or any(word.upper() == spec.keyword for word in argv[1:])


def _set(argv: list[bytes]) -> Flags:
    return CHANGES if any(word.upper() == b"GET" for word in argv[3:]) else OVERWRITES


def _bitfield(argv: list[bytes]) -> Flags:
    """BITFIELD only reads when all its subcommands are GET; anything odd counts as a write."""
    place = 2
    while place < len(argv):
        word, left = argv[place].upper(), len(argv) - place - 1
        if word == b"GET" and left >= 2:
            place += 3
        elif word == b"OVERFLOW" and left >= 1:
            place += 2
        else:
            return CHANGES
    return READS


def _migrate(argv: list[bytes]) -> list[KeyUse]:
    """MIGRATE has one key in the third place, or any number after KEYS if that is empty; options may look like KEYS."""
    place, places = 6, range(3, 4)
    while place < len(argv):
        word = argv[place].upper()
        if word == b"KEYS":
            places = range(0) if argv[3] else range(place + 1, len(argv))
            break
        place += {b"AUTH": 2, b"AUTH2": 3}.get(word, 1)
    return [KeyUse(found, MOVES) for found in places]


READERS: dict[str, Callable[[list[bytes]], list[KeyUse]]] = {"migrate": _migrate}
"""Commands whose key specifications say less than is known (flag `incomplete`)."""

VARIABLE: dict[str, Callable[[list[bytes]], Flags]] = {"set": _set, "bitfield": _bitfield}
"""Commands whose use of a key depends on other arguments (key specification flag `variable_flags`)."""
