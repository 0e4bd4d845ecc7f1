"""fakeredis's TCP server as a process that takes redis-server's --port and ignores its other options."""

import argparse
import logging
import signal
import sys

from fakeredis import TcpFakeServer

from tests.kit.servers import HOST


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    options, _ = parser.parse_known_args()
    logging.disable(logging.CRITICAL)
    TcpFakeServer.daemon_threads = True
    TcpFakeServer.request_queue_size = 511
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    server = TcpFakeServer((HOST, options.port))
    server.serve_forever()


if __name__ == "__main__":
    main()
