"""Outlook's door: what the buttons of the cards in our mails post, and what those ask for when opened."""

import asyncio
import logging
from collections.abc import Iterable
from http import HTTPStatus

from aiohttp import web

from approvals_core.adapters.tokens import TokenVerifier
from approvals_core.models import PersonId
from bots.outlook.answers import answered, failed
from bots.outlook.callers import caller
from bots.outlook.links import ACT_PATH, REFRESH_PATH
from bots.outlook.presses import Presses
from bots.outlook.tickets import ExpiredTicket, InvalidTicket, Purpose, Ticket, Tickets
from bots.web import read_body
from cards.language import _

BODY_LIMIT = 16 * 1024  # bytes: choices, and a comment of a few thousand characters

_NOT_ARRIVED = _("This did not arrive. Please try again.")

log = logging.getLogger(__name__)


class OutlookDoor:
    """
    POST /outlook/act/{ticket} and /outlook/refresh/{ticket}; nothing else is here.

    The token says who it is, the ticket what it is about and whose mail it came in: both
    must name the same person. A mail that was forwarded does nothing, and tells nothing.
    """

    def __init__(self, *, verifier: TokenVerifier, tickets: Tickets, presses: Presses) -> None:
        self._verifier = verifier
        self._tickets = tickets
        self._presses = presses

    def routes(self) -> Iterable[web.RouteDef]:
        """Return the addresses of this channel."""
        return [
            web.post(f"{ACT_PATH}{{ticket}}", self._act),
            web.post(f"{REFRESH_PATH}{{ticket}}", self._refresh),
        ]

    async def _act(self, request: web.Request) -> web.Response:
        ticket, is_live = await self._admitted(request, Purpose.ACT)
        if not is_live:
            return answered(self._presses.too_old(ticket))
        text = await _text(request, within=self._presses.time_left())
        return answered(await self._presses.act(ticket, text))

    async def _refresh(self, request: web.Request) -> web.Response:
        ticket, is_live = await self._admitted(request, Purpose.REFRESH)
        if not is_live:
            return answered(self._presses.too_old(ticket))
        return answered(await self._presses.look(ticket))

    async def _admitted(self, request: web.Request, purpose: Purpose) -> tuple[Ticket, bool]:
        """Return the ticket and whether it still counts, or answer 4xx: token first, then ticket."""
        person = await self._person(request)
        ticket, is_live = self._read(request.match_info["ticket"])
        if ticket.person != person:
            raise _not_admitted(403, "another person", _("This mail was sent to somebody else."))
        if ticket.purpose is not purpose:
            raise _not_admitted(400, "another purpose", _("This button does not work here."))
        ids = {"approval": ticket.public_id, "letter": ticket.letter, "purpose": purpose.value}
        log.info("mail_asked", extra=ids)
        return ticket, is_live

    async def _person(self, request: web.Request) -> PersonId:
        try:
            async with asyncio.timeout(self._presses.time_left()):
                return await caller(request, self._verifier)
        except TimeoutError:  # the issuer's keys are not here, and it is slow
            said = _("We could not verify who you are just now. Please try again.")
            raise _not_admitted(401, "keys not there in time", said) from None

    def _read(self, text: str) -> tuple[Ticket, bool]:
        try:
            return self._tickets.read(text), True
        except ExpiredTicket as old:
            return old.ticket, False
        except InvalidTicket as problem:
            said = _("This button is not one of ours. Nothing was decided.")
            raise _not_admitted(400, str(problem), said) from None


async def _text(request: web.Request, *, within: float) -> str:
    """Return the body, whatever it calls itself: it is read as text that anybody may have typed."""
    if request.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
        raise failed(415, _("This cannot be read. Nothing was decided."))
    try:
        body = await read_body(request, limit=BODY_LIMIT, within=within)
    except web.HTTPException as problem:
        too_long = problem.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        said = _("This is too long. Please shorten it.") if too_long else _NOT_ARRIVED
        raise failed(problem.status, said) from None
    return body.decode("utf-8-sig", errors="replace")


def _not_admitted(status: int, why: str, said: str) -> web.HTTPException:
    log.warning("outlook_refused", extra={"why": why})
    return failed(status, said)
