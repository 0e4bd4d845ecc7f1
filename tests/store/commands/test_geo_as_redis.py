"""Places against redis-server: the same digits in both protocols, the same errors, and the same members found."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from tests.kit.servers import Server, redis_server, requires_redis
from tests.kit.side_by_side import EVERY_CLASS, Ours, compare

pytestmark = requires_redis

FILLED = (
    "geoadd g 13.361389 38.115556 Palermo 15.087269 37.502669 Catania 2.349 48.864 Paris | set s 1 |"
    " geoadd w 180 85.05112878 ne -180 -85.05112878 sw 179.9 0 east -179.9 0 west 0 0 zero |"
)
SCRIPTS = """
geoadd n 1 2 a | geoadd n ch 1 2 a 3 4 b | geoadd n nx 5 6 a 7 8 c | geoadd n xx ch 5 6 a 7 8 d | geoadd n nx xx 1 2 a
    | geoadd n 1 2 a 3 | geoadd n 1 2 a 3 4 | geoadd n nx ch ch | geoadd n 200 100 x | geoadd n x 1 a | geoadd n 1 y a
    | geoadd n incr 1 a | geoadd n 181 1 a | geoadd n 1 85.06 a | zrange n 0 -1 withscores | geoadd n 1 2 a | geoadd n 1 2
    | geoadd s 1 2 a | geoadd s 1 x a | geoadd n nan 1 a | geoadd n inf 1 a
geodist g Palermo Catania | geodist g Palermo Catania km | geodist g Palermo Catania MI | geodist g Palermo Catania ft
    | geodist g Palermo Palermo | geodist g Palermo none | geodist none a b | geodist g a b foo | geodist g a b m m
    | geodist s a b | geodist s a b foo | geodist w ne sw | geodist w east west m | geodist w zero east
geohash g Palermo Catania none | geohash none a | geohash g | geohash s a | geohash w ne sw east west zero | geohash s
geopos g Palermo none Catania Paris | geopos none a b | geopos g | geopos s a | geopos w ne sw east west zero
zadd odd -5 a 1e20 b 0.5 c inf d -inf e 4503599627370496 f | geopos odd a b c d e f | geohash odd a b c d e f
    | geodist odd a f | georadius odd 0 0 1e8 m withhash withdist withcoord
geosearch g fromlonlat 15 37 byradius 200 km | geosearch g fromlonlat 15 37 byradius 200 km asc withcoord withdist withhash
    | geosearch g frommember Palermo bybox 400 400 km desc withdist | geosearch g fromlonlat 15 37 byradius 5000 km count 2
    | geosearch g fromlonlat 15 37 byradius 5000 km count 1 any | geosearch g fromlonlat 15 37 byradius 5000 km desc count 2
    | geosearch g frommember Paris byradius 0 m withdist | geosearch g frommember Paris bybox 0 0 m
    | geosearch w fromlonlat 179.95 0 byradius 100 km withdist | geosearch w fromlonlat 0 0 byradius 30000 km asc
    | geosearch w fromlonlat 0 85 byradius 2000 km asc | geosearch w fromlonlat 0 0 bybox 50000 50000 km asc withdist
    | geosearch w fromlonlat 0 -85 bybox 9000 900 mi asc | geosearch w fromlonlat 0 0 byradius inf m asc
geosearch g fromlonlat 15 37 byradius 200 km any | geosearch g fromlonlat 15 37 byradius 200 km count 0
    | geosearch g fromlonlat 15 37 byradius 200 km count x | geosearch g fromlonlat 15 37 byradius x km
    | geosearch g fromlonlat 15 37 byradius -1 km | geosearch g fromlonlat 15 37 byradius 1 parsec
    | geosearch g fromlonlat 15 37 bybox 1 x km | geosearch g fromlonlat 15 37 bybox y x km
    | geosearch g fromlonlat 15 37 bybox -1 1 km | geosearch g fromlonlat 15 37 bybox 1 1 foo
    | geosearch g fromlonlat 15 37 bybox 1 1 km byradius 1 km | geosearch g fromlonlat 15 37 frommember Palermo byradius 1 km
    | geosearch g frommember Palermo fromlonlat 15 37 byradius 1 km | geosearch g frommember none byradius 1 km
    | geosearch g byradius 1 km asc asc | geosearch g fromlonlat 1 2 asc asc | geosearch g fromlonlat 15 37 byradius 1 km storedist
    | geosearch g fromlonlat 15 37 byradius 1 km store x | geosearch g fromlonlat 15 37 byradius 1 | geosearch g 1 2 3 4 5
    | geosearch g fromlonlat 200 37 byradius 1 km | geosearch g frommember a frommember b frommember
geosearch none frommember x byradius 1 km | geosearch none frommember x byradius x km | geosearch none frommember x byradius 1 foo
    | geosearch s frommember x byradius 1 km | geosearch s foo x byradius 1 km | geosearch none asc asc asc asc asc
    | geosearch none fromlonlat 1 1 frommember a byradius 1 m | geosearch g fromlonlat 1 1 fromlonlat 15 37 byradius 300 km
geosearchstore d g fromlonlat 15 37 byradius 200 km | zrange d 0 -1 withscores
    | geosearchstore e g fromlonlat 15 37 byradius 200 km storedist asc count 1 | zrange e 0 -1 withscores
    | geosearchstore d g fromlonlat 0 0 byradius 1 km | exists d | geosearchstore d g fromlonlat 0 0 byradius 1 km
    | geosearchstore d none fromlonlat 0 0 byradius 1 km
geosearchstore d g fromlonlat 15 37 byradius 200 km withdist | geosearchstore d s fromlonlat 15 37 byradius 200 km
    | geosearchstore n none frommember 0 byradius 1 km | geosearchstore d g fromlonlat 15 37 byradius 200 km store x
    | geosearchstore d g byradius 200 km asc asc asc | geosearchstore d g fromlonlat 1 2 asc asc asc
georadius g 15 37 200 km | georadius g 15 37 200 km withdist desc | georadius g 15 37 200 km withcoord withhash count 1
    | georadius g 15 37 200 km store d | zrange d 0 -1 withscores | georadius g 15 37 3000 mi storedist e desc count 2
    | zrange e 0 -1 withscores | georadius none 1 2 3 m store f | exists f | georadius g 15 37 200 km store d withdist
    | georadius none 1 2 3 m | georadius none 1 2 x m | georadius none 1 x 3 m | georadius g 15 37 200 km any
    | georadius g 15 37 200 km frommember x | georadius g 15 37 200 km store | georadius s 1 2 3 m | georadius g 1 2 3 q
    | georadius g 15 37 200 km store d storedist e2 | exists d e2 | georadius g 1 2 3
georadius_ro g 15 37 200 km asc | georadius_ro g 15 37 200 km store d | georadiusbymember_ro g Palermo 200 km asc
    | georadiusbymember_ro g Palermo 200 km storedist d | georadiusbymember g Palermo 200 km withdist asc
    | georadiusbymember g none 200 km | georadiusbymember none x y z | georadiusbymember none x y z foo
    | georadiusbymember none x y z store d | georadiusbymember g Palermo 200 km store b | zrange b 0 -1 withscores
    | georadiusbymember g Palermo x km | georadiusbymember g Palermo 1 foo | georadiusbymember s x y z
"""


@pytest.fixture(scope="module")
def oracle() -> Iterator[Server]:
    with redis_server("--notify-keyspace-events", EVERY_CLASS) as server:
        yield server


@pytest.mark.parametrize("resp", [2, 3])
@pytest.mark.parametrize("script", SCRIPTS.replace("\n    |", " |").strip().splitlines())
def test_replies_and_notifications_are_those_of_redis(oracle: Server, script: str, resp: int) -> None:
    compare(oracle, FILLED + script, resp)


def test_searches_find_what_redis_finds_and_in_its_order(oracle: Server) -> None:
    rng = random.Random(7)
    ours = Ours()
    near = (rng.uniform(-180, 180), rng.uniform(-85, 85))
    with oracle.client() as redis:
        redis.command("FLUSHALL")
        for number in range(600):
            place = (rng.uniform(-180, 180), rng.uniform(-85, 85))
            if number % 2:
                place = (min(180, max(-180, near[0] + rng.gauss(0, 1))), min(85, max(-85, near[1] + rng.gauss(0, 1))))
            argv = [b"GEOADD", b"g", b"%.9f" % place[0], b"%.9f" % place[1], b"m%d" % number]
            assert ours.command(argv) == redis.command(*argv)
        for number in range(400):
            centre = [b"FROMMEMBER", b"m%d" % rng.randrange(600)]
            if rng.random() < 0.5:
                centre = [b"FROMLONLAT", b"%.6f" % rng.uniform(-180, 180), b"%.6f" % rng.uniform(-85.05, 85.05)]
            size = b"%.3f" % 10 ** rng.uniform(0, 4.3)
            shape = (
                [b"BYRADIUS", size, b"km"]
                if number % 2
                else [b"BYBOX", size, b"%.2f" % 10 ** rng.uniform(0, 4.3), b"km"]
            )
            order = rng.choice([[], [b"ASC"], [b"DESC"], [b"COUNT", b"5"], [b"COUNT", b"9", b"ANY"]])
            argv = [b"GEOSEARCH", b"g", *centre, *shape, *order, b"WITHDIST", b"WITHHASH", b"WITHCOORD"]
            assert ours.command(argv) == redis.command(*argv), argv
