"""The data directory around the log: recovery and replay, snapshots, import from Redis, export to it."""
