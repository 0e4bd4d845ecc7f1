"""What HELP subcommands answer: a line that says how to call the command, then a line a subcommand and lines about it."""

from __future__ import annotations


def help_reply(name: str, *lines: str) -> list[str]:
    """Make the reply of `name HELP` from its lines; what HELP itself does is added."""
    return [f"{name} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:", *lines, "HELP", "    Print this help."]
