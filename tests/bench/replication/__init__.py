"""Replication, measured: outages, full synchronizations, failovers, reads from replicas, lag; beside redis-server's own."""
