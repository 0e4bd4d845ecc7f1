"""One user: passwords, whether they may log in, and what they may do."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable

from store.acl.catalog import Catalog
from store.acl.describe import describe
from store.acl.rule import BAD_HASH, NO_SUCH_PASSWORD, RuleError
from store.acl.selector import Denied, Selector
from store.commands.key_access import key_uses
from store.commands.table import Command
from store.resp.words import UnbalancedQuotes, split_words

_HASH = re.compile(rb"[0-9a-f]{64}\Z")


class User:
    """A user, changed by `apply`. `passwords`: SHA-256 in hex; `nopass`: any password will do; `selectors[0]`: the root one.

    `open_channels` tells whether a new selector allows all channels (acl-pubsub-default at that moment).
    """

    def __init__(self, name: bytes, catalog: Catalog, open_channels: Callable[[], bool]) -> None:
        self.name = name
        self.enabled = False
        self.nopass = False
        self.sanitize: bool | None = None  # kept for the files of Redis; payloads are always checked here
        self.passwords: list[bytes] = []
        self._catalog = catalog
        self._open_channels = open_channels
        self.selectors = [self._new_selector()]

    def _new_selector(self) -> Selector:
        return Selector(self._catalog, self._open_channels())

    def copy_from(self, other: User) -> None:
        """Take over everything but the name."""
        self.enabled, self.nopass, self.sanitize = other.enabled, other.nopass, other.sanitize
        self.passwords = list(other.passwords)
        self.selectors = [selector.copy() for selector in other.selectors]

    # ── rules ──────────────────────────────────────────────────────────────────────────────────────────────────────
    def apply(self, rule: bytes) -> None:
        """Change the user by one rule of ACL SETUSER; raise RuleError and change nothing if it can't be."""
        word = rule.lower()
        if word in (b"on", b"off"):
            self.enabled = word == b"on"
        elif word in (b"sanitize-payload", b"skip-sanitize-payload"):
            self.sanitize = word == b"sanitize-payload"
        elif word in (b"nopass", b"resetpass"):
            self.nopass = word == b"nopass"
            self.passwords.clear()
        elif rule[:1] in (b">", b"#", b"<", b"!"):
            self._change_passwords(rule[:1], rule[1:])
        elif rule.startswith(b"(") and rule.endswith(b")"):
            self.selectors.append(self._read_selector(rule[1:-1]))
        elif word == b"clearselectors":
            del self.selectors[1:]
        elif word == b"reset":
            self._reset()
        elif rule:
            self.selectors[0].apply(rule)

    def _change_passwords(self, sign: bytes, text: bytes) -> None:
        if sign in (b">", b"<"):
            digest = hashed(text)
        elif _HASH.match(text):
            digest = text
        else:
            raise RuleError(BAD_HASH)
        if sign in (b">", b"#"):
            self.nopass = False
            if digest not in self.passwords:
                self.passwords.append(digest)
        elif digest in self.passwords:
            self.passwords.remove(digest)
        else:
            raise RuleError(NO_SUCH_PASSWORD)

    def _read_selector(self, text: bytes) -> Selector:
        selector = self._new_selector()
        try:
            rules = split_words(text)
        except UnbalancedQuotes:
            rules = []  # as in Redis, where such a selector allows nothing
        for rule in rules:
            selector.apply(rule)
        return selector

    def _reset(self) -> None:
        self.enabled, self.nopass, self.sanitize = False, False, True
        self.passwords.clear()
        self.selectors = [self._new_selector()]

    # ── questions ──────────────────────────────────────────────────────────────────────────────────────────────────
    @property
    def flags(self) -> list[bytes]:
        """The rules that are no permissions: on or off, nopass, the one about payloads."""
        flags = [b"on" if self.enabled else b"off"]
        if self.nopass:
            flags.append(b"nopass")
        if self.sanitize is not None:
            flags.append(b"sanitize-payload" if self.sanitize else b"skip-sanitize-payload")
        return flags

    def describe(self) -> bytes:
        """The rules that make this user, as in a `user` line."""
        root, *others = self.selectors
        passwords = [b"#" + digest for digest in self.passwords]
        return b" ".join([*self.flags, *passwords, describe(root), *(b"(%b)" % describe(other) for other in others)])

    @property
    def unrestricted(self) -> bool:
        """Tell whether no request needs to be checked."""
        return any(selector.unrestricted for selector in self.selectors)

    def accepts(self, password: bytes) -> bool:
        """Tell whether the user may log in with a password; takes as long for a wrong one as for a right one."""
        if not self.enabled or self.nopass:
            return self.enabled
        digest = hashed(password)
        return any([hmac.compare_digest(digest, known) for known in self.passwords])

    def refusal(self, command: Command, argv: list[bytes]) -> Denied | None:
        """Why a request is not allowed, by the selector that comes nearest to allowing it; None if it is allowed."""
        uses = key_uses(command, argv)
        reasons = []
        for selector in self.selectors:
            denied = selector.refusal(command, argv, uses)
            if denied is None:
                return None
            reasons.append(denied)
        return max(reasons, key=lambda reason: reason.rank)

    def reads_every_key(self, *commands: str) -> bool:
        """Tell whether one selector allows one of the commands and reading any key at all."""
        return any(selector.may_read_all() and not selector.allowed.isdisjoint(commands) for selector in self.selectors)

    def hears(self, channel: bytes, literally: bool = False) -> bool:
        """Tell whether a channel may be listened to."""
        return any(selector.may_hear(channel, literally) for selector in self.selectors)


def hashed(password: bytes) -> bytes:
    """The form in which a password is kept: SHA-256 in lower-case hex."""
    return hashlib.sha256(password).hexdigest().encode()
