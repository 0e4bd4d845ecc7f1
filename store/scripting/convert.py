"""Values across the border: a command's reply as Lua sees it, and a script's result as a reply (script_lua.c 7.0).

Tables are read raw, past their metatables. A reply nests at most DEPTH deep; what is below is an error in its place.
"""

from __future__ import annotations

from collections.abc import Iterable

from store.errors import ReplyError
from store.replies import NULL_ARRAY, Attributed, BigNumber, MultiMap, Pairs, SetReply, Verbatim
from store.resp.encoder import number_text
from store.scripting.interpreter import Interpreter, LuaValue, is_table

DEPTH = 150
Fields = dict[LuaValue, LuaValue]


# ── replies to Lua ───────────────────────────────────────────────────────────────────────────────────────────────────


def to_lua(lua: Interpreter, reply: object, resp: int) -> LuaValue:
    """A command's reply as a Lua value; resp: the protocol that the script asked for (redis.setresp)."""
    if isinstance(reply, Verbatim) and resp == 3:
        fields = lua.mapping({b"format": b"txt", b"string": bytes(reply)})
        return lua.mapping({b"verbatim_string": fields})
    if isinstance(reply, BigNumber) and resp == 3:
        return lua.mapping({b"big_number": bytes(reply)})
    if isinstance(reply, (bytes, bytearray)):
        return bytes(reply)
    if isinstance(reply, bool):
        return reply if resp == 3 else int(reply)
    if isinstance(reply, int):
        return reply
    if reply is None or reply is NULL_ARRAY:
        return None if resp == 3 else False
    if isinstance(reply, str):
        return lua.mapping({b"ok": reply.encode("utf-8", "surrogateescape")})
    if isinstance(reply, float):
        return lua.mapping({b"double": reply}) if resp == 3 else number_text(reply)
    return _aggregate(lua, reply, resp)


def _aggregate(lua: Interpreter, reply: object, resp: int) -> LuaValue:
    if isinstance(reply, ReplyError):
        return lua.mapping({b"err": reply.line, b"ignore_error_stats_update": True})
    if isinstance(reply, Attributed):
        return to_lua(lua, reply.reply, resp)
    if isinstance(reply, (dict, MultiMap)):
        if resp == 3:
            pairs = {to_lua(lua, key, 3): to_lua(lua, value, 3) for key, value in reply.items()}
            return lua.mapping({b"map": lua.mapping(pairs)})
        return _array(lua, (part for pair in reply.items() for part in pair), 2)
    assert isinstance(reply, (list, tuple)), f"no reply: {reply!r}"
    if resp == 3 and isinstance(reply, SetReply):
        return lua.mapping({b"set": lua.mapping({to_lua(lua, member, 3): True for member in reply})})
    if resp == 3 and isinstance(reply, Pairs):
        pairs_of_two = zip(reply[::2], reply[1::2], strict=True)
        return lua.table([_array(lua, pair, 3) for pair in pairs_of_two])
    return _array(lua, reply, resp)


def _array(lua: Interpreter, items: Iterable[object], resp: int) -> LuaValue:
    return lua.table([to_lua(lua, item, resp) for item in items])


# ── Lua to replies ───────────────────────────────────────────────────────────────────────────────────────────────────


def to_reply(value: LuaValue, resp: int, depth: int = DEPTH) -> object:
    """A script's result as a reply; resp: the script's protocol, which decides what booleans mean."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, bool):
        if resp == 3:
            return value
        return 1 if value else None
    if isinstance(value, (int, float)):
        return integer(value)
    if not is_table(value):
        return None
    if not depth:
        return ReplyError("reached lua stack limit")
    fields = fields_of(value)
    for make in (_error, _status, _double, _big_number, _verbatim):
        reply = make(fields)
        if reply is not None:
            return reply
    return _aggregated(fields, resp, depth - 1)


def fields_of(table: LuaValue) -> Fields:
    """A table's fields, read raw. A key `true` would equal 1 here, so boolean keys are left out: no reply needs them."""
    return {key: item for key, item in table.items() if not isinstance(key, bool)}


def _error(fields: Fields) -> object:
    line = fields.get(b"err")
    return error_of(text(line)) if is_text(line) else None


def _status(fields: Fields) -> object:
    status = fields.get(b"ok")
    return one_line(status).decode("utf-8", "surrogateescape") if isinstance(status, bytes) else None


def _double(fields: Fields) -> object:
    number = fields.get(b"double")
    return float(number) if isinstance(number, (int, float)) and not isinstance(number, bool) else None


def _big_number(fields: Fields) -> object:
    digits = fields.get(b"big_number")
    return BigNumber(one_line(digits)) if isinstance(digits, bytes) else None


def _verbatim(fields: Fields) -> object:
    table = fields.get(b"verbatim_string")
    parts = fields_of(table) if is_table(table) else {}
    if isinstance(parts.get(b"format"), bytes) and isinstance(parts.get(b"string"), bytes):
        return Verbatim(parts[b"string"])
    return None


def _aggregated(fields: Fields, resp: int, depth: int) -> object:
    """A map, a set, or else the array of what is at 1, 2, 3 and so on."""
    mapping, members = fields.get(b"map"), fields.get(b"set")
    if mapping is not None and is_table(mapping):
        return {_key(key, resp, depth): to_reply(item, resp, depth) for key, item in list(mapping.items())}
    if members is not None and is_table(members):
        return SetReply(to_reply(member, resp, depth) for member, _ in list(members.items()))
    elements: list[object] = []
    while (item := fields.get(len(elements) + 1)) is not None:
        elements.append(to_reply(item, resp, depth))
    return elements


def _key(key: LuaValue, resp: int, depth: int) -> object:
    name = to_reply(key, resp, depth)
    return name if name.__hash__ is not None else ReplyError("a map's keys can't be tables")


def integer(number: float) -> int:
    """A Lua number as the integer that Redis replies: truncated; what does not fit 64 bits is the smallest."""
    if number != number or not -9223372036854775808.0 <= number < 9223372036854775808.0:
        return -9223372036854775808
    return int(number)


def one_line(text: bytes) -> bytes:
    """Text with blanks for line breaks, which a simple string or number can't hold."""
    return text.replace(b"\r", b" ").replace(b"\n", b" ")


def is_text(value: LuaValue) -> bool:
    """Tell whether Lua would take a value for a string (numbers are)."""
    return isinstance(value, bytes) or (isinstance(value, (int, float)) and not isinstance(value, bool))


def text(value: LuaValue) -> bytes:
    """A string or number as text, the way Lua prints it."""
    return value if isinstance(value, bytes) else b"%.14g" % value


def error_of(line: bytes) -> ReplyError:
    """The reply for an error line `CODE message`."""
    code, _, message = line.decode("utf-8", "surrogateescape").partition(" ")
    return ReplyError(message, code)
