"""Draw command sequences from the templates: steps of one or more commands that belong together.

Law: a seed and a choice of families give the same sequence for ever; a step is the unit the minimiser removes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from tests.oracle.compare import CHOSEN_BY_SERVER
from tests.oracle.families import ALL, FAMILIES, MIX, RARE, Template
from tests.oracle.grammar import Command, Node, parse


@dataclass(frozen=True)
class Sent:
    """One command and the connection (0 or 1) it goes over. A command `#sleep N` waits N ms and sends nothing."""

    command: Command
    connection: int = 0


Step = tuple[Sent, ...]
BLOCKING = (b"BLPOP", b"BRPOP", b"BLMOVE", b"BRPOPLPUSH", b"BLMPOP", b"BZPOPMIN", b"BZPOPMAX", b"BZMPOP")
# Longer commands name every key there is, so that no expired one is left: they have to stay whole.
LONGEST = 40
MISPLACED: list[Command] = [(b"NOSUCH", b"a"), (b"MULTI",), (b"WATCH", b"s1"), (b"GET",), (b"UNWATCH",)]


def single(command: Command) -> Step:
    """Return the step of one command on the first connection."""
    return (Sent(command),)


class Generator:
    """Draws steps for ever. `without` names commands to leave out."""

    def __init__(self, seed: int, families: list[str], without: frozenset[bytes] = frozenset()) -> None:
        unknown = set(families) - set(ALL)
        if unknown:
            raise ValueError(f"no family {', '.join(sorted(unknown))}; there are: {', '.join(ALL)}")
        self.rng = Random(seed)
        self.without = without
        # A transaction needs something to wrap, even when it was asked for alone.
        plain = [family for family in families if family in FAMILIES] or list(FAMILIES)
        self.nodes = {family: self.compiled(FAMILIES[family]) for family in plain}
        self.mix = self.compiled(MIX)
        self.rare = self.compiled(RARE)
        self.families = families

    def compiled(self, templates: list[Template]) -> list[tuple[Node, ...]]:
        """Parse templates, each into the nodes of its step, without those that use a command left out."""
        steps = [(template,) if isinstance(template, str) else template for template in templates]
        kept = [step for step in steps if not any(name(text) in self.without for text in step)]
        return [tuple(parse(text) for text in step) for step in kept]

    def steps(self) -> Iterator[Step]:
        """Draw steps without end."""
        while True:
            yield self.step()

    def step(self) -> Step:
        """Draw one step."""
        chance = self.rng.random()
        if chance < 0.01:
            return self.drawn(self.rare)
        if chance < 0.08:
            return self.drawn(self.mix)
        family = self.rng.choice(self.families)
        if family == "transaction":
            return self.transaction()
        return self.drawn(self.nodes[family])

    def drawn(self, nodes: list[tuple[Node, ...]]) -> Step:
        """Draw one of the steps in nodes and disturb its words now and then."""
        if not nodes:
            return single((b"PING",))
        return tuple(Sent(self.disturbed(tuple(node(self.rng)))) for node in self.rng.choice(nodes))

    def disturbed(self, command: Command) -> Command:
        """Return command, sometimes in lower case, with a word missing or one too many."""
        if command[0].startswith(b"#") or len(command) > LONGEST:
            return command
        chance = self.rng.random()
        if chance < 0.05:
            return (command[0].lower(), *command[1:])
        # A blocking command's timeout must stay where it is: another word there might be a long one.
        if chance < 0.07 and len(command) > 1 and command[0] not in BLOCKING:
            gone = self.rng.randrange(1, len(command))
            return command[:gone] + command[gone + 1 :]
        if chance < 0.08 and command[0] not in BLOCKING:
            return (*command, self.rng.choice((b"abc", b"10", b"s1", b"")))
        return command

    def transaction(self) -> Step:
        """Draw MULTI … EXEC or DISCARD with commands in it, perhaps watched, disturbed or out of place."""
        chance = self.rng.random()
        if chance < 0.1:
            return single(self.rng.choice(((b"EXEC",), (b"DISCARD",), (b"UNWATCH",), (b"WATCH",), (b"WATCH", b"s1"))))
        sent: list[Sent] = []
        if chance < 0.5:
            sent.append(Sent((b"WATCH", *self.plain()[1:3])))
            sent.append(Sent(self.plain(), connection=self.rng.choice((0, 1))))
        sent.append(Sent((b"MULTI",)))
        sent.extend(Sent(self.plain()) for _ in range(self.rng.choice((0, 1, 2, 2, 3, 4))))
        if self.rng.random() < 0.15:
            sent.append(Sent(self.rng.choice(MISPLACED)))
        sent.append(Sent((b"EXEC",) if self.rng.random() < 0.85 else (b"DISCARD",)))
        return tuple(sent)

    def plain(self) -> Command:
        """Draw one command whose reply and effect do not hang on a choice of the server."""
        while True:
            step = self.drawn(self.rng.choice(list(self.nodes.values())))
            command = step[0].command
            # After a SELECT the rest of a step would be missing.
            if len(step) == 1 and command[0].upper() not in CHOSEN_BY_SERVER:
                return command


def name(template: str) -> bytes:
    """Return the command a template begins with."""
    return template.split()[0].encode()


def command_names(families: list[str]) -> list[bytes]:
    """Return every command the templates of families use, sorted."""
    chosen = [FAMILIES[family] for family in families if family in FAMILIES] or list(FAMILIES.values())
    texts: set[bytes] = set()
    for templates in (*chosen, MIX, RARE):
        for template in templates:
            texts.update(name(text) for text in ((template,) if isinstance(template, str) else template))
    return sorted(text for text in texts if not text.startswith(b"#"))
