"""One connection to a server: made when it is needed, kept, and made anew once it is none any more."""
# pyright: standard
# redis hands out partly unknown types; what leaves here is text, numbers and lists of them.

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from redis.asyncio import Redis
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import BusyLoadingError, RedisError, ResponseError

ANSWER_WITHIN = 5.0  # seconds
CONNECT_WITHIN = 2.0  # seconds
GREETED_WITHIN = CONNECT_WITHIN + ANSWER_WITHIN  # for signing in, too
SET_ANEW = 0.5  # seconds by which an answer may be held to be late too early: the timer is left alone so long


class NotSent(Exception):
    """No byte of it left: there is no connection."""


def connect(url: str, *, answer_within: float | None = ANSWER_WITHIN) -> Redis:
    """
    Return a client that never repeats a call by itself: not all of ours may be.

    *answer_within* in seconds; None: whoever asks looks at the clock himself.
    """
    return Redis.from_url(
        url,
        decode_responses=True,
        protocol=2,
        retry=Retry(NoBackoff(), 0),
        socket_timeout=answer_within,
        socket_connect_timeout=CONNECT_WITHIN,
        health_check_interval=30,  # seconds; an idle connection may have been cut
    )


class NotOurs(NotSent):
    """Whoever answers has not the store that was opened."""


class Greeting(NamedTuple):
    """
    What is asked first on each new connection: it may lead to a server that we never saw.

    *read* is given the answers, of which some may be errors; it raises `NotSent` if nothing may be
    sent there.
    """

    commands: Callable[[], Sequence[bytes]]
    read: Callable[[Sequence[Any]], None]


class Connection:
    """
    A connection as the *client* makes them, whose calls have no clock of their own.

    It is used by one caller at a time. A pool would cost more than most of what goes over it.
    """

    def __init__(
        self, client: Redis, *, within: float = ANSWER_WITHIN, greeting: Greeting | None = None
    ) -> None:
        """*within* is how many seconds each answer may take, after the one before it."""
        self._greeting = greeting
        self._pool = client.connection_pool
        self._within = within
        self._made: AbstractConnection | None = None
        self._old = False

    def drop(self) -> None:
        """Make it anew before it is used again: the name may lead elsewhere by now."""
        self._old = True

    async def close(self) -> None:
        """End it."""
        if self._made is not None:
            await self._made.disconnect()

    async def exchange(self, commands: Sequence[bytes]) -> list[Any]:
        """
        Send *commands* and return the answers, of which some may be errors.

        Raises:
            NotSent: There is no connection, or the server is none for us.

            RedisError: It broke; nobody knows which of them were executed. An OSError says the same.
        """
        try:
            async with asyncio.timeout(GREETED_WITHIN):
                made = await self._connected()
        except (RedisError, OSError) as error:
            raise NotSent(str(error) or "no connection in time") from error
        try:
            await self._check_health(made)
            return await self._exchange(made, commands)
        except BaseException:
            await made.disconnect(nowait=True)  # answers may still come: to nobody
            raise

    async def _connected(self) -> AbstractConnection:
        made = self._made = self._made or self._pool.make_connection()
        if made.is_connected and (self._old or await _is_over(made)):
            await made.disconnect()
        self._old = False
        if not made.is_connected:
            await made.connect()
            await self._greet(made)
        return made

    async def _greet(self, made: AbstractConnection) -> None:
        if self._greeting is None:
            return
        commands = self._greeting.commands()
        if not commands:
            return
        try:
            self._greeting.read(await self._exchange(made, commands))
        except BaseException:
            await made.disconnect(nowait=True)  # so that it is asked anew
            raise

    async def _check_health(self, made: AbstractConnection) -> None:
        """See whether a connection that was idle for long is still one."""
        if asyncio.get_running_loop().time() < made.next_health_check:
            return
        try:
            async with asyncio.timeout(self._within):
                await made.check_health()
        except (RedisError, OSError) as error:
            raise NotSent(str(error) or "an idle connection is none any more") from error

    async def _exchange(self, made: AbstractConnection, commands: Sequence[bytes]) -> list[Any]:
        answers: list[Any] = []
        clock = asyncio.get_running_loop().time
        try:
            # One timer for all, seldom set anew: redis-py has one, or even a task, for each of them.
            async with asyncio.timeout(self._within) as ends:
                set_anew_at = clock() + SET_ANEW
                await made.send_packed_command(b"".join(commands), check_health=False)
                for _ in commands:
                    answers.append(await _answer(made))
                    if (now := clock()) > set_anew_at:
                        ends.reschedule(now + self._within)
                        set_anew_at = now + SET_ANEW
        except TimeoutError:
            raise TimeoutError(f"no answer within {self._within:g} seconds") from None
        return answers


async def _is_over(made: AbstractConnection) -> bool:
    """Tell whether the server closed it, or said what nobody asked for."""
    try:
        return await made.can_read()
    except (RedisError, OSError):
        return True


async def _answer(made: AbstractConnection) -> Any:
    try:
        return await made.read_response(disconnect_on_error=False)
    except (ResponseError, BusyLoadingError) as error:
        return error
