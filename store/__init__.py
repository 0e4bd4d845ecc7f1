"""Chronis: an event-sourced, replicated in-memory store that speaks the Redis protocol."""
