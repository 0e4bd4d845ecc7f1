"""Modules with a .pxd beside them: what is declared there for the compiler is what the source defines."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DECLARED = sorted(path for path in ROOT.glob("store/**/*.pxd") if path.with_suffix(".py").exists())
METHOD = re.compile(r"^\s*c(?:p)?def\s+(?:inline\s+)?(?:[\w.]+\s+)*?(\w+)\(([^)]*)\)", re.MULTILINE)


def declared(path: Path) -> dict[tuple[str, str], list[tuple[str, bool]]]:
    """(class or "", function) to its parameters' names and whether each may be left out, of a .pxd."""
    found: dict[tuple[str, str], list[tuple[str, bool]]] = {}
    owner = ""
    for line in path.read_text().splitlines():
        if head := re.match(r"cdef class (\w+)", line):
            owner = head[1]
            continue
        if line and not line[0].isspace() and not line.startswith(("#", "@")):
            owner = ""
        if line.lstrip().startswith("cdef") and path.with_suffix(".pyx").exists():
            continue  # the compiled core's own steps: its twin need not have them
        if method := METHOD.match(line):
            parts = [part.strip() for part in method[2].split(",") if part.strip()]
            names = [(re.split(r"[\s*]+", part.partition("=")[0].strip())[-1], "=" in part) for part in parts]
            found[owner, method[1]] = names
    return found


def defined(path: Path) -> dict[tuple[str, str], list[tuple[str, bool]]]:
    """The same of a source."""
    tree = ast.parse(path.read_text())
    found = {("", node.name): parameters(node) for node in tree.body if isinstance(node, ast.FunctionDef)}
    for owner in (node for node in tree.body if isinstance(node, ast.ClassDef)):
        found |= {(owner.name, node.name): parameters(node) for node in owner.body if isinstance(node, ast.FunctionDef)}
    return found


def parameters(node: ast.FunctionDef) -> list[tuple[str, bool]]:
    """Names of a function's parameters and whether they have a default."""
    names = [argument.arg for argument in (*node.args.posonlyargs, *node.args.args)]
    first_default = len(names) - len(node.args.defaults)
    return [(name, place >= first_default) for place, name in enumerate(names)]


@pytest.mark.parametrize(
    "name",
    [
        "store.acl", "store.commands", "store.database", "store.engine", "store.entry", "store.keyspace",
        "store.scripting.scripts", "store.table", "store.turn", "store.tx",
    ],
)
def test_a_module_can_be_the_first_that_is_imported(name: str) -> None:
    """Compiled modules import those whose types they use before anything else of theirs runs."""
    done = subprocess.run([sys.executable, "-c", f"import {name}"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", DECLARED, ids=lambda path: str(path.relative_to(ROOT)))
def test_declarations_are_those_of_the_source(path: Path) -> None:
    source = defined(path.with_suffix(".py"))
    classes = {owner for owner, _ in source} - {""}
    is_core = path.with_suffix(".pyx").exists()
    for place, wanted in declared(path).items():
        # The rest is of C, of a class that is compiled only, or a core's own: its twin has it from a base, or not at all.
        if place in source or (place[0] in classes and not is_core):
            assert place in source, f"{'.'.join(place)} of {path.name} has no source"
            assert source[place] == wanted, f"{'.'.join(filter(None, place))} of {path.name}"
