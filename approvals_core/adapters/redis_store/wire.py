"""
Sends commands to the servers they belong to, again while they were surely not executed.

A server that refuses a command for now (it moved, is loading, is no primary any more) has not
executed it; so has one that cannot be reached. Such a command is sent again within `PAUSES`, to
whoever it belongs to by then. A connection that breaks leaves it unknown: then it is never sent
again here, but by those who know what may be done twice.
"""
# pyright: standard
# redis hands out partly unknown types; what leaves here is text, numbers and lists of them.

import asyncio
import logging
from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Any, Literal

from redis.exceptions import AskError, MovedError, NoScriptError, TryAgainError

from approvals_core.adapters.redis_store.connection import NotSent
from approvals_core.adapters.redis_store.line import (
    Command,
    Line,
    WrongServer,
    packed,
    unavailable,
    undone,
)
from approvals_core.adapters.redis_store.scripts import ALL, Script
from approvals_core.adapters.redis_store.servers import Server, Servers
from approvals_core.errors import StoreUnavailable

__all__ = ["Command", "Wire", "call"]

log = logging.getLogger(__name__)

PAUSES = (0.0, 0.05, 0.1, 0.2, 0.4)  # seconds before each further try; clicks wait for two in all

_NOT_YET = NotSent("it was not sent yet")
_ASKING = packed(("ASKING",))
_LOADING = [packed(("SCRIPT", "LOAD", script.text)) for script in ALL]
_STILL_THERE = (AskError, NoScriptError, TryAgainError)  # says a server that we need not doubt


def call(script: Script, keys: Sequence[str], arguments: Sequence[str | int]) -> Command:
    """Return the command that runs *script*."""
    return ["EVALSHA", script.sha, len(keys), *keys, *arguments]


class _Piece:
    """One command on its way, and the last answer to it."""

    __slots__ = ("answer", "asked", "command", "packed", "server")

    def __init__(self, command: Command, server: Server | None = None) -> None:
        self.command = command
        # Packed here, so that a text that cannot be is its sender's problem alone.
        self.packed = packed(command)
        self.server = server  # only there; None: where its keys are
        self.asked = ""  # HOST:PORT where it may be once, while its slot moves there
        self.answer: Any = _NOT_YET


class Wire:
    """Sends commands by one of the lines that each server has."""

    def __init__(self, servers: Servers, line: Literal["reading", "writing", "counting"]) -> None:
        self._servers = servers
        self._line = attrgetter(line)

    async def send(self, *commands: Command) -> list[Any]:
        """
        Return the answers to *commands*, each executed once, in whatever order.

        Raises:
            StoreUnavailable: Nobody knows which of them were executed.
        """
        pieces = [_Piece(command) for command in commands]
        await self._settle(pieces)
        _raise_refusal(pieces)
        return [piece.answer for piece in pieces]

    async def in_turn(self, *stages: Sequence[Command]) -> list[list[Any]]:
        """
        Return the answers to all *stages*, each executed after those before it.

        Commands must bear being executed twice: those behind one that is sent again are, too.

        Raises:
            StoreUnavailable: Nobody knows which of them were executed.
        """
        made = [[_Piece(command) for command in stage] for stage in stages]
        if await self._together(made):
            await self._send([piece for stage in made for piece in stage])
        behind = False
        for stage in made:
            missed = [n for n, piece in enumerate(stage) if behind or undone(piece.answer)]
            if missed:
                behind = True
                await self._settle(stage[missed[0] :], in_order=True)
            _raise_refusal(stage)
        return [[piece.answer for piece in stage] for stage in made]

    async def _together(self, stages: Sequence[Sequence[_Piece]]) -> bool:
        """Tell whether one server has it all, so that one trip is enough."""
        if self._servers.only():
            return True
        try:
            servers = {await self._server_of(piece) for stage in stages for piece in stage}
        except NotSent:
            return False
        return len(servers) == 1

    async def everywhere(self, *commands: Command) -> dict[str, list[Any]]:
        """
        Ask every primary: HOST:PORT -> its answers, of which some may be errors.

        Raises:
            StoreUnavailable: One cannot be reached.
        """
        try:
            primaries = await self._servers.primaries()
        except NotSent as problem:
            raise unavailable(problem) from problem
        asked = {one.name: [_Piece(each, one) for each in commands] for one in primaries}
        await self._settle([piece for pieces in asked.values() for piece in pieces])
        return {name: [piece.answer for piece in pieces] for name, pieces in asked.items()}

    async def _settle(self, pieces: Sequence[_Piece], *, in_order: bool = False) -> None:
        """Send *pieces* until each was executed, or refused for good."""
        pauses = iter(PAUSES)
        while pieces:
            await self._send(pieces)
            missed = [n for n, piece in enumerate(pieces) if undone(piece.answer)]
            if not missed:
                return
            pause = next(pauses, None)
            if pause is None:
                raise _given_up(pieces[missed[0]].answer)
            pieces = pieces[missed[0] :] if in_order else [pieces[n] for n in missed]
            await self._prepare(pieces)
            await asyncio.sleep(pause)

    async def _send(self, pieces: Sequence[_Piece]) -> None:
        if only := self._servers.only():
            self._raise(await self._ask(self._line(only), pieces))
            return
        lines: dict[Line, list[_Piece]] = {}
        for piece in pieces:
            try:
                line = self._line(await self._server_of(piece))
            except NotSent as problem:
                piece.answer = problem
            else:
                lines.setdefault(line, []).append(piece)
        told = await asyncio.gather(*(self._ask(line, own) for line, own in lines.items()))
        for problem in told:
            self._raise(problem)

    def _raise(self, problem: StoreUnavailable | None) -> None:
        if problem:
            self._servers.doubt()
            raise problem

    async def _server_of(self, piece: _Piece) -> Server:
        if piece.asked:
            return self._servers.at(piece.asked)
        return piece.server or await self._servers.of(piece.command)

    async def _ask(self, line: Line, pieces: Sequence[_Piece]) -> StoreUnavailable | None:
        """Send pieces that belong to one server; return why nobody knows what became of them."""
        commands = [part for piece in pieces for part in _parts(piece)]
        try:
            answers = iter(await line.ask(commands))
        except (NotSent, WrongServer) as problem:
            for piece in pieces:
                piece.answer = problem
            return None
        except StoreUnavailable as problem:
            return problem
        for piece in pieces:
            if piece.asked:
                next(answers)
                piece.asked = ""
            piece.answer = next(answers)
        return None

    async def _prepare(self, pieces: Sequence[_Piece]) -> None:
        """Do what lets *pieces* be executed the next time."""
        for piece in pieces:
            answer = piece.answer
            if isinstance(answer, MovedError):
                self._servers.moved(piece.command, _name(answer))
            elif isinstance(answer, AskError):
                piece.asked = _name(answer)
            elif undone(answer) and not isinstance(answer, _STILL_THERE):
                self._servers.doubt()
        await self._load(piece for piece in pieces if isinstance(piece.answer, NoScriptError))

    async def _load(self, pieces: Iterable[_Piece]) -> None:
        """Tell the scripts to the servers that do not know them: they were restarted."""
        try:
            servers = {await self._server_of(piece) for piece in pieces}
            for server in servers:
                await self._line(server).ask(_LOADING)
        except (NotSent, WrongServer):
            self._servers.doubt()


def _parts(piece: _Piece) -> Sequence[bytes]:
    return (_ASKING, piece.packed) if piece.asked else (piece.packed,)


def _name(answer: AskError) -> str:
    return (
        f"[{answer.host}]:{answer.port}" if ":" in answer.host else f"{answer.host}:{answer.port}"
    )


def _raise_refusal(pieces: Sequence[_Piece]) -> None:
    for piece in pieces:
        if isinstance(piece.answer, Exception):
            log.warning("redis_refused", extra={"error": str(piece.answer)})
            raise unavailable(piece.answer)


def _given_up(answer: Exception) -> StoreUnavailable:
    log.warning("redis_failed", extra={"error": str(answer), "calls": 1})
    return unavailable(answer)
