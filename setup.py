"""Build the optional compiled modules.

Two kinds: every `.pyx` below store/, which has a pure-Python twin of its name beside it, and every module with a `.pxd` beside it,
which is the same source compiled with the types that the .pxd declares. (A .pxd that stands alone has what several of them compile
in.) A missing compiler never stops an installation;
as compiled modules know each other's layout, it is all of them or none. `CHRONIS_PURE=1` skips building altogether.
Everything else about the package is declared in pyproject.toml.
"""

import os
import sys
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.errors import BaseError, CCompilerError

DIRECTIVES = {
    "language_level": 3,
    "annotation_typing": False,  # annotations are for readers and mypy; C types stand in the .pxd files
    "binding": True,  # signatures stay readable: a command's arity follows from its own
}

ANNOTATED = "annotation_typing=True"
"""What a .pxd says if the annotations of its module are C types as well."""


def sources() -> list[Path]:
    """Return what is to be compiled."""
    cores = list(Path("store").glob("**/*.pyx"))
    typed = {path.with_suffix(".py") for path in Path("store").glob("**/*.pxd") if path.with_suffix(".py").exists()}
    return sorted([*cores, *(typed - {core.with_suffix(".py") for core in cores})])


def is_annotated(source: Path) -> bool:
    """Tell whether a module's annotations are C types."""
    declarations = source.with_suffix(".pxd")
    return declarations.exists() and ANNOTATED in declarations.read_text()


def extensions() -> list[Extension]:
    """Return one optional extension per compiled module, or none when CHRONIS_PURE is set."""
    if os.environ.get("CHRONIS_PURE"):
        return []
    from Cython.Build import cythonize  # only here: a pure build needs no Cython

    built: list[Extension] = []
    for annotated in (False, True):
        chosen = [source for source in sources() if is_annotated(source) == annotated]
        modules = [Extension(".".join(source.with_suffix("").parts), [str(source)]) for source in chosen]
        directives = {**DIRECTIVES, "annotation_typing": annotated}
        built += cythonize(modules, compiler_directives=directives, nthreads=os.cpu_count() or 1)
    return built


class AllOrNone(build_ext):
    """Build every compiled module; where one can't be built, leave none behind and let the sources run."""

    def run(self) -> None:
        """Build; raises nothing that has to do with compiling."""
        try:
            super().run()
        except (BaseError, CCompilerError, OSError) as error:
            print(f"the compiled modules can't be built, Chronis will run from its sources: {error}", file=sys.stderr)
            for module in self.extensions:
                name = self.get_ext_filename(self.get_ext_fullname(module.name))
                for built in (Path(self.build_lib, name), Path(name)):
                    built.unlink(missing_ok=True)
            self.extensions = []


setup(
    ext_modules=extensions(),
    cmdclass={"build_ext": AllOrNone},
    options={"build_ext": {"parallel": os.cpu_count() or 1}},
)
