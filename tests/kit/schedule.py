"""What happens to a group of nodes, drawn by seed: links that fail, nodes that are killed or frozen, roles that change, options too.

A schedule is a list of steps that depends on the seed alone; when each takes effect depends on the machine, so a seed that fails
may have to be run several times. A node is named by its number among the three, or as the present primary (-1).
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.kit.group import Group, Node

PRIMARY = -1
STEPS = 14
_WAITS = (0.0, 0.02, 0.1, 0.3, 0.7)


@dataclass(frozen=True)
class Step:
    """An action after a wait in seconds; `last`: for how many steps its effect lasts."""

    wait: float
    action: str
    node: int
    last: int
    number: int

    def __str__(self) -> str:
        who = "the primary" if self.node == PRIMARY else f"node {self.node}"
        return f"{self.action} {who} (after {self.wait} s, for {self.last} steps, {self.number})"


@dataclass(frozen=True)
class Plan:
    """A schedule. `replicas`: that have to acknowledge a promised write; `gathers`: promote-after-replicas."""

    seed: int
    steps: tuple[Step, ...]
    replicas: int
    gathers: int
    promised: bool
    options: tuple[str, ...]


OPTIONS: tuple[tuple[tuple[object, ...], ...], ...] = (
    (("appendfsync", "always"), ("appendfsync", "everysec"), ("appendfsync", "no")),
    (("repl-diskless-load", "disabled"), ("repl-diskless-load", "swapdb"), ("repl-diskless-load", "on-empty-db")),
    (("key-load-delay", 0), ("key-load-delay", 3000), ("key-load-delay", 20000)),
    (("rdb-key-save-delay", 0), ("rdb-key-save-delay", 2000)),
    (("min-replicas-to-write", 0), ("min-replicas-to-write", 1), ("min-replicas-to-write", 2)),
    (("reply-after-replicas", 0), ("reply-after-replicas", 1)),
    (("replica-serve-stale-data", "yes"), ("replica-serve-stale-data", "no")),
    (("log-retention-size", 1), ("log-retention-size", "1gb")),
)
UNPROMISED_OPTIONS: tuple[tuple[tuple[object, ...], ...], ...] = (
    (("promote-after-replicas", 0), ("promote-after-replicas", 1), ("promote-after-replicas", 2)),
    (("appendonly", "no"), ("appendonly", "yes")),
)
"""What voids the promise: the data may be in memory alone, or a promotion ask nobody."""

PHASES = (
    "Loading DB in memory, as it arrives", "Full resync requested by replica", "Finished with success",
    "Our history parted", "Went back to offset", "the history id changed", "FAILOVER requested", "demoting ourselves",
    "Failover request received", "writes are refused until", "fetching it", "holds no more of our history",
    "this node is a primary now", "Background saving started", "Partial resynchronization request",
)  # fmt: skip
"""Lines of a node's log that an ambush may wait for. Which of them come while one lasts is chance, and a phase may be over before
the kill: some seeds hit a few of these, none all. Each phase for certain: tests/crash/test_replication_phases.py."""

WEIGHTS = {
    "kill": 4, "ambush": 5, "freeze": 2, "cut": 3, "trouble": 3, "stall": 2, "down": 3, "promote": 4, "fail over": 4, "force": 2,
    "chain": 1, "repair": 4, "save": 3, "option": 4, "big values": 2, "pause": 1, "digest": 1,
}  # fmt: skip
UNPROMISED = {"abort": 2, "wipe": 2, "new id": 1}
"""Actions that void the promise."""
_BIG_VALUES = "for i = 1, ARGV[2] do redis.call('SET', ARGV[1] .. ':' .. i, string.rep('x', ARGV[3])) end"


def plan(seed: int, steps: int = STEPS) -> Plan:
    """Draw a schedule. Three in four keep to what the promise covers: K of N replicas acknowledge, promotions gather N - K."""
    chance = random.Random(seed)
    promised = chance.random() < 0.75
    replicas, gathers = chance.choice([(1, 1), (1, 1), (2, 0)]) if promised else (1, chance.choice([0, 0, 1]))
    weights = WEIGHTS if promised else WEIGHTS | UNPROMISED
    drawn = chance.choices(list(weights), list(weights.values()), k=steps)
    made = [
        Step(chance.choice(_WAITS), action, chance.choice([PRIMARY, 0, 1, 2]), chance.randrange(1, 5), chance.randrange(1000))
        for action in drawn
    ]
    kept = chance.choice([1, 200_000, 1 << 30])
    options = ("--promote-after-replicas", str(gathers), "--log-retention-size", str(kept), "--log-segment-size", "100kb")
    return Plan(seed, tuple(made), replicas, gathers, promised, options)


@dataclass
class Director:
    """Has the steps of a plan happen to a group."""

    group: Group
    plan: Plan
    pending: list[tuple[int, Callable[[], None]]] = field(default_factory=list)  # what ends before which step
    threads: list[threading.Thread] = field(default_factory=list)

    def run(self) -> None:
        """Do all steps."""
        for number, step in enumerate(self.plan.steps):
            self._end_effects(number)
            time.sleep(step.wait)
            self.group.watch()
            node = self.group.nodes[self.group.primary if step.node == PRIMARY else step.node]
            self.group.note(f"{number}: {step}")
            ending = getattr(self, "_" + step.action.replace(" ", "_"))(node, step)
            if ending is not None:
                self.pending.append((number + step.last, ending))
        for _, ending in self.pending:
            ending()
        for thread in self.threads:
            thread.join()

    def _end_effects(self, number: int) -> None:
        due = [ending for until, ending in self.pending if until <= number]
        self.pending = [item for item in self.pending if item[0] > number]
        for ending in due:
            ending()

    def _target(self, step: Step) -> Node:
        """A node that is not the primary."""
        group = self.group
        return group.nodes[(group.primary + 1 + step.number % (group.count - 1)) % group.count]

    # ── nodes ──────────────────────────────────────────────────────────────────────────────────────────────────────
    def _kill(self, node: Node, step: Step) -> Callable[[], None]:
        node.kill()
        return lambda: self._start(node)

    def _ambush(self, node: Node, step: Step) -> Callable[[], None]:
        """Kill a node as soon as its log says that it is about something: half of the nodes have one phase in mind, half all."""
        phases = PHASES if step.number % 2 else PHASES[step.number // 2 % len(PHASES) :][:1]
        over, said = threading.Event(), node.server.log.stat().st_size

        def watch() -> None:
            while not over.wait(0.003):
                with node.server.log.open("rb") as log:
                    log.seek(said)
                    fresh = log.read().decode("utf-8", "replace")
                found = [phase for phase in phases if phase in fresh]
                if found:
                    self.group.note(f"node {node.number} is killed at: {found}")
                    node.kill()
                    return

        thread = threading.Thread(target=watch, daemon=True)
        thread.start()

        def end() -> None:
            over.set()
            thread.join()
            self._start(node)

        return end

    def _start(self, node: Node) -> None:
        if not node.server.running:
            self.group.note(f"start node {node.number}")
            self.group.start(node)

    def _wipe(self, node: Node, step: Step) -> Callable[[], None]:
        """A node that comes back with an empty disk: never the primary."""
        node = self._target(step)
        ending = self._kill(node, step)
        node.empty()
        return ending

    def _freeze(self, node: Node, step: Step) -> Callable[[], None]:
        self.group.freeze(node)
        return lambda: self.group.thaw(node)

    # ── links ──────────────────────────────────────────────────────────────────────────────────────────────────────
    def _cut(self, node: Node, step: Step) -> None:
        node.link.cut()

    def _trouble(self, node: Node, step: Step) -> Callable[[], None]:
        node.link.schedule(step.number)
        return node.link.heal

    def _stall(self, node: Node, step: Step) -> Callable[[], None]:
        node.link.stall()
        return node.link.heal

    def _down(self, node: Node, step: Step) -> Callable[[], None]:
        node.link.down()
        return node.link.restore

    # ── roles ──────────────────────────────────────────────────────────────────────────────────────────────────────
    def _promote(self, node: Node, step: Step) -> None:
        """Promote a replica; the others are told at once, or as it happens."""
        if self.group.promote(self._target(step)) and step.number % 2:
            for other in self.group.nodes:
                self.group.repair(other)

    def _repair(self, node: Node, step: Step) -> None:
        for other in self.group.nodes:
            self.group.repair(other)

    def _chain(self, node: Node, step: Step) -> None:
        """Have a replica follow the other one."""
        first = self._target(step)
        second = next(other for other in self.group.nodes if other not in (first, self.group.nodes[self.group.primary]))
        if first.told == second.told == self.group.primary:
            self.group.follow(first, second.number)

    def _fail_over(self, node: Node, step: Step) -> None:
        self.group.fail_over(self._target(step), "TIMEOUT", 50 + step.number)

    def _force(self, node: Node, step: Step) -> None:
        self.group.fail_over(self._target(step), "FORCE", "TIMEOUT", 1 + step.number // 4)

    def _abort(self, node: Node, step: Step) -> None:
        """Begin a failover and abort it soon."""
        old = self.group.nodes[self.group.primary]
        if self.group.fail_over(self._target(step)):
            time.sleep(step.number / 4000)
            self.group.note(f"ABORT: {old.ask('FAILOVER', 'ABORT')}")

    # ── work ───────────────────────────────────────────────────────────────────────────────────────────────────────
    def _save(self, node: Node, step: Step) -> None:
        node.ask("BGSAVE")

    def _option(self, node: Node, step: Step) -> None:
        choices = OPTIONS if self.plan.promised else OPTIONS + UNPROMISED_OPTIONS
        values = choices[step.number % len(choices)]
        name, value = values[step.number // len(choices) % len(values)]
        self.group.note(f"node {node.number}: CONFIG SET {name} {value}: {node.ask('CONFIG', 'SET', name, value)}")

    def _big_values(self, node: Node, step: Step) -> None:
        """Write much at once, in a script: a replica refuses it, while DEBUG POPULATE would be a change of its own there."""
        node.ask("EVAL", _BIG_VALUES, 0, f"big{step.number}", 200 + step.number, 20_000)

    def _pause(self, node: Node, step: Step) -> None:
        node.ask("CLIENT", "PAUSE", step.number, "WRITE")

    def _new_id(self, node: Node, step: Step) -> None:
        node.ask("DEBUG", "CHANGE-REPL-ID")

    def _digest(self, node: Node, step: Step) -> None:
        """Ask for a digest, without waiting for it."""
        self.threads.append(threading.Thread(target=node.ask, args=("CHRONIS", "DIGEST"), daemon=True))
        self.threads[-1].start()


RESTING: tuple[tuple[object, object], ...] = (
    ("appendfsync", "everysec"), ("appendonly", "yes"), ("key-load-delay", 0), ("rdb-key-save-delay", 0),
    ("min-replicas-to-write", 0), ("reply-after-replicas", 0), ("replica-serve-stale-data", "yes"),
)  # fmt: skip
"""What a group is set to at the end."""


def rest(group: Group) -> None:
    """Set the options so that nothing holds the group up."""
    for node in group.nodes:
        for name, value in RESTING:
            assert str(node.ask("CONFIG", "SET", name, value)) == "OK", (node.number, name)
