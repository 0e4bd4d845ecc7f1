"""Errors of ACL rules, in Redis's words, and the small checks that names and patterns share."""

from __future__ import annotations


class RuleError(ValueError):
    """A rule that can't be applied; the text says why. `unknown`: it names a command or category that is not known."""

    def __init__(self, text: str, unknown: bool = False) -> None:
        super().__init__(text)
        self.unknown = unknown


SYNTAX = "Syntax error"
UNKNOWN = "Unknown command or category name in ACL"
KEYS_AFTER_ALL = (
    "Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does not have any effect. "
    "Try 'resetkeys' to start with an empty list of patterns"
)
CHANNELS_AFTER_ALL = (
    "Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid and does not have any effect. "
    "Try 'resetchannels' to start with an empty list of channels"
)
NO_SUCH_PASSWORD = "The password you are trying to remove from the user does not exist"
BAD_HASH = "The password hash must be exactly 64 characters and contain only lowercase hexadecimal characters"
DUPLICATE = "Duplicate user found. A user can only be defined once in config files"
FIRST_ARGUMENT_OF_SUBCOMMAND = "Allowing first-arg of a subcommand is not supported"

_BLANKS = frozenset(b" \t\n\v\f\r\0")


def has_blanks(text: bytes) -> bool:
    """Tell whether text has a blank or NUL, which neither user names nor patterns may have."""
    return not _BLANKS.isdisjoint(text)


def unmatched(args: list[bytes]) -> bytes | None:
    """The argument that opens a parenthesis which none of the following closes, or None."""
    return _join(args)[1]


def merged(args: list[bytes]) -> list[bytes]:
    """Join selectors that are spread over several arguments: `(+get`, `~a)` is `(+get ~a)`; all must be matched."""
    return _join(args)[0]


def _join(args: list[bytes]) -> tuple[list[bytes], bytes | None]:
    """The rules, and the start of one that is not closed. A parenthesis inside another begins anew, as in Redis."""
    rules: list[bytes] = []
    opened: list[bytes] = []
    for word in args:
        if word.startswith(b"(") and not word.endswith(b")"):
            opened = [word]
        elif not opened:
            rules.append(word)
        else:
            opened.append(word)
            if word.endswith(b")"):
                rules.append(b" ".join(opened))
                opened = []
    return rules, opened[0] if opened else None
