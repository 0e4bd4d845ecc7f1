"""The node: protocol, commands, engine, log, keyspace and snapshots of one Chronis server.

Modules with a `.pxd` beside them may be compiled (setup.py); CHRONIS_PURE=1 in the environment makes Python load all of them
from their sources instead.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib.machinery import SOURCE_SUFFIXES, FileFinder, ModuleSpec, SourceFileLoader
from types import ModuleType

__version__ = "0.1.0"


class SourcesOnly:
    """Finds the modules of this package as source files, never as compiled ones."""

    @classmethod
    def find_spec(
        cls, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return where the source of a module of this package is; None for every other module."""
        if not name.startswith(f"{__name__}.") or not path:
            return None
        return FileFinder(path[0], (SourceFileLoader, SOURCE_SUFFIXES)).find_spec(name)


if os.environ.get("CHRONIS_PURE"):
    sys.meta_path.insert(0, SourcesOnly)
