"""`cjson`: tables to JSON and back (lua-cjson's manual). Settings made by a script hold for all scripts after it, as in Redis."""

from __future__ import annotations

import json
import math
import re

from store.scripting.errors import LibraryError, bad_argument
from store.scripting.interpreter import HostFunction, Interpreter, LuaValue, is_table, type_name
from store.scripting.libraries.arguments import integer, string

_ESCAPES = {place: f"\\u{place:04x}".encode() for place in (*range(32), 127)}
_ESCAPES |= {8: b"\\b", 9: b"\\t", 10: b"\\n", 12: b"\\f", 13: b"\\r", 34: b'\\"', 47: b"\\/", 92: b"\\\\"}
_SPECIAL = re.compile(rb'[\x00-\x1f\x7f"/\\]')
_BLANK = re.compile(rb"[ \t\n\r]*")
_STRING = re.compile(rb'[^"\\\x00]*')
_NUMBER = re.compile(rb"-?(?:0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|(?i:inf(?:inity)?|nan))")
_UNESCAPE = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b'"': b'"', b"\\": b"\\", b"/": b"/"}
_TOKENS = {
    b"{": "T_OBJ_BEGIN",
    b"}": "T_OBJ_END",
    b"[": "T_ARR_BEGIN",
    b"]": "T_ARR_END",
    b",": "T_COMMA",
    b":": "T_COLON",
}
_WORDS = {b"true": True, b"false": False, b"null": None}
_DEEPEST = 300
"""Tables and arrays within each other that are followed at most, whatever the settings say."""


class Json:
    """The library of one interpreter, with its settings."""

    def __init__(self, lua: Interpreter) -> None:
        self.lua = lua
        self.encode_depth = self.decode_depth = 1000
        self.invalid: bool | None = False  # numbers that JSON lacks: refused, written as they are, or (None) as null
        self.decode_invalid = True
        self.digits = 14
        self.convert_sparse, self.sparse_ratio, self.sparse_safe = False, 2, 10

    def library(self) -> dict[str, HostFunction | bytes]:
        """The functions of `cjson`."""
        return {
            "encode": self.encode,
            "decode": self.decode,
            "encode_max_depth": self._depth("encode_depth", "encode_max_depth"),
            "decode_max_depth": self._depth("decode_depth", "decode_max_depth"),
            "encode_invalid_numbers": self._invalid_numbers,
            "decode_invalid_numbers": self._decode_invalid_numbers,
            "encode_number_precision": self._precision,
            "encode_keep_buffer": lambda *args: args[0] if args else True,
            "encode_sparse_array": self._sparse,
            "new": self._new,
            "_NAME": b"cjson",
            "_VERSION": b"2.1.0",
        }

    def _new(self, *args: LuaValue) -> LuaValue:
        """cjson.new(): the library once more, with settings of its own."""
        return self.lua.library({**Json(self.lua).library(), "null": self.lua.null})

    # ── settings ───────────────────────────────────────────────────────────────────────────────────────────────────
    def _depth(self, attribute: str, function: str) -> HostFunction:
        def setting(*args: LuaValue) -> int:
            if args:
                setattr(self, attribute, _within(args, 0, function, 1, (1 << 31) - 1))
            return int(getattr(self, attribute))

        return setting

    def _invalid_numbers(self, *args: LuaValue) -> LuaValue:
        if args:
            self.invalid = None if args[0] == b"null" else args[0] in (True, b"on")
        return b"null" if self.invalid is None else self.invalid

    def _decode_invalid_numbers(self, *args: LuaValue) -> LuaValue:
        if args:
            self.decode_invalid = args[0] in (True, b"on")
        return self.decode_invalid

    def _precision(self, *args: LuaValue) -> int:
        if args:
            self.digits = _within(args, 0, "encode_number_precision", 1, 14)
        return self.digits

    def _sparse(self, *args: LuaValue) -> tuple[bool, int, int]:
        if args:
            self.convert_sparse = args[0] in (True, b"on")
        if len(args) > 1:
            self.sparse_ratio = _within(args, 1, "encode_sparse_array", 0, (1 << 31) - 1)
        if len(args) > 2:
            self.sparse_safe = _within(args, 2, "encode_sparse_array", 0, (1 << 31) - 1)
        return self.convert_sparse, self.sparse_ratio, self.sparse_safe

    # ── encoding ───────────────────────────────────────────────────────────────────────────────────────────────────
    def encode(self, *args: LuaValue) -> bytes:
        """cjson.encode(value)."""
        if len(args) != 1:
            raise bad_argument(1, "encode", "expected 1 argument")
        return self._value(args[0], 0)

    def _value(self, value: LuaValue, depth: int) -> bytes:
        if isinstance(value, bytes):
            return _quoted(value)
        if value is None or isinstance(value, bool):
            return {None: b"null", True: b"true", False: b"false"}[value]
        if isinstance(value, (int, float)):
            return self._number(value)
        if is_table(value):
            return self._table(value, depth + 1)
        if self.lua.is_null(value):
            return b"null"
        raise LibraryError(f"Cannot serialise {type_name(value)}: type not supported")

    def _number(self, value: float) -> bytes:
        if not math.isfinite(value) and self.invalid is not True:
            if self.invalid is None:
                return b"null"
            raise LibraryError("Cannot serialise number: must not be NaN or Inf")
        return b"%.*g" % (self.digits, value)

    def _table(self, table: LuaValue, depth: int) -> bytes:
        if depth > min(self.encode_depth, _DEEPEST):
            raise LibraryError(f"Cannot serialise, excessive depth ({depth})")
        items = list(table.items())
        length = self._array_length([key for key, _ in items])
        if length > 0:
            fields = dict(items)
            return b"[%b]" % b",".join(self._value(fields.get(place), depth) for place in range(1, length + 1))
        return b"{%b}" % b",".join(b"%b:%b" % (self._key(key), self._value(item, depth)) for key, item in items)

    def _array_length(self, keys: list[LuaValue]) -> int:
        """The highest place if all keys are places of an array that is dense enough, -1 for an object."""
        if not all(isinstance(key, int) and not isinstance(key, bool) and key > 0 for key in keys):
            return -1
        longest = max(keys, default=0)
        if self.sparse_ratio and longest > len(keys) * self.sparse_ratio and longest > self.sparse_safe:
            if not self.convert_sparse:
                raise LibraryError("Cannot serialise table: excessively sparse array")
            return -1
        return int(longest)

    def _key(self, key: LuaValue) -> bytes:
        if isinstance(key, bytes):
            return _quoted(key)
        if isinstance(key, (int, float)) and not isinstance(key, bool):
            return b'"%b"' % self._number(key)
        raise LibraryError(f"Cannot serialise {type_name(key)}: table key must be a number or string")

    # ── decoding ───────────────────────────────────────────────────────────────────────────────────────────────────
    def decode(self, *args: LuaValue) -> LuaValue:
        """cjson.decode(text)."""
        if len(args) != 1:
            raise bad_argument(1, "decode", "expected 1 argument")
        return _Decoder(self, string(args, 0, "decode")).decode()


def _within(args: tuple[LuaValue, ...], place: int, function: str, least: int, most: int) -> int:
    value = integer(args, place, function)
    if not least <= value <= most:
        raise bad_argument(place + 1, function, f"expected integer between {least} and {most}")
    return value


def _quoted(text: bytes) -> bytes:
    return b'"%b"' % _SPECIAL.sub(lambda match: _ESCAPES[match[0][0]], text)


class _Decoder:
    """Reads one text, place by place; the errors say what was found where."""

    def __init__(self, settings: Json, text: bytes) -> None:
        self.settings = settings
        self.text = text
        self.place = 0

    def decode(self) -> LuaValue:
        if len(self.text) >= 2 and (not self.text[0] or not self.text[1]):
            raise LibraryError("JSON parser does not support UTF-16 or UTF-32")
        value = self._value(0)
        self._skip()
        if self.place < len(self.text):
            raise self._unexpected("the end")
        return value

    def _skip(self) -> None:
        found = _BLANK.match(self.text, self.place)
        self.place = found.end() if found else self.place

    def _unexpected(self, expected: str) -> LibraryError:
        return LibraryError(f"Expected {expected} but found {self._token()} at character {self.place + 1}")

    def _token(self) -> str:
        """Name what is at the present place, as lua-cjson does."""
        character = self.text[self.place : self.place + 1]
        if not character:
            return "T_END"
        if character in _TOKENS:
            return _TOKENS[character]
        if character == b'"':
            return "T_STRING"
        for word in _WORDS:
            if self.text.startswith(word, self.place):
                return "T_NULL" if word == b"null" else "T_BOOLEAN"
        return "T_NUMBER" if _NUMBER.match(self.text, self.place) else "invalid token"

    def _value(self, depth: int) -> LuaValue:
        self._skip()
        character = self.text[self.place : self.place + 1]
        if character == b'"':
            return self._string()
        if character in (b"{", b"["):
            self.place += 1
            if depth + 1 > min(self.settings.decode_depth, _DEEPEST):
                raise LibraryError(f"Found too many nested data structures ({depth + 1}) at character {self.place}")
            return self._object(depth + 1) if character == b"{" else self._array(depth + 1)
        for word, value in _WORDS.items():
            if self.text.startswith(word, self.place):
                self.place += len(word)
                return self.settings.lua.null if value is None else value
        return self._number()

    def _number(self) -> float:
        match = _NUMBER.match(self.text, self.place)
        if match is None:
            raise self._unexpected("value")
        digits = match[0].lower()
        if not self.settings.decode_invalid and re.match(rb"-?(?:0x|0\d|[in])", digits):
            raise LibraryError(f"Expected value but found invalid number at character {self.place + 1}")
        self.place = match.end()
        return int(digits, 16) if b"x" in digits else float(digits)

    def _string(self) -> bytes:
        start = self.place
        self.place += 1
        parts: list[bytes] = []
        while True:
            plain = _STRING.match(self.text, self.place)
            assert plain is not None
            parts.append(plain[0])
            self.place = plain.end()
            if self.text.startswith(b'"', self.place):
                self.place += 1
                return b"".join(parts)
            if not self.text.startswith(b"\\", self.place):
                what = "T_END" if self.place >= len(self.text) else "unexpected end of string"
                at = self.place if what == "T_END" else start
                what = "unexpected end of string"
                raise LibraryError(f"Expected value but found {what} at character {at + 1}")
            parts.append(self._escape())

    def _escape(self) -> bytes:
        code = self.text[self.place + 1 : self.place + 2]
        if code in _UNESCAPE:
            self.place += 2
            return _UNESCAPE[code]
        match = re.compile(
            rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u(?![dD][89a-fA-F])[0-9a-fA-F]{4}"
        ).match(self.text, self.place)
        if match is None:
            what = "invalid unicode escape code" if code == b"u" else "invalid escape code"
            raise LibraryError(f"Expected value but found {what} at character {self.place + 1}")
        self.place = match.end()
        return str(json.loads(b'"%b"' % match[0])).encode()

    def _object(self, depth: int) -> LuaValue:
        made: dict[bytes, LuaValue] = {}
        self._skip()
        if self._took(b"}"):
            return self.settings.lua.mapping(made)
        while True:
            self._skip()
            if not self.text.startswith(b'"', self.place):
                raise self._unexpected("object key string")
            key = self._string()
            self._skip()
            if not self._took(b":"):
                raise self._unexpected("colon")
            made[key] = self._value(depth)
            self._skip()
            if self._took(b"}"):
                return self.settings.lua.mapping(made)
            if not self._took(b","):
                raise self._unexpected("comma or object end")

    def _array(self, depth: int) -> LuaValue:
        made: list[LuaValue] = []
        self._skip()
        if self._took(b"]"):
            return self.settings.lua.table(made)
        while True:
            made.append(self._value(depth))
            self._skip()
            if self._took(b"]"):
                return self.settings.lua.table(made)
            if not self._took(b","):
                raise self._unexpected("comma or array end")

    def _took(self, character: bytes) -> bool:
        if not self.text.startswith(character, self.place):
            return False
        self.place += 1
        return True
