"""Users in files: `user NAME RULES…`, one a line, in an ACL file or among the lines of a redis.conf.

Law: a file with one mistake changes nothing; the message names every line that has one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from store.acl.rule import DUPLICATE, RuleError, has_blanks, merged, unmatched
from store.acl.user import User
from store.persistence.durable_files import write_durably

NewUser = Callable[[bytes], User]


class AclFileError(ValueError):
    """An ACL file that can't be used; the text holds all its mistakes, for one line of reply."""


def read_file(path: str, new_user: NewUser) -> dict[bytes, User]:
    """Read the users of an ACL file; raise AclFileError with everything that is wrong with it."""
    try:
        with open(path, "rb") as file:
            text = file.read()
    except OSError as error:
        raise AclFileError(f"Error loading ACLs, opening file '{path}': {error.strerror}") from error
    users: dict[bytes, User] = {}
    errors: list[str] = []
    for number, line in enumerate(text.split(b"\n"), 1):
        words = line.strip(b" \t\r\n").split(b" ")
        if words != [b""]:
            errors += _read_line(words, f"{path}:{number}", number, users, new_user)
    if errors:
        errors.append("WARNING: ACL errors detected, no change to the previously active ACL rules was performed")
        raise AclFileError(" ".join(errors))
    return users


def _read_line(words: list[bytes], place: str, number: int, users: dict[bytes, User], new_user: NewUser) -> list[str]:
    """Add the user of a line to users; return what is wrong with the line."""
    if words[0] != b"user" or len(words) < 2:
        return [f"{place} should start with user keyword followed by the username."]
    name, shown = words[1], words[1].decode("utf-8", "surrogateescape")
    if has_blanks(name):
        return [f"'{place}: username '{shown}' contains invalid characters."]
    if name in users:
        return [f"WARNING: Duplicate user '{shown}' found on line {number}."]
    user = users[name] = new_user(name)
    rules = [word for word in words[2:] if word]
    if unmatched(rules) is not None:
        return [f"{place}: Unmatched parenthesis in selector definition."]
    return _apply_all(user, merged(rules), place)


def _apply_all(user: User, rules: list[bytes], place: str) -> list[str]:
    """Apply rules; of mistakes other than unknown commands only the first is told, as it may cause the others."""
    errors, told = [], False
    for rule in rules:
        try:
            user.apply(rule.strip(b"\t\r\n"))
        except RuleError as error:
            if error.unknown:
                shown = rule.decode("utf-8", "surrogateescape")
                errors.append(f"{place}: Error in applying operation '{shown}': {error}.")
            elif not told:
                errors.append(f"{place}: {error}.")
                told = True
    return errors


def read_lines(lines: Iterable[list[bytes]], new_user: NewUser) -> dict[bytes, User]:
    """Read the users of configuration lines (name, rules…); raise AclFileError for the first mistake."""
    users: dict[bytes, User] = {}
    for name, *rules in lines:
        shown = name.decode("utf-8", "surrogateescape")
        if name in users:
            raise AclFileError(f"Error in user declaration '{shown}': {DUPLICATE}")
        if has_blanks(name):
            raise AclFileError("Spaces not allowed in ACL usernames")
        opening = unmatched(rules)
        if opening is not None:
            raise AclFileError(f"Error in user declaration '{shown}': Unmatched parenthesis in acl selector")
        user = users[name] = new_user(name)
        for rule in ([b"reset"] if name == b"default" else []) + merged(rules):
            try:
                user.apply(rule)
            except RuleError as error:
                told = rule.decode("utf-8", "surrogateescape")
                raise AclFileError(f"Error loading ACL rule '{told}' for the user named '{shown}': {error}") from error
    return users


def write_file(path: str, users: Iterable[User]) -> None:
    """Replace the file at path by one with these users, as a whole or not at all. Raises OSError."""
    lines = [b"user %b %b\n" % (user.name, user.describe()) for user in users]
    write_durably(path, lambda file: file.writelines(lines))
