"""On whose behalf a command runs: a client's session, or nobody's when the node acts by itself."""

from __future__ import annotations


class Caller:
    """What `record` notes down. `wrote`: what runs now recorded something; `write_offset`: the offset after the last that did,
    `write_reign`: the reign of the node (see Engine) in which that was.
    """

    __slots__ = ("write_offset", "write_reign", "wrote")

    def __init__(self) -> None:
        self.wrote = False
        self.write_offset = 0
        self.write_reign = 0
