"""Fetch Redis's test suite from Debian's source archive and lay out a tree to run one unit in.

Law: nothing of the suite is committed, nothing of the machine's apt configuration is changed, and two units
never share a directory, so they can run beside each other.
"""

import os
import shutil
import stat
import subprocess
from pathlib import Path

CACHE = Path(".cache/conformance")
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
MIRROR = os.environ.get("DEBIAN_MIRROR", "http://deb.debian.org")
# bookworm has redis 7.0.15, the version whose behaviour we match, whatever release this machine runs.
SOURCES = f"""\
deb-src [signed-by={KEYRING}] {MIRROR}/debian bookworm main
deb-src [signed-by={KEYRING}] {MIRROR}/debian-security bookworm-security main
"""
# Programs beside the server that units call by their path in a Redis build tree.
PROGRAMS = ("redis-cli", "redis-benchmark", "redis-check-aof", "redis-check-rdb", "redis-sentinel")


class SuiteMissing(Exception):
    """The suite could not be fetched; the message says why."""


def run(command: list[str], directory: Path) -> None:
    """Run command in directory; raise SuiteMissing with the end of its output if it fails."""
    try:
        done = subprocess.run(command, cwd=directory, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    except FileNotFoundError as error:
        raise SuiteMissing(f"{command[0]} is not installed") from error
    if done.returncode != 0:
        raise SuiteMissing(f"{' '.join(command)}: exit code {done.returncode}\n{done.stdout[-2000:]}")


def fetch(cache: Path = CACHE) -> Path:
    """Return the unpacked source package of Redis, downloading it into cache if it is not there."""
    cache = cache.absolute()
    target = cache / "redis"
    if (target / "runtest").exists():
        return target
    if not KEYRING.exists():
        raise SuiteMissing(f"{KEYRING} is missing: not Debian? Unpack redis 7.0.15 and give it as --suite")
    print("fetching Redis's test suite (Debian source package redis)", flush=True)
    private = apt_directory(cache / "apt")
    options = [f"-o{name}={value}" for name, value in private.items()]
    run(["apt-get", *options, "update", "-q"], cache)
    run(["apt-get", *options, "source", "-q", "--download-only", "redis"], cache)
    packages = sorted(cache.glob("redis_*.dsc"))
    shutil.rmtree(target, ignore_errors=True)
    run(["dpkg-source", "--no-check", "-x", packages[-1].name, str(target)], cache)
    return target


def apt_directory(root: Path) -> dict[str, str]:
    """Make a private apt state below root that knows Debian's sources only; return the options to use it."""
    for directory in ("lists/partial", "archives/partial", "parts"):
        (root / directory).mkdir(parents=True, exist_ok=True)
    (root / "sources.list").write_text(SOURCES)
    return {
        "Dir::Etc::SourceList": str(root / "sources.list"),
        "Dir::Etc::SourceParts": str(root / "parts"),
        "Dir::State::Lists": str(root / "lists"),
        "Dir::Cache": str(root),
        "APT::Sandbox::User": "root",
    }


def units(suite: Path) -> list[str]:
    """Return the names of all units, in the suite's order."""
    done = subprocess.run(["./runtest", "--list-tests"], cwd=suite, capture_output=True, text=True, check=True)
    return done.stdout.split()


def tree(suite: Path, where: Path, server: list[str]) -> Path:
    """Lay out a directory to run a unit in: the suite by links, its own tests/tmp, server as src/redis-server."""
    shutil.rmtree(where, ignore_errors=True)
    (where / "src").mkdir(parents=True)
    (where / "tests/tmp").mkdir(parents=True)
    for name in ("runtest", "redis.conf", "sentinel.conf", "utils"):
        (where / name).symlink_to(suite / name)
    for entry in (suite / "tests").iterdir():
        if entry.name != "tmp":
            (where / "tests" / entry.name).symlink_to(entry)
    for name in PROGRAMS:
        if found := shutil.which(name):
            (where / "src" / name).symlink_to(found)
    launcher = where / "src/redis-server"
    words = " ".join("'" + word.replace("'", "'\\''") + "'" for word in server)
    # exec: the suite remembers the pid of what it starts, and looks for it in the log.
    launcher.write_text(f'#!/bin/sh\nexec {words} "$@"\n')
    launcher.chmod(launcher.stat().st_mode | stat.S_IXUSR)
    return where
