"""Ports for servers that are started with one."""

import socket
from random import SystemRandom

# Below those that the kernel gives to whoever calls out (ip_local_port_range begins at 32768): between
# our looking and the server's start a caller would take one of those.
PORTS = range(15_000, 32_000)


def free_port() -> int:
    """Return a port of loopback that nobody listens on."""
    while True:
        port = SystemRandom().choice(PORTS)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
