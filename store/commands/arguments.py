"""Where command families find `store.arguments`; apply functions read arguments too, and may not import commands."""

from store.arguments import (
    INT64_MAX,
    INT64_MIN,
    format_float,
    is_integer,
    parse_float,
    parse_int,
    parse_range,
    strtod,
)

__all__ = ["INT64_MAX", "INT64_MIN", "format_float", "is_integer", "parse_float", "parse_int", "parse_range", "strtod"]
