"""`bit`: operations on 32-bit integers (Lua BitOp's manual). Results are signed, shifts count modulo 32."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from operator import and_, or_, xor

from store.scripting.interpreter import HostFunction, LuaValue
from store.scripting.libraries.arguments import number

MASK = 0xFFFFFFFF


def bits(args: tuple[LuaValue, ...], place: int, function: str) -> int:
    """The argument at a place as 32 bits, rounded to the nearest integer."""
    value = number(args, place, function)
    if isinstance(value, float):
        value = round(value) if abs(value) < 1 << 53 else int(value) if value - value == 0 else 0
    return value & MASK


def signed(value: int) -> int:
    """32 bits as a signed integer."""
    value &= MASK
    return value - (1 << 32) if value >> 31 else value


def _unary(name: str, operate: Callable[[int], int]) -> HostFunction:
    return lambda *args: signed(operate(bits(args, 0, name)))


def _many(name: str, operate: Callable[[int, int], int]) -> HostFunction:
    def call(*args: LuaValue) -> int:
        return signed(reduce(operate, (bits(args, place, name) for place in range(max(1, len(args))))))

    return call


def _shift(name: str, operate: Callable[[int, int], int]) -> HostFunction:
    return lambda *args: signed(operate(bits(args, 0, name), bits(args, 1, name) & 31))


def _swap(value: int) -> int:
    return int.from_bytes(value.to_bytes(4, "little"), "big")


def tohex(*args: LuaValue) -> bytes:
    """The last digits of a number in hexadecimal: 8 or as many as asked, capitals if that is negative."""
    value = bits(args, 0, "tohex")
    digits = signed(bits(args, 1, "tohex")) if len(args) > 1 else 8
    count = min(8, abs(digits))
    form = b"%08X" if digits < 0 else b"%08x"
    return (form % value)[8 - count :]


def library() -> dict[str, HostFunction]:
    """The functions of `bit`."""
    return {
        "tobit": _unary("tobit", lambda value: value),
        "bnot": _unary("bnot", lambda value: ~value),
        "bswap": _unary("bswap", _swap),
        "band": _many("band", and_),
        "bor": _many("bor", or_),
        "bxor": _many("bxor", xor),
        "lshift": _shift("lshift", lambda value, count: value << count),
        "rshift": _shift("rshift", lambda value, count: value >> count),
        "arshift": _shift("arshift", lambda value, count: signed(value) >> count),
        "rol": _shift("rol", lambda value, count: (value << count) | (value >> (32 - count))),
        "ror": _shift("ror", lambda value, count: (value >> count) | (value << (32 - count))),
        "tohex": tohex,
    }
