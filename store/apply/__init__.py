"""Apply functions, one module a family; importing the package fills the table."""

from store.apply import (
    bitmaps,
    functions,
    generic,
    hashes,
    hyperloglogs,
    lists,
    pubsub,
    sets,
    sorted_sets,
    streams,
    strings,
)
from store.apply.table import APPLY, applies, apply

__all__ = [
    "APPLY",
    "applies",
    "apply",
    "bitmaps",
    "functions",
    "generic",
    "hashes",
    "hyperloglogs",
    "lists",
    "pubsub",
    "sets",
    "sorted_sets",
    "streams",
    "strings",
]
