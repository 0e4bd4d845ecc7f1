"""Three nodes that follow one another through bad links, and an operator who tells them whom to follow, as Sentinel does.

Every node is reached by the others under its public port, a LossyLink; clients and the operator talk to it directly. Law: the
operator promotes nobody but a node that was told to follow the present primary, so what he does can't be blamed for a lost write.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from store.digest import digest as digest_of
from store.persistence.offline import offline_engine
from store.persistence.recovery import recover
from store.tools.check_cli import check
from tests.kit.cluster import digest, eventually, info, offset
from tests.kit.lossy_link import LossyLink
from tests.kit.resp_client import Reply, RespClient
from tests.kit.servers import HOST, Server

_COMMAND = [sys.executable, "-m", "store", "--metrics-port", "0", "--enable-debug-command", "yes"]
_ASKING = 3.0
"""Seconds that the operator waits for an answer."""
_EXPECTED = {"log", "snapshots", "history", "lock", "dump.rdb", "lost", "server.out"}
_ALARMS = ("Traceback", "CRITICAL", "never retrieved", "Task was destroyed", "Exception in")


@dataclass(eq=False)
class Node:
    """One node. `told`: the node it was told to follow last, None: to be primary."""

    number: int
    server: Server
    link: LossyLink
    told: int | None = None
    frozen: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)  # held by who starts, stops or kills it

    def kill(self) -> None:
        """End it by SIGKILL, whatever it is doing."""
        with self.lock:
            self.frozen = False
            self.check_alive()
            self.server.kill()

    def check_alive(self) -> None:
        """Fail if it has ended though nobody killed it."""
        assert self.server.running or self.server.process is None, f"node {self.number} ended by itself"

    def ask(self, *words: object) -> Reply | None:
        """The answer to a command, None when there is none."""
        if not self.server.running or self.frozen:
            return None
        try:
            with RespClient(HOST, self.server.port, timeout=_ASKING) as client:
                return client.command(*words)
        except (OSError, EOFError):
            return None

    def state(self) -> dict[str, str]:
        """INFO replication, empty when there is no answer."""
        text = self.ask("INFO", "replication")
        lines = text.decode().splitlines() if isinstance(text, bytes) else []
        return dict(line.split(":", 1) for line in lines if ":" in line)

    def empty(self) -> None:
        """Lose everything on the disk, but for what was said."""
        for path in self.server.directory.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            elif path != self.server.log:
                path.unlink()

    @property
    def is_primary(self) -> bool:
        """Tell whether it is a primary that accepts writes."""
        state = self.state()
        return state.get("role") == "master" and state.get("promotion_waits_for_replicas", "0") == "0"


@dataclass
class Group:
    """The nodes. `primary`: the one that was made primary last; `steps`: what was done, for who has to find out why."""

    options: tuple[str, ...] = ()
    count: int = 3
    nodes: list[Node] = field(default_factory=list)
    primary: int = 0
    steps: list[str] = field(default_factory=list)
    failing_over: tuple[Node, Node] | None = None  # which and to which, as far as is known

    def __enter__(self) -> Group:
        """Start all nodes; the first one is primary."""
        self._home = tempfile.TemporaryDirectory(prefix="chronis-group-")
        self._began = time.monotonic()
        for number in range(self.count):
            folder = Path(self._home.name) / f"node{number}"
            folder.mkdir()
            server = Server(_COMMAND, folder, ())
            link = LossyLink(server.port)
            server.command += ["--replica-announce-ip", HOST, "--replica-announce-port", str(link.port), *self.options]
            self.nodes.append(Node(number, server, link, None if number == 0 else 0))
        for node in self.nodes:
            self.start(node)
        for node in self.nodes:
            node.server.wait_ready()
        for node in self.nodes[1:]:
            eventually(lambda node=node: node.state().get("master_link_status") == "up", f"node {node.number} follows")
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """End all nodes; tell what was done and what they said if something was wrong."""
        print("\n".join(self.steps))
        if kind is not None:
            for node in self.nodes:
                print(f"── node {node.number}, port {node.server.port}, public {node.link.port}")
                print(node.server.output()[-20_000:])
        for node in self.nodes:
            node.server.kill()
            node.link.close()
        self._home.cleanup()

    def note(self, text: str) -> None:
        """Write a step down."""
        self.steps.append(f"{time.strftime('%H:%M:%S')} {time.monotonic() - self._began:7.3f} {text}")

    # ── what may happen to a node ──────────────────────────────────────────────────────────────────────────────────
    def start(self, node: Node) -> None:
        """Start a node in the role it was told last (by FAILOVER too: an operator knows of that)."""
        node.check_alive()
        if self.failing_over is not None and self.failing_over[0] is node:
            node.told = self.failing_over[1].number
        followed = [] if node.told is None else ["--replicaof", f"{HOST} {self.nodes[node.told].link.port}"]
        node.server.start(*followed, ready=False)

    def freeze(self, node: Node) -> None:
        """Stop a node as it is."""
        with node.lock:
            if node.server.running:
                os.kill(node.server.pid, signal.SIGSTOP)
                node.frozen = True

    def thaw(self, node: Node) -> None:
        """Let a node go on."""
        with node.lock:
            if node.frozen:
                os.kill(node.server.pid, signal.SIGCONT)
            node.frozen = False

    # ── what the operator does ─────────────────────────────────────────────────────────────────────────────────────
    def follow(self, node: Node, followed: int) -> bool:
        """Tell a node whom to follow; True if it has heard."""
        reply = node.ask("REPLICAOF", HOST, self.nodes[followed].link.port)
        if str(reply).startswith("OK"):
            node.told = followed
        self.note(f"node {node.number}: REPLICAOF node {followed}: {reply}")
        return str(reply).startswith("OK")

    def promote(self, node: Node) -> bool:
        """Make a node primary that follows the present one; True if it has heard."""
        if node.told != self.primary:
            return False
        reply = node.ask("REPLICAOF", "NO", "ONE")
        self.note(f"node {node.number}: REPLICAOF NO ONE: {reply}")
        if str(reply) != "OK":
            return False
        node.told, self.primary = None, node.number
        return True

    def repair(self, node: Node) -> None:
        """Tell a node of the present primary if it does not know."""
        if node.number != self.primary and node.told != self.primary:
            self.follow(node, self.primary)

    def fail_over(self, target: Node, *options: object) -> bool:
        """Have primary and target exchange roles, by FAILOVER; True if that has begun (`watch` sees how it ends)."""
        old = self.nodes[self.primary]
        if target.told != old.number or old is target:
            return False
        reply = old.ask("FAILOVER", "TO", HOST, target.link.port, *options)
        self.note(f"node {old.number}: FAILOVER TO node {target.number} {options}: {reply}")
        if str(reply) == "OK":
            self.failing_over = (old, target)
        return str(reply) == "OK"

    def watch(self) -> None:
        """Note who is primary now if a failover has ended. Who was seen to be demoted would be started again as what it is."""
        if self.failing_over is None:
            return
        old, target = self.failing_over
        here, there = old.state(), target.state()
        if here.get("role") == "slave" and old.told is None:
            old.told = target.number
        done = here.get("master_failover_state") == "no-failover"
        if self.primary == old.number and done and (here["role"], there.get("role")) == ("slave", "master"):
            target.told, self.primary = None, target.number
        elif done and here["role"] == "master":
            old.told = None
        if done or self.primary != old.number:
            self.failing_over = None
            self.note(f"the primary is node {self.primary}: {here} | {there}")

    # ── the end ────────────────────────────────────────────────────────────────────────────────────────────────────
    def heal(self) -> None:
        """Mend the links, start what is dead, let go on what is frozen."""
        for node in self.nodes:
            node.link.heal()
            node.link.restore()
            self.thaw(node)
            if not node.server.running:
                self.start(node)
        for node in self.nodes:
            node.server.wait_ready()
            node.ask("CLIENT", "UNPAUSE")
        self.note("healed: " + " | ".join(str(node.state()) for node in self.nodes))

    def settle(self) -> Node:
        """Make one node primary, the others its replicas; return it when it accepts writes."""
        with suppress(AssertionError):
            eventually(self._failed_over, "a failover ends", 4)
        for node in self.nodes:
            if node.state()["master_failover_state"] != "no-failover":
                self.note(f"node {node.number}: FAILOVER ABORT: {node.ask('FAILOVER', 'ABORT')}")
        tried: list[int] = []
        while len(tried) < 2 * self.count:
            primary = self._made_primary(tried)
            tried.append(primary.number)
            for node in self.nodes:
                if node is not primary:
                    assert self.follow(node, primary.number)
            with suppress(AssertionError):
                eventually(lambda primary=primary: primary.is_primary, "it accepts writes", 4)
                return primary
            self.note(f"node {primary.number} does not become primary: {primary.state()}")
        raise AssertionError(f"nobody becomes primary: {[node.state() for node in self.nodes]}")

    def _failed_over(self) -> bool:
        """Tell whether no failover runs."""
        self.watch()
        return all(node.state()["master_failover_state"] == "no-failover" for node in self.nodes)

    def _made_primary(self, tried: list[int]) -> Node:
        """The present primary if that is one, else a node that was not tried yet."""
        present = self.nodes[self.primary]
        if not tried and present.state().get("role") == "master":
            return present
        if not tried and present.state().get("role") == "slave":
            present.told = self.primary  # demoted without our knowledge: to be promoted again
            assert self.promote(present)
            return present
        following = [self.nodes[(self.primary + step) % self.count] for step in range(1, self.count)]
        chosen = next(node for node in following if node.told == self.primary)
        assert self.promote(chosen)
        return chosen

    # ── what must hold then ────────────────────────────────────────────────────────────────────────────────────────
    def check_equal(self, primary: Node) -> str:
        """All others follow the primary, and hold what it holds; return the digest of that. Nobody writes any more."""
        servers = [node.server for node in self.nodes if node is not primary]
        for server in servers:
            eventually(lambda server=server: info(server)["master_link_status"] == "up", "all follow", 20)
        assert [node.state()["role"] for node in self.nodes].count("master") == 1
        eventually(lambda: not _expiring(primary.server), "what expires is gone", 20)
        for server in servers:
            eventually(lambda server=server: offset(server) >= offset(primary.server), "all have all", 20)
            eventually(lambda server=server: digest(server) == digest(primary.server), "all hold the same", 8)
            assert info(server)["master_replid"] == info(primary.server)["master_replid"]
        return digest(primary.server)

    def stop(self) -> None:
        """End all nodes in good order."""
        for node in self.nodes:
            node.server.stop()

    def end_well(self, held: str) -> None:
        """End all nodes in good order: on each disk is what they held, whole, and nothing else."""
        self.stop()
        assert self.complaints() == []
        for node in self.nodes:
            assert check(str(node.server.directory)).problems == []
            assert (node.number, digest_on_disk(node)) == (node.number, held)

    def complaints(self) -> list[str]:
        """What the nodes' logs and directories hold that they should not, once the nodes have ended."""
        found = []
        for node in self.nodes:
            lines = node.server.output().splitlines()
            found += [f"node {node.number}: {line}" for line in lines if any(alarm in line for alarm in _ALARMS)]
            found += [f"node {node.number}: {path}" for path in node.server.directory.rglob("*") if not _belongs(path, node)]
        return found


def digest_on_disk(node: Node) -> str:
    """The digest of what a node that is not running would recover."""
    past = offline_engine()
    recover(past, str(node.server.directory))
    return digest_of(past.keyspace).decode()


def _expiring(server: Server) -> bool:
    """Tell whether there are keys that will expire."""
    return any(",expires=0," not in line for line in info(server, "keyspace").values())


def _belongs(path: Path, node: Node) -> bool:
    """Tell whether a file belongs into a data directory when no server runs there."""
    where = path.relative_to(node.server.directory)
    if len(where.parts) == 1:
        return where.name in _EXPECTED
    return where.suffix == {"log": ".seg", "snapshots": ".rdb", "lost": ".seg"}[where.parts[0]] and "temp" not in where.name
