"""INFO: the node described in lines of `field:value` (see `store.info`)."""

from __future__ import annotations

from store import info
from store.commands.table import command
from store.replies import Verbatim
from store.tx import Tx


@command(
    "INFO", "loading stale", since="1.0.0", group="server", acl="dangerous", complexity="O(1)",
    tips="nondeterministic_output request_policy:all_shards response_policy:special",
)  # fmt: skip
def info_(tx: Tx, *sections: bytes) -> Verbatim:
    """Describe the node: the sections asked for, or those of general interest."""
    return Verbatim(info.render(tx.engine, info.chosen(sections)))
