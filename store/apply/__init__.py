"""Apply functions, one module a family; importing the package fills the table."""

from store.apply import generic, hashes, lists, pubsub, sets, sorted_sets, strings
from store.apply.table import APPLY, apply, applies

__all__ = ["APPLY", "applies", "apply", "generic", "hashes", "lists", "pubsub", "sets", "sorted_sets", "strings"]
