"""Reading lifetimes: EX, PX, EXAT, PXAT and their companions, resolved to unix ms with the command's one clock reading.

Law: a deadline that leaves this module is > 0 and fits a signed 64-bit integer.
"""

from __future__ import annotations

from dataclasses import dataclass

from store.commands.arguments import INT64_MAX, INT64_MIN, parse_int
from store.errors import ReplyError, syntax_error

_UNITS = {b"EX": (1000, True), b"PX": (1, True), b"EXAT": (1000, False), b"PXAT": (1, False)}


def invalid_expire_time(command: str) -> ReplyError:
    """The error for a lifetime that is not positive, or whose end no 64-bit count of ms can name."""
    return ReplyError(f"invalid expire time in '{command}' command")


def deadline_after(command: str, unit: bytes, amount: bytes, now: int) -> int:
    """Resolve `unit amount` (EX, PX: from now on; EXAT, PXAT: absolute) to unix ms; raise ReplyError naming command."""
    number = parse_int(amount)
    scale, relative = _UNITS[unit]
    deadline = number * scale + (now if relative else 0)
    if number <= 0 or deadline > INT64_MAX:
        raise invalid_expire_time(command)
    return deadline


def deadline_from(command: str, amount: bytes, scale: int, base: int) -> int:
    """Resolve EXPIRE's argument: base (ms) + amount * scale (1 or 1000); it may lie in the past, even before 1970."""
    number = parse_int(amount)
    deadline = number * scale + base
    if not INT64_MIN <= number * scale <= INT64_MAX or deadline > INT64_MAX:
        raise invalid_expire_time(command)
    return deadline


@dataclass(slots=True)
class StringOptions:
    """What SET or GETEX was asked. `lifetime`: b"" or EX, PX, EXAT, PXAT, KEEPTTL, PERSIST; `amount`: its argument."""

    condition: bytes = b""  # NX or XX
    get: bool = False
    lifetime: bytes = b""
    amount: bytes = b""


_SET_WORDS = frozenset((b"NX", b"XX", b"GET", b"KEEPTTL", *_UNITS))
_GETEX_WORDS = frozenset((b"PERSIST", *_UNITS))


def parse_set_options(args: tuple[bytes, ...]) -> StringOptions:
    """Read SET's options; raise the syntax error for unknown, incomplete or clashing ones (the same twice is fine)."""
    return _parse(args, _SET_WORDS)


def parse_getex_options(args: tuple[bytes, ...]) -> StringOptions:
    """Read GETEX's options; raise the syntax error for unknown, incomplete or clashing ones."""
    return _parse(args, _GETEX_WORDS)


def _parse(args: tuple[bytes, ...], known: frozenset[bytes]) -> StringOptions:
    options = StringOptions()
    rest = iter(args)
    for arg in rest:
        word = arg.upper()
        if word not in known:
            raise syntax_error()
        if word == b"GET":
            options.get = True
        elif word in (b"NX", b"XX"):
            if options.condition not in (b"", word):
                raise syntax_error()
            options.condition = word
        else:
            if options.lifetime not in (b"", word):
                raise syntax_error()
            options.lifetime = word
            if word in _UNITS:
                amount = next(rest, None)
                if amount is None:
                    raise syntax_error()
                options.amount = amount
    return options
