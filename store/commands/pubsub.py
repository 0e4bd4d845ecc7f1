"""Publish and subscribe: channels, patterns, shard channels, and PUBSUB (pubsub.c 7.0)."""

from __future__ import annotations

from store.commands.table import command, container
from store.errors import ReplyError
from store.glob import compile_glob
from store.replies import Push, Several
from store.tx import Tx

GROUP = "pubsub"
_PUBSUB = "pubsub loading stale"


def _check_context(tx: Tx, name: str) -> None:
    """Refuse subscribing where a RESP2 client couldn't tell messages from replies."""
    if tx.engine.depth > 1 and not tx.session.may_block:
        raise ReplyError(f"{name} isn't allowed for a DENY BLOCKING client")


def _subscribe(tx: Tx, kind: str, counted: tuple[str, ...], word: bytes, names: tuple[bytes, ...]) -> Several:
    replies = Several()
    for name in names:
        tx.engine.bus.subscribe(tx.session, kind, name)
        replies.append(Push([word, name, tx.session.count_subscriptions(*counted)]))
    return replies


def _unsubscribe(tx: Tx, kind: str, counted: tuple[str, ...], word: bytes, names: tuple[bytes, ...]) -> Several:
    replies = Several()
    for name in names or tuple(tx.session.subscriptions(kind)):
        tx.engine.bus.unsubscribe(tx.session, kind, name)
        replies.append(Push([word, name, tx.session.count_subscriptions(*counted)]))
    if not replies:
        replies.append(Push([word, None, tx.session.count_subscriptions(*counted)]))
    return replies


_PLAIN = ("channels", "patterns")
_SHARD = ("shard_channels",)


@command("subscribe", _PUBSUB + " noscript", since="2.0.0", group=GROUP)
def subscribe(tx: Tx, channel: bytes, *channels: bytes) -> Several:
    """Listen to channels."""
    _check_context(tx, "SUBSCRIBE")
    return _subscribe(tx, "channels", _PLAIN, b"subscribe", (channel, *channels))


@command("unsubscribe", _PUBSUB + " noscript", since="2.0.0", group=GROUP)
def unsubscribe(tx: Tx, *channels: bytes) -> Several:
    """Stop listening to the given channels, or to all."""
    return _unsubscribe(tx, "channels", _PLAIN, b"unsubscribe", channels)


@command("psubscribe", _PUBSUB + " noscript", since="2.0.0", group=GROUP)
def psubscribe(tx: Tx, pattern: bytes, *patterns: bytes) -> Several:
    """Listen to all channels whose name matches a pattern."""
    _check_context(tx, "PSUBSCRIBE")
    return _subscribe(tx, "patterns", _PLAIN, b"psubscribe", (pattern, *patterns))


@command("punsubscribe", _PUBSUB + " noscript", since="2.0.0", group=GROUP)
def punsubscribe(tx: Tx, *patterns: bytes) -> Several:
    """Stop listening to the given patterns, or to all."""
    return _unsubscribe(tx, "patterns", _PLAIN, b"punsubscribe", patterns)


@command("ssubscribe", _PUBSUB + " noscript", keys="not_key @1:-1:1", since="7.0.0", group=GROUP)
def ssubscribe(tx: Tx, channel: bytes, *channels: bytes) -> Several:
    """Listen to shard channels."""
    _check_context(tx, "SSUBSCRIBE")
    return _subscribe(tx, "shard_channels", _SHARD, b"ssubscribe", (channel, *channels))


@command("sunsubscribe", _PUBSUB + " noscript", keys="not_key @1:-1:1", since="7.0.0", group=GROUP)
def sunsubscribe(tx: Tx, *channels: bytes) -> Several:
    """Stop listening to the given shard channels, or to all."""
    return _unsubscribe(tx, "shard_channels", _SHARD, b"sunsubscribe", channels)


@command("publish", _PUBSUB + " fast may_replicate", since="2.0.0", group=GROUP)
def publish(tx: Tx, channel: bytes, message: bytes) -> int:
    """Send a message to a channel; reply: how many clients of this node received it."""
    return tx.publish(channel, message)


@command("spublish", _PUBSUB + " fast may_replicate", keys="not_key @1", since="7.0.0", group=GROUP)
def spublish(tx: Tx, channel: bytes, message: bytes) -> int:
    """Send a message to a shard channel; reply: how many clients of this node received it."""
    return tx.publish(channel, message, sharded=True)


container("pubsub", "Look at the subscriptions of this node.", since="2.8.0", group=GROUP)


def _names(table: object, pattern: bytes | None) -> list[bytes]:
    matches = compile_glob(pattern) if pattern is not None else None
    return [name for name in table if matches is None or matches(name)]  # type: ignore[attr-defined]  # a Bus table


@command("pubsub|channels", _PUBSUB, since="2.8.0", group=GROUP)
def pubsub_channels(tx: Tx, pattern: bytes | None = None) -> list[bytes]:
    """List the channels that have subscribers."""
    return _names(tx.engine.bus.channels, pattern)


@command("pubsub|shardchannels", _PUBSUB, since="7.0.0", group=GROUP)
def pubsub_shardchannels(tx: Tx, pattern: bytes | None = None) -> list[bytes]:
    """List the shard channels that have subscribers."""
    return _names(tx.engine.bus.shard_channels, pattern)


@command("pubsub|numsub", _PUBSUB, since="2.8.0", group=GROUP)
def pubsub_numsub(tx: Tx, *channels: bytes) -> list[object]:
    """Count the subscribers of channels."""
    return [item for name in channels for item in (name, len(tx.engine.bus.channels.get(name, ())))]


@command("pubsub|shardnumsub", _PUBSUB, since="7.0.0", group=GROUP)
def pubsub_shardnumsub(tx: Tx, *channels: bytes) -> list[object]:
    """Count the subscribers of shard channels."""
    return [item for name in channels for item in (name, len(tx.engine.bus.shard_channels.get(name, ())))]


@command("pubsub|numpat", _PUBSUB, since="2.8.0", group=GROUP)
def pubsub_numpat(tx: Tx) -> int:
    """Count the patterns that clients listen to."""
    return len(tx.engine.bus.patterns)


@command("pubsub|help", "loading stale", since="6.2.0", group=GROUP, acl="-pubsub")
def pubsub_help(tx: Tx) -> list[str]:
    """Describe the subcommands."""
    return [
        "PUBSUB <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        "CHANNELS [<pattern>]",
        "    Channels with subscribers, those matching the pattern if one is given.",
        "NUMPAT",
        "    Number of patterns that clients listen to.",
        "NUMSUB [<channel> ...]",
        "    Number of subscribers of each channel; patterns do not count.",
        "SHARDCHANNELS [<pattern>]",
        "    Shard channels with subscribers, those matching the pattern if one is given.",
        "SHARDNUMSUB [<shardchannel> ...]",
        "    Number of subscribers of each shard channel.",
        "HELP",
        "    Print this help.",
    ]
