"""Apply: function libraries. Only their code is state; it is compiled where it is called, never here.

Law: `Keyspace.functions` is replaced, not changed, so whoever compiled its libraries sees by identity that they are others.
"""

from __future__ import annotations

from collections.abc import Callable

from store.apply.table import applies
from store.database import Database
from store.rdb.functions import restore_functions
from store.scripting.metadata import library_head

Functions = dict[bytes, bytes]


@applies("FUNCTION")
def apply_function(db: Database, what: bytes, *args: bytes) -> None:
    """FUNCTION LOAD [REPLACE] code | DELETE name | FLUSH [mode] | RESTORE payload [FLUSH | APPEND | REPLACE]."""
    keyspace = db.keyspace
    keyspace.functions = _CHANGES[what.upper()](keyspace.functions, args)
    keyspace.dirty += 1


def _load(functions: Functions, args: tuple[bytes, ...]) -> Functions:
    """Without REPLACE a library that is there stays: where that differs from the primary, it was put there by a client."""
    code = args[-1]
    name = library_head(code).name
    if len(args) == 1 and name in functions:
        return functions
    return {**functions, name: code}


def _delete(functions: Functions, args: tuple[bytes, ...]) -> Functions:
    return {name: code for name, code in functions.items() if name != args[0]}


def _flush(functions: Functions, args: tuple[bytes, ...]) -> Functions:
    return {}


def _restore(functions: Functions, args: tuple[bytes, ...]) -> Functions:
    restored = {library_head(code).name: code for code in restore_functions(args[0])}
    kept = {} if len(args) > 1 and args[1].upper() == b"FLUSH" else functions
    return {**kept, **restored}


_CHANGES: dict[bytes, Callable[[Functions, tuple[bytes, ...]], Functions]] = {
    b"LOAD": _load,
    b"DELETE": _delete,
    b"FLUSH": _flush,
    b"RESTORE": _restore,
}
