"""A sample tenant's book at work: it writes down every request from its arrival to its answer."""

import json
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from playground.records import Json, Outcome, Received, Sent, TenantBook
from playground.world import World


class Book:
    def __init__(self, world: World, code: str) -> None:
        self._world = world
        self._pages = world.tenant(code)

    @property
    def pages(self) -> TenantBook:
        return self._pages

    def add_sent(self, sent: Sent) -> None:
        self._pages.sent.append(sent)
        self._world.book_changed(self._pages, sent=sent.number)

    async def receive(self, request: web.Request, api: str) -> Received:
        received = Received(
            number=len(self._pages.received) + 1,
            at=datetime.now(UTC),
            api=api,
            method=request.method,
            path=request.path_qs,
            headers={**request.headers, "Authorization": "(checked, not shown)"},
        )
        # Before the body is awaited: a number is a position.
        self._pages.received.append(received)
        return self.put(received, body=read_json(await request.text()))

    def put(self, received: Received, **changes: Any) -> Received:
        """Write down what happened to a request; return it as it now is."""
        now = self._pages.received[received.number - 1]
        newer = now.model_copy(update={"revision": now.revision + 1, **changes})
        self._pages.put(newer)
        self._world.book_changed(self._pages, received=received.number)
        return newer

    def answer(
        self, received: Received, answer: Any, *, status: int = 200, **changes: Any
    ) -> web.Response:
        """Write the answer down and return it."""
        closed = {"outcome": Outcome.ANSWERED, "status": status, "answered_at": datetime.now(UTC)}
        self.put(received, answer=answer, **closed, **changes)
        return web.json_response(answer, status=status)

    def actions(self) -> list[Received]:
        """Return every ApprovalRequest that arrived, the oldest first."""
        return [one for one in self._pages.received if one.api == "action"]

    def first_of(self, received: Received) -> Received | None:
        """Return the request that this one repeats, if the tenant looks at Idempotency-Key at all."""
        key = _key(received)
        if not (self._pages.honours_keys and key):
            return None
        done = (one for one in self.actions() if one.applied and _key(one) == key)
        return next(done, None)

    def sent_for(self, number: str, year: str) -> list[Json]:
        """Return the ARX sent for a document, the oldest first."""
        return [one.arx for one in self._pages.sent if one.arx and _names(one.arx, number, year)]


def read_json(text: str) -> Any:
    """Return what the text says as JSON, the text itself if it is none, None if it is empty."""
    try:
        return json.loads(text) if text else None
    except ValueError:
        return text


def _key(received: Received) -> str:
    headers = {name.lower(): value for name, value in received.headers.items()}
    return headers.get("idempotency-key", "")


def _names(arx: Json, number: str, year: str) -> bool:
    identifier = arx.get("ApprovalIdentifier") or {}
    numbers = (identifier.get("DocumentNumber"), identifier.get("DisplayDocumentNumber"))
    return number in numbers and (identifier.get("FiscalYear") or "") == year
