"""The playground's Outlook in a browser, as somebody uses it: inboxes, reading panes, cards in mails."""

import re
from typing import Any

from playwright.async_api import Locator, Page, expect

from playground.names import DOMAIN
from tests.desk import ALL, Desk

TO_ALL = ";".join(f"{alias}@{DOMAIN}" for alias in ALL)


def a_notification(to: str = TO_ALL, **more: Any) -> dict[str, Any]:
    """Return a NotificationDetail that wants a mail sent to each of *to*."""
    wanted = {"SendNotification": True, "TemplateKey": "PendingApproval", "To": to}
    return {**wanted, "Cc": "", "Bcc": "", "Reminder": None, **more}


class Inboxes:
    """Everybody's Outlook on one page."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    @property
    def page(self) -> Page:
        return self._desk.page

    def of(self, alias: str) -> Locator:
        return self.page.locator(f"#mailbox-{alias}")

    def rows(self, alias: str) -> Locator:
        return self.of(alias).locator(".mail-row")

    def card(self, alias: str) -> Locator:
        return self.of(alias).locator(".outlook-card")

    def button(self, alias: str, title: str) -> Locator:
        return self.card(alias).get_by_role("button", name=title, exact=True)

    def text(self, alias: str) -> Any:
        """Return the frame with the mail's HTML."""
        return self.of(alias).frame_locator("iframe")

    async def look(self, alias: str, app: str = "Outlook") -> None:
        tab = self.page.locator(f"#person-{alias}").get_by_role("tab", name=re.compile(f"^{app}"))
        await tab.click()

    async def open(self, alias: str, subject: str) -> None:
        """Open the newest mail with this in its subject, once it is there."""
        await self.look(alias)
        back = self.of(alias).get_by_role("button", name="Back to the inbox")
        if await back.is_visible():
            await back.click()
        await self.rows(alias).filter(has_text=subject).first.click()
        await self.of(alias).locator(".letter-subject").filter(has_text=subject).wait_for()

    async def look_into(self, alias: str, whose: str) -> None:
        """Let somebody look into the inbox of one who has no pane of his own, by his name."""
        await self.look(alias)
        await self.of(alias).get_by_label("Whose inbox").select_option(label=whose)

    async def show(self, alias: str, how: str) -> None:
        await self.of(alias).get_by_label("Show the mail").select_option(label=how)

    async def forward(self, alias: str, to: str) -> None:
        await self.of(alias).get_by_label("Forward the mail").select_option(label=to)
        await self.of(alias).locator(".toast.good").wait_for()

    async def says(self, alias: str, *parts: str) -> None:
        for part in parts:
            await expect(self.card(alias)).to_contain_text(part)

    async def decide(self, alias: str, title: str, comment: str = "") -> None:
        await expect(self.button(alias, title)).to_be_enabled()
        if comment:
            await self.card(alias).locator("textarea").first.fill(comment)  # 1.0 knows no labels
        await self.button(alias, title).click()
