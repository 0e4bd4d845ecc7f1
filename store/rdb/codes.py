"""The RDB file's grammar and the bytes that name its parts (format versions 1 to 11; Redis 7.0 writes 10).

    file     = "REDIS" version(4 digits) aux* module-aux* function* database* module-aux* EOF crc64
    database = SELECTDB length [RESIZEDB length length] entry*
    entry    = [EXPIRETIME i32 seconds | EXPIRETIME_MS i64 ms] [IDLE length seconds | FREQ u8] type key:string value
    aux      = AUX name:string value:string
    function = FUNCTION2 code:string
    crc64    = u64 over every byte before it, 0 = not computed; there is none before version 5

    length   = 00nnnnnn | 01nnnnnn n8 | 0x80 u32 big-endian | 0x81 u64 big-endian
    string   = length bytes | 0xC0 i8 | 0xC1 i16 | 0xC2 i32 | 0xC3 length(compressed) length(plain) lzf

All numbers are little-endian where nothing else is said. What a value of each type consists of is told where it is read
(`decode`); the compact blobs inside have their own modules (`compact`, `legacy`).
"""

from __future__ import annotations

MAGIC = b"REDIS"
VERSION = 10
"""The version that is written: what redis-server 7.0 writes and reads."""
NEWEST = 11
"""The newest version that is read: Redis 7.2 adds one compact encoding for sets."""

# Opcodes: what stands where the type of a value could stand.
FUNCTION2, FUNCTION, MODULE_AUX, IDLE, FREQ, AUX = 245, 246, 247, 248, 249, 250
RESIZEDB, EXPIRETIME_MS, EXPIRETIME, SELECTDB, EOF = 251, 252, 253, 254, 255

# Types of values.
STRING, LIST, SET, ZSET, HASH, ZSET_2, MODULE, MODULE_2 = range(8)
HASH_ZIPMAP, LIST_ZIPLIST, SET_INTSET, ZSET_ZIPLIST, HASH_ZIPLIST, LIST_QUICKLIST = range(9, 15)
STREAM_LISTPACKS, HASH_LISTPACK, ZSET_LISTPACK, LIST_QUICKLIST_2, STREAM_LISTPACKS_2, SET_LISTPACK = range(15, 21)

# Forms of a string that is not stored as its length and bytes.
INT8, INT16, INT32, LZF = range(4)

# Nodes of a quicklist.
PLAIN_NODE, PACKED_NODE = 1, 2

# Parts of a module's value.
MODULE_EOF, MODULE_SINT, MODULE_UINT, MODULE_FLOAT, MODULE_DOUBLE, MODULE_STRING = range(6)
