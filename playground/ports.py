"""The playground's ports: the usual ones or the next free ones, remembered for the next time."""

import socket
from pathlib import Path
from typing import Self

from pydantic import BaseModel

from playground.keeping import Keep

TRIED = 100


class Ports(BaseModel, frozen=True):
    service: int = 3978
    playground: int = 3979
    issuer: int = 3980

    @classmethod
    def choose(cls, folder: Path) -> Self:
        """Return free ports, the ones of the last time if they still are, and remember them."""
        keep = Keep(folder)
        wanted = keep.load("ports", cls) or cls()
        chosen: dict[str, int] = {}
        for name, port in wanted.model_dump().items():
            chosen[name] = _next_free(port, taken=set(chosen.values()))
        ports = cls(**chosen)
        keep.save("ports", ports)
        return ports


def _next_free(port: int, *, taken: set[int]) -> int:
    for candidate in range(port, port + TRIED):
        if candidate not in taken and _is_free(candidate):
            return candidate
    raise OSError(f"none of the ports {port} to {port + TRIED - 1} is free")


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
