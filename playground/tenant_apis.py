"""The sample tenant's Action API, with everything that can go wrong behind it."""

import asyncio
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from playground import answers
from playground.book import Book
from playground.doors import drop
from playground.endless import pour
from playground.faults import Fault, FaultKind
from playground.issuer import Issuer
from playground.names import Registration
from playground.records import Json, Outcome, Received
from playground.tenant_reads import FAILING, POURING, TenantReads, is_ours
from playground.world import World

_WAITING = (FaultKind.HELD, FaultKind.SLOW)
_SAYING_NO = (FaultKind.REFUSED, FaultKind.TRANSIENT)
_MIXING_UP = (
    FaultKind.SHORT,
    FaultKind.LONG,
    FaultKind.REORDERED,
    FaultKind.DOUBLED,
    FaultKind.CONTRADICTED,
)
_DECIDING = (
    *FAILING,
    *POURING,
    *_SAYING_NO,
    *_MIXING_UP,
    FaultKind.GARBAGE,
    FaultKind.LOST_ANSWER,
    FaultKind.WRONG_DOCUMENT,
)

OnDecided = Callable[[list[Json]], None]


class TenantApis:
    """
    Serves `/tenants/{code}/...`; the faults of actions are at "tenant/{code}".

    *on_decided* is told the ApprovalRequests that the tenant just took.
    """

    def __init__(
        self,
        world: World,
        issuer: Issuer,
        book: Book,
        registered: Registration,
        on_decided: OnDecided,
    ) -> None:
        self._world = world
        self._issuer = issuer
        self._book = book
        self._registered = registered
        self._on_decided = on_decided
        self._place = f"tenant/{book.pages.code}"
        self._reads = TenantReads(world, issuer, book, registered)
        self._held: dict[int, asyncio.Event] = {}  # by the request's number

    def routes(self) -> Iterable[web.RouteDef]:
        here = f"/tenants/{self._book.pages.code}"
        return [web.post(f"{here}/actions", self._action), *self._reads.routes()]

    def held(self) -> list[Received]:
        """Return the requests that wait for `release`."""
        return [self._book.pages.received[number - 1] for number in self._held]

    def release(self) -> None:
        for event in self._held.values():
            event.set()

    # -- actions --------------------------------------------------------------

    async def _action(self, request: web.Request) -> web.StreamResponse:
        received = await self._book.receive(request, "action")
        response = await self._answered(request, received)
        self._book.heard(request, received)
        return response

    async def _answered(self, request: web.Request, received: Received) -> web.StreamResponse:
        if not is_ours(request, self._issuer, self._registered):
            return self._book.answer(received, {"error": "invalid token"}, status=401)
        if not isinstance(received.body, dict | list):
            return self._book.answer(received, {"error": "no ApprovalRequest"}, status=400)
        known = self._book.known(received)
        if known is not None:
            return self._book.answer(received, known, repeated=True)
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

    async def _decide(self, request: web.Request, received: Received) -> web.StreamResponse:
        fault = self._world.take_fault(self._place, *_DECIDING)
        if fault is None:
            return self._book.answer(received, self._done(received), applied=True)
        received = self._book.put(received, fault=fault.kind)
        if fault.kind in FAILING:
            return self._book.fail(received, fault)
        if fault.kind in _SAYING_NO:
            said = _each(received.body, lambda one: answers.refused(one, fault, self._registered))
            return self._book.answer(received, said)
        return await self._spoil(request, received, fault, self._done(received))

    async def _spoil(
        self, request: web.Request, received: Received, fault: Fault, done: Any
    ) -> web.StreamResponse:
        """Do what was asked, and answer so that nobody can be sure of it."""
        if fault.kind in POURING:
            self._apply(received, done, Outcome.ANSWERED)
            return await pour(request, fault)
        match fault.kind:
            case FaultKind.LOST_ANSWER:
                self._apply(received, done, Outcome.DROPPED)
                return drop(request)
            case FaultKind.GARBAGE:
                self._apply(received, done, Outcome.ANSWERED)
                return web.Response(text="<html><body>OK</body></html>", content_type="text/html")
            case FaultKind.WRONG_DOCUMENT:
                said = _each(done, answers.for_another)
            case _:
                said = answers.mixed_up(done, fault.kind) if isinstance(done, list) else done
        return self._book.answer(received, said, applied=True)

    def _done(self, received: Received) -> Any:
        """Take each decision, once, and return the answers."""
        known = self._book.decided(received)
        new = [one for key, one in self._book.decisions(received) if key not in known]
        done = _each(received.body, answers.done)
        self._book.take(received, done)
        self._on_decided(new)
        return done

    def _apply(self, received: Received, done: Any, outcome: Outcome) -> None:
        """Write down an answer that the caller will not learn: only asking again brings it."""
        at = datetime.now(UTC)
        status = 200 if outcome is Outcome.ANSWERED else None
        self._book.put(
            received, applied=True, answer=done, outcome=outcome, status=status, answered_at=at
        )


def _each(body: Any, answer: Callable[[Json], Json]) -> Any:
    """Answer one ApprovalRequest, or an array of them (bulk) with an array."""
    return [answer(one) for one in body] if isinstance(body, list) else answer(body)
