"""The plain form of a module that is compiled: both are tested side by side."""

from __future__ import annotations

from importlib.machinery import SOURCE_SUFFIXES, FileFinder, SourceFileLoader
from importlib.util import module_from_spec
from pathlib import Path
from types import ModuleType

import store


def plain_twin(name: str) -> ModuleType:
    """Load a module of `store` from its source, beside the compiled one."""
    *packages, last = name.split(".")[1:]
    folder = Path(str(store.__file__)).parent.joinpath(*packages)
    spec = FileFinder(str(folder), (SourceFileLoader, SOURCE_SUFFIXES)).find_spec(last)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
