"""What people do in a mail: they open it, and press its buttons."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from approvals_core.approvals import Approvals, Outcome
from approvals_core.errors import ApprovalError, StaleCard, StoreError, UnknownApproval
from approvals_core.models import ApprovalKey, Contact, Entries, Person, PersonId, PlaceState
from approvals_core.ports import Tenants, View
from approvals_core.rules.deciding import Click
from approvals_core.rules.standing import as_seen
from bots.outlook.faces import Faces
from bots.outlook.repeats import Led, Pressed, Repeats
from bots.outlook.tickets import Ticket
from bots.web import correlation, elapsed
from cards.approval import NOTHING_BESIDE, Aside
from cards.approval.refused import aside_of
from cards.language import _
from cards.outlook import notices
from cards.outlook.body import read_body
from cards.viewer import Viewer, viewer_of

CHANNEL = "outlook"

Card = dict[str, object]

log = logging.getLogger(__name__)


class Presses:
    """
    Answers what people do in a mail, for tickets and people that fit each other.

    Every answer shows what is stored, never what was sent. *contact* reads how somebody
    reads, None if nobody told us. *seen* notes that a mail's card was looked at: with
    the request's key and the letter's id.
    """

    def __init__(
        self,
        *,
        approvals: Approvals,
        tenants: Tenants,
        faces: Faces,
        contact: Callable[[PersonId], Awaitable[Contact | None]],
        seen: Callable[[ApprovalKey, str], Awaitable[object]],
    ) -> None:
        self._approvals = approvals
        self._deadlines = approvals.deadlines
        self._tenants = tenants
        self._faces = faces
        self._contact = contact
        self._seen = seen
        self._repeats = Repeats()
        self._noting: set[asyncio.Task[object]] = set()

    async def look(self, ticket: Ticket) -> Card:
        """Return the card as it should be now; that decides nothing."""
        return await self._within(ticket, self._looked(ticket))

    async def act(self, ticket: Ticket, text: str) -> Card:
        """Decide what the ticket says, with what came as *text*; return the card as it is then."""
        request = correlation.get().action_request
        if not request:
            return (await self._press(ticket, text)).card
        led = await self._repeats.first(
            (ticket, request), lambda: self._press(ticket, text), patience=self.time_left()
        )
        if isinstance(led, Pressed):
            return led.card
        log.info("press_repeated", extra={"approval": ticket.public_id})
        return await self._within(ticket, self._after(ticket, led))

    def time_left(self) -> float:
        """Return for how many seconds the request under way may still be worked on."""
        return max(0.05, self._deadlines.outlook - elapsed())

    def too_old(self, ticket: Ticket) -> Card:
        """Return what stands in the place of a card whose ticket has expired."""
        return notices.too_old(self._faces.around(ticket, comes_again=False))

    # -- acting -----------------------------------------------------------------

    async def _press(self, ticket: Ticket, text: str) -> Pressed:
        click = self._click(ticket, text)
        person = Person(**ticket.person._asdict(), name="")  # the directory's name is on his place
        try:
            outcome = await self._approvals.act(
                ticket.public_id, click, by=person, elapsed=elapsed()
            )
        except ApprovalError as problem:
            shown = self._shown(ticket, aside_of(_said_of(problem), click))
            return Pressed(Led.NOWHERE, await self._within(ticket, shown))
        except StoreError as problem:
            return Pressed(Led.NOWHERE, self._not_reached(ticket, problem))
        led = Led.RECORDING if outcome.recording else Led.DECIDED
        return Pressed(led, await self._outcome(ticket, click, outcome))

    def _click(self, ticket: Ticket, text: str) -> Click:
        tenant = self._tenants.by_code(ticket.public_id.partition("-")[0])
        action = tenant.action(ticket.action) if tenant else None
        comment, entries = read_body(text, action) if action else ("", Entries())
        return Click(
            seat=ticket.seat,
            round=ticket.round,
            revision=ticket.revision,
            attempt=ticket.attempt,
            action=ticket.action,
            comment=comment,
            entries=entries,
            channel=CHANNEL,
        )

    async def _outcome(self, ticket: Ticket, click: Click, outcome: Outcome) -> Card:
        if outcome.view is None:
            return notices.recording(self._faces.around(ticket))
        aside = Aside(recording=click.action if outcome.recording else "")
        view, viewer = outcome.view, Viewer()
        try:
            async with asyncio.timeout(self._deadlines.building / 2):
                viewer = await self._viewer(ticket)
                view = await self._approvals.with_details(view)
        except (TimeoutError, StoreError):
            ids = {"approval": view.approval.id, "xcv": view.approval.xcv}
            log.info("answered_without_details", extra=ids)
        return self._faces.request(ticket, view, viewer, aside)

    async def _after(self, ticket: Ticket, led: Led) -> Card:
        """Answer a press that came before: it was taken, or is being recorded still."""
        view = await self._view(ticket)
        place = view.place
        shown = (place.seat, place.round, place.attempt, place.state)
        open_still = shown == (ticket.seat, ticket.round, ticket.attempt, PlaceState.PENDING)
        recording = ticket.action if open_still and led is Led.RECORDING else ""
        return self._faces.request(
            ticket, view, await self._viewer(ticket), Aside(recording=recording)
        )

    # -- looking ----------------------------------------------------------------

    async def _looked(self, ticket: Ticket) -> Card:
        view = await self._view(ticket)
        card = self._faces.request(ticket, view, await self._viewer(ticket))
        self._note_seen(view.approval.key, ticket.letter)
        return card

    async def _shown(self, ticket: Ticket, aside: Aside = NOTHING_BESIDE) -> Card:
        view = await self._view(ticket)
        return self._faces.request(ticket, view, await self._viewer(ticket), aside)

    async def _view(self, ticket: Ticket) -> View:
        """
        Return what the mail shows: the card of an older round stays closed for good.

        Who sits on another place since it was sent sees that one; to act there, he needs
        the tickets of the card that he gets so.
        """
        try:
            view = await self._approvals.view(ticket.public_id, ticket.seat, by=ticket.person)
        except UnknownApproval:
            view = await self._approvals.own(ticket.public_id, by=ticket.person)
        if ticket.round >= view.round:
            return view
        seen = as_seen(view.approval, view.place, ticket.round)
        return view.model_copy(update={"round": ticket.round, "approval": seen, "details": {}})

    async def _viewer(self, ticket: Ticket) -> Viewer:
        return viewer_of(await self._contact(ticket.person))

    async def _within(self, ticket: Ticket, answering: Coroutine[Any, Any, Card]) -> Card:
        """Return the card, or a small one that is true if it does not come in time."""
        try:
            async with asyncio.timeout(self.time_left()):
                return await answering
        except UnknownApproval:
            return notices.not_available(self._faces.around(ticket))
        except (TimeoutError, StoreError) as problem:
            return self._not_reached(ticket, problem)

    def _not_reached(self, ticket: Ticket, problem: Exception) -> Card:
        log.warning("not_answered", extra={"why": type(problem).__name__})
        return notices.cannot_be_reached(self._faces.around(ticket))

    # -- the ledger ---------------------------------------------------------------

    def _note_seen(self, key: ApprovalKey, letter: str) -> None:
        """Note that the mail's card was looked at; nobody's answer waits for it."""
        task = asyncio.ensure_future(self._seen(key, letter))
        self._noting.add(task)
        task.add_done_callback(self._noted)

    def _noted(self, task: "asyncio.Task[object]") -> None:
        self._noting.discard(task)
        if not task.cancelled() and (problem := task.exception()) is not None:
            log.warning("letter_not_noted", extra={"why": type(problem).__name__})


def _said_of(problem: ApprovalError) -> ApprovalError:
    """Return what to say of *problem* on a card that the person may see."""
    if isinstance(problem, UnknownApproval):  # it is so of the place, not of the request
        return StaleCard(_("Your place changed since this card was made. Please look again."))
    return problem
