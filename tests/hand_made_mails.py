"""Actionable mails made by hand, and a service that answers their cards as told."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import web

from playground import names
from playground.mailboxes import ReceivedMail, Via, mail_of
from playground.outside import Playground

Json = dict[str, Any]
TEXT_PLAIN = [
    {"name": "Content-Type", "value": "text/plain; charset=utf-8"},
    {"name": "Authorization", "value": ""},
]


def an_http(url: str, title: str = "Approve", **more: Any) -> Json:
    """Return an Action.Http that sends the comment as it is."""
    action = {"type": "Action.Http", "title": title, "method": "POST", "url": url}
    return {**action, "headers": TEXT_PLAIN, "body": "{{comment.value}}", **more}


def a_card(service: str, text: str = "Laptops for Lisbon", **more: Any) -> Json:
    """Return a card for Outlook whose buttons and refresh go to *service*."""
    return {
        "type": "AdaptiveCard",
        "version": "1.0",
        "originator": names.ORIGINATOR,
        "hideOriginalBody": True,
        "correlationId": "0d1a8d0a-4c54-4c0c-9d53-0d7a7a5d7c11",
        "autoInvokeAction": {
            "type": "Action.Http",
            "method": "POST",
            "url": f"{service}/outlook/refresh/t",
            "body": "",
            "headers": TEXT_PLAIN,
        },
        "body": [
            {"type": "TextBlock", "text": text, "wrap": True, "size": "Large"},
            {"type": "TextBlock", "text": "Comment", "weight": "Bolder"},
            {"type": "Input.Text", "id": "comment", "isMultiline": True, "label": "Comment"},
            {
                "type": "ActionSet",
                "actions": [
                    an_http(f"{service}/outlook/act/approve", style="positive"),
                    an_http(f"{service}/outlook/act/reject", "Reject", style="destructive"),
                ],
            },
        ],
        **more,
    }


def an_html(card: Json | str | None, body: str = "<h1>Laptops for Lisbon</h1>") -> str:
    """Return a mail's HTML with *card* in its head; None: no card."""
    text = card if isinstance(card, str) else json.dumps(card).replace("</", "<\\/")
    script = f'<script type="application/adaptivecard+json">{text}</script>' if card else ""
    return f"<!doctype html>\n<html><head>{script}</head>\n<body>{body}</body></html>"


def a_mail(playground: Playground, alias: str, html: str, **more: Any) -> ReceivedMail:
    """Put a mail from the service's own address into somebody's inbox."""
    to = mail_of(playground.world.people[alias])
    headers = {"from": f"Approvals <{names.MAIL_FROM}>", "to": to}
    mail = ReceivedMail(
        id=f"mail-{len(playground.world.mailboxes.of(alias)) + 1}",
        alias=alias,
        to=to,
        sender=names.MAIL_FROM,
        via=Via.SMTP,
        at=datetime.now(UTC),
        headers=headers,
        subject="Approve: Laptops for Lisbon",
        html=html,
        raw="",
    )
    return playground.world.mailboxes.deliver(mail.model_copy(update=more))


@dataclass
class Target:
    """What cards in mails call: it answers as told, and remembers what it was asked."""

    url: str = ""
    status: int = 200
    card: Json | None = None
    told: str = ""  # CARD-ACTION-STATUS
    announces: bool = True  # CARD-UPDATE-IN-BODY
    hold: asyncio.Event | None = None  # answers when it is set
    asked: list[tuple[str, dict[str, str], str]] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.asked.append((request.path, headers, await request.text()))
        if self.hold is not None:
            await self.hold.wait()
        answered = {"CARD-ACTION-STATUS": self.told} if self.told else {}
        if self.card is not None and self.announces:
            answered["CARD-UPDATE-IN-BODY"] = "true"
        return web.json_response(self.card, status=self.status, headers=answered)


@pytest.fixture
async def target(playground: Playground) -> AsyncIterator[Target]:
    """The playground's registered target, on a port of its own."""
    target = Target()
    app = web.Application()
    app.router.add_post("/outlook/{kind}/{ticket}", target.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    target.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    playground.meet(target.url)
    yield target
    if target.hold is not None:
        target.hold.set()
    await runner.cleanup()
