"""One server and us: what is asked of it at the same time leaves as one pipeline."""
# pyright: standard
# redis hands out partly unknown types; what leaves here is text, numbers and lists of them.

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

from hiredis import pack_command
from redis.asyncio import Redis
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    AskError,
    BusyLoadingError,
    ClusterDownError,
    NoScriptError,
    ReadOnlyError,
    RedisError,
    ResponseError,
    TryAgainError,
)

from approvals_core.adapters.batches import Asked, Batches
from approvals_core.adapters.redis_store.address import Safety
from approvals_core.errors import StoreUnavailable

log = logging.getLogger(__name__)

CALLS = 64  # callers in one pipeline
ANSWER_WITHIN = 5.0  # seconds
CONNECT_WITHIN = 2.0  # seconds
LOOK_EVERY = 1.0  # seconds; for so long a server that was demoted may answer from old times

Command = Sequence[str | int]

_UNDONE = (
    AskError,  # MOVED, too
    BusyLoadingError,
    ClusterDownError,  # MASTERDOWN, too
    NoScriptError,
    ReadOnlyError,
    TryAgainError,
)
_UNDONE_WORDS = ("BUSY ", "NOREPLICAS ")  # a script runs too long; too few replicas are there


class NotSent(Exception):
    """No byte of it left: there is no connection."""


class WrongServer(Exception):
    """The server is no primary any more: what it answered may be old."""


def connect(url: str) -> Redis:
    """Return a client that never repeats a call by itself: not all of ours may be."""
    return Redis.from_url(
        url,
        decode_responses=True,
        protocol=2,
        retry=Retry(NoBackoff(), 0),
        socket_timeout=ANSWER_WITHIN,
        socket_connect_timeout=CONNECT_WITHIN,
        health_check_interval=30,  # seconds; an idle connection may have been cut
    )


def packed(command: Command) -> bytes:
    """Return *command* as it goes over the wire."""
    return pack_command(tuple(command))  # pyright: ignore[reportArgumentType] (its stub knows one part)


_ROLE = packed(("ROLE",))


def undone(answer: object) -> bool:
    """Tell whether the answer says that the command was not executed, and may be by and by."""
    if not isinstance(answer, Exception):
        return False
    if isinstance(answer, (*_UNDONE, NotSent, WrongServer)):
        return True
    # Redis 6 wraps what a script's first write was answered into an error of the script.
    words = str(answer)
    return words.startswith(_UNDONE_WORDS) or "-READONLY " in words


class Line:
    """
    Sends commands to one server, in order, one pipeline after the other.

    With *safety* it waits for the replicas that this demands. *watched*, it asks every
    `LOOK_EVERY` whether the server is a primary still: an old one that was demoted, and kept our
    connections, would answer what was true then.
    """

    def __init__(self, client: Redis, *, safety: Safety | None, watched: bool) -> None:
        self._client = client
        self._waits = _waits(safety) if safety else b""
        self._replicas = safety.wait_replicas if safety else 0
        self._watched = watched
        self._look_at = asyncio.get_running_loop().time() + LOOK_EVERY
        self._batches: Batches[Sequence[bytes], list[Any]] = Batches(self._run, most=CALLS)

    async def ask(self, commands: Sequence[bytes]) -> list[Any]:
        """
        Return the answers to *commands*, which are executed in their order; errors are answers, too.

        Raises:
            NotSent: The server cannot be reached.

            WrongServer: It is a replica.

            StoreUnavailable: Nobody knows which of them were executed, or whether they last.
        """
        return await self._batches.ask(commands)

    async def close(self) -> None:
        """End what is under way."""
        await self._batches.close()

    async def _run(self, batch: Sequence[Asked[Sequence[bytes], list[Any]]]) -> None:
        looks = self._looks()
        sent = [_ROLE] if looks else []
        sent += [command for asked in batch for command in asked.request]
        sent += [self._waits] if self._waits else []
        try:
            answers = iter(await self._exchange(sent))
            if looks:
                self._check_role(next(answers))
        except (NotSent, WrongServer) as problem:
            for asked in batch:
                asked.fail(problem)
            return
        except (RedisError, OSError) as error:
            log.warning("redis_failed", extra={"error": str(error), "calls": len(batch)})
            for asked in batch:
                asked.fail(unavailable(error))
            return
        told = [[next(answers) for _ in asked.request] for asked in batch]
        lost = self._lost(next(answers, None))
        for asked, own in zip(batch, told, strict=True):
            if lost and not all(undone(answer) for answer in own):
                asked.fail(lost)
            else:
                asked.tell(own)

    def _looks(self) -> bool:
        now = asyncio.get_running_loop().time()
        if not self._watched or now < self._look_at:
            return False
        self._look_at = now + LOOK_EVERY
        return True

    def _check_role(self, answer: object) -> None:
        if isinstance(answer, list) and answer[0] != "master":
            self._look_at = 0.0  # until it is one again, or another one
            raise WrongServer("the server is a replica by now")
        if isinstance(answer, ResponseError) and not undone(answer):
            self._watched = False  # where ROLE is forbidden, writes tell

    def _lost(self, replicas: object) -> StoreUnavailable | None:
        if not self._waits or (isinstance(replicas, int) and replicas >= self._replicas):
            return None
        log.warning("redis_not_replicated", extra={"replicas": str(replicas)})
        return StoreUnavailable(f"Redis: {replicas} of {self._replicas} replicas have it.")

    async def _exchange(self, commands: Sequence[bytes]) -> list[Any]:
        pool = self._client.connection_pool
        try:
            connection = await pool.get_connection()
        except (RedisError, OSError) as error:
            raise NotSent(str(error)) from error
        try:
            return await _exchange(connection, commands)
        except BaseException:
            await connection.disconnect(nowait=True)  # answers may still come: to nobody
            raise
        finally:
            await pool.release(connection)


async def _exchange(connection: AbstractConnection, commands: Sequence[bytes]) -> list[Any]:
    try:
        await connection.check_health()
    except (RedisError, OSError) as error:
        raise NotSent(str(error)) from error
    await connection.send_packed_command(b"".join(commands), check_health=False)
    return [await _answer(connection) for _ in commands]


async def _answer(connection: AbstractConnection) -> Any:
    try:
        return await connection.read_response(disconnect_on_error=False)
    except (ResponseError, BusyLoadingError) as error:
        return error


def _waits(safety: Safety) -> bytes:
    if not safety.wait_replicas:
        return b""
    return packed(("WAIT", safety.wait_replicas, safety.wait_ms))


def unavailable(error: Exception) -> StoreUnavailable:
    """Return what to raise at whoever asked, because of *error*."""
    problem = StoreUnavailable(f"Redis: {error}")
    problem.__cause__ = error
    return problem
