"""`chronis`: the tools for operators, one subcommand each.

A tool is a module with `add_parser(subparsers)`, which registers it and sets the default `run`, and `run(args) -> int`,
which returns the exit status.
"""

from __future__ import annotations

import argparse
import sys

from store import __version__
from store.tools import check_cli, export_cli, log_cli, top_cli, verify_cli

TOOLS = (log_cli, check_cli, export_cli, top_cli, verify_cli)


def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    made = argparse.ArgumentParser(prog="chronis", description="Tools for the data directories of Chronis servers.")
    made.add_argument("--version", action="version", version=f"chronis {__version__}")
    subparsers = made.add_subparsers(required=True, metavar="COMMAND")
    for tool in TOOLS:
        tool.add_parser(subparsers)
    return made


def main(argv: list[str] | None = None) -> int:
    """Run the tool that argv (without the program's name; default: sys.argv) asks for; return its exit status."""
    args = parser().parse_args(argv)
    status: int = args.run(args)
    return status


if __name__ == "__main__":
    sys.exit(main())
