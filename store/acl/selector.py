"""One set of permissions: commands, keys and channels. A user has a root selector and may have more.

Law: a request is allowed when one selector allows all of it: the command, each of its keys and each of its channels.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from store.acl.catalog import Catalog
from store.acl.rule import (
    CHANNELS_AFTER_ALL,
    FIRST_ARGUMENT_OF_SUBCOMMAND,
    KEYS_AFTER_ALL,
    SYNTAX,
    UNKNOWN,
    RuleError,
    has_blanks,
)
from store.commands.key_access import KeyUse
from store.commands.table import Command
from store.glob import Matcher, compile_glob

READ, WRITE = 1, 2
_NEEDS = {"access": READ, "insert": WRITE, "delete": WRITE, "update": WRITE}
_LETTERS = {ord("R"): READ, ord("W"): WRITE}

CHANNEL_COMMANDS = {"subscribe": None, "ssubscribe": None, "psubscribe": None, "publish": 2, "spublish": 2}
"""Commands whose arguments are channels to be checked, with the place after the last one (None: to the end)."""


class Denied(NamedTuple):
    """Why a request is not allowed: `command`, `key` or `channel`, and the argument (its place) that is in the way."""

    reason: str
    place: int

    @property
    def rank(self) -> tuple[int, int]:
        """How much it tells: of several selectors' reasons the one that got furthest is reported."""
        return ("command", "key", "channel").index(self.reason), self.place


class KeyPattern:
    """A pattern of keys and what may be done with them."""

    __slots__ = ("matches", "pattern", "permits")

    def __init__(self, pattern: bytes, permits: int) -> None:
        self.pattern = pattern
        self.permits = permits
        self.matches: Matcher = compile_glob(pattern)

    def rule(self) -> bytes:
        """The rule that makes this pattern."""
        return {READ: b"%R~", WRITE: b"%W~", READ | WRITE: b"~"}[self.permits] + self.pattern


class Selector:
    """Permissions, changed by `apply`.

    `future`: +@all was the start, so commands that come with a later version are allowed; `all_commands`: nothing was taken
    away since. `first_args`: commands allowed only with certain first arguments.
    """

    def __init__(self, catalog: Catalog, all_channels: bool = False) -> None:
        self.catalog = catalog
        self.allowed: set[str] = set()
        self.future = False
        self.all_commands = False
        self.first_args: dict[str, list[bytes]] = {}
        self.all_keys = False
        self.keys: dict[bytes, KeyPattern] = {}
        self.all_channels = all_channels
        self.channels: dict[bytes, Matcher] = {}

    def copy(self) -> Selector:
        """An independent copy."""
        other = Selector(self.catalog, self.all_channels)
        other.allowed, other.future, other.all_commands = set(self.allowed), self.future, self.all_commands
        other.first_args = {name: list(args) for name, args in self.first_args.items()}
        other.all_keys = self.all_keys
        other.keys = {pattern: KeyPattern(pattern, key.permits) for pattern, key in self.keys.items()}
        other.channels = dict(self.channels)
        return other

    # ── rules ──────────────────────────────────────────────────────────────────────────────────────────────────────
    def apply(self, rule: bytes) -> None:
        """Change the permissions by one rule; raise RuleError and change nothing if it can't be."""
        word = _WORDS.get(rule.lower())
        if word is not None:
            word(self)
        elif rule[:1] in (b"~", b"%"):
            self._add_keys(rule)
        elif rule[:1] == b"&":
            self._add_channels(rule[1:])
        elif rule[:1] in (b"+", b"-"):
            self._change_commands(rule[1:], rule[:1] == b"+")
        else:
            raise RuleError(SYNTAX)

    def _set_all_commands(self, allow: bool) -> None:
        self.allowed = set(self.catalog.all) if allow else set()
        self.future = self.all_commands = allow
        self.first_args.clear()

    def _set_all_keys(self, allow: bool) -> None:
        self.all_keys = allow
        self.keys.clear()

    def _set_all_channels(self, allow: bool) -> None:
        self.all_channels = allow
        self.channels.clear()

    def _add_keys(self, rule: bytes) -> None:
        if self.all_keys:
            raise RuleError(KEYS_AFTER_ALL)
        letters, _, pattern = rule.partition(b"~")
        permits = READ | WRITE
        if letters:
            flags = [_LETTERS.get(letter, 0) for letter in letters[1:].upper()]
            permits = sum(flags)
            if not flags or 0 in flags or len(set(flags)) < len(flags):
                raise RuleError(SYNTAX)
        if has_blanks(pattern):
            raise RuleError(SYNTAX)
        known = self.keys.setdefault(pattern, KeyPattern(pattern, permits))
        known.permits |= permits

    def _add_channels(self, pattern: bytes) -> None:
        if self.all_channels:
            raise RuleError(CHANNELS_AFTER_ALL)
        if has_blanks(pattern):
            raise RuleError(SYNTAX)
        self.channels.setdefault(pattern, compile_glob(pattern))

    def _change_commands(self, what: bytes, allow: bool) -> None:
        if what.startswith(b"@"):
            category = what[1:].decode("utf-8", "surrogateescape").lower()
            if category not in self.catalog.reach:
                raise RuleError(UNKNOWN, unknown=True)
            self._permit(self.catalog.reach[category], allow)
            return
        command = self.catalog.find(what)
        if command is not None:
            self._permit(self.catalog.family(command.name), allow)
        elif allow and b"|" in what:
            self._allow_first_argument(what)
        else:
            raise RuleError(UNKNOWN, unknown=True)

    def _permit(self, names: tuple[str, ...] | frozenset[str], allow: bool) -> None:
        if allow:
            self.allowed.update(names)
        else:
            self.allowed.difference_update(names)
            self.all_commands = self.all_commands and not names
        for name in names:
            self.first_args.pop(name, None)

    def _allow_first_argument(self, what: bytes) -> None:
        name, _, argument = what.rpartition(b"|")
        command = self.catalog.find(name)
        if command is None:
            raise RuleError(UNKNOWN, unknown=True)
        if "|" in command.name:
            raise RuleError(FIRST_ARGUMENT_OF_SUBCOMMAND)
        if not argument:
            raise RuleError(SYNTAX)
        if command.subcommands:
            raise RuleError(UNKNOWN, unknown=True)
        known = self.first_args.setdefault(command.name, [])
        if argument.lower() not in (word.lower() for word in known):
            known.append(argument)

    # ── questions ──────────────────────────────────────────────────────────────────────────────────────────────────
    @property
    def unrestricted(self) -> bool:
        """Tell whether everything is allowed, so that nothing needs to be checked."""
        return self.all_commands and self.all_keys and self.all_channels

    def refusal(self, command: Command, argv: list[bytes], uses: list[KeyUse]) -> Denied | None:
        """What is in the way of a request whose keys are uses, or None if nothing is."""
        if not self.all_commands and "no_auth" not in command.flags and not self._may_run(command, argv):
            return Denied("command", 0)
        if not self.all_keys:
            for use in uses:
                if not self.may_use(argv[use.place], use.flags):
                    return Denied("key", use.place)
        if not self.all_channels and command.name in CHANNEL_COMMANDS:
            literally = command.name == "psubscribe"
            for place, channel in enumerate(argv[1 : CHANNEL_COMMANDS[command.name]], 1):
                if not self.may_hear(channel, literally):
                    return Denied("channel", place)
        return None

    def _may_run(self, command: Command, argv: list[bytes]) -> bool:
        if command.name in self.allowed:
            return True
        allowed = self.first_args.get(command.name)
        return allowed is not None and len(argv) > 1 and argv[1].lower() in (word.lower() for word in allowed)

    def may_use(self, key: bytes, flags: tuple[str, ...]) -> bool:
        """Tell whether a key may be used in the way of a key specification's flags; none of them: in any way."""
        if self.all_keys:
            return True
        needed = need_of(flags)
        return any(known.permits & needed == needed and known.matches(key) for known in self.keys.values())

    def may_read_all(self) -> bool:
        """Tell whether every key there is or will be may be read."""
        return self.all_keys or (b"*" in self.keys and bool(self.keys[b"*"].permits & READ))

    def may_hear(self, channel: bytes, literally: bool = False) -> bool:
        """Tell whether a channel may be used; a pattern to subscribe to has to be one of the rules, literally."""
        if self.all_channels or literally:
            return self.all_channels or channel in self.channels
        return any(matches(channel) for matches in self.channels.values())


def need_of(flags: tuple[str, ...]) -> int:
    """The permission that a use of a key needs."""
    needed = 0
    for flag in flags:
        needed |= _NEEDS.get(flag, 0)
    return needed


_WORDS: dict[bytes, Callable[[Selector], None]] = {
    b"allcommands": lambda selector: selector._set_all_commands(True),
    b"+@all": lambda selector: selector._set_all_commands(True),
    b"nocommands": lambda selector: selector._set_all_commands(False),
    b"-@all": lambda selector: selector._set_all_commands(False),
    b"allkeys": lambda selector: selector._set_all_keys(True),
    b"~*": lambda selector: selector._set_all_keys(True),
    b"resetkeys": lambda selector: selector._set_all_keys(False),
    b"allchannels": lambda selector: selector._set_all_channels(True),
    b"&*": lambda selector: selector._set_all_channels(True),
    b"resetchannels": lambda selector: selector._set_all_channels(False),
}
