"""A far side that speaks the protocol of Redis and answers what a test says, to see what is sent again and what never is."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from hiredis import Reader

from approvals_core.adapters.redis_store.line import packed
from tests.redis_server import DURABLE

Answers = Callable[[list[str]], bytes | None]  # to one command; None cuts the connection

OK = b"+OK\r\n"
_TALK = {  # what a client says of itself, and asks whoever it talks to
    "CLIENT": OK,
    "PING": b"+PONG\r\n",
    "ROLE": b"*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n",
}
_BYTES = 65536  # read at once


class Scripted:
    """Notes what it is asked, and answers with *answers*."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self.asked: list[list[str]] = []
        self.connections = 0
        self.port = 0
        self.not_told: deque[bytes] = deque()  # answered in turn to who asks for its settings

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        parser = Reader(encoding="utf-8")
        while read := await reader.read(_BYTES):
            parser.feed(read)
            while (command := parser.gets()) is not False:
                answer = self._answer([str(part) for part in command])
                if answer is None:
                    writer.close()
                    return
                writer.write(answer)
            await writer.drain()
        writer.close()

    def _answer(self, command: list[str]) -> bytes | None:
        if command[0] in _TALK:
            return _TALK[command[0]]
        if command[:2] == ["CONFIG", "GET"]:  # as one that is safe
            told = packed((command[2], DURABLE[command[2]]))
            return self.not_told.popleft() if self.not_told else told
        self.asked.append(command)
        return self._answers(command)


@asynccontextmanager
async def scripted(answers: Answers) -> AsyncIterator[Scripted]:
    """Serve *answers* on a free port of this machine."""
    far = Scripted(answers)
    server = await asyncio.start_server(far.talk, "127.0.0.1", 0)
    far.port = server.sockets[0].getsockname()[1]
    async with server:
        yield far
