"""Arguments of library functions as Lua's own libraries take them: numbers in text count as numbers, and the other way round."""

from __future__ import annotations

from store.scripting.convert import text
from store.scripting.errors import LibraryError, bad_argument
from store.scripting.interpreter import LuaValue, type_name

Args = tuple[LuaValue, ...]
_UNSET = object()


def wrong_type(args: Args, place: int, function: str, expected: str) -> LibraryError:
    """The error for an argument of another type than expected, or one that is missing."""
    got = type_name(args[place]) if place < len(args) else "no value"
    return bad_argument(place + 1, function, f"{expected} expected, got {got}")


def number(args: Args, place: int, function: str, default: object = _UNSET) -> float:
    """The number at a place; raise LibraryError if there is none."""
    value = args[place] if place < len(args) else None
    if value is None and default is not _UNSET:
        return default  # type: ignore[return-value]  # callers give a number
    made = to_number(value)
    if made is None:
        raise wrong_type(args, place, function, "number")
    return made


def to_number(value: LuaValue) -> float | None:
    """A value as a number, or None: numbers, and text that is one in decimal or hexadecimal notation."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    if not isinstance(value, bytes):
        return None
    stripped = value.strip()
    try:
        return int(stripped, 16) if stripped[:2].lower() == b"0x" else float(stripped)
    except ValueError:
        return None


def integer(args: Args, place: int, function: str, default: object = _UNSET) -> int:
    """The integer at a place, truncated as C does; raise LibraryError if there is none."""
    made = number(args, place, function, default)
    return int(made) if abs(made) < 1e19 else 0


def string(args: Args, place: int, function: str) -> bytes:
    """The string at a place (numbers are printed); raise LibraryError if there is none."""
    value = args[place] if place < len(args) else None
    if isinstance(value, bytes):
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return text(value)
    raise wrong_type(args, place, function, "string")
