"""What of the sample tenant is only read: summary, details, attachments, and what became of a decision."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from aiohttp import web

from playground import names
from playground.book import ELSEWHERE, Book, read_json
from playground.business import details_of
from playground.documents import file_named
from playground.doors import claims_of, drop
from playground.endless import pour
from playground.faults import Fault, FaultKind
from playground.issuer import Issuer
from playground.names import Registration
from playground.records import Json, Outcome, Received
from playground.world import World

FAILING = (FaultKind.THROTTLED, FaultKind.STATUS, FaultKind.REDIRECT)
POURING = (FaultKind.DRIPPING, FaultKind.ENDLESS, FaultKind.HUGE)
_READING = (
    *FAILING,
    *POURING,
    FaultKind.LOST_ANSWER,
    FaultKind.GARBAGE,
    FaultKind.WRONG_DOCUMENT,
)

Give = Callable[[web.Request, Received], web.StreamResponse]


def is_ours(request: web.Request, issuer: Issuer, registered: Registration) -> bool:
    """Tell whether the service itself is asking, with a token for this tenant's API."""
    claims = claims_of(request, issuer, audience=registered.api)
    return claims is not None and claims.get("azp") == names.BOT_APP


class TenantReads:
    """Faults at "tenant/{code}/reads" for all of them, or at "tenant/{code}/summary" and so on."""

    def __init__(self, world: World, issuer: Issuer, book: Book, registered: Registration) -> None:
        self._world = world
        self._issuer = issuer
        self._book = book
        self._registered = registered

    def routes(self) -> Iterable[web.RouteDef]:
        here = f"/tenants/{self._book.pages.code}"
        return [
            web.get(f"{here}/summary/{{number}}", self._read("summary", self._summary)),
            web.get(
                f"{here}/details/{{operation}}/{{number}}", self._read("details", self._details)
            ),
            web.get(f"{here}/attachments/{{file}}", self._read("attachment", self._attachment)),
            web.get(f"{here}/decisions/{{decision}}", self._read("decision", self._decision)),
            web.route("*", f"{here}/{ELSEWHERE}", self._elsewhere),
        ]

    def _read(self, api: str, give: Give) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def answered(request: web.Request) -> web.StreamResponse:
            received = await self._book.receive(request, api)
            response = await self._answered(request, received, give)
            self._book.heard(request, received)
            return response

        return answered

    async def _answered(
        self, request: web.Request, received: Received, give: Give
    ) -> web.StreamResponse:
        if not is_ours(request, self._issuer, self._registered):
            return self._book.answer(received, {"error": "invalid token"}, status=401)
        place = f"tenant/{self._book.pages.code}"
        fault = self._world.take_fault(f"{place}/{received.api}", *_READING)
        fault = fault or self._world.take_fault(f"{place}/reads", *_READING)
        if fault is None:
            return give(request, received)
        return await self._spoil(request, self._book.put(received, fault=fault.kind), fault)

    async def _spoil(
        self, request: web.Request, received: Received, fault: Fault
    ) -> web.StreamResponse:
        if fault.kind in FAILING:
            return self._book.fail(received, fault)
        if fault.kind is FaultKind.WRONG_DOCUMENT:
            return self._book.answer(received, _of_another(self._summary_of(request)))
        lost = fault.kind is FaultKind.LOST_ANSWER
        outcome = Outcome.DROPPED if lost else Outcome.ANSWERED
        self._book.put(received, outcome=outcome, status=None if lost else 200)
        if lost:
            return drop(request)
        if fault.kind in POURING:
            return await pour(request, fault)
        return web.Response(text="<html><body>OK</body></html>", content_type="text/html")

    async def _elsewhere(self, request: web.Request) -> web.StreamResponse:
        received = await self._book.receive(request, ELSEWHERE)
        return self._book.answer(received, {"error": "nobody should come here"}, status=404)

    # -- what it gives --------------------------------------------------------

    def _summary(self, request: web.Request, received: Received) -> web.StreamResponse:
        return self._found(received, self._newest(request, lambda arx: arx.get("SummaryData")))

    def _details(self, request: web.Request, received: Received) -> web.StreamResponse:
        operation = request.match_info["operation"]
        found = self._newest(request, lambda arx: _detail(arx, operation))
        if found is None:
            found = details_of(operation, self._summary_of(request) or {})
        return self._found(received, found)

    def _decision(self, request: web.Request, received: Received) -> web.StreamResponse:
        """Tell the ApprovalResponse of a decision; 404: it never came here."""
        wanted = request.match_info["decision"]
        return self._found(received, self._book.pages.decided.get(wanted))

    def _attachment(self, request: web.Request, received: Received) -> web.StreamResponse:
        named = [one for one in self._files(request) if one.get("ID") == request.match_info["file"]]
        if not named:
            return self._found(received, None)
        name = str(named[0].get("Name", ""))
        kind, body = file_named(name)
        self._book.answer(received, f"{len(body)} bytes, {kind}")
        return web.Response(body=body, content_type=kind)

    def _found(self, received: Received, found: Any) -> web.Response:
        if found is None:
            return self._book.answer(received, {"error": "there is no such thing"}, status=404)
        return self._book.answer(received, found)

    def _files(self, request: web.Request) -> list[Json]:
        return (self._summary_of(request) or {}).get("Attachments") or []

    def _summary_of(self, request: web.Request) -> Json | None:
        return self._newest(request, lambda arx: arx.get("SummaryData"))

    def _newest(self, request: web.Request, find: Callable[[Json], Any]) -> Any:
        """Return what *find* finds in the newest ARX of the document that has it, or None."""
        number = request.match_info.get("number") or request.query.get("document", "")
        year = request.query.get("fiscalYear", "")
        found = (find(arx) for arx in reversed(self._book.sent_for(number, year)))
        return next((one for one in found if one is not None), None)


def _detail(arx: Json, operation: str) -> Any:
    """Return a details operation as JSON: in an ARX it is a string that holds it, if it is there."""
    detail = (arx.get("DetailsData") or {}).get(operation)
    return read_json(detail) if isinstance(detail, str) else detail


def _of_another(summary: Json | None) -> Json:
    """Return a summary of a document that nobody asked about."""
    named = {"DisplayDocumentNumber": "ANOTHER-4711", "DocumentNumber": "ANOTHER-4711"}
    return (summary or {}) | {"Title": "Not for your eyes", "ApprovalIdentifier": named}
