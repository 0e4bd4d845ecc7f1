"""The node: protocol, commands, engine, log, keyspace and snapshots of one Chronis server."""

__version__ = "0.1.0"
