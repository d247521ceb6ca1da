"""The sample tenant's Action, Summary and Details APIs, with everything that can go wrong behind them."""

import asyncio
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from playground import answers, names
from playground.book import Book, read_json
from playground.doors import claims_of, drop
from playground.faults import Fault, FaultKind
from playground.issuer import Issuer
from playground.records import Json, Outcome, Received
from playground.world import World

_WAITING = (FaultKind.HELD, FaultKind.SLOW)
_FAILING = (FaultKind.THROTTLED, FaultKind.STATUS)
_DECIDING = (
    *_FAILING,
    FaultKind.REFUSED,
    FaultKind.TRANSIENT,
    FaultKind.GARBAGE,
    FaultKind.LOST_ANSWER,
)


class TenantApis:
    """Serves `/tenants/{code}/...`; faults at "tenant/{code}" (actions) and "tenant/{code}/reads"."""

    def __init__(self, world: World, issuer: Issuer, book: Book) -> None:
        self._world = world
        self._issuer = issuer
        self._book = book
        self._place = f"tenant/{book.pages.code}"
        self._held: dict[int, asyncio.Event] = {}  # by the request's number

    def routes(self) -> Iterable[web.RouteDef]:
        here = f"/tenants/{self._book.pages.code}"
        return [
            web.post(f"{here}/actions", self._action),
            web.get(f"{here}/summary/{{number}}", self._summary),
            web.get(f"{here}/details/{{operation}}/{{number}}", self._details),
        ]

    def held(self) -> list[Received]:
        """Return the requests that wait for `release`."""
        return [self._book.pages.received[number - 1] for number in self._held]

    def release(self) -> None:
        for event in self._held.values():
            event.set()

    # -- actions --------------------------------------------------------------

    async def _action(self, request: web.Request) -> web.Response:
        received = await self._book.receive(request, "action")
        if not self._is_ours(request):
            return self._book.answer(received, {"error": "invalid token"}, status=401)
        if not isinstance(received.body, dict | list):
            return self._book.answer(received, {"error": "no ApprovalRequest"}, status=400)
        first = self._book.first_of(received)
        if first is not None:
            return self._book.answer(received, first.answer, repeated=True)
        return await self._decide(request, await self._wait(received))

    async def _wait(self, received: Received) -> Received:
        """Hold the request, or let it take its time, if a switch says so."""
        fault = self._world.take_fault(self._place, *_WAITING)
        if fault is None:
            return received
        received = self._book.put(received, fault=fault.kind)
        if fault.kind is FaultKind.SLOW:
            await asyncio.sleep(fault.seconds)
            return received
        self._held[received.number] = asyncio.Event()
        self._book.put(received)  # only now do those who wait for it find it held
        await self._held[received.number].wait()
        del self._held[received.number]
        return received

    async def _decide(self, request: web.Request, received: Received) -> web.Response:
        fault = self._world.take_fault(self._place, *_DECIDING)
        done = _each(received.body, answers.done)
        if fault is None:
            return self._book.answer(received, done, applied=True)
        received = self._book.put(received, fault=fault.kind)
        match fault.kind:
            case FaultKind.LOST_ANSWER:
                self._apply(received, done, Outcome.DROPPED)
                return drop(request)
            case FaultKind.GARBAGE:
                self._apply(received, done, Outcome.ANSWERED)
                return web.Response(text="<html><body>OK</body></html>", content_type="text/html")
            case FaultKind.REFUSED | FaultKind.TRANSIENT:
                said = _each(received.body, lambda one: answers.refused(one, fault))
                return self._book.answer(received, said)
            case _:
                return self._fail(received, fault)

    def _apply(self, received: Received, done: Any, outcome: Outcome) -> None:
        """Do it, though the caller will not learn: only the same Idempotency-Key brings the answer."""
        at = datetime.now(UTC)
        self._book.put(received, applied=True, answer=done, outcome=outcome, answered_at=at)

    def _fail(self, received: Received, fault: Fault) -> web.Response:
        throttled = fault.kind is FaultKind.THROTTLED
        status = 429 if throttled else fault.status
        why = {"error": fault.text or "The playground was told to fail."}
        response = self._book.answer(received, why, status=status, fault=fault.kind)
        if throttled:
            response.headers["Retry-After"] = f"{fault.seconds:g}"
        return response

    # -- reading --------------------------------------------------------------

    async def _summary(self, request: web.Request) -> web.Response:
        return await self._look_up(request, "summary", lambda arx: arx.get("SummaryData"))

    async def _details(self, request: web.Request) -> web.Response:
        operation = request.match_info["operation"]
        return await self._look_up(request, "details", lambda arx: _detail(arx, operation))

    async def _look_up(
        self, request: web.Request, api: str, find: Callable[[Json], Any]
    ) -> web.Response:
        """Answer with what *find* finds in the newest ARX of the document that has it."""
        received = await self._book.receive(request, api)
        if not self._is_ours(request):
            return self._book.answer(received, {"error": "invalid token"}, status=401)
        fault = self._world.take_fault(f"{self._place}/reads", *_FAILING)
        if fault is not None:
            return self._fail(received, fault)
        number, year = request.match_info["number"], request.query.get("fiscalYear", "")
        found = [find(arx) for arx in self._book.sent_for(number, year)]
        newest = next((one for one in reversed(found) if one is not None), None)
        if newest is None:
            return self._book.answer(received, {"error": "no such document"}, status=404)
        return self._book.answer(received, newest)

    def _is_ours(self, request: web.Request) -> bool:
        claims = claims_of(request, self._issuer, audience=names.PURCHASING_API)
        return claims is not None and claims.get("azp") == names.BOT_APP


def _detail(arx: Json, operation: str) -> Any:
    """Return a details operation as JSON: in an ARX it is a string that holds it."""
    detail = (arx.get("DetailsData") or {}).get(operation)
    return read_json(detail) if isinstance(detail, str) else detail


def _each(body: Any, answer: Callable[[Json], Json]) -> Any:
    """Answer one ApprovalRequest, or an array of them (bulk) with an array."""
    return [answer(one) for one in body] if isinstance(body, list) else answer(body)
