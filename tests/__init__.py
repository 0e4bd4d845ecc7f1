"""Tests of Chronis, mirroring its sources, and the tools that compare it with redis-server."""
