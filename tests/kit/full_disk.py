"""A disk without room: the limit on the size of files (RLIMIT_FSIZE) of a running server lets writes fail in the same way."""

import contextlib
import resource
from collections.abc import Iterator

from tests.kit.servers import Server


@contextlib.contextmanager
def full_disk(server: Server) -> Iterator[None]:
    """Let no file of the server grow any more in this context."""
    segment = next(server.directory.glob("log/*.seg"))
    old = resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (segment.stat().st_size, resource.RLIM_INFINITY))
    try:
        yield
    finally:
        if server.running:
            resource.prlimit(server.pid, resource.RLIMIT_FSIZE, old)
