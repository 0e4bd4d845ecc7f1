"""A snapshot that has arrived becomes this node's state: another history, another log, another keyspace.

Law: the file is complete, checked and durable before; then all changes in one turn. What goes for good is kept or named.
A disk that is full or fails while the old state can still be kept leaves the node with that; later, it ends the process.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from replication.lost import keep_lost_tail
from store.errors import CorruptFile
from store.log.reader import OffsetNotInLog
from store.logfile import notice, warn

if TYPE_CHECKING:
    from replication.arrival import Arrival
    from replication.messages import FullResync
    from replication.primary import Primary
    from store.node import Node


async def settle(primary: Primary, arrival: Arrival) -> None:
    """Make a snapshot that has come as a whole this node's state.

    Raises OSError or LogFailed, or is called off, with everything as it was; Unfinished ends the process.
    """
    await arrival.file.durable()
    await keep_what_is_ahead(primary, arrival.answer)
    install(primary.node, primary, arrival)


async def keep_what_is_ahead(primary: Primary, answer: FullResync) -> None:
    """Keep our history beyond the snapshot's offset if it is the primary's own, whose log went backwards. Raises OSError."""
    engine = primary.engine
    if primary.history.current == answer.history_id and engine.log.offset > answer.offset:
        try:
            await keep_lost_tail(primary, answer.history_id, answer.offset)
        except (CorruptFile, OffsetNotInLog) as error:
            warn(f"What is beyond offset {answer.offset} can't be kept: {error}")


def install(node: Node, primary: Primary, arrival: Arrival) -> None:
    """Replace the state by the one that has arrived. Raises OSError or LogFailed with everything as it was, or Unfinished."""
    engine, answer, report = node.engine, arrival.answer, arrival.loader.report
    engine.turn.end()
    node.persistence.replace_state(
        arrival.path, answer.history_id, answer.offset, report.stream_db or 0, report.extras
    )
    primary.disconnect_all("a full resynchronization with our own primary")
    engine.keyspace.adopt(arrival.keyspace)
    engine.local_keys.forget()
    arrival.done()
    primary.restart(answer.offset, 0 if answer.framed else arrival.begun_ms)
    notice(f"MASTER <-> REPLICA sync: Finished with success, {report.keys} keys at offset {answer.offset}")
