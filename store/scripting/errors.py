"""What host functions raise into Lua; the sandbox turns them into what scripts expect to see."""

from __future__ import annotations


class ScriptError(Exception):
    """An error table `{err = line}`, as `redis.call` raises it; counted: the statistics have seen it already."""

    def __init__(self, line: bytes, counted: bool = False) -> None:
        super().__init__(line)
        self.line = line
        self.counted = counted


class LibraryError(Exception):
    """A string with the place in the script before it, as Lua's own libraries raise it. `place` is set when it is raised."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.place = b""


def api_error(message: str, code: str = "ERR") -> ScriptError:
    """The error table for a wrong call of a `redis` function."""
    return ScriptError(f"{code} {message}".encode("utf-8", "surrogateescape"))


def bad_argument(number: int, function: str, problem: str) -> LibraryError:
    """The error of Lua's libraries for an argument that will not do."""
    return LibraryError(f"bad argument #{number} to '{function}' ({problem})")
