"""The data types a key can hold: bytes (or bytearray once edited in place) for strings, one class a type for the rest."""
