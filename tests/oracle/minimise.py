"""Shorten a sequence that shows a difference, and print it as redis-cli lines.

Law: what is left still differs at the same command; steps are taken out whole, so a transaction stays one.
"""

import time
from collections.abc import Callable

from tests.kit.resp_client import BigNumber, Boolean, Double, Error, Map, Null, Push, Reply, Set, Simple, Verbatim
from tests.oracle.duel import Difference
from tests.oracle.generate import Sent, Step

Play = Callable[[list[Step]], Difference | None]


def same_kind(one: Difference, other: Difference | None) -> bool:
    """Tell whether both differences are about the same command (not a second fault met on the way)."""
    return other is not None and one.what[0].upper() == other.what[0].upper()


def minimise(steps: list[Step], found: Difference, play: Play, seconds: float = 60.0) -> tuple[list[Step], Difference]:
    """Return a shorter sequence that still differs as found does, and its difference; stop after seconds."""
    deadline = time.monotonic() + seconds
    steps = steps[: found.steps]
    size = max(1, len(steps) // 2)
    while time.monotonic() < deadline:
        shorter = False
        at = 0
        while at < len(steps) and time.monotonic() < deadline:
            attempt = steps[:at] + steps[at + size :]
            again = play(attempt)
            if again is not None and same_kind(found, again):
                steps, found, shorter = attempt[: again.steps], again, True
            else:
                at += size
        if size == 1 and not shorter:
            break
        size = max(1, size // 2)
    return shorten_steps(steps, found, play, deadline)


def shorten_steps(steps: list[Step], found: Difference, play: Play, deadline: float) -> tuple[list[Step], Difference]:
    """Take single commands out of the steps of several, the last command of each staying."""
    for at in range(len(steps)):
        inside = 0
        while inside < len(steps[at]) - 1 and time.monotonic() < deadline:
            attempt = [*steps[:at], steps[at][:inside] + steps[at][inside + 1 :], *steps[at + 1 :]]
            again = play(attempt) if steps[at][inside].command[0] != b"MULTI" else None
            if again is not None and same_kind(found, again):
                steps, found = attempt, again
            else:
                inside += 1
    return steps, found


def quoted(word: bytes) -> str:
    """Return word as redis-cli reads it."""
    if word and all(33 <= byte < 127 and byte not in b"\"'\\#" for byte in word):
        return word.decode()
    special = {34: '\\"', 92: "\\\\", 10: "\\n", 13: "\\r", 9: "\\t"}
    text = "".join(special.get(byte) or (chr(byte) if 32 <= byte < 127 else f"\\x{byte:02x}") for byte in word)
    return f'"{text}"'


def line(sent: Sent) -> str:
    """Return one command as a line; the second connection's are marked."""
    return ("@2 " if sent.connection else "") + " ".join(quoted(word) for word in sent.command)


def shown(reply: Reply | str) -> str:
    """Return a reply on one line, its type visible."""
    if isinstance(reply, str):
        return reply
    if isinstance(reply, bytes):
        return f"${quoted(reply) if reply else chr(34) * 2}"
    if isinstance(reply, int):
        return f":{reply}"
    if isinstance(reply, Null):
        return f"null ({reply.form})"
    if isinstance(reply, Boolean):
        return f"#{'t' if reply.value else 'f'}"
    if isinstance(reply, Map):
        return "%{" + ", ".join(f"{shown(key)}: {shown(value)}" for key, value in reply.pairs) + "}"
    if isinstance(reply, Set):
        return "~{" + ", ".join(shown(member) for member in reply.members) + "}"
    if isinstance(reply, Push):
        return ">[" + ", ".join(shown(item) for item in reply.items) + "]"
    if isinstance(reply, list):
        return "*[" + ", ".join(shown(item) for item in reply) + "]"
    mark = {Simple: "+", Error: "-", Double: ",", BigNumber: "(", Verbatim: "="}[type(reply)]
    return mark + reply.text.decode(errors="backslashreplace")


def report(steps: list[Step], found: Difference) -> str:
    """Describe a difference and how to see it again."""
    commands = "\n".join("  " + line(sent) for step in steps for sent in step)
    what = " ".join(quoted(word) for word in found.what)
    return (
        f"{commands}\nthe replies to\n  {what}\ndiffer:\n"
        f"  chronis       {shown(found.ours)[:2000]}\n  redis-server  {shown(found.theirs)[:2000]}"
    )
