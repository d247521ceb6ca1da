"""One server and us: what is asked of it at the same time leaves as one pipeline."""
# pyright: standard
# redis hands out partly unknown types; what leaves here is text, numbers and lists of them.

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

from hiredis import pack_command
from redis.asyncio import Redis
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
from approvals_core.adapters.redis_store.address import Durability, Safety
from approvals_core.adapters.redis_store.connection import Connection, Greeting, NotOurs, NotSent
from approvals_core.adapters.redis_store.durable import check_durable, looks
from approvals_core.adapters.redis_store.guard import Guard
from approvals_core.adapters.redis_store.hints import with_hint
from approvals_core.errors import StoreClosed, StoreRefused, StoreUnavailable

log = logging.getLogger(__name__)

CALLS = 64  # callers in one pipeline
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


class WrongServer(Exception):
    """The server is no primary any more: what it answered may be old."""


def packed(command: Command) -> bytes:
    """Return *command* as it goes over the wire."""
    return pack_command(tuple(command))  # pyright: ignore[reportArgumentType] (its stub knows one part)


_ROLE = packed(("ROLE",))
_WHOSE = packed(Guard.asks)


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

    Each server that a new connection leads to is asked first of all whether it has our store, as
    *guard* knows it, and, with *safety*, whether its settings are safe: what was checked at the start
    was another one, if a replica took over since or the server came back. With *safety* it waits for
    the replicas that this demands, too. *watched*, it asks every `LOOK_EVERY` whether the server is
    a primary still, and has our store: an old one that was demoted, and kept our connections,
    would answer what was true then.
    """

    def __init__(
        self, client: Redis, guard: Guard, *, safety: Safety | None, watched: bool
    ) -> None:
        self._unsafe = ""
        self._guard = guard
        self._safety = safety
        self._connection = Connection(client, greeting=Greeting(self._asks, self._read_greeting))
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
        return await self._batches.ask(commands, size=sum(map(len, commands)))

    async def close(self) -> None:
        """End what is under way."""
        await self._batches.close()
        await self._connection.close()

    def drop(self) -> None:
        """Connect anew before the next pipeline: the server's name may lead elsewhere by now."""
        self._connection.drop()

    async def _run(self, batch: Sequence[Asked[Sequence[bytes], list[Any]]]) -> None:
        looks = self._looks()
        sent = [_ROLE, _WHOSE] if looks else []
        sent += [command for asked in batch for command in asked.request]
        sent += [self._waits] if self._waits else []
        try:
            answers = iter(await self._connection.exchange(sent))
            if looks:
                self._check_role(next(answers))
                self._check_store(next(answers))
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

    def _check_store(self, found: object) -> None:
        if why := self._guard.other(found):
            self._look_at = 0.0  # until it is ours again
            self._connection.drop()
            raise NotOurs(why)

    def _asks(self) -> Sequence[bytes]:
        """Return what is asked on a new connection; before the store is open, only the settings."""
        asked = (
            [packed(command) for command in looks(self._safety.durability)] if self._safety else []
        )
        return [*asked, _WHOSE] if self._guard.own else asked

    def _read_greeting(self, answers: Sequence[Any]) -> None:
        for answer in answers:
            if isinstance(answer, BusyLoadingError):
                raise NotSent(str(answer))
        settings = answers[:-1] if self._guard.own else answers
        if self._guard.own:
            self._check_store(answers[-1])
        if self._safety:
            self._check_settings(self._safety.durability, settings)

    def _check_settings(self, durability: Durability, answers: Sequence[Any]) -> None:
        for answer in answers:
            if undone(answer):  # it is loading still, or busy
                raise NotSent(str(answer))
        try:
            check_durable(durability, answers)
        except StoreRefused as refusal:
            if str(refusal) != self._unsafe:  # once, not for each that asks
                log.error("redis_unsafe", extra={"why": str(refusal)})  # noqa: TRY400 (no trace)
            self._unsafe = str(refusal)
            raise NotSent(f"the primary may lose what it acknowledges. {refusal}") from refusal
        self._unsafe = ""

    def _lost(self, replicas: object) -> StoreUnavailable | None:
        if not self._waits or (isinstance(replicas, int) and replicas >= self._replicas):
            return None
        log.warning("redis_not_replicated", extra={"replicas": str(replicas)})
        return StoreUnavailable(f"Redis: {replicas} of {self._replicas} replicas have it.")


def _waits(safety: Safety) -> bytes:
    if not safety.wait_replicas:
        return b""
    return packed(("WAIT", safety.wait_replicas, safety.wait_ms))


def unavailable(error: Exception) -> StoreUnavailable:
    """Return what to raise at whoever asked, because of *error*."""
    closed = isinstance(error, NotOurs)
    said = str(error) or type(error).__name__
    problem = StoreClosed(said) if closed else StoreUnavailable(f"Redis: {with_hint(said)}")
    problem.__cause__ = error
    return problem
