"""Several processes of the service on one store, each with a role, as an operator starts them."""

import asyncio
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from playground.outside import Playground
from playground.reading import button, buttons, words
from playground.records import Message, Sender
from playground.teams import Answer
from tests.failing import listening, started
from tests.ports import free_port
from tests.running import WIKI_NUMBER

EVERYBODY = ("johndoe1", "johndoe2", "johndoe3")


@dataclass
class Started:
    """One process, and where it listens."""

    process: Process
    url: str
    said: list[str] = field(default_factory=list)  # lines of its log up to its start

    async def get(self, path: str) -> tuple[int, Any]:
        """Return status and answer."""
        async with aiohttp.ClientSession() as http, http.get(self.url + path) as response:
            return response.status, await response.json(content_type=None)

    async def ended(self, within: float = 60.0) -> bytes:
        """Wait for its end; return what else it logged."""
        _out, err = await asyncio.wait_for(self.process.communicate(), within)
        return err


class Several:
    """The world around, and the processes that share *store_url*."""

    def __init__(self, outside: Playground, store_url: str, folder: Path) -> None:
        self.outside = outside
        self._store_url = store_url
        self._tenants = outside.write_tenants(folder / "tenants")
        self._stack = AsyncExitStack()

    async def start(self, role: str = "all", **more: str) -> Started:
        """Start another process; *more* are settings. The world calls the newest that takes calls."""
        port = free_port()
        given = self.outside.settings(store_url=self._store_url, tenants=self._tenants, port=port)
        settings = given | {"ROLE": role} | {name.upper(): value for name, value in more.items()}
        process = await self._stack.enter_async_context(started(settings))
        one = Started(process, f"http://127.0.0.1:{port}", await listening(process))
        if role != "worker":
            self.outside.meet(one.url)
        return one

    async def close(self) -> None:
        await self._stack.aclose()

    async def install(self) -> None:
        for alias in EVERYBODY:
            await self.outside.teams.install(alias)

    def card_of(self, alias: str, number: str = WIKI_NUMBER) -> Message | None:
        chat = self.outside.world.chat_of(alias)
        messages = chat.messages if chat else []
        found = [m for m in messages if m.sender is Sender.BOT and number in str(m.card)]
        return found[-1] if found else None

    def text_of(self, alias: str, number: str = WIKI_NUMBER) -> str:
        message = self.card_of(alias, number)
        return words((message and message.card) or {})

    def offers(self, alias: str, number: str = WIKI_NUMBER) -> bool:
        message = self.card_of(alias, number)
        return any(b.get("title") == "Approve" for b in buttons((message and message.card) or {}))

    async def asked(self, *aliases: str) -> None:
        await self.until(lambda: all(self.offers(alias) for alias in aliases))

    async def click(self, alias: str, comment: str = "mine") -> Answer:
        message = self.card_of(alias)
        assert message is not None
        action = button(message.card or {}, "Approve")
        return await self.outside.teams.click(alias, message.id, action, {"comment": comment})

    async def until(self, look: Callable[[], Any], *, within: float = 60.0) -> Any:
        return await self.outside.world.until(look, within=within)


@asynccontextmanager
async def several(outside: Playground, store_url: str, folder: Path) -> AsyncIterator[Several]:
    """Have several processes; those that still run at the end are killed."""
    processes = Several(outside, store_url, folder)
    try:
        yield processes
    finally:
        await processes.close()
