"""Deciding several requests of one tenant together, from a card in Teams."""

import asyncio
from collections.abc import Sequence
from itertools import islice

from approvals_core.acting_together import Ticked, Together
from approvals_core.approvals import Approvals, Waiting
from approvals_core.errors import (
    ActionIncomplete,
    AlreadyActedOn,
    ApprovalError,
    StoreError,
    TenantClosed,
    UnknownApproval,
)
from approvals_core.rules.deciding import Click
from bots.teams.inbound import Inbound
from bots.teams.reading import cursor_of, opaque, person_of, reader_of
from bots.web import elapsed
from cards import notices
from cards.buttons import TICK, read_card_key, read_comment, read_entries, read_tick
from cards.elements import Card
from cards.language import _
from cards.together import FilledIn, Told, results, tick_list
from cards.together.ticks import MOST_ROWS, bulk_actions

MOST_TOGETHER = 100  # requests read of one click; no tenant takes more
AT_ONCE = 8  # of them looked up
_CODE = 160  # characters of an action's code
_NOBODYS = "-"  # no tenant has this code
MENDED_LATER = (ActionIncomplete, TenantClosed)


class TogetherClicks:
    """Answers the clicks on the lists of one tenant's requests; *s* in their data is its code."""

    def __init__(self, approvals: Approvals, *, notice_line: str | None) -> None:
        self._approvals = approvals
        self._notice_line = notice_line

    async def several(self, inbound: Inbound, *, problem: str = "") -> Card:
        """
        Show what can be ticked, as it was; *problem* is why nothing was decided just now.

        Where nothing waits for him he hears no problem: it would tell that there is such a tenant.
        """
        here = inbound.data.get("c")
        waiting = await self._approvals.pending(
            inbound.person,
            at=_code(inbound),
            after=cursor_of(here),
            limit=MOST_ROWS + 1,
        )
        page = shown(self._approvals, waiting[:MOST_ROWS])
        if not page and problem:
            return notices.not_available(notice_line=self._notice_line)
        if not page:
            return notices.nothing_together(notice_line=self._notice_line)
        further = len(waiting) > len(page)
        return tick_list(
            page[0].tenant,
            page,
            reader_of(inbound),
            filled_in=_filled_in(inbound, page),
            problem=problem,
            here=here if isinstance(here, str) else "",
            after=opaque(waiting[len(page) - 1].cursor) if further else "",
            notice_line=self._notice_line,
        )

    async def act(self, inbound: Inbound) -> Card | str:
        """
        Decide all that is ticked; say of each what became of it.

        Returns why nothing of it could be decided, for the list to be shown again.

        Raises:
            UnknownApproval: There is no such tenant.
        """
        try:
            answers = await self._approvals.act_together(
                _code(inbound), _ticked(inbound), by=person_of(inbound), elapsed=elapsed()
            )
        except UnknownApproval:
            raise
        except ApprovalError as problem:
            return str(problem)
        problems = [each.problem for each in answers]
        if all(isinstance(problem, MENDED_LATER) for problem in problems):
            return str(problems[0])  # nothing was decided: he can mend it, or wait
        return self._results([self._told(each) for each in answers], inbound)

    async def look(self, inbound: Inbound) -> Card:
        """Show how the requests stand now that were decided together."""
        turns, keys = asyncio.Semaphore(AT_ONCE), inbound.data.get("d")
        named = keys[:MOST_TOGETHER] if isinstance(keys, list) else []
        looks = (self._look(key, inbound, turns) for key in dict.fromkeys(map(str, named)))
        return self._results(await asyncio.gather(*looks), inbound)

    async def _look(self, key: str, inbound: Inbound, turns: asyncio.Semaphore) -> Told:
        address = read_card_key(key)
        if address is None:
            return Told("", None, said=_not_available())
        try:
            async with turns:
                return Told(key, await self._approvals.glance(*address, by=inbound.person))
        except UnknownApproval:
            return Told(key, None, said=_not_available())

    def _results(self, told: Sequence[Told], inbound: Inbound) -> Card:
        if not any(each.view or each.recording or each.unsure for each in told):
            return notices.not_available(notice_line=self._notice_line)
        viewer = reader_of(inbound)
        return results(_code(inbound), told, viewer, notice_line=self._notice_line)

    def _told(self, each: Together) -> Told:
        public_id, click = each.ticked
        key = f"{public_id}.{click.seat}"
        view = self._approvals.view_of(each.approval, click.seat) if each.approval else None
        if isinstance(each.problem, StoreError):
            return Told(
                key, view, said=_("Nobody knows yet whether this is recorded."), unsure=True
            )
        # Who was faster, and what he decided, the state itself says.
        said = "" if isinstance(each.problem, AlreadyActedOn) else str(each.problem or "")
        return Told(key, view, said=said, recording=click.action if each.recording else "")


def shown(approvals: Approvals, waiting: Sequence[Waiting]) -> list[notices.Waiting]:
    """Return what the lists show of requests that wait, and whether their tenants take decisions."""
    return [
        notices.Waiting(
            each.tenant,
            each.approval,
            each.place,
            approvals.view_of(each.approval, each.place.seat).closed,
        )
        for each in waiting
    ]


def _code(inbound: Inbound) -> str:
    code = inbound.data.get("s")
    return code if isinstance(code, str) and code else _NOBODYS


def _ticked(inbound: Inbound) -> list[Ticked]:
    """Return what is ticked; one more than may be, so that too much stays too much."""
    code = inbound.data.get("a")
    action = code[:_CODE] if isinstance(code, str) else ""
    found = (read_tick(value) for name, value in inbound.data.items() if name.startswith(TICK))
    return [
        Ticked(
            tick.public_id,
            Click(
                seat=tick.seat,
                round=tick.round,
                revision=tick.revision,
                attempt=tick.attempt,
                action=action,
                comment=read_comment(inbound.data, action),
                entries=read_entries(inbound.data, action),
                channel="teams",
            ),
        )
        for tick in islice((tick for tick in found if tick is not None), MOST_TOGETHER + 1)
    ]


def _filled_in(inbound: Inbound, page: Sequence[notices.Waiting]) -> FilledIn:
    data = inbound.data
    codes = {action.code for each in page for action in bulk_actions(each)}
    ticks = (value for name, value in data.items() if name.startswith(TICK))
    return FilledIn(
        ticked=frozenset(value for value in ticks if read_tick(value) is not None),
        everything=data.get("w") is True,
        comment=read_comment(data, ""),
        reasons={code: read_entries(data, code).justification for code in codes},
    )


def _not_available() -> str:
    return _("This request is not available to you.")
