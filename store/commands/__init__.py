"""Commands, one module a family; importing the package fills the command table."""

from importlib import import_module
from pkgutil import iter_modules

_HELPERS = {"arguments", "keyspecs", "table"}
for _module in iter_modules(__path__):
    if _module.name not in _HELPERS:
        import_module(f"{__name__}.{_module.name}")
