"""CLIENT TRACKING and what belongs to it: client-side caching, see `store.client.tracking` (tracking.c, networking.c 7.0)."""

from __future__ import annotations

from store.client.tracking import Tracked
from store.commands.arguments import parse_int
from store.commands.client import switch
from store.commands.table import command
from store.errors import ReplyError, syntax_error
from store.replies import OK, SetReply
from store.tx import Tx

GROUP = "connection"
_FLAGS = "noscript loading stale"
_SWITCHES = {b"bcast": "broadcast", b"optin": "optin", b"optout": "optout", b"noloop": "noloop"}


@command("CLIENT|TRACKING", _FLAGS, since="6.0.0", group=GROUP, complexity="O(prefixes)")
def client_tracking(tx: Tx, mode: bytes, *options: bytes) -> str:
    """Tell this client, or another in its place, when keys change that it has read or that have a prefix."""
    wanted, prefixes = _options(tx, options)
    if switch(mode):
        _check(wanted, prefixes, tx.session.tracking)
        tx.engine.tracking.start(tx.session, wanted, prefixes)
    else:
        tx.engine.tracking.stop(tx.session)
    return OK


def _options(tx: Tx, options: tuple[bytes, ...]) -> tuple[Tracked, list[bytes]]:
    wanted, prefixes, place = Tracked(), [], 0
    while place < len(options):
        word, more = options[place].lower(), place + 1 < len(options)
        if word in _SWITCHES:
            setattr(wanted, _SWITCHES[word], True)
        elif word == b"redirect" and more:
            place += 1
            wanted.redirect = _redirect(tx, options[place], wanted.redirect)
        elif word == b"prefix" and more:
            place += 1
            prefixes.append(options[place])
        else:
            raise syntax_error()
        place += 1
    return wanted, prefixes


def _redirect(tx: Tx, text: bytes, before: int) -> int:
    if before:
        raise ReplyError("A client can only redirect to a single other client")
    number = parse_int(text)
    if number not in tx.engine.sessions:
        raise ReplyError("The client ID you want redirect to does not exist")
    return number


def _check(wanted: Tracked, prefixes: list[bytes], now: Tracked | None) -> None:
    """Raise ReplyError for options that exclude each other, or that can't follow those in force."""
    if prefixes and not wanted.broadcast:
        raise ReplyError("PREFIX option requires BCAST mode to be enabled")
    if now is not None and now.broadcast != wanted.broadcast:
        raise ReplyError(
            "You can't switch BCAST mode on/off before disabling tracking for this client, and then re-enabling it with "
            "a different mode."
        )
    if wanted.broadcast and (wanted.optin or wanted.optout):
        raise ReplyError("OPTIN and OPTOUT are not compatible with BCAST")
    if wanted.optin and wanted.optout:
        raise ReplyError("You can't specify both OPTIN mode and OPTOUT mode")
    if now is not None and ((wanted.optin and now.optout) or (wanted.optout and now.optin)):
        raise ReplyError(
            "You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, and then re-enabling it with "
            "a different mode."
        )
    if wanted.broadcast:
        _check_overlap(prefixes, list(now.prefixes) if now is not None else [])


def _check_overlap(prefixes: list[bytes], existing: list[bytes]) -> None:
    """Refuse prefixes of which one begins another: such a key would be told of twice."""
    for place, prefix in enumerate(prefixes):
        for word, others in (("an existing", existing), ("another provided", prefixes[place + 1 :])):
            for other in others:
                if prefix.startswith(other) or other.startswith(prefix):
                    first, second = (text.decode("utf-8", "surrogateescape") for text in (prefix, other))
                    raise ReplyError(
                        f"Prefix '{first}' overlaps with {word} prefix '{second}'. "
                        "Prefixes for a single client must not overlap."
                    )


@command("CLIENT|CACHING", _FLAGS, since="6.0.0", group=GROUP, complexity="O(1)")
def client_caching(tx: Tx, mode: bytes) -> str:
    """Say whether the keys of the next command are to be tracked: YES with OPTIN, NO with OPTOUT."""
    state = tx.session.tracking
    if state is None:
        raise ReplyError(
            "CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled"
        )
    if mode.lower() == b"yes":
        if not state.optin:
            raise ReplyError("CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.")
    elif mode.lower() == b"no":
        if not state.optout:
            raise ReplyError("CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.")
    else:
        raise syntax_error()
    state.caching = True
    return OK


@command("CLIENT|GETREDIR", _FLAGS, since="6.0.0", group=GROUP, complexity="O(1)")
def client_getredir(tx: Tx) -> int:
    """Tell which client gets this one's invalidation messages: its id, 0 for itself, -1 without tracking."""
    return -1 if tx.session.tracking is None else tx.session.tracking.redirect


@command("CLIENT|TRACKINGINFO", _FLAGS, since="6.2.0", group=GROUP, complexity="O(1)")
def client_trackinginfo(tx: Tx) -> dict[object, object]:
    """Describe how this connection tracks keys."""
    state = tx.session.tracking
    if state is None:
        return {b"flags": SetReply([b"off"]), b"redirect": -1, b"prefixes": []}
    flags = (
        (b"on", True), (b"bcast", state.broadcast), (b"optin", state.optin), (b"caching-yes", state.optin and state.caching),
        (b"optout", state.optout), (b"caching-no", state.optout and state.caching), (b"noloop", state.noloop),
        (b"broken_redirect", state.broken),
    )  # fmt: skip
    words = SetReply(flag for flag, holds in flags if holds)
    return {b"flags": words, b"redirect": state.redirect, b"prefixes": sorted(state.prefixes)}
