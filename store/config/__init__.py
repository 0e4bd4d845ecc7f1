"""Options, redis.conf and the command line: everything that is decided about a server before and while it runs.

`parse` makes Settings from a command line, `Settings` answers CONFIG GET and SET, `rewrite` is CONFIG REWRITE.
"""

from store.config.command_line import parse
from store.config.option import Option
from store.config.options import NAMES, OPTIONS
from store.config.redis_conf import ConfigFileError, load
from store.config.rewrite import rewrite
from store.config.settings import ConfigRefused, Settings
from store.config.structured import BufferLimit

__all__ = [
    "NAMES",
    "OPTIONS",
    "BufferLimit",
    "ConfigFileError",
    "ConfigRefused",
    "Option",
    "Settings",
    "load",
    "parse",
    "rewrite",
]
