"""Prometheus metrics of a node; it imports `store`, never the other way round."""
