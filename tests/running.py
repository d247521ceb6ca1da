"""The whole service, running in the test's own loop beside its playground, on either store."""

import json
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from opentelemetry.sdk.trace import SpanProcessor

from app import House, OpenStore, open_house
from approvals_core.adapters.stores import open_store
from config import Settings
from playground.outside import Playground
from playground.reading import button, buttons, words
from playground.records import Json, Message, Sender
from tests.patience import Patience

WIKI_NUMBER = "REQ-34562-126"
PATIENCE = 40.0  # seconds: a busy machine is slow, and waiting costs nothing where all goes well


class Clock:
    """Real time, plus what the test has added."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)
        self._stands: datetime | None = None

    def __call__(self) -> datetime:
        return (self._stands or datetime.now(UTC)) + self.ahead

    def stand(self) -> None:
        """Go no further by itself: nothing becomes due any more before the test lets time pass."""
        self._stands = datetime.now(UTC)


@dataclass
class Running:
    """A running service and the world around it."""

    house: House
    playground: Playground
    clock: Clock
    patience: Patience
    number: str = WIKI_NUMBER  # of the request that is looked at

    async def pass_time(self, seconds: float) -> None:
        """Let the service believe that time has passed."""
        self.clock.ahead += timedelta(seconds=seconds)
        self.house.worker.wake()

    async def send(self, sample: str, **fields: Any) -> dict[str, Any]:
        """Post a sample ARX, with top-level *fields* replaced, and return the answer."""
        arx = json.loads(self.playground.sample(sample)) | fields
        sent = await self.playground.tenant.send(arx)
        assert sent.status == 200, sent.answer
        return sent.answer

    def card_of(self, alias: str) -> Message | None:
        """Return the newest message in somebody's chat whose card is about a request."""
        chat = self.playground.world.chat_of(alias)
        messages = [] if chat is None else list(chat.messages)
        about = [m for m in messages if m.sender is Sender.BOT and self.number in str(m.card)]
        return about[-1] if about else None

    def text_of(self, alias: str) -> str:
        """Return everything that somebody's newest card says to him."""
        message = self.card_of(alias)
        return words(message.shown_to(alias) or {}) if message else ""

    def base_text_of(self, alias: str) -> str:
        """Return everything that the stored message of his newest card says."""
        message = self.card_of(alias)
        return words(message.card or {}) if message else ""

    def last_text(self, alias: str) -> str:
        """Return what the newest message of all in somebody's chat says."""
        chat = self.playground.world.chat_of(alias)
        return words(chat.messages[-1].card or {}) if chat and chat.messages else ""

    async def says(self, alias: str, *parts: str, within: float = PATIENCE) -> str:
        """Wait until somebody's stored card says all of *parts*."""

        def look() -> str | None:
            text = self.base_text_of(alias)
            return text if all(part in text for part in parts) else None

        return await self.until(look, within=within)

    async def asked(self, *aliases: str) -> None:
        """Wait until each of them has a card with buttons."""
        for alias in aliases:
            await self.until(lambda who=alias: self.can_decide(who))

    def can_decide(self, alias: str) -> bool:
        """Tell whether somebody's stored card offers to approve."""
        message = self.card_of(alias)
        titles = [b.get("title") for b in buttons(message.card or {})] if message else []
        return "Approve" in titles

    async def click(self, alias: str, title: str, comment: str = "") -> Any:
        """Press a button of somebody's newest card, as he sees it."""
        return await self.press(alias, self.button(alias, title), comment)

    def button(self, alias: str, title: str) -> Json:
        """Return a button of somebody's newest card, to be pressed whatever the card says by then."""
        message = self.card_of(alias)
        assert message is not None, f"{alias} has no card"
        return button(message.shown_to(alias) or {}, title)

    async def press(self, alias: str, action: Json, comment: str = "") -> Any:
        """Press what was a button of his newest card."""
        message = self.card_of(alias)
        assert message is not None, f"{alias} has no card"
        return await self.playground.teams.click(alias, message.id, action, {"comment": comment})

    async def until(self, look: Any, *, within: float = PATIENCE) -> Any:
        return await self.playground.world.until(look, within=within)

    async def click_held(self, alias: str, title: str, comment: str = "") -> Any:
        """Press a button, and wait no longer than until the tenant holds what it led to."""
        arrived = self.playground.tenant.arrived(within=PATIENCE)
        return await self.patience.until(arrived, self.click(alias, title, comment))

    def told(self) -> list[Any]:
        """Return the ApprovalRequests that reached the tenant."""
        return self.playground.tenant.actions()


@asynccontextmanager
async def run_service(
    playground: Playground,
    *,
    store_url: str,
    folder: Path,
    clock: Clock | None = None,
    open_store: OpenStore = open_store,
    spans: SpanProcessor | None = None,
    patience: Patience | None = None,
    **more: Any,
) -> AsyncIterator[Running]:
    """Start the service on a free port and let the world know where; *more* are settings."""
    clock, patience = clock or Clock(), patience or Patience()
    tenants = playground.write_tenants(folder / "tenants")
    async with AsyncExitStack() as stack:
        listening = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        port = listening.getsockname()[1]  # known before anything is put into a mail
        given = playground.settings(store_url=store_url, tenants=tenants, port=port)
        named = {name.lower(): value for name, value in given.items()} | more
        settings = Settings.model_validate(named)
        opening = open_house(
            settings, now=clock, open_store=open_store, spans=spans, deadlines=patience
        )
        house = await stack.enter_async_context(opening)
        runner = web.AppRunner(house.application(), access_log=None)
        await runner.setup()
        await web.SockSite(runner, listening).start()
        playground.outlook.auto_invoke_within = patience.outlook
        playground.meet(f"http://127.0.0.1:{runner.addresses[0][1]}")
        try:
            yield Running(house, playground, clock, patience)
        finally:
            await runner.cleanup()


@pytest.fixture
async def running(playground: Playground, store_url: str, tmp_path: Path) -> AsyncIterator[Running]:
    """The service on each store in turn, with three people who have the app."""
    async with run_service(playground, store_url=store_url, folder=tmp_path) as service:
        for alias in ("johndoe1", "johndoe2", "johndoe3"):
            await playground.teams.install(alias)
        yield service
