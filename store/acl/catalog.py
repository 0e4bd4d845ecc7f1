"""The commands that rules speak of: by name, by family (a container with its subcommands) and by category.

Law: rules always use the commands' own names, so that `rename-command` changes nothing about who may do what.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from store.commands.table import Command

CATEGORIES = (
    "keyspace", "read", "write", "set", "sortedset", "list", "hash", "string", "bitmap", "hyperloglog", "geo", "stream",
    "pubsub", "admin", "fast", "slow", "blocking", "dangerous", "connection", "transaction", "scripting",
)  # fmt: skip
"""In the order in which ACL CAT lists them."""


class Catalog:
    """All commands of a table with their subcommands. Built once: the table does not change while a server runs."""

    def __init__(self, table: Mapping[bytes, Command]) -> None:
        self.names = tuple(command.name for command in every(table))
        """Full names (`config|get`), a container before its subcommands."""
        self._rows = {command.name: command for command in every(table)}
        self.all = frozenset(self.names)
        self.members = {category: frozenset(self._in(category)) for category in CATEGORIES}
        """The names that are in each category."""
        self.reach = {category: frozenset(self._reached(category)) for category in CATEGORIES}
        """What a rule about each category changes: its members, and the subcommands of those that are containers."""

    def _in(self, category: str) -> Iterator[str]:
        return (name for name, row in self._rows.items() if category in row.categories)

    def _reached(self, category: str) -> Iterator[str]:
        return (name for member in self.members[category] for name in self.family(member))

    def family(self, name: str) -> tuple[str, ...]:
        """The name and, for a container, those of its subcommands."""
        return (name, *(sub.name for sub in self._rows[name].subcommands.values()))

    def find(self, name: bytes) -> Command | None:
        """The command of a name in any case, `container|sub` for a subcommand, or None."""
        return self._rows.get(name.decode("utf-8", "surrogateescape").lower())


def every(table: Mapping[bytes, Command]) -> Iterator[Command]:
    """All commands of a table, each container followed by its subcommands."""
    for command in table.values():
        yield command
        yield from command.subcommands.values()
