"""A sample tenant's book at work: it writes down every request from its arrival to its answer."""

import json
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from playground.faults import Fault, FaultKind
from playground.names import Registration
from playground.records import Json, Outcome, Received, Sent, TenantBook
from playground.world import World

ELSEWHERE = "elsewhere"  # where redirects lead, to see who follows them


class Book:
    def __init__(self, world: World, registered: Registration) -> None:
        self._world = world
        self._pages = world.tenant(registered.code, by_itself=registered.by_itself)

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

    def decisions(self, received: Received) -> list[tuple[str, Json]]:
        """Return each ApprovalRequest of a post with the id of its decision, "" if it names none."""
        if isinstance(received.body, list):
            return [(_tcv(one), one) for one in received.body if isinstance(one, dict)]
        return [(_key(received), received.body)] if isinstance(received.body, dict) else []

    def decided(self, received: Received) -> dict[str, Json]:
        """Return what was answered to those of its decisions that were taken before, by id."""
        if not self._pages.honours_keys:
            return {}
        keys = (key for key, _ in self.decisions(received) if key)
        return {key: self._pages.decided[key] for key in keys if key in self._pages.decided}

    def known(self, received: Received) -> Any:
        """Return the answer to a post of which everything was taken before, else None."""
        keys, known = [key for key, _ in self.decisions(received)], self.decided(received)
        if not keys or not all(key in known for key in keys):
            return None
        answers = [known[key] for key in keys]
        return answers if isinstance(received.body, list) else answers[0]

    def take(self, received: Received, done: Any) -> None:
        """Remember what is answered to decisions that are taken now."""
        answers = done if isinstance(done, list) else [done]
        for (key, _), answer in zip(self.decisions(received), answers, strict=False):
            if key:
                self._pages.decided.setdefault(key, answer)

    def fail(self, received: Received, fault: Fault) -> web.Response:
        """Answer with the status that a switch names."""
        status = {FaultKind.THROTTLED: 429, FaultKind.REDIRECT: 307}.get(fault.kind, fault.status)
        why = {"error": fault.text or "The playground was told to fail."}
        response = self.answer(received, why, status=status, fault=fault.kind)
        if fault.kind is FaultKind.THROTTLED:
            response.headers["Retry-After"] = f"{fault.seconds:g}"
        if fault.kind is FaultKind.REDIRECT:
            response.headers["Location"] = f"/tenants/{self._pages.code}/{ELSEWHERE}"
        return response

    def heard(self, request: web.Request, received: Received) -> None:
        """Write down that nobody got the answer, if its caller is gone."""
        gone = request.transport is None or request.transport.is_closing()
        now = self._pages.received[received.number - 1]
        if gone and now.outcome is Outcome.ANSWERED:
            self.put(received, outcome=Outcome.UNHEARD)

    def sent_for(self, number: str, year: str) -> list[Json]:
        """Return the ARX sent for a document, the oldest first."""
        return [one.arx for one in self._pages.sent if one.arx and _names(one.arx, number, year)]

    def owed_for(self, number: str, year: str) -> list[Json]:
        """Return the ARX of a document that are still to be sent, the oldest first."""
        return [arx for arx in self._pages.owed if _names(arx, number, year)]

    def owe(self, arx: Json) -> None:
        """Write down an ARX to send."""
        self._pages.owed.append(arx)
        self._world.book_changed(self._pages)

    def settled(self) -> None:
        """Strike out the ARX to send first: the service has it."""
        self._pages.owed.pop(0)
        self._world.book_changed(self._pages)


def read_json(text: str) -> Any:
    """Return what the text says as JSON, the text itself if it is none, None if it is empty."""
    try:
        return json.loads(text) if text else None
    except ValueError:
        return text


def _tcv(request: Json) -> str:
    return str((request.get("Telemetry") or {}).get("Tcv") or "")


def _key(received: Received) -> str:
    headers = {name.lower(): value for name, value in received.headers.items()}
    return headers.get("idempotency-key", "")


def _names(arx: Json, number: str, year: str) -> bool:
    identifier = arx.get("ApprovalIdentifier") or {}
    numbers = (identifier.get("DocumentNumber"), identifier.get("DisplayDocumentNumber"))
    return number in numbers and (identifier.get("FiscalYear") or "") == year
