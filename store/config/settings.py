"""The options' values of one server: read as attributes, shown and changed as CONFIG GET and CONFIG SET do.

Law: CONFIG SET changes all it was asked to change or nothing. Values are read and checked before the first one is
assigned; a listener that refuses afterwards puts every value back. Readers see plain instance attributes
(`settings.maxmemory`), so looking at a setting costs no more than looking at any other attribute.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

from store.config.kinds import decode, encode
from store.config.option import Option
from store.config.options import NAMES, OPTIONS, Options
from store.config.structured import BufferLimit
from store.errors import ConfigError, ReplyError
from store.glob import compile_glob

Listener = Callable[[], None]


class ConfigRefused(ReplyError, ConfigError):
    """What CONFIG answers when it changes nothing: `message` is Redis's text, `code` its first word."""


class Settings(Options):
    """The values of all options, by attribute (the option's name with underscores); see the table for their types.

    The owner may assign an attribute itself where a command other than CONFIG changes it (REPLICAOF: `replicaof`).
    """

    def __init__(self) -> None:
        """Start with every option at its default; `dir` is where the process is."""
        self._assign({option: option.default for option in OPTIONS.values()})
        self.dir = os.path.realpath(os.getcwd())
        self.config_file = ""
        """Absolute path of the configuration file; empty when there is none."""
        self.renamed_commands: dict[bytes, bytes] = {}
        """Commands by their name in lower case with the name they are called by instead; empty = no longer callable."""
        self.users: list[list[bytes]] = []
        """Arguments of the `user` lines: a name and its ACL rules, in the order of the file."""
        self._listeners: dict[str, list[Listener]] = {}

    def on_change(self, name: str, listener: Listener) -> None:
        """Call listener whenever CONFIG SET has changed the option called name.

        The new value is in place when it is called. It may refuse by raising ConfigError or ReplyError with the
        reason, and must then have changed nothing itself; those called before it are called again with the old
        values back in place. One listener of several options is called once for all of them.
        """
        self._listeners.setdefault(NAMES[name].name, []).append(listener)

    def resolve(self, path: str) -> str:
        """Return path as an absolute one: relative paths start at the data directory."""
        return os.path.join(self.dir, path)

    def output_limit(self, kind: str) -> BufferLimit:
        """Return the output buffer limit of a class of clients: normal, replica or pubsub."""
        return self.client_output_buffer_limit[kind]

    def get(self, patterns: Sequence[bytes]) -> list[tuple[bytes, bytes]]:
        """Return names and values of the options that match any pattern, each name once.

        A pattern without glob characters answers under the spelling it was asked by. Aliases are names too.
        Hidden options answer only to their exact name (source: config.c 7.0, CONFIG GET).
        """
        found: dict[str, tuple[bytes, Option]] = {}
        for pattern in patterns:
            wanted = decode(pattern).lower()
            if not any(sign in pattern for sign in b"[*?"):
                if wanted in NAMES:
                    found.setdefault(wanted, (pattern, NAMES[wanted]))
                continue
            matches = compile_glob(pattern.lower())
            for name, option in NAMES.items():
                if not option.hidden and matches(encode(name)):
                    found.setdefault(name, (encode(name), option))
        return [(name, self.show(option)) for name, option in found.values()]

    def show(self, option: Option) -> bytes:
        """Return the option's value in the text CONFIG GET answers."""
        return option.kind.show(getattr(self, option.attribute))

    def set(self, pairs: Sequence[tuple[bytes, bytes]], *, local: bool = False, loading: bool = False) -> None:
        """Change the options in pairs to the values beside them, all or none.

        local: the client is on this machine, which may open protected options. loading: data is being loaded.
        Raises ConfigRefused with the text that CONFIG SET answers.
        """
        chosen = self._choose(pairs, local, loading)
        old = {option: getattr(self, option.attribute) for option, _, _ in chosen}
        new = {}
        for option, name, value in chosen:
            # Not `split()`: Redis takes each single space as a separator, so two of them hold an empty argument.
            args = [value] if not option.kind.many else value.split(b" ") if value else []
            try:
                new[option] = option.read(args, old[option])
            except ValueError as error:
                raise _refused(name, str(error)) from None
        self._assign(new)
        names = {option: name for option, name, _ in chosen if new[option] != old[option]}
        self._tell(names, old)

    def sensitive(self, name: bytes) -> bool:
        """Tell whether the option called name holds a secret that must be hidden from logs and MONITOR."""
        option = NAMES.get(decode(name).lower())
        return option is not None and option.sensitive

    def without_effect(self) -> list[str]:
        """Return the names of options that were changed from their default although they have no effect here."""
        return [
            option.name
            for option in OPTIONS.values()
            if option.inert and getattr(self, option.attribute) != option.default
        ]

    def _choose(
        self, pairs: Sequence[tuple[bytes, bytes]], local: bool, loading: bool
    ) -> list[tuple[Option, str, bytes]]:
        """Return option, name asked by and new value of each pair; the first bad pair refuses all."""
        chosen: list[tuple[Option, str, bytes]] = []
        for asked, value in pairs:
            name = decode(asked)
            option = NAMES.get(name.lower())
            if option is None:
                raise ConfigRefused(f"Unknown option or number of arguments for CONFIG SET - '{name}'")
            if option.fixed:
                raise _refused(name, "can't set immutable config")
            if option.protected and not allowed(self.enable_protected_configs, local):
                raise _refused(name, "can't set protected config")
            if option.not_loading and loading:
                raise ConfigRefused("Redis is loading the dataset in memory", "LOADING")
            if any(name.lower() == other for _, other, _ in chosen):
                raise _refused(name, "duplicate parameter")
            chosen.append((option, name.lower(), value))
        return chosen

    def _assign(self, values: dict[Option, Any]) -> None:
        for option, value in values.items():
            setattr(self, option.attribute, value)

    def _tell(self, names: dict[Option, str], old: dict[Option, Any]) -> None:
        """Call the listeners of the options in names; when one raises, put old back and tell the earlier ones again."""
        told: dict[Listener, str] = {}
        for option, name in names.items():
            for listener in self._listeners.get(option.name, ()):
                if listener in told:
                    continue
                try:
                    listener()
                except Exception as error:
                    self._assign(old)
                    troubles = _call_again(told)
                    if isinstance(error, ConfigError | ReplyError):
                        raise _refused(name, "; ".join([str(error), *troubles])) from error
                    raise
                told[listener] = name


def allowed(permission: str, local: bool) -> bool:
    """Tell whether `no`, `yes` or `local` permits something to a client that is or is not on this machine."""
    return permission == "yes" or (permission == "local" and local)


def _call_again(listeners: dict[Listener, str]) -> list[str]:
    """Call listeners with the old values back in place; return what those that fail even now say."""
    troubles = []
    for listener, name in listeners.items():
        try:
            listener()
        except (ConfigError, ReplyError) as error:
            troubles.append(f"restoring '{name}' failed: {error}")
    return troubles


def _refused(name: str, reason: str) -> ConfigRefused:
    return ConfigRefused(f"CONFIG SET failed (possibly related to argument '{name}') - {reason}")
