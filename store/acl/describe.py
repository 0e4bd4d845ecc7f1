"""Permissions back into rules: what ACL LIST and GETUSER show and what files keep.

Law: the rules of a selector, applied to an empty one, allow exactly the same commands.
The rules start from all or nothing, then take the categories that fit best, then single commands where those miss.
"""

from __future__ import annotations

from store.acl.catalog import CATEGORIES
from store.acl.selector import Selector


def describe(selector: Selector) -> bytes:
    """All rules of a selector, with blanks between: keys, channels, commands."""
    keys = [b"~*"] if selector.all_keys else key_rules(selector)
    channels = [b"&*"] if selector.all_channels else [b"resetchannels", *channel_rules(selector)]
    return b" ".join([*keys, *channels, command_rules(selector)])


def key_rules(selector: Selector) -> list[bytes]:
    """The rules about keys of a selector that does not allow all."""
    return [known.rule() for known in selector.keys.values()]


def channel_rules(selector: Selector) -> list[bytes]:
    """The rules about channels of a selector that does not allow all."""
    return [b"&" + pattern for pattern in selector.channels]


def command_rules(selector: Selector) -> bytes:
    """The rules about commands."""
    rules, covered = _category_rules(selector)
    return " ".join(rules + _single_rules(selector, covered)).encode("utf-8", "surrogateescape")


def _category_rules(selector: Selector) -> tuple[list[str], set[str]]:
    """Rules for whole categories, best fit first, and the commands that they allow."""
    catalog, additive = selector.catalog, not selector.future
    rules = ["-@all" if additive else "+@all"]
    covered = set() if additive else set(catalog.all)
    left = set(selector.allowed if additive else catalog.all - selector.allowed)  # what is still to be said
    candidates = list(CATEGORIES)
    while candidates:
        fits = [(len(catalog.members[name] & left), len(catalog.members[name] - left), name) for name in candidates]
        fitting = [(misses, -hits, name) for hits, misses, name in fits if hits > misses]
        if not fitting:
            break
        best = min(fitting, key=lambda fit: fit[:2])[2]
        candidates.remove(best)
        rules.append(("+@" if additive else "-@") + best)
        left -= catalog.reach[best]
        if additive:
            covered |= catalog.reach[best]
        else:
            covered -= catalog.reach[best]
    return rules, covered


def _single_rules(selector: Selector, covered: set[str]) -> list[str]:
    """Rules for the commands that the categories got wrong, then the first arguments that are allowed."""
    rules = []
    for name in selector.catalog.names:
        allowed = name in selector.allowed
        if allowed != (name in covered):
            rules.append(("+" if allowed else "-") + name)
            family = selector.catalog.family(name)
            covered = covered.union(family) if allowed else covered.difference(family)
        if not allowed:
            words = selector.first_args.get(name, ())
            rules += [f"+{name}|{word.decode('utf-8', 'surrogateescape')}" for word in words]
    return rules
