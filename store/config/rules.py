"""Rules that single options add to their kind; each raises ValueError with Redis 7.0's words where it has some."""

from __future__ import annotations

import re
from typing import Any

HOST_NAME_LENGTH = 256
_TITLE_VARIABLES = ("title", "listen-addr", "server-mode", "port", "tls-port", "unixsocket", "config-file")
_TITLE_PART = re.compile(r"\{\{|\{([^{}][^}]*)?\}|[^{]+")


def file_name(option: str, what: str = "filename", may_be_empty: bool = False) -> Any:
    """Return the rule that option names something inside the data directory, without a path."""

    def check(value: str) -> None:
        if not value and not may_be_empty:
            raise ValueError(f"{option} can't be empty")
        if "/" in value or "\\" in value:
            raise ValueError(f"{option} can't be a path, just a {what}")

    return check


def host_name(value: str) -> None:
    """Refuse what can't be a host name."""
    if len(value) >= HOST_NAME_LENGTH:
        raise ValueError(f"Hostnames must be less than {HOST_NAME_LENGTH} characters")
    if not re.fullmatch(r"[A-Za-z0-9.-]*", value):
        raise ValueError("Hostnames may only contain alphanumeric characters, hyphens or dots")


def shutdown_flags(value: tuple[str, ...]) -> None:
    """Refuse to both save and not save on a signal."""
    if "save" in value and "nosave" in value:
        raise ValueError("shutdown options SAVE and NOSAVE can't be used simultaneously")


def title_template(value: str) -> None:
    """Refuse a process title with an unclosed or unknown variable, or that is always empty."""
    position, shown = 0, False
    while position < len(value):
        part = _TITLE_PART.match(value, position)
        if part is None or (part[0][:2] != "{{" and part[0][0] == "{" and part[1] not in _TITLE_VARIABLES):
            raise ValueError("template format is invalid or contains unknown variables")
        # Variables whose value may be empty (title while checking, server-mode) can't make a title alone.
        shown = shown or (part[1] not in ("title", "server-mode", "unixsocket") and bool(part[0].strip(" ")))
        position = part.end()
    if not shown:
        raise ValueError("template format is invalid or contains unknown variables")


def no_defragmentation(value: bool) -> None:
    """Refuse active defragmentation, as a Redis without its own allocator does."""
    if value:
        raise ValueError(
            "Active defragmentation cannot be enabled: it requires a Redis server compiled with a modified Jemalloc "
            "like the one shipped by default with the Redis source distribution"
        )


def no_tls(value: int | bool) -> None:
    """Refuse to switch TLS on: silently serving in the clear would be worse than not starting."""
    if value:
        raise ValueError("TLS is not built into this version of Chronis; use a TLS proxy, or leave this option off")


def no_cluster(value: bool) -> None:
    """Refuse cluster mode, which clients would otherwise expect to work."""
    if value:
        raise ValueError("Chronis has no cluster mode; use replication with Sentinel, or leave this option off")
