"""All users of a node, and the sessions that are logged in as one of them.

Law: a change of a user is in force for their connections at once. Who loses a channel they listen to, and who is deleted, is
disconnected; `default` can't be deleted, and its object stays the same for the life of the node.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from store.acl.audit import AuditLog, Refusal
from store.acl.catalog import Catalog
from store.acl.files import AclFileError, read_file, read_lines, write_file
from store.acl.rule import RuleError, merged, unmatched
from store.acl.user import User
from store.client.client_line import client_line
from store.commands.table import TABLE
from store.errors import ConfigError, ReplyError

if TYPE_CHECKING:
    from store.client.session import Session
    from store.commands.table import Command
    from store.engine import Engine

DEFAULT = b"default"
_FREE_RULES = (b"+@all", b"~*", b"&*", b"on", b"nopass")
_NOT_ALLOWED = {
    "command": "run the '{}' command",
    "key": "access one of the keys used as arguments",
    "channel": "access one of the channels used as arguments",
}
_NO_LONGER = (
    "ACLs rules changed between the moment the transaction was accumulated and the EXEC call. "
    "This command is no longer allowed for the following reason: "
)
_SINCE_QUEUED = {
    "command": "can't run this command or subcommand",
    "key": "can't access at least one of the keys mentioned in the command arguments",
    "channel": "can't publish to the channel mentioned in the command",
}
_WRONG_PASSWORD = "invalid username-password pair or user is disabled."


class Users:
    """The users by name. `default`: who a connection is before it logs in, and whose password `requirepass` sets."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.catalog = Catalog(TABLE)
        self.audit = AuditLog()
        self.default = self._free_default()
        self.table: dict[bytes, User] = {DEFAULT: self.default}

    def new_user(self, name: bytes) -> User:
        """A user who may do nothing, not yet known to anybody."""
        settings = self.engine.settings
        return User(name, self.catalog, lambda: settings.acl_pubsub_default == "allchannels")

    def _free_default(self) -> User:
        user = self.new_user(DEFAULT)
        for rule in _FREE_RULES:
            user.apply(rule)
        return user

    def by_name(self) -> list[User]:
        """All users in the order of their names."""
        return [self.table[name] for name in sorted(self.table)]

    # ── logging in ─────────────────────────────────────────────────────────────────────────────────────────────────
    @property
    def auth_required(self) -> bool:
        """Tell whether a new connection has to log in first."""
        return not (self.default.nopass and self.default.enabled)

    def log_in(self, session: Session, name: bytes, password: bytes, command: bytes = b"AUTH") -> None:
        """Make the session that of a user; raise WRONGPASS, and note it for ACL LOG, if name or password is wrong."""
        user = self.table.get(name)
        if user is None or not user.accepts(password):
            context = "toplevel" if session.transaction is None else "multi"
            self.note(session, "auth", context, command, name)
            raise ReplyError(_WRONG_PASSWORD, "WRONGPASS")
        session.become(user)

    # ── permissions ────────────────────────────────────────────────────────────────────────────────────────────────
    def check(self, session: Session, command: Command, argv: list[bytes], context: str, changed: bool = False) -> None:
        """Raise NOPERM, and note it for ACL LOG, if the session's user may not do what argv asks.

        context: toplevel, multi or lua; changed: the request was allowed when it was queued.
        """
        denied = session.user.refusal(command, argv) if session.user is not None else None
        if session.user is None or denied is None:
            return
        subject = command.name.encode() if denied.reason == "command" else argv[denied.place]
        self.note(session, denied.reason, context, subject, session.user.name)
        if changed:
            raise ReplyError(_NO_LONGER + _SINCE_QUEUED[denied.reason], "NOPERM")
        raise ReplyError(
            "this user has no permissions to " + _NOT_ALLOWED[denied.reason].format(command.name), "NOPERM"
        )

    def note(self, session: Session, reason: str, context: str, subject: bytes, name: bytes) -> None:
        """Keep a refusal for ACL LOG."""
        settings, now = self.engine.settings, self.engine.clock.now_ms()
        refusal = Refusal(reason, context, subject, name, now, client_line(session))
        self.audit.add(refusal, settings.acllog_max_len)

    # ── changes ────────────────────────────────────────────────────────────────────────────────────────────────────
    def change(self, name: bytes, args: list[bytes]) -> None:
        """Apply all rules to a user, who is created if needed, or none; raise ReplyError naming the rule that is wrong."""
        opening = unmatched(args)
        if opening is not None:
            raise ReplyError(f"Unmatched parenthesis in acl selector starting at '{_shown(opening)}'.")
        known = self.table.get(name)
        changed = self.new_user(name)
        if known is not None:
            changed.copy_from(known)
        for rule in merged(args):
            try:
                changed.apply(rule)
            except RuleError as error:
                raise ReplyError(f"Error in ACL SETUSER modifier '{_shown(rule)}': {error}") from error
        if known is None:
            self.table[name] = changed
            return
        self._silence(known, changed)
        known.copy_from(changed)
        self._changed(known)

    def _silence(self, user: User, changed: User) -> None:
        """Disconnect who listens, as user, to what the changed permissions do not include."""
        if any(selector.all_channels for selector in changed.selectors):
            return
        for session in self._sessions_of(user):
            if session.role == "pubsub" and not _may_keep_listening(session, changed):
                session.abort()

    def _changed(self, user: User) -> None:
        """Let the sessions of a user know; the default user also decides about those that have not logged in."""
        for session in list(self.engine.sessions.values()):
            if user is self.default or session.user is user:
                session.refresh_permissions()

    def _sessions_of(self, user: User) -> list[Session]:
        return [session for session in self.engine.sessions.values() if session.user is user]

    def set_default_password(self, password: bytes) -> None:
        """Follow `requirepass`: this is the only password of `default`, or it needs none when empty."""
        self.default.apply(b"resetpass")
        self.default.apply(b">" + password if password else b"nopass")
        self._changed(self.default)

    def delete(self, names: Iterable[bytes], current: Session) -> int:
        """Delete users and disconnect them, the current session after its reply; return how many there were."""
        deleted = [self.table.pop(name) for name in dict.fromkeys(names) if name in self.table]
        for user in deleted:
            self._disconnect(user, current)
        return len(deleted)

    def _disconnect(self, user: User, current: Session | None) -> None:
        for session in self._sessions_of(user):
            session.user, session.authenticated = self.default, False
            session.refresh_permissions()
            if session is current:
                session.close_after_reply()
            else:
                session.abort()

    # ── files ──────────────────────────────────────────────────────────────────────────────────────────────────────
    def start(self) -> None:
        """Take the users of the configuration; raise ConfigError if they can't be had."""
        settings = self.engine.settings
        self.set_default_password(settings.requirepass)
        try:
            if settings.users:
                self._replace(read_lines(settings.users, self.new_user), None, keep=True)
            if settings.aclfile:
                self._replace(read_file(settings.resolve(settings.aclfile), self.new_user), None)
        except AclFileError as error:
            raise ConfigError(str(error)) from error

    def load(self, current: Session) -> None:
        """Replace all users by those of the ACL file and disconnect all but `default`; raise ReplyError if it has mistakes."""
        settings = self.engine.settings
        try:
            users = read_file(settings.resolve(settings.aclfile), self.new_user)
        except AclFileError as error:
            raise ReplyError(str(error)) from error
        self._replace(users, current)

    def _replace(self, users: dict[bytes, User], current: Session | None, keep: bool = False) -> None:
        """Let these be the users; without a `default` among them it is as free as at first, or stays as it is with keep."""
        old = [user for user in self.table.values() if user is not self.default]
        default = users.pop(DEFAULT, None)
        if default is not None or not keep:
            self.default.copy_from(default or self._free_default())
        self.table = {DEFAULT: self.default, **users}
        for user in old:
            self._disconnect(user, current)
        self._changed(self.default)

    def save(self) -> None:
        """Write all users to the ACL file. Raises OSError."""
        settings = self.engine.settings
        write_file(settings.resolve(settings.aclfile), self.by_name())


def _may_keep_listening(session: Session, user: User) -> bool:
    return all(
        user.hears(name, literally=kind == "patterns")
        for kind in ("channels", "shard_channels", "patterns")
        for name in session.subscriptions(kind)
    )


def _shown(text: bytes) -> str:
    return text.decode("utf-8", "surrogateescape")
