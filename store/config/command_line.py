"""The command line of chronis-server: the rules of redis-server 7.0.

Law: a command line is turned into lines of configuration that come after the file's and standard input's, so that
there is one syntax and the last word wins:

    chronis-server [/path/redis.conf] [-] [--option value … | "--option value …"] … [-]

An option's arguments run to the next argument that starts with `--`; the first one belongs to the option whatever
it starts with. `--save` is the exception: without a value, or before another option, it means no save points.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import NamedTuple

from store import __version__
from store.config.quoting import quote, split_args
from store.config.redis_conf import ConfigFileError, load
from store.config.settings import Settings

VERSION = f"Chronis server v={__version__} (speaks the protocol of Redis 7.0.15)"
USAGE = """\
Usage: chronis-server [/path/to/redis.conf] [options] [-]
       chronis-server - (read the configuration from standard input)
       chronis-server -v or --version
       chronis-server -h or --help

Every option of redis.conf can be given as --name value.

Examples:
       chronis-server (start with the defaults, data in this directory)
       echo 'maxmemory 128mb' | chronis-server -
       chronis-server /etc/chronis/6379.conf
       chronis-server --port 7777 --replicaof 127.0.0.1 8888
       chronis-server /etc/chronis/6379.conf --loglevel verbose -"""


class Plan(NamedTuple):
    """What a command line asks for: a file (or empty), whether to read standard input, and lines of options."""

    file: str
    stdin: bool
    options: bytes


def parse(argv: Sequence[str]) -> Settings:
    """Return the settings that argv, the arguments after the program's name, asks for.

    Ends the process for --version and --help (status 0), and with a message and status 1 when the configuration
    can't be used.
    """
    first = argv[0] if argv else ""
    if first in ("-v", "--version", "-h", "--help"):
        print(VERSION if "v" in first else USAGE)
        raise SystemExit(0)
    if first in ("--check-system", "--test-memory", "--sentinel"):
        argv = _refuse_mode(argv)
    try:
        return load_plan(plan(argv))
    except ConfigFileError as error:
        print(error.report(), file=sys.stderr)
        raise SystemExit(1) from None


def load_plan(asked: Plan) -> Settings:
    """Return the settings a plan leads to; raise ConfigFileError when it can't be followed."""
    settings = Settings()
    settings.config_file = asked.file
    stdin = sys.stdin.buffer.read() if asked.stdin else None
    load(settings, asked.file, stdin, asked.options)
    return settings


def plan(argv: Sequence[str]) -> Plan:
    """Return what argv asks for (source: server.c 7.0, main)."""
    file = ""
    if argv and not argv[0].startswith("-"):
        file = os.path.abspath(argv[0])
    args = argv[1:] if file else argv
    stdin = False
    lines: list[list[bytes]] = []
    complete = True  # the last option has an argument, so `--` starts a new one
    for index, arg in enumerate(args):
        text = os.fsencode(arg)
        last = index == len(args) - 1
        if arg == "-" and (last or (index == 0 and not file)):
            stdin = True
        elif complete and arg.startswith("--"):
            lines.append([text[2:]])
            complete = _has_value(text)
            if not complete and arg.lower() == "--save" and (last or args[index + 1].startswith("--")):
                lines[-1].append(b'""')
                complete = True
        else:
            # Arguments before any option form a line of their own: `chronis-server x.conf loglevel verbose`.
            lines = lines or [[]]
            lines[-1].append(quote(text))
            complete = True
    return Plan(file, stdin, b"\n".join(b" ".join(line) for line in lines))


def _has_value(text: bytes) -> bool:
    try:
        return len(split_args(text)) != 1
    except ValueError:
        return True


def _refuse_mode(argv: Sequence[str]) -> Sequence[str]:
    """Return argv without `--check-system no`; end the process for the modes of redis-server that are not there."""
    if argv[0] == "--check-system" and argv[1:2] == ["no"]:
        return argv[2:]
    print(f"chronis-server has no mode {argv[0]}", file=sys.stderr)
    raise SystemExit(1)
