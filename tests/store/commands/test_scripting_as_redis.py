"""Scripts against redis-server: the same replies, conversions and error texts, in both protocols."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.kit.resp_client import RespClient
from tests.kit.servers import Server, redis_server, requires_redis
from tests.kit.side_by_side import Ours

pytestmark = requires_redis

CONVERSIONS = """
return 1
return 3.99
return -3.99
return 1e30
return 0/0
return 'text'
return true
return false
return nil
return {}
return {1, 2, {3, 'x', {}}, nil, 4}
return {1, nil, 3}
return {ok = 'fine'}
return {ok = 'two\\r\\nlines'}
return {err = 'ERR mine'}
return {err = 'MINE'}
return {err = 'CODE some words'}
return {double = 1.5}
return {map = {a = 1}}
return {set = {a = true}}
return {big_number = '123456789012345678901234567890'}
return {verbatim_string = {format = 'txt', string = 'words'}}
return {verbatim_string = 'words'}
redis.setresp(3) return {true, false}
redis.setresp(3) return redis.call('hgetall', 'h')
redis.setresp(3) return redis.call('hgetall', 'h').map.f
redis.setresp(3) return redis.call('smembers', 's')
redis.setresp(3) return redis.call('zscore', 'z', 'm')
redis.setresp(3) return redis.call('zrange', 'z', 0, -1, 'withscores')
redis.setresp(3) return redis.call('get', 'none')
redis.setresp(3) return redis.call('get', 'none') == nil
return redis.call('hgetall', 'h')
return redis.call('zscore', 'z', 'm')
return redis.call('zrange', 'z', 0, -1, 'withscores')
return redis.call('get', 'none') == false
return type(redis.call('set', 'k', 'v')) .. redis.call('set', 'k', 'v').ok
return redis.call('set', 'k', 1.5) and redis.call('get', 'k')
return redis.call('set', 'k', 10) and redis.call('get', 'k')
return redis.call('set', 'k', 9007199254740991) and redis.call('get', 'k')
return redis.call('set', 'k', 0.1) and redis.call('get', 'k')
return {KEYS[1], ARGV[1], #KEYS, #ARGV}
return redis.call('config', 'get', 'x')
return redis.pcall('lpush', 'h', 1)
return redis.pcall('lpush', 'h', 1).err
return redis.call('select', 99)
return redis.status_reply('FINE')
return redis.error_reply('ERR mine')
return redis.error_reply('MINE')
return redis.error_reply('-CODE mine')
return redis.sha1hex('abc')
return {type(redis.REDIS_VERSION), redis.REPL_ALL, redis.LOG_WARNING}
return redis.acl_check_cmd('get', 'k')
""".strip().splitlines()

ERRORS = """
return foo
foo = 1
redis.foo = 1
redis.call = 1
return redis.call('lpush', 'h', 1)
redis.call('nosuch')
redis.call('get')
redis.call('multi')
redis.call({})
redis.call()
return redis.call('get', {})
return redis.call('get', nil)
error('words')
error({err = 'ERR mine'})
error({err = 'MINE'})
error()
assert(false)
assert(false, 'words')
local x return x.y
local x = {} x.y.z = 1
return 1 + {}
return ('x'):nosuch()
local function f() error('deep') end f()
return {pcall(function() error('caught') end)}
return {pcall(redis.call, 'lpush', 'h', 1)}
return {pcall(error, {err = 'E x'})}
return tostring(pcall(redis.call))
return {xpcall(function() error({err = 'E x'}) end, function(e) return e.err end)}
return coroutine.yield(1)
return {coroutine.resume(coroutine.create(function(a) return coroutine.yield(a) end), 7)}
return redis.sha1hex()
return redis.setresp(4)
return redis.setresp()
return redis.log(1)
return redis.log('x', 'y')
return redis.log(9, 'y')
return redis.set_repl(12345)
return redis.set_repl()
return redis.status_reply()
return redis.error_reply(1)
return redis.acl_check_cmd('nosuch')
return redis.register_function
return loadstring('return 5')()
return {loadstring('return +')}
return loadstring(string.dump(function() end))
return {load(function() return nil end)()}
setmetatable(_G, {})
getmetatable(_G).__index = {}
return dofile
return os
return io
return require
return print
return debug
return getfenv
return setfenv
return newproxy
getmetatable('').__index = 1
return {unpack({}, 0, 2147483647)}
return {type(cjson), type(cmsgpack), type(bit), type(struct)}
rawset(_G, 'a', 1) return a
return rawget(_G, 'a')
return
syntax error
""".strip().splitlines()

LIBRARIES = """
return cjson.encode({1, 2, nil, 4})
return cjson.encode({})
return cjson.encode({a = {b = {1.5, true, false, 'x'}}})
return cjson.encode({[1] = 'a', [3] = 'c'})
return cjson.encode({[1] = 1, [100] = 1})
return cjson.encode({[1.5] = 1})
return cjson.encode('q"\\\\/\\b\\f\\n\\r\\t\\1\\127é')
return cjson.encode(1/0)
return cjson.encode(0.1)
return cjson.encode(1e20)
return cjson.encode(12345678901234567890)
return cjson.encode(redis.call)
return cjson.encode({[{}] = 1})
return cjson.encode()
return cjson.new().encode({cjson.new().null})
return cjson.encode(cjson.null)
return cjson.encode(cjson.decode('[]'))
return cjson.decode('[1, 2, {"a": null}]')[3].a == cjson.null
return cjson.decode('{"a": [1, "x", true]}').a
return cjson.decode('"\\\\u00e9\\\\ud83d\\\\ude00\\\\n"')
return cjson.decode('1.5e3')
return tostring(cjson.decode('0x10'))
return tostring(cjson.decode('-Infinity'))
return cjson.decode('')
return cjson.decode('[1,')
return cjson.decode('[1 2]')
return cjson.decode('{"a" 1}')
return cjson.decode('{a: 1}')
return cjson.decode('{"a": x}')
return cjson.decode('{"a": 1')
return cjson.decode('nope')
return cjson.decode('1 2')
return cjson.decode(nil)
return cjson.decode('"\\\\x"')
return cmsgpack.pack(1, -1, 200, -200, 70000, 2^40, -2^40, 0.5, 0.1, 'x', true, nil, {})
return cmsgpack.pack({1, 2, {a = 1}})
return cmsgpack.pack(string.rep('x', 40), string.rep('y', 300))
return cmsgpack.pack()
return {cmsgpack.unpack(cmsgpack.pack(1, -1, 'x', {1, {2}}, 2^33))}
return cmsgpack.unpack(cmsgpack.pack({a = 'b'})).a
return {cmsgpack.unpack_one(cmsgpack.pack(7, 8))}
return {cmsgpack.unpack_one(cmsgpack.pack(7, 8), 1)}
return {cmsgpack.unpack_limit(cmsgpack.pack(7, 8, 9), 2, 0)}
return cmsgpack.unpack_one('a', 9)
return cmsgpack.unpack('\\217')
return {bit.tobit(0xffffffff), bit.bnot(0), bit.band(12, 10), bit.bor(12, 10), bit.bxor(12, 10)}
return {bit.lshift(1, 33), bit.rshift(-1, 28), bit.arshift(-16, 2), bit.rol(0x12345678, 12), bit.ror(0x12345678, 12)}
return {bit.bswap(0x12345678), bit.tohex(255), bit.tohex(255, 4), bit.tohex(255, -4), bit.tohex(-1)}
return bit.band()
return bit.band('x')
return bit.band('15', 6)
return struct.pack('>I2hlb', 1, -2, 3, -4)
return struct.pack('<!4bi', 1, 2)
return struct.pack('c3sc0', 'abcd', 'xyz', 'all')
return struct.pack('fd', 1.5, 0.1)
return {struct.unpack('>I2hb', '\\1\\2\\255\\254\\255')}
return {struct.unpack('s', 'abc\\0def')}
return {struct.unpack('bc0', '\\3abcdef')}
return {struct.unpack('>I2', 'a')}
return {struct.unpack('<i4', '\\1\\0\\0\\0\\2\\0\\0\\0', 5)}
return {struct.size('>bhilc5x'), struct.size('!8bd')}
return struct.size('s')
return struct.pack('y', 1)
return struct.pack('>I2h', 1)
math.randomseed(42) return {tostring(math.random()), math.random(10), math.random(5, 9)}
return math.random(0)
return math.random('x')
return string.format('%5.2f|%q|%d', 1.005, 'a', 7)
return table.concat({1, 2, 3}, ',')
""".strip().splitlines()

COUNTS = ["x", "-1", "3", "1.0"]


@pytest.fixture(scope="module")
def oracle() -> Iterator[Server]:
    with redis_server() as server:
        yield server


def prepare(ours: Ours, redis: RespClient) -> None:
    redis.command("FLUSHALL")
    for text in ("HSET h f v", "SADD s a", "ZADD z 1.5 m"):
        argv = [word.encode() for word in text.split()]
        assert ours.command(argv) == redis.command(*argv)


@pytest.mark.parametrize("resp", [2, 3])
@pytest.mark.parametrize("scripts", [CONVERSIONS, ERRORS, LIBRARIES], ids=["conversions", "errors", "libraries"])
def test_scripts_answer_as_in_redis(oracle: Server, scripts: list[str], resp: int) -> None:
    ours, different = Ours(resp), []
    with oracle.client(resp) as redis:
        prepare(ours, redis)
        for script in scripts:
            argv = [b"EVAL", script.encode(), b"1", b"key", b"argument"]
            mine, theirs = ours.command(argv), redis.command(*argv)
            if repr(mine) != repr(theirs):
                different.append((script, mine, theirs))
    assert not different, "\n".join(map(repr, different))
    ours.node.check()


def test_calls_are_refused_as_in_redis(oracle: Server) -> None:
    ours = Ours()
    commands = [[b"EVAL", b"return 1", count.encode(), b"a"] for count in COUNTS]
    commands += [[b"FCALL", b"none", count.encode(), b"a"] for count in COUNTS]
    commands += [
        [b"EVALSHA", b"short", b"0"],
        [b"EVALSHA", b"f" * 40, b"0"],
        [b"SCRIPT", b"FLUSH", b"x"],
        [b"SCRIPT", b"KILL"],
    ]
    commands += [
        [b"EVAL", head + b"\nreturn 1", b"0"] for head in (b"#!lua", b"#!lua flags=", b"#!luau", b"#!", b"#!lua x=1")
    ]
    commands += [[b"EVAL", b"#!lua flags=no-writes,what\nreturn 1", b"0"], [b"EVAL", b"#!lua", b"0"]]
    commands += [[b"EVAL_RO", b"return redis.call('set', 'k', 1)", b"0"], [b"EVAL_RO", b"#!lua\nreturn 1", b"0"]]
    commands += [[b"EVAL", b"#!lua flags=no-writes\nreturn redis.call('set', 'k', 1)", b"0"]]
    commands += [
        [b"SCRIPT", b"LOAD", b"return 1"],
        [b"SCRIPT", b"EXISTS", b"e0e1f9fabfc9d4800c877a703b823ac0578ff8db", b"x"],
    ]
    with oracle.client() as redis:
        for argv in commands:
            assert repr(ours.command(argv)) == repr(redis.command(*argv)), argv
