"""Replication between nodes, built on the log of `store`; it imports `store`, never the other way round."""
