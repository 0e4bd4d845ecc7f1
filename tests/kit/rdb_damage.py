"""What loading says of an RDB file that was damaged in many ways: `python -m tests.kit.rdb_damage FILE CASES SEED`.

One line a case: the digest of what was loaded, or the error. Run it with and without CHRONIS_PURE=1: the lines have to be the same.
"""

import random
import sys
from collections.abc import Iterator
from pathlib import Path

from store.digest import digest
from store.errors import CorruptSnapshot
from store.keyspace import Keyspace
from store.rdb import RdbLoader


def damaged(whole: bytes, cases: int, seed: int) -> Iterator[bytes]:
    """The file flipped in one to three places, cut, with a stretch doubled or missing, or with bytes that often mean something."""
    chance = random.Random(seed)
    for _ in range(cases):
        data = bytearray(whole)
        place = chance.randrange(9, len(data))
        match chance.randrange(6):
            case 0:
                del data[place:]
            case 1:
                del data[place : place + chance.randrange(1, 12)]
            case 2:
                data[place:place] = data[place : place + chance.randrange(1, 12)]
            case 3:
                data[place] = chance.choice(b"\x00\x01\x3f\x40\x7f\x80\x81\xbf\xc0\xc3\xe0\xf0\xf1\xf4\xfc\xff")
            case flips:
                for _ in range(flips - 3):
                    data[chance.randrange(9, len(data))] ^= 1 << chance.randrange(8)
        yield bytes(data)


def outcome(data: bytes, check_crc: bool, known: bool, piece: int) -> str:
    """Load data, of known size or not, in pieces; say what came of it."""
    keyspace = Keyspace()
    loader = RdbLoader(keyspace, "dump.rdb", limit=len(data) if known else None, check_crc=check_crc)
    try:
        for start in range(0, len(data), piece):
            loader.feed(data[start : start + piece])
        report = loader.finish()
    except CorruptSnapshot as error:
        return str(error)
    keyspace._check()
    counts = sorted(report.types.items()), sorted(report.databases.items()), report.keys, report.expiring, report.size
    return f"{digest(keyspace).hex()} {counts}"


def outcomes(whole: bytes, cases: int, seed: int) -> list[str]:
    """Load the file damaged in so many ways; mostly the checksum is not looked at, as it would end nearly all of them alike."""
    return [
        outcome(data, check_crc=number % 8 == 0, known=number % 3 > 0, piece=(1 << 20, 1 << 20, 61)[number % 3])
        for number, data in enumerate(damaged(whole, cases, seed))
    ]


if __name__ == "__main__":
    print("\n".join(outcomes(Path(sys.argv[1]).read_bytes(), int(sys.argv[2]), int(sys.argv[3]))))
