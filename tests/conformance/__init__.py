"""Redis's own test suite, fetched when needed and run against any server that speaks the protocol."""
