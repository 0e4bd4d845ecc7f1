"""INFO: what a node tells about itself, section by section; the metrics read the same functions.

Law: a section is a function of the engine that returns its fields in order, with values as they are: int, float (printed
with two decimals) or text. Names, order and meaning are those of Redis 7.0 (server.c: genRedisInfoString), so that
whatever reads a Redis reads a Chronis; what Redis does not have is in the section Chronis.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from store.info import activity, disk, memory, process, replication

if TYPE_CHECKING:
    from store.engine import Engine

Fields = dict[str, object]
Section = Callable[["Engine"], Fields]

SECTIONS: dict[str, Section] = {
    "server": process.server,
    "clients": process.clients,
    "memory": memory.memory,
    "persistence": disk.persistence,
    "stats": activity.stats,
    "replication": replication.replication,
    "cpu": process.cpu,
    "modules": process.modules,
    "commandstats": activity.commandstats,
    "errorstats": activity.errorstats,
    "latencystats": activity.latencystats,
    "cluster": process.cluster,
    "keyspace": activity.keyspace,
    "chronis": disk.chronis,
}
"""In the order in which INFO prints them."""
ON_DEMAND = {"commandstats", "latencystats"}
"""Sections that are not shown unless asked for, or with `all`."""
_DEFAULT = frozenset(SECTIONS) - ON_DEMAND
_TITLES = {"cpu": "CPU"}
_UNSAFE = str.maketrans("#:\n\r", "____")


def chosen(words: Iterable[bytes]) -> frozenset[str]:
    """The sections that INFO shows for its arguments, in any case; unknown ones are left out."""
    names = {word.decode("utf-8", "replace").lower() for word in words}
    if not names:
        return _DEFAULT
    if names & {"all", "everything"}:
        return frozenset(SECTIONS)
    if "default" in names:
        names |= _DEFAULT
    if "module_list" in names:
        names.add("modules")
    return frozenset(SECTIONS) & names


def render(engine: Engine, names: frozenset[str]) -> bytes:
    """The text of the named sections, lines ending in CRLF, an empty one between sections."""
    texts = []
    for name, section in SECTIONS.items():
        if name in names:
            lines = [f"{field.translate(_UNSAFE)}:{_text(value)}\r\n" for field, value in section(engine).items()]
            texts.append(f"# {_TITLES.get(name, name.capitalize())}\r\n" + "".join(lines))
    return "\r\n".join(texts).encode("utf-8", "surrogateescape")


def _text(value: object) -> str:
    return f"{value:.2f}" if isinstance(value, float) else str(value)
