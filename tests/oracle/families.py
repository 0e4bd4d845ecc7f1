"""The command templates, by family: what is drawn, and how often against its neighbours.

Law: nothing here may depend on the moment it runs. Deadlines are far ahead or past, choices by the server
(SPOP, SRANDMEMBER, RANDOMKEY) are judged by their shape in compare.py, blocking commands wait a millisecond.
A tuple of templates is one step: its commands stay together, `@2` sends from a second connection.
"""

Template = str | tuple[str, ...]

STRING: list[Template] = [
    "SET <string> <value> [NX|XX] [GET] [EX <seconds>|PX <milliseconds>|EXAT <time>|PXAT <mstime>|KEEPTTL]",
    "SET <string> <value>",
    "SET <string> <integer>",
    "SET <string> <float>",
    "GET <string>",
    "GETSET <string> <value>",
    "GETDEL <string>",
    "GETEX <string> [EX <seconds>|PX <milliseconds>|EXAT <time>|PXAT <mstime>|PERSIST]",
    "SETNX <string> <value>",
    "SETEX <string> <seconds> <value>",
    "PSETEX <string> <milliseconds> <value>",
    "MSET {<string> <value>}",
    "MSETNX {<string> <value>}",
    "MGET {<string>}",
    "APPEND <string> <value>",
    "STRLEN <string>",
    "GETRANGE <string> <index> <index>",
    "SUBSTR <string> <index> <index>",
    "SETRANGE <string> <offset> <value>",
    "INCR <string>",
    "DECR <string>",
    "INCRBY <string> <integer>",
    "DECRBY <string> <integer>",
    "INCRBYFLOAT <string> <float>",
    "LCS <string> <string> [LEN] [IDX] [MINMATCHLEN <index>] [WITHMATCHLEN]",
]

GENERIC: list[Template] = [
    "DEL {<key>}",
    "UNLINK {<key>}",
    "EXISTS {<key>}",
    "TOUCH {<key>}",
    "TYPE <key>",
    "KEYS <pattern>",
    "SCAN 0 COUNT 10000 [MATCH <pattern>] [TYPE (string|hash|list|set|zset|stream|odd)]",
    "DBSIZE",
    "RANDOMKEY",
    "RENAME <key> <key>",
    "RENAMENX <key> <key>",
    "COPY <key> <key> [DB <db>] [REPLACE]",
    "MOVE <key> <db>",
    ("SELECT <db>", "DBSIZE", "SET <key> <value>", "SELECT 0"),
    ("SELECT <db>", "DEL {<key>}", "SELECT 0"),
    "SORT (<list>|<set>|<zset>|<key>) [LIMIT <index> <count>] [ASC|DESC] [ALPHA] [STORE <list>]",
    "SORT (<list>|<zset>|<key>) [BY w_*] [LIMIT <index> <count>] [{GET (w_*|#|h1->*|s1)}] [ASC|DESC] [STORE <list>]",
    "SORT_RO (<list>|<zset>|<key>) [BY w_*|BY nosort] [GET #] [ALPHA]",
    "MSET w_a 5 w_1 3 w_2 1",
    "ECHO <value>",
    "PING [<value>]",
    "OBJECT (REFCOUNT nokey|ENCODING nokey|FREQ nokey|odd <key>)",
]

# One step in a hundred: more of these, and the data would never grow.
RARE: list[Template] = [
    "FLUSHDB [SYNC|ASYNC|odd]",
    "FLUSHALL [SYNC|ASYNC|odd]",
    "SWAPDB <db> <db>",
]

# Steps that give every family keys of other types to clash with.
MIX: list[Template] = [
    "SET <string> <value>",
    "HSET <hash> <field> <value>",
    "RPUSH <list> {<value>}",
    "SADD <set> {<member>}",
    "ZADD <zset> <score> <member>",
    "DEL {<key>}",
    "COPY <key> <key> REPLACE",
    "RENAME <key> <key>",
]

EXPIRE: list[Template] = [
    "EXPIRE <key> <seconds> [NX|XX|GT|LT] [NX|XX|GT|LT]",
    "PEXPIRE <key> <milliseconds> [NX|XX|GT|LT]",
    "EXPIREAT <key> <time> [NX|XX|GT|LT]",
    "PEXPIREAT <key> <mstime> [NX|XX|GT|LT]",
    "PERSIST <key>",
    "TTL <key>",
    "PTTL <key>",
    "EXPIRETIME <key>",
    "PEXPIRETIME <key>",
    "SET <string> <value> [EX <seconds>|PX <milliseconds>|EXAT <time>|PXAT <mstime>|KEEPTTL]",
    "GETEX <string> [EX <seconds>|PX <milliseconds>|EXAT <time>|PXAT <mstime>|PERSIST]",
    "INCR <string>",
    "APPEND <string> <value>",
    "RENAME <key> <key>",
    "COPY <key> <key> REPLACE",
    "GETSET <string> <value>",
    ("PEXPIRE <key> 1", "#sleep 5", "EXISTS <everykey>", "DBSIZE"),
    ("SET <string> <value> PX 1", "#sleep 5", "EXISTS <everykey>", "TTL <key>"),
]

BITS: list[Template] = [
    "SETBIT <bits> <offset> <bit>",
    "GETBIT <bits> <offset>",
    "SET <bits> <value>",
    "GET <bits>",
    "BITCOUNT <bits> [<index> <index>] [BYTE|BIT]",
    "BITCOUNT <bits> <index> <index> [BYTE|BIT]",
    "BITPOS <bits> <bit> [<index>] [<index>] [BYTE|BIT]",
    "BITPOS <bits> <bit> <index> <index> [BYTE|BIT]",
    "BITOP (AND|OR|XOR|NOT|odd) <bits> {<bits>}",
    "BITOP NOT <bits> <bits>",
    "BITFIELD <bits> {GET <bittype> <bitoffset>|SET <bittype> <bitoffset> <integer>"
    "|INCRBY <bittype> <bitoffset> <integer>|OVERFLOW (WRAP|SAT|FAIL|odd)}",
    "BITFIELD <bits> [OVERFLOW (SAT|FAIL)] INCRBY (u8|i8|u4|i64) <bitoffset> <integer>",
    "BITFIELD_RO <bits> {GET <bittype> <bitoffset>}",
]

HASH: list[Template] = [
    "HSET <hash> {<field> <value>}",
    "HMSET <hash> {<field> <value>}",
    "HSETNX <hash> <field> <value>",
    "HGET <hash> <field>",
    "HMGET <hash> {<field>}",
    "HDEL <hash> {<field>}",
    "HLEN <hash>",
    "HSTRLEN <hash> <field>",
    "HEXISTS <hash> <field>",
    "HGETALL <hash>",
    "HKEYS <hash>",
    "HVALS <hash>",
    "HINCRBY <hash> <field> <integer>",
    "HINCRBYFLOAT <hash> <field> <float>",
    "HRANDFIELD <hash> [<count>] [WITHVALUES]",
    "HSCAN <hash> 0 COUNT 10000 [MATCH <pattern>]",
]

LIST: list[Template] = [
    "LPUSH <list> {<value>}",
    "RPUSH <list> {<value>}",
    "LPUSHX <list> {<value>}",
    "RPUSHX <list> {<value>}",
    "LPOP <list> [<count>]",
    "RPOP <list> [<count>]",
    "LLEN <list>",
    "LRANGE <list> <index> <index>",
    "LINDEX <list> <index>",
    "LSET <list> <index> <value>",
    "LINSERT <list> (BEFORE|AFTER|odd) <value> <value>",
    "LREM <list> <index> <value>",
    "LTRIM <list> <index> <index>",
    "LPOS <list> <value> [RANK <index>] [COUNT <count>] [MAXLEN <count>]",
    "RPOPLPUSH <list> <list>",
    "LMOVE <list> <list> (LEFT|RIGHT|odd) (LEFT|RIGHT)",
    "LMPOP <numkeys:list> (LEFT|RIGHT) [COUNT <count>]",
    "BLPOP {<list>} 0.001",
    "BRPOP {<list>} 0.001",
    "BLMOVE <list> <list> (LEFT|RIGHT) (LEFT|RIGHT) 0.001",
    "BRPOPLPUSH <list> <list> 0.001",
    "BLMPOP 0.001 <numkeys:list> (LEFT|RIGHT) [COUNT <count>]",
    "BLPOP <list> (abc|-1)",
]

SET: list[Template] = [
    "SADD <set> {<member>}",
    "SADD <set> {<integer>}",
    "SREM <set> {<member>}",
    "SCARD <set>",
    "SISMEMBER <set> <member>",
    "SMISMEMBER <set> {<member>}",
    "SMEMBERS <set>",
    "SMOVE <set> <set> <member>",
    "SPOP <set> [<count>]",
    "SRANDMEMBER <set> [<count>]",
    "SINTER {<set>}",
    "SUNION {<set>}",
    "SDIFF {<set>}",
    "SINTERSTORE <set> {<set>}",
    "SUNIONSTORE <set> {<set>}",
    "SDIFFSTORE <set> {<set>}",
    "SINTERCARD <numkeys:set> [LIMIT <count>]",
    "SSCAN <set> 0 COUNT 10000 [MATCH <pattern>]",
]

ZSET: list[Template] = [
    "ZADD <zset> [NX|XX] [GT|LT] [CH] [INCR] {<score> <member>}",
    "ZADD <zset> {<score> <member>}",
    "ZREM <zset> {<member>}",
    "ZCARD <zset>",
    "ZSCORE <zset> <member>",
    "ZMSCORE <zset> {<member>}",
    "ZINCRBY <zset> <score> <member>",
    "ZRANK <zset> <member>",
    "ZREVRANK <zset> <member>",
    "ZCOUNT <zset> <scoremin> <scoremax>",
    "ZLEXCOUNT <zset> <lexmin> <lexmax>",
    "ZRANGE <zset> <index> <index> [REV] [WITHSCORES]",
    "ZRANGE <zset> <scoremin> <scoremax> BYSCORE [LIMIT <index> <count>] [WITHSCORES]",
    "ZRANGE <zset> <scoremax> <scoremin> BYSCORE REV [LIMIT <index> <count>] [WITHSCORES]",
    "ZRANGE <zset> <lexmin> <lexmax> BYLEX [LIMIT <index> <count>] [WITHSCORES]",
    "ZREVRANGE <zset> <index> <index> [WITHSCORES]",
    "ZRANGEBYSCORE <zset> <scoremin> <scoremax> [WITHSCORES] [LIMIT <index> <count>]",
    "ZREVRANGEBYSCORE <zset> <scoremax> <scoremin> [WITHSCORES] [LIMIT <index> <count>]",
    "ZRANGEBYLEX <zset> <lexmin> <lexmax> [LIMIT <index> <count>]",
    "ZREVRANGEBYLEX <zset> <lexmax> <lexmin> [LIMIT <index> <count>]",
    "ZRANGESTORE <zset> <zset> <index> <index> [REV]",
    "ZRANGESTORE <zset> <zset> <scoremin> <scoremax> BYSCORE [LIMIT <index> <count>]",
    "ZREMRANGEBYRANK <zset> <index> <index>",
    "ZREMRANGEBYSCORE <zset> <scoremin> <scoremax>",
    "ZREMRANGEBYLEX <zset> <lexmin> <lexmax>",
    "ZPOPMIN <zset> [<count>]",
    "ZPOPMAX <zset> [<count>]",
    "ZMPOP <numkeys:zset> (MIN|MAX) [COUNT <count>]",
    "BZPOPMIN {<zset>} 0.001",
    "BZPOPMAX {<zset>} 0.001",
    "BZMPOP 0.001 <numkeys:zset> (MIN|MAX) [COUNT <count>]",
    "ZRANDMEMBER <zset> [<count>] [WITHSCORES]",
    "ZSCAN <zset> 0 COUNT 10000 [MATCH <pattern>]",
    "ZUNION <numkeys:zset> [WEIGHTS {<weight>}] [AGGREGATE (SUM|MIN|MAX|odd)] [WITHSCORES]",
    "ZINTER <numkeys:zset> [WEIGHTS {<weight>}] [AGGREGATE (SUM|MIN|MAX)] [WITHSCORES]",
    "ZDIFF <numkeys:zset> [WITHSCORES]",
    "ZUNIONSTORE <zset> <numkeys:zset> [WEIGHTS {<weight>}] [AGGREGATE (SUM|MIN|MAX)]",
    "ZINTERSTORE <zset> <numkeys:zset> [WEIGHTS {<weight>}] [AGGREGATE (SUM|MIN|MAX)]",
    "ZUNIONSTORE <zset> 2 <zset> <set>",
    "ZDIFFSTORE <zset> <numkeys:zset>",
    "ZINTERCARD <numkeys:zset> [LIMIT <count>]",
]

HYPERLOGLOG: list[Template] = [
    "PFADD <log> {<member>}",
    "PFADD <log> {<integer>}",
    "PFCOUNT {<log>}",
    "PFMERGE <log> {<log>}",
    "GET <log>",
    "STRLEN <log>",
]

GEO: list[Template] = [
    "GEOADD <geo> [NX|XX] [CH] {<longitude> <latitude> <member>}",
    "GEOPOS <geo> {<member>}",
    "GEODIST <geo> <member> <member> [m|km|ft|mi|odd]",
    "GEOHASH <geo> {<member>}",
    "GEOSEARCH <geo> (FROMMEMBER <member>|FROMLONLAT <longitude> <latitude>) "
    "(BYRADIUS <radius> (m|km|ft|mi)|BYBOX <radius> <radius> (km|mi)) (ASC|DESC) [WITHCOORD] [WITHDIST] [WITHHASH]",
    "GEOSEARCHSTORE <geo> <geo> FROMLONLAT <longitude> <latitude> BYRADIUS <radius> (km|mi) ASC [STOREDIST]",
    "GEORADIUS <geo> <longitude> <latitude> <radius> (km|mi) [WITHDIST] [WITHCOORD] (ASC|DESC)",
    "GEORADIUSBYMEMBER <geo> <member> <radius> (km|mi) [WITHDIST] ASC",
    "ZRANGE <geo> 0 -1 WITHSCORES",
]

STREAM: list[Template] = [
    "XADD <stream> [NOMKSTREAM] [MAXLEN [=] <count>|MINID [=] <streamid>] "
    "(1-1|1-2|2-1|2-*|5-5|10-0|<streamid>) {<field> <value>}",
    "XLEN <stream>",
    "XRANGE <stream> (-|<streamid>) (+|<streamid>) [COUNT <count>]",
    "XREVRANGE <stream> (+|<streamid>) (-|<streamid>) [COUNT <count>]",
    "XDEL <stream> {<streamid>}",
    "XTRIM <stream> (MAXLEN [=] <count>|MINID [=] <streamid>)",
    "XSETID <stream> <streamid>",
    "XREAD [COUNT <count>] STREAMS <stream> (0|<streamid>)",
    "XGROUP CREATE <stream> (g|h) (0|$|<streamid>) [MKSTREAM] [ENTRIESREAD <count>]",
    "XGROUP (DESTROY <stream> (g|h)|SETID <stream> (g|h) (0|$|<streamid>))",
    "XGROUP (CREATECONSUMER|DELCONSUMER) <stream> (g|h) (c|d)",
    "XACK <stream> (g|h) {<streamid>}",
    "XPENDING <stream> (g|h)",
    "XREADGROUP GROUP (g|h) (c|d) [COUNT <count>] [NOACK] STREAMS <stream> (>|0|<streamid>)",
    "XCLAIM <stream> (g|h) (c|d) 0 {<streamid>} JUSTID",
    "XINFO GROUPS <stream>",
]

FAMILIES: dict[str, list[Template]] = {
    "string": STRING,
    "generic": GENERIC,
    "expire": EXPIRE,
    "bits": BITS,
    "hash": HASH,
    "list": LIST,
    "set": SET,
    "zset": ZSET,
    "hyperloglog": HYPERLOGLOG,
    "geo": GEO,
    "stream": STREAM,
}
# `transaction` wraps commands of all these; see generate.py.
ALL = [*FAMILIES, "transaction"]
