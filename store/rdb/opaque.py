"""Modules' values, kept as their bytes: this reads through them to find where they end, without the module.

    module   = length(type id) part* length(0)
    part     = length(1|2) length | length(3) f32 | length(4) f64 | length(5) string
"""

from __future__ import annotations

from store.rdb import codes
from store.rdb.primitives import Cursor, Malformed
from store.values.opaque import OpaqueValue

_NAME_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def read_module(cursor: Cursor) -> OpaqueValue:
    """Read a module's value, without the module."""
    start = cursor.pos
    name = module_name(cursor.length())
    skip_module_parts(cursor)
    return OpaqueValue(name, codes.MODULE_2, cursor.data[start : cursor.pos])


def skip_module_parts(cursor: Cursor) -> None:
    """Read the parts of a module's data up to and with the end mark."""
    while (part := cursor.length()) != codes.MODULE_EOF:
        if part in (codes.MODULE_SINT, codes.MODULE_UINT):
            cursor.length()
        elif part == codes.MODULE_STRING:
            cursor.string()
        elif part in (codes.MODULE_FLOAT, codes.MODULE_DOUBLE):
            cursor.take(4 if part == codes.MODULE_FLOAT else 8)
        else:
            raise Malformed(f"unknown part {part} of a module's data")


def module_name(type_id: int) -> str:
    """The name of a module type: nine letters of 6 bits each, above the 10 bits of its version."""
    return "".join(_NAME_LETTERS[type_id >> shift & 63] for shift in range(58, 9, -6))
