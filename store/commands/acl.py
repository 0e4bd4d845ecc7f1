"""ACL: users and what they may do (acl.c 7.0). The rules are in `store.acl`; here are their questions and answers."""

from __future__ import annotations

import secrets
from itertools import islice

from store.acl.audit import Refusal
from store.acl.catalog import CATEGORIES, every
from store.acl.describe import channel_rules, command_rules, key_rules
from store.acl.rule import has_blanks
from store.acl.selector import Selector
from store.acl.user import User
from store.acl.users import DEFAULT
from store.commands.arguments import parse_int
from store.commands.help import help_reply
from store.commands.table import TABLE, command, container
from store.errors import ReplyError
from store.logfile import warn
from store.replies import OK, SetReply
from store.tx import Tx

GROUP = "server"
_ADMIN, _ANYBODY = "admin noscript loading stale", "noscript loading stale"
_MOST_BITS = 4096
_NO_FILE = (
    "This Redis instance is not configured to use an ACL file. You may want to specify users via the ACL SETUSER command and then "
    "issue a CONFIG REWRITE (assuming you have a Redis configuration file set) in order to store users in the Redis configuration."
)

container("ACL", "Manage users and what they may do.", since="6.0.0", group=GROUP)


def _excess(subcommand: str) -> ReplyError:
    return ReplyError(f"unknown subcommand or wrong number of arguments for '{subcommand}'. Try ACL HELP.")


def _shown(text: bytes) -> str:
    return text.decode("utf-8", "surrogateescape")


# ── users ──────────────────────────────────────────────────────────────────────────────────────────────────────────
@command("ACL|SETUSER", _ADMIN, since="6.0.0", group=GROUP, complexity="O(rules)")
def acl_setuser(tx: Tx, name: bytes, *rules: bytes) -> str:
    """Create a user, or change one, by rules; a mistake in one of them changes nothing."""
    if has_blanks(name):
        raise ReplyError("Usernames can't contain spaces or null characters")
    tx.engine.users.change(name, list(rules))
    return OK


@command("ACL|DELUSER", _ADMIN, since="6.0.0", group=GROUP, complexity="O(connections) for each user")
def acl_deluser(tx: Tx, name: bytes, *names: bytes) -> int:
    """Delete users and close their connections; reply: how many there were."""
    if DEFAULT in (name, *names):
        raise ReplyError("The 'default' user cannot be removed")
    return tx.engine.users.delete((name, *names), tx.session)


@command("ACL|GETUSER", _ADMIN, since="6.0.0", group=GROUP, complexity="O(rules)")
def acl_getuser(tx: Tx, name: bytes) -> dict[object, object] | None:
    """Describe a user: flags, password hashes, permissions and further selectors."""
    user = tx.engine.users.table.get(name)
    if user is None:
        return None
    root, *others = user.selectors
    return {
        b"flags": SetReply(user.flags), b"passwords": list(user.passwords), **_permissions(root),
        b"selectors": [_permissions(other) for other in others],
    }  # fmt: skip


def _permissions(selector: Selector) -> dict[object, object]:
    return {
        b"commands": command_rules(selector),
        b"keys": b"~*" if selector.all_keys else b" ".join(key_rules(selector)),
        b"channels": b"&*" if selector.all_channels else b" ".join(channel_rules(selector)),
    }


@command("ACL|LIST", _ADMIN, since="6.0.0", group=GROUP, complexity="O(users)")
def acl_list(tx: Tx) -> list[bytes]:
    """Show all users as lines of a configuration file."""
    return [b"user %b %b" % (user.name, user.describe()) for user in tx.engine.users.by_name()]


@command("ACL|USERS", _ADMIN, since="6.0.0", group=GROUP, complexity="O(users)")
def acl_users(tx: Tx) -> list[bytes]:
    """List the names of all users."""
    return [user.name for user in tx.engine.users.by_name()]


@command("ACL|WHOAMI", _ANYBODY, since="6.0.0", group=GROUP, complexity="O(1)")
def acl_whoami(tx: Tx) -> bytes | None:
    """Tell which user this connection is logged in as."""
    return tx.session.user.name if tx.session.user is not None else None


@command("ACL|DRYRUN", _ADMIN, since="7.0.0", group=GROUP, complexity="O(rules)")
def acl_dryrun(tx: Tx, name: bytes, command: bytes, *args: bytes) -> object:
    """Tell whether a user may run a command with these arguments, without running it."""
    user = tx.engine.users.table.get(name)
    if user is None:
        raise ReplyError(f"User '{_shown(name)}' not found")
    return _rehearse(tx, user, [command, *args])


def _rehearse(tx: Tx, user: User, argv: list[bytes]) -> object:
    row = tx.engine.lookup(argv)
    if row is None:
        raise ReplyError(f"Command '{_shown(argv[0])}' not found")
    if not row.accepts(len(argv)):
        raise ReplyError(f"wrong number of arguments for '{row.name}' command")
    denied = user.refusal(row, argv)
    if denied is None:
        return OK
    if denied.reason == "command":
        return f"This user has no permissions to run the '{row.name}' command".encode()
    return b"This user has no permissions to access the '%b' %b" % (argv[denied.place], denied.reason.encode())


# ── categories and passwords ───────────────────────────────────────────────────────────────────────────────────────
@command("ACL|CAT", _ANYBODY, since="6.0.0", group=GROUP, complexity="O(commands)")
def acl_cat(tx: Tx, category: bytes | None = None, *excess: bytes) -> list[bytes]:
    """List the categories of commands, or the commands of one."""
    if excess:
        raise _excess("CAT")
    if category is None:
        return [name.encode() for name in CATEGORIES]
    wanted = _shown(category).lower()
    if wanted not in CATEGORIES:
        raise ReplyError(f"Unknown category '{_shown(category[:128])}'")
    return [row.name.encode() for row in every(TABLE) if wanted in row.categories]


@command("ACL|GENPASS", _ANYBODY, since="6.0.0", group=GROUP, complexity="O(1)")
def acl_genpass(tx: Tx, bits: bytes = b"256", *excess: bytes) -> bytes:
    """Make up a password of so many bits that can't be guessed, in hex."""
    if excess:
        raise _excess("GENPASS")
    count = parse_int(bits)
    if not 0 < count <= _MOST_BITS:
        raise ReplyError(
            "ACL GENPASS argument must be the number of bits for the output password, a positive number up to 4096"
        )
    digits = (count + 3) // 4
    return secrets.token_hex((digits + 1) // 2)[:digits].encode()


# ── files ──────────────────────────────────────────────────────────────────────────────────────────────────────────
@command("ACL|LOAD", _ADMIN, since="6.0.0", group=GROUP, complexity="O(users)")
def acl_load(tx: Tx) -> str:
    """Replace all users by those of the ACL file and close the connections of all but `default`."""
    if not tx.engine.settings.aclfile:
        raise ReplyError(_NO_FILE)
    tx.engine.users.load(tx.session)
    return OK


@command("ACL|SAVE", _ADMIN, since="6.0.0", group=GROUP, complexity="O(users)")
def acl_save(tx: Tx) -> str:
    """Write all users to the ACL file."""
    if not tx.engine.settings.aclfile:
        raise ReplyError(_NO_FILE)
    try:
        tx.engine.users.save()
    except OSError as error:
        warn(f"ACL SAVE failed: {error}")
        raise ReplyError(
            "There was an error trying to save the ACLs. Please check the server logs for more information"
        ) from error
    return OK


# ── ACL LOG ────────────────────────────────────────────────────────────────────────────────────────────────────────
@command("ACL|LOG", _ADMIN, since="6.0.0", group=GROUP, complexity="O(entries shown)")
def acl_log(tx: Tx, what: bytes = b"10", *excess: bytes) -> object:
    """Show the newest refusals, or forget them all."""
    if excess:
        raise _excess("LOG")
    audit = tx.engine.users.audit
    if what.lower() == b"reset":
        audit.entries.clear()
        return OK
    return [_entry(entry, tx.now) for entry in islice(audit.entries, max(0, parse_int(what)))]


def _entry(entry: Refusal, now: int) -> dict[object, object]:
    return {
        b"count": entry.count, b"reason": entry.reason.encode(), b"context": entry.context.encode(), b"object": entry.subject,
        b"username": entry.user, b"age-seconds": (now - entry.last_ms) / 1000, b"client-info": entry.client,
    }  # fmt: skip


@command("ACL|HELP", "loading stale", since="6.0.0", group=GROUP, complexity="O(1)")
def acl_help(tx: Tx) -> list[str]:
    """Describe the subcommands."""
    return help_reply(
        "ACL",
        "CAT [<category>]",
        "    The categories of commands, or the commands of one.",
        "DELUSER <username> [<username> ...]",
        "    Delete users and close their connections.",
        "DRYRUN <username> <command> [<arg> ...]",
        "    Tell whether the user may run the command, without running it.",
        "GETUSER <username>",
        "    Describe a user.",
        "GENPASS [<bits>]",
        "    Make up a password of 256 bits, or as many as given.",
        "LIST",
        "    All users as lines of a configuration file.",
        "LOAD",
        "    Replace all users by those of the ACL file.",
        "LOG [<count> | RESET]",
        "    The newest refusals, or forget them.",
        "SAVE",
        "    Write all users to the ACL file.",
        "SETUSER <username> <attribute> [<attribute> ...]",
        "    Create or change a user by rules.",
        "USERS",
        "    The names of all users.",
        "WHOAMI",
        "    The user of this connection.",
    )
