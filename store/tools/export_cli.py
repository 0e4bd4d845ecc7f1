"""`chronis export`: write what a redis-server 7.0 starts from, as the data is or as it was at a point of history."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from store.errors import ConfigError, CorruptFile
from store.log.reader import OffsetNotInLog
from store.persistence.export import export_aof, export_rdb
from store.tools.points import parse_point
from store.tools.progress import watched

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]


def add_parser(subparsers: Subparsers) -> None:
    """Register the subcommand."""
    text = "write a data directory as a redis-server 7.0 data directory"
    parser = subparsers.add_parser(
        "export", help=text, description=f"{text.capitalize()}; nothing in DATADIR is changed."
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--rdb", action="store_true", help="write dump.rdb: the state alone (the default)")
    form.add_argument("--aof", action="store_true", help="write appendonlydir: a snapshot and the events after it")
    parser.add_argument(
        "--at", type=parse_point, metavar="POINT", help="offset, ISO time or @UNIX-SECONDS; the end if not given"
    )
    parser.add_argument("--databases", type=int, default=16, metavar="N", help="databases of the server (default 16)")
    parser.add_argument("datadir", type=Path, metavar="DATADIR", help="data directory of Chronis")
    parser.add_argument("targetdir", type=Path, metavar="TARGETDIR", help="where to write; made if it is missing")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Export and say what was written; the exit status."""
    export = export_aof if args.aof else export_rdb
    try:
        done = export(args.datadir, args.targetdir, args.at, args.databases, partial(watched, f"reading {args.datadir}"))
    except (ConfigError, CorruptFile, OffsetNotInLog, OSError) as error:
        print(f"chronis export: {error}", file=sys.stderr)
        return 1
    for remark in done.remarks:
        print(f"note: {remark}", file=sys.stderr)
    what = f"{done.keys} keys, {done.size} bytes"
    print(f"{done.path}: {what}, {done.events} events" if args.aof else f"{done.path}: {what}")
    print(f"start it with: redis-server --dir {args.targetdir}{' --appendonly yes' if args.aof else ''}")
    return 0
