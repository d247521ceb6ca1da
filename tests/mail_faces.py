"""
Mails of every kind, for the golden files and for looking at.

``python -m tests.mail_faces`` writes the golden files anew; ``python -m tests.mail_faces
FOLDER`` takes pictures of them into a folder. Do the first only for a change whose
pictures you have looked at.
"""

import asyncio
import json
import re
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from playwright.async_api import async_playwright

from approvals_core.models import (
    ApprovalKey,
    Letter,
    LetterState,
    Notification,
    Occasion,
)
from approvals_core.ports import View
from cards.approval import approval_card
from cards.mail import Composed, Template, compose, parse
from tests.browser import find_browser
from tests.card_faces import views
from tests.card_makers import ASKED_AT, DECIDED_AT, TENANT_ID, VIEWER
from tests.conftest import CHROMIUM_ARGUMENTS

GOLDEN = Path(__file__).parent / "golden" / "mails"
EXPENSES = Path(__file__).parent.parent / "playground" / "tenants" / "expenses-mail.html"
PAGE = "https://approvals.example.com/requests/pr-9q2f4zt1"
SIGNED = "eyJhbGciOiJSUzI1NiJ9.eyJpYXQiOjF9.c2lnbmVk"
MAIN = (
    "pending",
    "pending-refused-links",
    "approved",
    "rejected",
    "held-approved",
    "held-unconfirmed",
    "second-round",
    "tenant-closed",
    "done",
    "done-so-far",
    "ended-otherwise",
    "bare",
    "details-mapped",
    "details-wiki",
    "stress-rtl",
    "stress-hostile-decided",
)


def a_letter(**fields: Any) -> Letter:
    usual: dict[str, Any] = {
        "approval": ApprovalKey(TENANT_ID, "PR-2026-00417", "2026"),
        "id": "0" * 32,
        "notification": "n1",
        "occasion": Occasion.ASKED,
        "address": "maria.keller@organization.com",
        "round": 1,
        "seat": 0,
        "state": LetterState.SENDING,
        "at": DECIDED_AT,
    }
    return Letter(**usual | fields)


def a_notification(**fields: Any) -> Notification:
    usual: dict[str, Any] = {
        "id": "n1",
        "occasion": Occasion.ASKED,
        "template": "PendingApproval",
        "round": 1,
        "at": ASKED_AT,
    }
    return Notification(**usual | fields)


def card_of(view: View) -> dict[str, Any]:
    return json.loads(json.dumps(approval_card(view, VIEWER).render()))


def a_mail(
    view: View,
    *,
    seat: int | None = 0,
    occasion: Occasion = Occasion.ASKED,
    template: Template | None = None,
    address: str = "",
    **more: Any,
) -> Composed:
    """Compose a mail, with a card if it has a seat; to an address that nobody is known by."""
    usual: dict[str, Any] = {"page_url": PAGE, "card": card_of(view) if seat is not None else None}
    letter = a_letter(occasion=occasion, seat=seat, **({"address": address} if address else {}))
    notification = a_notification()
    return compose(letter, notification, view, VIEWER, template=template, **usual | more)


@cache  # dozens of tests ask for one of them each
def mails() -> Mapping[str, Composed]:
    """Return one mail of each kind."""
    found = views()
    pending = found["pending"]
    own = parse(EXPENSES.read_text(encoding="utf-8"))
    made = {
        **{name: a_mail(found[name]) for name in MAIN},
        "told": a_mail(pending, seat=None),
        "told-still-open": a_mail(pending, seat=None, occasion=Occasion.ENDED),
        "told-of-a-tenant": a_mail(pending, seat=None, template=own),
        "told-decided": a_mail(found["held-approved"], seat=None),
        "asked-in-cc": a_mail(pending, seat=None, address="johndoe1"),
        "asked-before": a_mail(
            found["done"], seat=None, occasion=Occasion.ENDED, address="johndoe1"
        ),
        "told-over": a_mail(found["done"], seat=None, occasion=Occasion.ENDED),
        "reminder": a_mail(pending, occasion=Occasion.REMINDER),
        "signed": a_mail(pending, signed=SIGNED, notice_line="Playground: nothing here is real."),
        "of-a-tenant": a_mail(pending, template=own, signed=SIGNED),
    }
    return MappingProxyType(made)


def files() -> Mapping[str, str]:
    """Return what stands in each golden file, by its name."""
    made = {f"{name}.html": mail.html for name, mail in mails().items()}
    return made | {
        f"{name}.txt": f"{mail.subject}\n\n{mail.text}" for name, mail in mails().items()
    }


def without_styles(html: str) -> str:
    return re.sub(r' style="[^"]*"', "", re.sub(r"<style>.*?</style>", "", html, flags=re.DOTALL))


async def take_pictures(folder: Path) -> None:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=find_browser(), args=CHROMIUM_ARGUMENTS
        )
        for name, mail in mails().items():
            for look, width, dark in (
                ("light", 800, False),
                ("dark", 800, True),
                ("phone", 320, False),
            ):
                scheme = "dark" if dark else "light"
                context = await browser.new_context(
                    viewport={"width": width, "height": 600}, color_scheme=scheme
                )
                page = await context.new_page()
                await page.set_content(mail.html)
                await page.screenshot(path=folder / f"{name}-{look}.png", full_page=True)
                await context.close()
            page = await browser.new_page(viewport={"width": 800, "height": 600})
            await page.set_content(without_styles(mail.html))
            await page.screenshot(path=folder / f"{name}-bare.png", full_page=True)
            await page.close()
        await browser.close()


def main() -> int:
    """Write the golden files, or take the pictures."""
    if sys.argv[1:]:
        folder = Path(sys.argv[1])
        folder.mkdir(parents=True, exist_ok=True)
        asyncio.run(take_pictures(folder))
        return 0
    GOLDEN.mkdir(exist_ok=True)
    for old in GOLDEN.iterdir():
        old.unlink()
    for name, text in files().items():
        (GOLDEN / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
