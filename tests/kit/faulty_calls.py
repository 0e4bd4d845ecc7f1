"""System calls that fail on demand: whatever this process asks of its files is counted, and the nth request is refused.

Unlike FaultyDisk this needs no door that the code under test goes through, so no step of it is left out. Reading never fails.
"""

from __future__ import annotations

import builtins
import errno
import os
from collections.abc import Callable
from enum import Enum
from typing import Any

import pytest

NEEDS_ROOM = ("create", "write", "link")
"""What fails on a full disk."""
_CALLS = ("open", "write", "fsync", "fdatasync", "ftruncate", "truncate", "rename", "replace", "unlink", "link", "mkdir", "close")


class Fault(Enum):
    """What becomes of the nth call, and of those after it: an error, no room, nothing but errors, the end of the process."""

    ONCE = "once"
    FULL = "disk full"
    FOR_GOOD = "for good"
    KILLED = "killed"


class Killed(BaseException):
    """The process is gone: not an Exception, and every later call ends in it too, so that nothing is tidied up."""


class FaultyCalls:
    """The calls within this context, the nth refused (of those that need room, if the disk is full).

    `refused`: the name of the first that was, None if none was.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, nth: int, fault: Fault) -> None:
        self.refused: str | None = None
        self._monkeypatch = monkeypatch
        self._left = nth
        self._fault = fault

    def __enter__(self) -> FaultyCalls:
        self._context = self._monkeypatch.context()
        patch = self._context.__enter__()
        for name in _CALLS:
            patch.setattr(os, name, self._counted(name, getattr(os, name)))
        patch.setattr(builtins, "open", self._opening(builtins.open))
        return self

    def __exit__(self, *_: object) -> None:
        self._context.__exit__(None, None, None)

    def _counted(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **named: Any) -> Any:
            creates = name == "open" and args[1] & os.O_CREAT
            try:
                self._called("create" if creates else name)
            except OSError:
                if name == "close":  # which a descriptor is whatever the answer
                    function(*args, **named)
                raise
            return function(*args, **named)

        return call

    def _opening(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(file: Any, mode: str = "r", *args: Any, **named: Any) -> Any:
            if mode[0] not in "r":
                self._called("create")
            return function(file, mode, *args, **named)

        return call

    def _called(self, name: str) -> None:
        if self._fault is Fault.FULL and name not in NEEDS_ROOM:
            return
        self._left -= 1
        if self._left > 0 or (self._left < 0 and self._fault is Fault.ONCE):
            return
        self.refused = self.refused or name
        if self._fault is Fault.KILLED:
            raise Killed
        error = errno.ENOSPC if name in NEEDS_ROOM else errno.EIO
        raise OSError(error, os.strerror(error))
