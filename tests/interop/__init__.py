"""Tests with the real redis-server, redis-sentinel and client libraries."""
