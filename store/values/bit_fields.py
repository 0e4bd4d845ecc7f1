"""What BITFIELD does: integers of 1 to 64 bits anywhere in a string.

    call    = *( GET type place | SET type place value | INCRBY type place increment | OVERFLOW (WRAP | SAT | FAIL) )
    type    = "i" 1…64 | "u" 1…63
    place   = bit | "#" number                (a number of such integers from the start)

Law: a run touches nothing; it finds the replies and the bytes that change, so that a command can record the outcome.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from store.arguments import INT64_MAX, parse_int
from store.errors import ReplyError, syntax_error
from store.values.bits import Bits

BAD_OFFSET = "bit offset is not an integer or out of range"
BAD_TYPE = "Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is."
_ARGUMENTS = {b"GET": 2, b"SET": 3, b"INCRBY": 3}


@dataclass(frozen=True, slots=True)
class FieldOperation:
    """One operation. `offset`: its first bit; `value`: what to set or add (0 for GET); `overflow`: WRAP, SAT or FAIL."""

    action: bytes
    type: bytes
    offset: int
    value: int
    overflow: bytes

    @property
    def bits(self) -> int:
        """How many bits the integer has."""
        return int(self.type[1:])

    def limits(self) -> tuple[int, int]:
        """The least and the greatest value of the type."""
        if self.type.startswith(b"i"):
            return -(1 << self.bits - 1), (1 << self.bits - 1) - 1
        return 0, (1 << self.bits) - 1

    def fitted(self, value: int) -> int | None:
        """A value as the type can hold it, by the overflow rule; None if it may not be stored."""
        least, most = self.limits()
        if least <= value <= most:
            return value
        if self.overflow == b"FAIL":
            return None
        if self.overflow == b"SAT":
            # Redis computes in 64 bits: to its SET a number far below the type's range is a very large one.
            far_below = self.action == b"SET" and (least == 0 or most - value > INT64_MAX)
            return least if value < least and not far_below else most
        return (value - least) % (1 << self.bits) + least


@dataclass(slots=True)
class FieldRun:
    """A run over a string. `patch`: new bytes by place; `size`: bytes the string has then; `writes`: what was stored."""

    data: Bits
    size: int
    patch: dict[int, int] = field(default_factory=dict)
    writes: list[tuple[FieldOperation, int]] = field(default_factory=list)
    replies: list[int | None] = field(default_factory=list)
    changed: bool = False

    def read(self, operation: FieldOperation) -> int:
        """The integer at an operation's place; what is beyond the end of the string counts as zeros."""
        start, stop, shift = _extent(operation)
        raw = bytearray(self.data[start:stop].ljust(stop - start, b"\0"))
        for place in range(start, stop):
            if place in self.patch:
                raw[place - start] = self.patch[place]
        least, most = operation.limits()
        value = int.from_bytes(raw, "big") >> shift & (1 << operation.bits) - 1
        return value if value <= most else value + 2 * least

    def write(self, operation: FieldOperation, value: int) -> None:
        """Store an integer that fits at an operation's place."""
        start, stop, shift = _extent(operation)
        whole = FieldOperation(b"GET", b"u%d" % ((stop - start) * 8), start * 8, 0, b"WRAP")
        mask = (1 << operation.bits) - 1 << shift
        raw = self.read(whole) & ~mask | value << shift & mask
        for place, byte in enumerate(raw.to_bytes(stop - start, "big"), start):
            self.patch[place] = byte


def _extent(operation: FieldOperation) -> tuple[int, int, int]:
    """The bytes (start, stop) that hold an integer, and how many bits of them come after it."""
    end = operation.offset + operation.bits
    stop = end + 7 >> 3
    return operation.offset >> 3, stop, stop * 8 - end


def read_operations(words: Sequence[bytes], most_bytes: int = INT64_MAX >> 3) -> list[FieldOperation]:
    """Read a call's words; raise ReplyError as Redis does, also for a place beyond most_bytes."""
    operations: list[FieldOperation] = []
    overflow = b"WRAP"
    place = 0
    while place < len(words):
        action = words[place].upper()
        left = len(words) - place - 1
        if action == b"OVERFLOW" and left >= 1:
            overflow = words[place + 1].upper()
            if overflow not in (b"WRAP", b"SAT", b"FAIL"):
                raise ReplyError("Invalid OVERFLOW type specified")
            place += 2
            continue
        count = _ARGUMENTS.get(action)
        if count is None or left < count:
            raise syntax_error()
        kind = _read_type(words[place + 1])
        offset = read_offset(words[place + 2], most_bytes, int(kind[1:]))
        value = parse_int(words[place + 3]) if count == 3 else 0
        operations.append(FieldOperation(action, kind, offset, value, overflow))
        place += count + 1
    return operations


def _read_type(word: bytes) -> bytes:
    sign, digits = word[:1], word[1:]
    if sign not in (b"i", b"u") or not 1 <= parse_int(digits, BAD_TYPE) <= (64 if sign == b"i" else 63):
        raise ReplyError(BAD_TYPE)
    return word


def read_offset(word: bytes, most_bytes: int, bits: int = 0) -> int:
    """Read a place in bits, or with bits > 0 also `#n` for n * bits; it has to lie within most_bytes."""
    numbered = bits > 0 and word.startswith(b"#")
    offset = parse_int(word[1:], BAD_OFFSET) * bits if numbered else parse_int(word, BAD_OFFSET)
    if offset < 0 or offset >> 3 >= most_bytes:
        raise ReplyError(BAD_OFFSET)
    return offset


def run_operations(operations: Sequence[FieldOperation], data: Bits) -> FieldRun:
    """Work out what the operations reply and change; a string grows to hold every integer that is to be written."""
    ends = [operation.offset + operation.bits + 7 >> 3 for operation in operations if operation.action != b"GET"]
    run = FieldRun(data, max([len(data), *ends]))
    run.changed = run.size > len(data)
    for operation in operations:
        old = run.read(operation)
        if operation.action == b"GET":
            run.replies.append(old)
            continue
        new = operation.fitted(operation.value + (old if operation.action == b"INCRBY" else 0))
        if new is None:
            run.replies.append(None)
            continue
        run.replies.append(new if operation.action == b"INCRBY" else old)
        run.changed |= new != old
        run.write(operation, new)
        run.writes.append((operation, new))
    return run
