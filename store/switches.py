"""What DEBUG can turn off or on in a running node, for tests; nothing here is configuration, nothing survives a restart."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Switches:
    """`skip_checksums`: RESTORE takes payloads with any checksum."""

    skip_checksums: bool = False
