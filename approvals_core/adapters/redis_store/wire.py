"""The connection to Redis: calls made at the same time leave as one pipeline."""
# pyright: standard
# redis hands out partly unknown types; what leaves here is text, numbers and lists of them.

import logging
from collections.abc import Sequence
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, RedisError

from approvals_core.adapters.batches import Asked, Batches
from approvals_core.adapters.redis_store.scripts import ALL, Script
from approvals_core.errors import StoreUnavailable

log = logging.getLogger(__name__)

CALLS = 64  # callers in one pipeline
ANSWER_WITHIN = 5.0  # seconds
CONNECT_WITHIN = 2.0  # seconds

Command = Sequence[str | int]
Encoded = list[list[bytes]]


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


def call(script: Script, keys: Sequence[str], arguments: Sequence[str | int]) -> Command:
    """Return the command that runs *script*."""
    return ["EVALSHA", script.sha, len(keys), *keys, *arguments]


class Wire:
    """Sends commands, in order, one pipeline after the other."""

    def __init__(self, client: Redis) -> None:
        self._client = client
        self._batches: Batches[Encoded, list[Any]] = Batches(self._run, most=CALLS)

    async def send(self, *commands: Command) -> list[Any]:
        """
        Return the answers to *commands*, which are executed in their order.

        Raises:
            StoreUnavailable: Nobody knows which of them were executed.
        """
        # Encoded here, so that a text that cannot be is its sender's problem alone.
        return await self._batches.ask([[str(p).encode() for p in c] for c in commands])

    async def close(self) -> None:
        """End what is under way."""
        await self._batches.close()

    async def _run(self, batch: Sequence[Asked[Encoded, list[Any]]]) -> None:
        try:
            answers = await self._exchange([asked.request for asked in batch])
            forgotten = [n for n, answer in enumerate(answers) if _no_script(answer)]
            if forgotten:  # the server was restarted; what ran before may run again
                await self._load()
                again = await self._exchange([batch[n].request for n in forgotten])
                for n, answer in zip(forgotten, again, strict=True):
                    answers[n] = answer
        except (RedisError, OSError) as error:
            log.warning("redis_failed", extra={"error": str(error), "calls": len(batch)})
            for asked in batch:
                asked.fail(_unavailable(error))
            return
        for asked, answer in zip(batch, answers, strict=True):
            _tell(asked, answer)

    async def _exchange(self, requests: Sequence[Encoded]) -> list[list[Any]]:
        pipeline = self._client.pipeline(transaction=False)
        for request in requests:
            for command in request:
                pipeline.execute_command(*command)
        answers = iter(await pipeline.execute(raise_on_error=False))
        return [[next(answers) for _ in request] for request in requests]

    async def _load(self) -> None:
        for script in ALL:
            await self._client.script_load(script.text)


def _no_script(answers: Sequence[object]) -> bool:
    return any(isinstance(answer, NoScriptError) for answer in answers)


def _tell(asked: Asked[Encoded, list[Any]], answers: list[Any]) -> None:
    errors = [answer for answer in answers if isinstance(answer, Exception)]
    if errors:
        log.warning("redis_refused", extra={"error": str(errors[0])})
        asked.fail(_unavailable(errors[0]))
    else:
        asked.tell(answers)


def _unavailable(error: Exception) -> StoreUnavailable:
    unavailable = StoreUnavailable(f"Redis: {error}")
    unavailable.__cause__ = error
    return unavailable
