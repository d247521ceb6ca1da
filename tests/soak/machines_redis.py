"""A Redis that survives its primary: a replica follows it, and a sentinel promotes the replica."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from redis.exceptions import RedisError

from tests.redis_group import Running, replicated, sentinel, server, wait_until

NAME = "approvals"
UNHEARD = (0.3, 4.0)  # seconds, at least and at most: less and more than a commit waits for it


class Guarded:
    """
    A primary, one replica and a sentinel, which all keep their files in *folder*.

    Every commit waits for the replica. With more of them than a commit waits for, the one
    that is promoted may be one that has it not.
    """

    def __init__(self, folder: Path) -> None:
        self.killed = 0
        self._folder = folder
        self._stack = ExitStack()

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self._start)
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.to_thread(self._stack.close)

    @property
    def url(self) -> str:
        return f"redis+sentinel://{self._asked.name}/{NAME}?wait_replicas=1"

    async def fail_over(
        self, choice: random.Random, meanwhile: Callable[[], Awaitable[object]]
    ) -> None:
        """
        Kill the primary when its replica has heard nothing for a moment; wait until that is the primary.

        Whatever was acknowledged in that moment without it would be lost. It gets a replica of its
        own. *meanwhile* is done while there is no primary.
        """
        await asyncio.to_thread(self._lose_the_primary, choice.uniform(*UNHEARD))
        await meanwhile()
        await asyncio.to_thread(self._go_on_with_the_replica)

    def _start(self) -> None:
        primary, replica = self._stack.enter_context(replicated(self._folder / "first"))
        self._primary, self._replica = primary, replica
        self._asked = self._stack.enter_context(sentinel(self._folder / "sentinel", primary, NAME))
        self._wait_until_known(replica)

    def _lose_the_primary(self, unheard: float) -> None:
        self._replica.freeze()
        self._primary.ask("CLIENT", "KILL", "TYPE", "replica")
        time.sleep(unheard)
        self._primary.kill()
        self.killed += 1

    def _go_on_with_the_replica(self) -> None:
        self._replica.go_on()
        wait_until(lambda: self._replica.ask("ROLE")[0] == "master", RedisError)
        self._primary = self._replica
        follows = f"127.0.0.1 {self._primary.port}"
        self._replica = self._stack.enter_context(
            server(self._folder / str(self.killed), replicaof=follows)
        )
        wait_until(lambda: self._primary.ask("WAIT", 1, 50) == 1, RedisError)
        self._wait_until_known(self._replica)

    def _wait_until_known(self, replica: Running) -> None:
        """Wait until the sentinel has heard of it: only such a one is promoted."""
        wait_until(lambda: str(replica.port) in str(self._asked.ask("SENTINEL", "REPLICAS", NAME)))
