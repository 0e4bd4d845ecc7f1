"""Replication: history from a primary to its replicas, by Redis's own handshake (DESIGN: the offset is the one coordinate).

Reading order: messages, stream, peer, source, feed, snapshots, primary, link, transfer, arrival, follower, connection, replica, lost,
roles, failover, assurance, positions, digests, commands, chronis_commands. Imports point one way: this package knows
`store`, which knows nothing of it but the seams `Topology`, `Feed` and `Assurance`.
"""

import store.commands  # noqa: F401 - the command table is filled first, as the commands of this package go into it too
