"""What people do in Teams: clicks on cards, and what they write to the bot."""

import asyncio
import logging
from collections.abc import Coroutine, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from approvals_core.approvals import Approvals, Outcome
from approvals_core.errors import ApprovalError, StoreError, UnknownApproval
from approvals_core.ports import View
from approvals_core.rules.deciding import Click
from bots.teams.channel import card_activity
from bots.teams.contacts import Contacts
from bots.teams.inbound import Activities, Inbound, Kind, Reply
from bots.teams.reading import cursor_of, opaque, person_of, reader_of
from bots.teams.together import TogetherClicks, shown
from bots.web import elapsed
from cards import notices
from cards.approval import Aside, approval_card
from cards.approval.refused import aside_of
from cards.buttons import (
    COMMENT,
    PENDING,
    REFRESH,
    SHOW,
    read_card_key,
    read_comment,
    read_entries,
)
from cards.elements import Card
from cards.language import _
from cards.together import several

log = logging.getLogger(__name__)


class _ActData(BaseModel):
    """What an action's button carries (see `cards.buttons`), and what was typed."""

    model_config = ConfigDict(strict=True, frozen=True)

    k: str
    r: int
    v: int
    t: int
    a: str = Field(min_length=1, max_length=160)
    comment: str = Field(default="", alias=COMMENT, max_length=100_000)


class Clicks:
    """Answers what people do. Every answer shows what is stored, never what was sent."""

    def __init__(
        self,
        *,
        approvals: Approvals,
        contacts: Contacts,
        notice_line: str | None,
        pages: str = "",
    ) -> None:
        """*pages* and a request's id are the address of our own page of it, "" if there is none."""
        self._pages = pages
        self._approvals = approvals
        self._deadlines = approvals.deadlines
        self._contacts = contacts
        self._notice_line = notice_line
        self._together = TogetherClicks(approvals, notice_line=notice_line)
        self._learning: set[asyncio.Task[None]] = set()

    async def click(self, inbound: Inbound) -> Reply:
        """Answer an Action.Execute."""
        self._learn(inbound)
        return Reply.card((await self._answer(inbound)).to_dict())

    async def submit(self, inbound: Inbound) -> Activities:
        """
        Answer an Action.Submit of an older client.

        A Submit cannot replace its card: the sentence says what became of it, and
        the card follows by itself.
        """
        self._learn(inbound)
        if not inbound.personal:
            return _not_here()
        card = (await self._answer(inbound)).to_dict()
        if "k" in inbound.data and "a" in inbound.data:
            return [{"type": "message", "text": str(card["fallbackText"]), "textFormat": "plain"}]
        return [card_activity(card)]

    async def text(self, inbound: Inbound) -> Activities:
        """Answer what somebody wrote."""
        self._learn(inbound)
        if not inbound.personal:
            return _not_here()
        command, _space, rest = inbound.text.strip().partition(" ")
        match command.casefold():
            case "pending":
                card = await self._within(inbound, self._pending(inbound, None))
            case "show" if rest.strip():
                card = await self._within(inbound, self._find(inbound, rest))
            case _:
                card = notices.help_card(notice_line=self._notice_line)
        return [card_activity(card.to_dict())]

    async def install(self, inbound: Inbound) -> Activities:
        """Learn that the app came or went; greet whoever has it now."""
        if inbound.kind is Kind.REMOVED:
            if inbound.object_id and inbound.personal:
                await self._contacts.close(inbound.person, "the app was removed")
            return []
        first = inbound.object_id and await self._contacts.get(inbound.person) is None
        await self._contacts.heard(inbound)
        if not first or not inbound.personal:
            return []
        return [card_activity(notices.welcome(notice_line=self._notice_line).to_dict())]

    # -- clicks ---------------------------------------------------------------

    async def _answer(self, inbound: Inbound) -> Card:
        data = inbound.data
        if inbound.automatic:  # Teams asks by itself: that shows, and does nothing else
            return await self._within(inbound, self._shown(inbound))
        if "a" in data:
            return await (self._act_together(inbound) if "s" in data else self._act(inbound))
        if "d" in data or "s" in data:
            return await self._within(inbound, self._listed_together(inbound))
        if "c" in data or inbound.verb == PENDING:
            return await self._within(inbound, self._pending(inbound, data.get("c")))
        if inbound.verb in ("", REFRESH, SHOW):
            return await self._within(inbound, self._shown(inbound))
        return notices.out_of_date(notice_line=self._notice_line)

    async def _within(self, inbound: Inbound, answering: Coroutine[Any, Any, Card]) -> Card:
        """Return the card, or a notice if it does not come in time."""
        try:
            async with asyncio.timeout(max(0.05, self._deadlines.teams - elapsed())):
                return await answering
        except UnknownApproval:
            return notices.not_available(notice_line=self._notice_line)
        except (TimeoutError, StoreError) as problem:
            log.warning("not_answered", extra={"why": type(problem).__name__})
            return self._not_reached(inbound)

    async def _act(self, inbound: Inbound) -> Card:
        address = read_card_key(inbound.data.get("k"))
        act = _read(inbound.data)
        if address is None or act is None:
            return notices.out_of_date(notice_line=self._notice_line)
        public_id, seat = address
        click = Click(
            seat=seat,
            round=act.r,
            revision=act.v,
            attempt=act.t,
            action=act.a,
            comment=read_comment(inbound.data, act.a),
            entries=read_entries(inbound.data, act.a),
            channel="teams",
        )
        try:
            outcome = await self._approvals.act(
                public_id, click, by=person_of(inbound), elapsed=elapsed()
            )
        except UnknownApproval:
            return notices.not_available(notice_line=self._notice_line)
        except ApprovalError as problem:
            return await self._within(inbound, self._refused(inbound, public_id, click, problem))
        except StoreError:
            return self._not_reached(inbound)
        return await self._outcome(inbound, outcome, click)

    async def _outcome(self, inbound: Inbound, outcome: Outcome, click: Click) -> Card:
        if outcome.view is None:
            return notices.recording(
                reader_of(inbound), key=_card_key(inbound), notice_line=self._notice_line
            )
        aside = Aside(recording=click.action if outcome.recording else "")
        view = outcome.view
        try:
            async with asyncio.timeout(self._deadlines.building / 2):
                view = await self._approvals.with_details(view)
        except (TimeoutError, StoreError):
            ids = {"approval": view.approval.id, "xcv": view.approval.xcv}
            log.info("answered_without_details", extra=ids)
        return self._card(view, inbound, aside)

    async def _refused(
        self, inbound: Inbound, public_id: str, click: Click, problem: ApprovalError
    ) -> Card:
        view = await self._approvals.view(public_id, click.seat, by=inbound.person)
        return self._card(view, inbound, aside_of(problem, click))

    async def _act_together(self, inbound: Inbound) -> Card:
        try:
            led_to = await self._together.act(inbound)
        except UnknownApproval:
            return notices.not_available(notice_line=self._notice_line)
        if isinstance(led_to, Card):
            return led_to
        return await self._within(inbound, self._together.several(inbound, problem=led_to))

    async def _listed_together(self, inbound: Inbound) -> Card:
        if "d" in inbound.data:
            return await self._together.look(inbound)
        return await self._together.several(inbound)

    async def _shown(self, inbound: Inbound) -> Card:
        if "d" in inbound.data:
            return await self._together.look(inbound)
        address = read_card_key(inbound.data.get("k"))
        if address is None:
            return notices.out_of_date(notice_line=self._notice_line)
        public_id, seat = address
        view = await self._approvals.view(public_id, seat, by=inbound.person)
        return self._card(view, inbound)

    # -- commands ---------------------------------------------------------------

    async def _pending(self, inbound: Inbound, after: object) -> Card:
        waiting = await self._approvals.pending(
            inbound.person, after=cursor_of(after), limit=notices.MOST_ROWS + 1
        )
        page = waiting[: notices.MOST_ROWS]
        further = len(waiting) > len(page)
        listed = shown(self._approvals, page)
        return notices.pending_list(
            listed,
            reader_of(inbound),
            after=opaque(page[-1].cursor) if further else None,
            together=several(listed),
            notice_line=self._notice_line,
        )

    async def _find(self, inbound: Inbound, number: str) -> Card:
        try:
            view = await self._approvals.find(number, by=inbound.person)
        except UnknownApproval:
            return notices.not_available(number=number, notice_line=self._notice_line)
        return self._card(view, inbound)

    # -- how --------------------------------------------------------------------

    def _card(self, view: View, inbound: Inbound, aside: Aside | None = None) -> Card:
        return approval_card(
            view,
            reader_of(inbound),
            aside or Aside(),
            notice_line=self._notice_line,
            page_url=self._pages and f"{self._pages}{view.approval.id}",
        )

    def _not_reached(self, inbound: Inbound) -> Card:
        return notices.cannot_be_reached(
            reader_of(inbound), key=_card_key(inbound), notice_line=self._notice_line
        )

    def _learn(self, inbound: Inbound) -> None:
        """Remember where he was heard; nobody's answer waits for it."""
        if inbound.automatic:
            return
        task = asyncio.create_task(self._contacts.heard(inbound))
        self._learning.add(task)
        task.add_done_callback(self._learnt)

    def _learnt(self, task: asyncio.Task[None]) -> None:
        self._learning.discard(task)
        if not task.cancelled() and (problem := task.exception()) is not None:
            log.warning("contact_not_saved", extra={"why": type(problem).__name__})


def _card_key(inbound: Inbound) -> str:
    """Return the key of the card that was clicked, "" if it has none of ours."""
    key = inbound.data.get("k")
    return str(key) if read_card_key(key) else ""


def _read(data: Mapping[str, Any]) -> _ActData | None:
    try:
        return _ActData.model_validate(data)
    except ValidationError:
        return None


def _not_here() -> Activities:
    """Disclose nothing where others read along: they would see the answer too."""
    return [{"type": "message", "text": _("Please write to me in our own chat.")}]
