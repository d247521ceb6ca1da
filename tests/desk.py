"""The playground's page in a browser, as somebody at a desk uses it: three chats and the tenant's side."""

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, Locator, Page, Request, expect

from cards.formats import moment
from cards.text import one_line
from tests.failing import all_due, converged
from tests.running import Running
from tests.shared_browser import PATIENCE

MARIA, JONAS, PRIYA = ALL = ("johndoe1", "johndoe2", "johndoe3")
BERLIN = "Europe/Berlin"
AS_IT_SHOULD = "as it should"


class Desk:
    """One page, with everything in it that must not happen: console messages, errors, dialogs, foreign requests."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.complaints: list[str] = []
        self._url = url
        self._forbids = False
        # Chromium tells violations of the page's policy on the console, too.
        page.on("console", lambda message: self._told(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("requestfailed", self._failed)
        page.on("request", self._requested)
        page.on("dialog", self._dialog)

    async def open(self) -> None:
        await self.page.goto(self._url)
        await self.page.get_by_text("Live", exact=True).wait_for()

    # -- the chats ------------------------------------------------------------

    def chat(self, alias: str) -> Locator:
        return self.page.locator(f"#chat-{alias}")

    def card(self, alias: str) -> Locator:
        """Return the newest card in somebody's chat."""
        return self.chat(alias).locator(".card").last

    def comment(self, alias: str) -> Locator:
        return self.card(alias).get_by_label("Comment")

    def button(self, alias: str, title: str) -> Locator:
        return self.card(alias).get_by_role("button", name=title, exact=True)

    async def asked(self, *aliases: str) -> None:
        """Wait until each of them can decide."""
        for alias in aliases:
            await expect(self.button(alias, "Approve")).to_be_enabled()

    async def not_asked(self, alias: str) -> None:
        await expect(self.button(alias, "Approve")).to_have_count(0)

    async def decide(self, alias: str, title: str, comment: str = "") -> None:
        if comment:
            await self.comment(alias).fill(comment)
        await self.button(alias, title).click()

    async def refresh(self, alias: str) -> None:
        """Ask for the newest card as it is now, and wait for it."""
        again = self.chat(alias).get_by_role("button", name="Refresh card").last
        async with self.page.expect_response("**/page/api/refresh"):
            await again.click()
        await expect(again).to_be_enabled()

    async def app_is(self, name: str, state: str) -> None:
        """Let somebody of this name have the app or not, and wait until the bot was told."""
        async with self.page.expect_response("**/page/api/app"):
            await self.page.get_by_label(f"The app in {name}'s Teams").select_option(state)

    async def write(self, alias: str, text: str) -> None:
        await self.chat(alias).get_by_placeholder("Type a message").fill(text)
        await self.chat(alias).get_by_role("button", name="Send", exact=True).click()

    # -- the tenant's side ----------------------------------------------------

    async def post_sample(self, name: str, **fields: Any) -> None:
        """Post a sample from the box, with top-level *fields* replaced as if by hand."""
        await self.page.get_by_role("tab", name="Send an ARX").click()
        await self.page.locator(f"[data-sample={name}]").click()
        box = self.page.get_by_label("The ARX to post, as JSON")
        if fields:
            arx = json.loads(await box.input_value()) | fields
            await box.fill(json.dumps(arx, indent=2))
        # Of its own answer: what the page shows until then is that to the post before it.
        async with self.page.expect_response("**/page/api/arx") as answering:
            await self.page.get_by_role("button", name="Post as tenant").click()
        told = await (await answering.value).json()
        assert told["sent"]["answer"].get("Disposition") == "applied", told["sent"]
        await self.page.locator(".answer-line").get_by_text("Applied", exact=True).wait_for()

    async def tenant_answers(self, how: str) -> None:
        """Choose how the tenant answers what it is told from now on."""
        await self.page.get_by_label("Answers").select_option(label=how)
        # As the tenant itself tells: until then it answers as before.
        await expect(self.page.locator(".faults.on")).to_have_count(0 if how == AS_IT_SHOULD else 1)

    async def received(self, title: str) -> Any:
        """Return what the tenant's view shows as the body of the newest request of this title."""
        await self.page.get_by_role("tab", name=re.compile("^Traffic")).click()
        entry = self.page.locator("details.received").filter(has_text=title).first
        await expect(entry.locator(".status.good")).to_have_count(1)  # it is not drawn anew
        await entry.locator("summary").click()
        shown = entry.get_by_role("region", name="ApprovalRequest received")
        return json.loads(await shown.inner_text())

    # -- what must not happen -------------------------------------------------

    def forbids(self) -> None:
        """Let the browser say what it forbids a stranger: that is as it should be."""
        self._forbids = True

    def _told(self, text: str) -> None:
        if not (self._forbids and ("blocked" in text.lower() or "violates" in text)):
            self.complaints.append(text)

    def _failed(self, request: Request) -> None:
        # A page that is left gives up its stream of events, its last look, a card's refresh, and pictures
        # that are on their way; that is no fault.
        refreshes = ("/api/opened", "/api/mail/invoke")
        given_up = ("/events", "/api/request?", *refreshes, "/page/icon.svg", "/icons/")
        if not any(part in request.url for part in given_up):
            self.complaints.append(f"{request.failure}: {request.url}")

    def _requested(self, request: Request) -> None:
        where, own = urlsplit(request.url), urlsplit(self._url)
        # The tenants' icons on the cards come from the service, which has another port.
        is_icon = where.hostname == own.hostname and where.path.startswith("/icons/")
        if where.scheme != "data" and where.netloc != own.netloc and not is_icon:
            self.complaints.append(f"asked for {request.url}")

    async def _dialog(self, dialog: Any) -> None:
        self.complaints.append(f"dialog: {dialog.message}")
        await dialog.dismiss()


@asynccontextmanager
async def a_desk(browser: Browser, url: str, **options: Any) -> AsyncIterator[Desk]:
    """Open the page; at the end nothing may have happened that must not."""
    context = await browser.new_context(
        **{"viewport": {"width": 1600, "height": 1000}, "timezone_id": BERLIN, **options}
    )
    context.set_default_timeout(PATIENCE)
    desk = Desk(await context.new_page(), url)
    await desk.open()
    yield desk
    await context.close()
    assert desk.complaints == [], desk.complaints


@pytest.fixture
async def desk(running: Running, browser: Browser) -> AsyncIterator[Desk]:
    """The page of the running playground."""
    async with a_desk(browser, running.playground.url) as opened:
        yield opened


async def says(desk: Desk, alias: str, *parts: str) -> None:
    """Wait until somebody's newest card says all of *parts*."""
    for part in parts:
        await expect(desk.card(alias)).to_contain_text(part)


async def settled(running: Running, desk: Desk, *aliases: str) -> None:
    """Wait until each of them sees the newest card, and nothing is on its way that would change it."""
    await all_due(running)
    await up_to_date(running, desk, *aliases)


async def unchanging(running: Running, desk: Desk, *aliases: str) -> None:
    """Wait as `settled` does, also for what comes to a card only after its clicker has read it."""
    await converged(running)
    await up_to_date(running, desk, *aliases)


async def looked_again(running: Running, desk: Desk) -> None:
    """
    Let the page look once more what became of the request in its box.

    It does when something happens, for six seconds after, and then every fifteen seconds.
    Not to wait for those, let Jonas, who is asked nothing here, say something.
    """
    await all_due(running)
    await desk.write(JONAS, "help")
    await says(desk, JONAS, "What you can write here")


async def up_to_date(running: Running, desk: Desk, *aliases: str) -> None:
    """Wait until each of them sees the newest card as it now is, or newer."""
    for alias in aliases:
        chat = running.playground.world.chat_of(alias)
        assert chat is not None, f"{alias} has no chat"
        message = chat.messages[-1]
        shown = desk.chat(alias).locator(f'[data-message="{message.id}"]')
        await expect(shown).to_have_attribute("data-revision", from_on(message.revision))


def from_on(revision: int) -> re.Pattern[str]:
    """Return what matches this revision of a card, and those that may come while one looks."""
    return re.compile(f"^({'|'.join(map(str, range(revision, revision + 20)))})$")


def as_read(at: str, zone: str = BERLIN) -> str:
    """Return a time of the wire as a card writes it."""
    return one_line(moment(datetime.fromisoformat(at), "en-US", zone), 80)
