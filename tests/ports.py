"""Ports for servers that are started with one."""

import os
import socket
from random import SystemRandom

# Below those that the kernel gives to whoever calls out (ip_local_port_range begins at 32768): between
# our looking and the server's start a caller would take one of those.
PORTS = range(15_000, 32_000)
WORKERS = 8  # that share them, so that none takes what another has just found free

_given: set[int] = set()


def free_port() -> int:
    """Return a port of loopback that nobody listens on, and that nobody was given here of late."""
    own = PORTS[int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % WORKERS :: WORKERS]
    if len(_given) > len(own) // 2:  # a soak starts thousands
        _given.clear()
    while True:
        port = SystemRandom().choice(own)
        if port not in _given and _is_free(port):
            _given.add(port)
            return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
