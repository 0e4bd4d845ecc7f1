"""Reading redis.conf: its lines, `include`, and the directives that are not options.

Law: a file either sets every option it names or stops the start, with the file, the line and the rule it breaks.
Later lines win, except that `save` lines add up and `user` and `rename-command` lines are collected.

    file = *( line LF ) ; line = blank | "#" comment | name *( argument ), split as in store.config.quoting
"""

from __future__ import annotations

import difflib
import glob
import os
from collections.abc import Callable, Sequence

from store import __version__
from store.config.kinds import decode
from store.config.option import Option
from store.config.options import NAMES
from store.config.quoting import split_args
from store.config.settings import Settings
from store.errors import ConfigError

OBSOLETE = frozenset({"list-max-ziplist-entries", "list-max-ziplist-value", "lua-replicate-commands"})
"""Options of older versions that are skipped when they have one argument, as in Redis 7.0."""

_ADVICE = {"activedefrag": ". Chronis leaves memory to Python and its allocator: remove the line, or say no"}
"""What to do about a line whose reason, in Redis's words, does not tell."""


class ConfigFileError(ConfigError):
    """A configuration that can't be used: str() is the reason; `report` says where it is as well."""

    def __init__(self, reason: str, source: str = "", number: int = 0, line: bytes = b"") -> None:
        super().__init__(reason)
        self.source = source
        self.number = number
        self.line = line

    def report(self) -> str:
        """Return the message for the operator, in the form that redis-server prints."""
        place = ""
        if self.number:
            place = (
                f"Reading the configuration file, at line {self.number} of {self.source}\n>>> '{decode(self.line)}'\n"
            )
        return f"\n*** FATAL CONFIG FILE ERROR (Chronis {__version__}) ***\n{place}{self}"


def load(settings: Settings, file: str = "", stdin: bytes | None = None, options: bytes = b"") -> None:
    """Read the file, then what came by standard input, then the command line's options into settings.

    file: path, wildcards allowed, empty for none. Raises ConfigFileError; settings are half changed then.
    """
    reader = _Reader(settings)
    if file:
        reader.read_files(file)
    if stdin is not None:
        reader.read_text(stdin, "standard input")
    reader.read_text(options, "the command line")
    _check(settings)


def _check(settings: Settings) -> None:
    if settings.users and settings.aclfile:
        raise ConfigFileError(
            "Users are declared both by 'user' lines and in an ACL file ('aclfile'): choose one of them"
        )
    if settings.logfile:
        try:
            # Opened only to know now, while it can still be told, that later it can be.
            with open(settings.resolve(settings.logfile), "ab"):
                return
        except OSError as error:
            raise ConfigFileError(f"Can't open the log file: {error.strerror}") from None


class _Reader:
    """The reading of one configuration: what has been seen so far, over all its files."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._open: list[str] = []  # the files being read, outermost first
        self._saved = False  # a `save` line was seen: the next one adds to it

    def read_files(self, pattern: str) -> None:
        """Read the file at pattern, or all files that match it in order of their names; no match is no error."""
        names = [pattern]
        if any(sign in pattern for sign in "*?["):
            names = sorted(glob.glob(pattern, root_dir=self._settings.dir))
        for name in map(self._settings.resolve, names):
            if name in self._open:
                raise ConfigFileError(f"Configuration file '{name}' includes itself")
            try:
                with open(name, "rb") as file:
                    text = file.read()
            except OSError as error:
                raise ConfigFileError(f"Fatal error, can't open config file '{name}': {error.strerror}") from None
            self._open.append(name)
            self.read_text(text, name)
            self._open.pop()

    def read_text(self, text: bytes, source: str) -> None:
        """Read lines of configuration; source names where they come from in errors."""
        for number, raw in enumerate(text.split(b"\n"), 1):
            line = raw.strip(b" \t\r\n")
            if not line or line.startswith(b"#"):
                continue
            try:
                self._read_line(line)
            except ValueError as error:
                raise ConfigFileError(str(error), source, number, line) from None
            except ConfigFileError as error:
                if error.number:
                    raise
                raise ConfigFileError(str(error), source, number, line) from None

    def _read_line(self, line: bytes) -> None:
        try:
            words = split_args(line)
        except ValueError:
            raise ValueError("Unbalanced quotes in configuration line") from None
        name, args = decode(words[0]).lower(), words[1:]
        option = NAMES.get(name)
        directive = _DIRECTIVES.get(name)
        if option is not None:
            self._set(option, args)
        elif directive is not None:
            directive(self, args)
        elif not (name in OBSOLETE and len(args) == 1):
            raise ValueError(_unknown(name))

    def _set(self, option: Option, args: Sequence[bytes]) -> None:
        if option.kind.many:
            args = _spread(args)
        elif len(args) != 1:
            raise ValueError("wrong number of arguments")
        current = getattr(self._settings, option.attribute)
        try:
            value = option.read(args, current)
        except ValueError as error:
            raise ValueError(f"{error}{_ADVICE.get(option.name, '')}") from None
        if option.name == "save":
            if self._saved and list(args) != [b""]:
                value = current + value
            self._saved = True
        setattr(self._settings, option.attribute, value)

    def _include(self, args: Sequence[bytes]) -> None:
        if len(args) != 1:
            raise ValueError("Bad directive or wrong number of arguments")
        self.read_files(os.fsdecode(args[0]))

    def _rename(self, args: Sequence[bytes]) -> None:
        """Keep a renaming; whether the command exists is for the command table to say."""
        if len(args) != 2:
            raise ValueError("Bad directive or wrong number of arguments")
        renamed = self._settings.renamed_commands
        old, new = args[0].lower(), args[1]
        taken = {name.lower() for name in renamed.values() if name}
        if new and new.lower() in taken:
            raise ValueError("Target command name already exists")
        # A name that was given by an earlier line stands for the command that got it.
        original = next((command for command, name in renamed.items() if name.lower() == old), old)
        if original == old and old in renamed:
            raise ValueError("No such command in rename-command")
        renamed[original] = new

    def _user(self, args: Sequence[bytes]) -> None:
        if not args:
            raise ValueError("Bad directive or wrong number of arguments")
        self._settings.users.append(list(args))

    def _load_module(self, args: Sequence[bytes]) -> None:
        raise ValueError("Chronis can't load modules: remove the 'loadmodule' line")

    def _sentinel(self, args: Sequence[bytes]) -> None:
        raise ValueError("sentinel directive while not in sentinel mode: run redis-sentinel, which can watch Chronis")


_DIRECTIVES: dict[str, Callable[[_Reader, Sequence[bytes]], None]] = {
    "include": _Reader._include,
    "rename-command": _Reader._rename,
    "user": _Reader._user,
    "loadmodule": _Reader._load_module,
    "sentinel": _Reader._sentinel,
}


def _spread(args: Sequence[bytes]) -> Sequence[bytes]:
    """Return the arguments inside a single one, so that `save "3600 1 60 10"` is `save 3600 1 60 10`."""
    if len(args) != 1 or not args[0]:
        return args
    try:
        return split_args(args[0])
    except ValueError:
        raise ValueError("Unbalanced quotes in configuration line") from None


def _unknown(name: str) -> str:
    nearest = difflib.get_close_matches(name, [*NAMES, *_DIRECTIVES], 1)
    hint = f" (did you mean '{nearest[0]}'?)" if nearest else ""
    return "Bad directive or wrong number of arguments" + hint
