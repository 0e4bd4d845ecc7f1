"""Replication: history from a primary to its replicas, by Redis's own handshake (DESIGN: the offset is the one coordinate).

Reading order: messages, stream, peer, source, feed, primary, link, transfer, follower, replica, roles, failover, commands.
Imports point one way: this package knows `store`, which knows nothing of it but the seams `Topology` and `Feed`.
"""
