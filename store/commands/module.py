"""MODULE: there are none and none can be loaded; the answers are those of a Redis without modules."""

from __future__ import annotations

from store.commands.help import help_reply
from store.commands.table import command, container
from store.errors import ReplyError
from store.tx import Tx

GROUP = "server"
_ADMIN = "admin noscript no_async_loading protected"

container("MODULE", "Ask about modules, of which there are none.", since="4.0.0", group=GROUP)


@command("MODULE|LIST", "admin noscript", since="4.0.0", group=GROUP, tips="nondeterministic_output_order")
def module_list(_tx: Tx) -> list[object]:
    """List the modules: none."""
    return []


def _refuse() -> ReplyError:
    # The first sentence is Redis's for a module that can't be loaded; clients look for it.
    return ReplyError("Error loading the extension. Please check the server logs. Chronis does not load modules.")


@command("MODULE|LOAD", _ADMIN, since="4.0.0", group=GROUP, complexity="O(1)")
def module_load(_tx: Tx, _path: bytes, *_arguments: bytes) -> object:
    """Refuse to load a module."""
    raise _refuse()


@command("MODULE|LOADEX", _ADMIN, since="7.0.0", group=GROUP, complexity="O(1)")
def module_loadex(_tx: Tx, _path: bytes, *_arguments: bytes) -> object:
    """Refuse to load a module."""
    raise _refuse()


@command("MODULE|UNLOAD", _ADMIN, since="4.0.0", group=GROUP, complexity="O(1)")
def module_unload(_tx: Tx, _name: bytes) -> object:
    """Refuse to unload a module that is not there."""
    raise ReplyError("Error unloading module: no such module with that name")


@command("MODULE|HELP", "loading stale", since="5.0.0", group=GROUP)
def module_help(_tx: Tx) -> list[str]:
    """List the subcommands of MODULE."""
    return help_reply(
        "MODULE",
        "LIST",
        "    List the modules: there are none.",
        "LOAD <path> [<arg> ...]",
        "    Refused.",
        "LOADEX <path> [[CONFIG NAME VALUE] [CONFIG NAME VALUE]] [ARGS ...]",
        "    Refused.",
        "UNLOAD <name>",
        "    Refused.",
    )
