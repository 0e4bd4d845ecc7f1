"""Build the optional compiled modules: every `_*.pyx` below store/, beside its pure-Python twin.

Law: a missing compiler never stops an installation. `CHRONIS_PURE=1` skips building altogether.
Everything else about the package is declared in pyproject.toml.
"""

import os
from pathlib import Path

from setuptools import Extension, setup


def extensions() -> list[Extension]:
    """Return one optional extension per compiled module, or none when CHRONIS_PURE is set."""
    if os.environ.get("CHRONIS_PURE"):
        return []
    sources = sorted(Path("store").glob("**/_*.pyx"))
    if not sources:
        return []
    from Cython.Build import cythonize  # only here: a pure build needs no Cython

    modules = [Extension(".".join(source.with_suffix("").parts), [str(source)]) for source in sources]
    built: list[Extension] = cythonize(modules, language_level=3)
    for module in built:
        module.optional = True  # set here, as cythonize makes new objects without it
    return built


setup(ext_modules=extensions())
