"""Replication: history from a primary to its replicas, by Redis's own handshake (DESIGN: the offset is the one coordinate).

Reading order, along the data path:

    the words on the wire, the work  messages, stream; tasks
    what a primary gives             peer, resync, source, snapshots, pace, courier, courier_process, feed, backlog,
                                     primary
    what a replica makes of it       link, attempts, connection, off_loop, transfer, received_file, arrival, installation, rollback,
                                     lost, follower, ahead, acknowledgements, replica
    who is which                     roles, circle, gathering, failover
    what is promised to clients      assurance, positions, staleness, digests
    what they ask it with            commands, chronis_commands

Imports point one way: this package knows `store`, which knows nothing of it but the seams `Topology`, `Feed` and
`Assurance` (and functions that it is given, as `Saving.needed`).
"""

import store.commands  # noqa: F401 - the command table is filled first, as the commands of this package go into it too
