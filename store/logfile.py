"""The server's own log lines (not the event log): levels as in redis.conf, text like Redis's or JSON, to a file or stdout."""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from store.config.settings import Settings

NOTICE = 25
_LEVELS = {
    "debug": logging.DEBUG,
    "verbose": logging.INFO,
    "notice": NOTICE,
    "warning": logging.WARNING,
    "nothing": logging.CRITICAL + 1,
}
_MARKS = {
    logging.DEBUG: ".",
    logging.INFO: "-",
    NOTICE: "*",
    logging.WARNING: "#",
    logging.ERROR: "#",
    logging.CRITICAL: "#",
}
_NAMES = {logging.DEBUG: "debug", logging.INFO: "verbose", NOTICE: "notice"}

log = logging.getLogger("chronis")


class TextFormat(logging.Formatter):
    """`pid:role dd Mon yyyy hh:mm:ss.mmm mark text`, as Redis writes it (server.c: serverLogRaw)."""

    role = "M"

    def format(self, record: logging.LogRecord) -> str:
        """Format one line."""
        moment = time.strftime("%d %b %Y %H:%M:%S", time.localtime(record.created))
        text = record.getMessage()
        if record.exc_info:
            text += "\n" + self.formatException(record.exc_info)
        return f"{os.getpid()}:{self.role} {moment}.{int(record.msecs):03d} {_MARKS.get(record.levelno, '#')} {text}"


class JsonFormat(TextFormat):
    """One JSON object a line: time (ISO, UTC), level, pid, role, text."""

    def format(self, record: logging.LogRecord) -> str:
        """Format one line."""
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        line = {
            "time": f"{moment}.{int(record.msecs):03d}Z", "level": _NAMES.get(record.levelno, "warning"),
            "pid": os.getpid(), "role": self.role, "text": record.getMessage(),
        }  # fmt: skip
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line)


def set_up(settings: Settings) -> None:
    """Send log lines where the settings say; raise OSError if the file can't be opened."""
    handler: logging.Handler
    handler = (
        logging.FileHandler(settings.resolve(settings.logfile))
        if settings.logfile
        else logging.StreamHandler(sys.stdout)
    )
    log.handlers[:] = [handler]
    log.propagate = False
    follow(settings)


def follow(settings: Settings) -> None:
    """Write lines of the level and in the form that the settings say, now and after CONFIG SET."""
    log.setLevel(_LEVELS[settings.loglevel])
    for handler in log.handlers:
        handler.setFormatter(JsonFormat() if settings.log_format == "json" else TextFormat())


def notice(text: str) -> None:
    """Write a line of interest to an operator."""
    log.log(NOTICE, "%s", text)


def warn(text: str) -> None:
    """Write a line that an operator should act on."""
    log.warning("%s", text)
