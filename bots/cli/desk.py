"""What an operator can look at, on a store that a running service may have open too."""

from collections.abc import AsyncIterator, Callable, Iterable
from datetime import datetime, timedelta

from approvals_core.ledger import deliveries
from approvals_core.models import (
    ATTENTION,
    OPEN,
    Approval,
    ApprovalKey,
    HistoryEvent,
    Payload,
    Place,
    tenant_scope,
)
from approvals_core.ports import PayloadCursor, Store, Tenants
from approvals_core.rules import upkeep
from approvals_core.rules.draft import card_job_key, chain_is_sound
from approvals_core.tenant import Tenant
from bots.cli.explaining import Card, Seen, explained
from bots.cli.finding import PAGE, Finder, Say
from bots.cli.mails import LISTED, left_out_lines, mail_lines, unreached, unreached_line
from bots.cli.reminders import reminder_lines
from bots.cli.telling import (
    PROGRAM,
    card_line,
    event_line,
    header,
    in_one_line,
    payload_line,
    place_lines,
    unreadable_line,
    who_sits,
)

PAYLOADS_SHOWN = 20  # of one request, the newest


class Desk:
    """Says what is stored, one line at a time."""

    def __init__(
        self, store: Store, tenants: Tenants, say: Say, *, now: Callable[[], datetime]
    ) -> None:
        self._store = store
        self._say = say
        self._now = now
        self._find = Finder(store, tenants)

    async def list_requests(self, code: str | None, *, attention: bool) -> None:
        """
        Say one line for each open request, or only for those that wait for an operator.

        Those whose approver neither a mail nor a card reached wait for one, too.

        Raises:
            NotThere: No tenant has this code.
        """
        listed = set[ApprovalKey]()
        for tenant in self._find.tenants(code):
            async for approval in self._all(tenant, ATTENTION if attention else OPEN):
                if isinstance(approval, ApprovalKey):
                    self._say(unreadable_line(approval))
                    listed.add(approval)
                else:
                    self._say(in_one_line(approval, await self._store.receipts(approval.key)))
                    listed.add(approval.key)
            if attention:
                listed |= await self._list_unreached(tenant, listed)
        if not listed:
            self._say("Nothing waits for an operator." if attention else "No request is open.")

    async def show(self, name: str, *, comments: bool) -> None:
        """
        Say everything about one request, named by its id or number.

        Raises:
            NotThere: There is none, or there are several.
        """
        approval, tenant = await self._find.request(name)
        self._say_all(header(approval, tenant), indent="")
        self._say("\nPlaces")
        for place in approval.places:
            self._say_all(place_lines(approval, place, tenant, comments=comments))
            self._say_all(reminder_lines(approval, place, tenant, self._now()), indent="     ")
        self._say("\nCards")
        receipts = await self._store.receipts(approval.key)
        self._say_all(card_line(approval, receipt) for receipt in receipts)
        await self._say_mails(approval)
        history = tuple(await self._store.history(approval.key))
        self._say("\nPayloads")
        self._say_all([payload_line(each) async for each in self._payloads(approval, history)])
        sound = chain_is_sound(history, head=approval.head)
        self._say(f"\nHistory{'' if sound else ', ALTERED: its hashes do not fit'}")
        self._say_all(event_line(event, comments=comments) for event in history)

    async def explain(self, name: str) -> None:
        """
        Say of each place of a request why it stands as it does, and what comes next.

        Raises:
            NotThere: There is none, or there are several.
        """
        approval, tenant = await self._find.request(name)
        self._say_all(header(approval, tenant), indent="")
        if not approval.open:
            self._say("Nobody is asked any more, so nothing waits and nothing will happen.")
        for place in approval.places:
            self._say(f"\nPlace {place.seat}, {who_sits(place)}: {place.state.value}")
            self._say_all(explained(await self._seen(approval, place, tenant)))
            self._say_all(reminder_lines(approval, place, tenant, self._now()))
        await self._say_mails(approval)
        async for letter in self._find.letters():
            if letter.job.approval == approval.key:
                inspect = f"{PROGRAM} dead-letters inspect {letter.id[:12]}"
                self._say(f"\nA job was given up ({letter.job.kind.value}): {inspect}")

    async def list_payloads(self, code: str | None, *, days: int) -> None:
        """
        Say one line for each payload of the last *days* of which something was too old.

        Raises:
            NotThere: No tenant has this code.
        """
        counts: dict[str, int] = {}
        since = PayloadCursor(at=self._now() - timedelta(days=days))
        for tenant in self._find.tenants(code):
            async for payload in self._late(tenant, since):
                self._say(payload_line(payload, tenant))
                kind = payload.disposition.value
                counts[kind] = counts.get(kind, 0) + 1
        told = ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items()))
        self._say(f"In the last {days} days: {told or 'no payload came too late'}.")

    async def _list_unreached(self, tenant: Tenant, known: set[ApprovalKey]) -> set[ApprovalKey]:
        """List the open requests of which an approver cannot know; return them, but for *known*."""
        listed = set[ApprovalKey]()
        async for approval in self._all(tenant, OPEN):
            if isinstance(approval, ApprovalKey) or approval.key in known:
                continue
            letters = await self._store.letters(approval.key)
            if any(letter.state in LISTED for letter in letters):
                receipts = await self._store.receipts(approval.key)
                if places := list(unreached(approval, tenant, letters, receipts)):
                    self._say(unreached_line(approval, places, receipts))
                    listed.add(approval.key)
        return listed

    async def _say_mails(self, approval: Approval) -> None:
        found = await deliveries(self._store, approval)
        lines = list(mail_lines(found, approval, self._now()))
        asking = [n.id for n in approval.notifications if n.round == approval.round]
        payloads = [await self._store.payload(approval.key.scope, name) for name in asking]
        lines += left_out_lines(each for each in payloads if each is not None)
        if lines:
            self._say("\nMails")
            self._say_all(lines)

    def _say_all(self, lines: Iterable[str], indent: str = "  ") -> None:
        for line in lines:
            self._say(f"{indent}{line}")

    # -- reading --------------------------------------------------------------

    async def _all(self, tenant: Tenant, name: str) -> AsyncIterator[Approval | ApprovalKey]:
        """Yield the requests of a list; of one that cannot be read, its key."""
        scope, after = tenant_scope(tenant.document_type_id), None
        while True:
            page = await self._store.page(scope, name, after=after, limit=PAGE)
            for found in (*page.approvals, *page.unreadable):
                yield found
            if page.after is None:
                return
            after = page.after

    async def _late(self, tenant: Tenant, after: PayloadCursor) -> AsyncIterator[Payload]:
        scope = tenant_scope(tenant.document_type_id)
        while True:
            page = await self._store.late_payloads(scope, after=after, limit=PAGE)
            for payload in page.payloads:
                yield payload
            if page.after is None:
                return
            after = page.after

    async def _payloads(
        self, approval: Approval, history: Iterable[HistoryEvent]
    ) -> AsyncIterator[Payload]:
        """Yield the newest payloads of a request, oldest first."""
        ids = [event.facts["payload"] for event in history if "payload" in event.facts]
        for payload_id in ids[-PAYLOADS_SHOWN:]:
            payload = await self._store.payload(approval.key.scope, payload_id)
            if payload is not None:
                yield payload

    async def _seen(self, approval: Approval, place: Place, tenant: Tenant) -> Seen:
        scope, now = approval.key.scope, self._now()
        needed = upkeep.job_of(approval, place, now=now)
        keys = (needed.job.key, *needed.others) if needed else ()
        found = [await self._store.queued(scope, key) for key in keys]
        return Seen(
            approval=approval,
            tenant=tenant,
            place=place,
            now=now,
            needed=needed is not None,
            job=next((each for each in found if each is not None), None),
            contact=await self._store.contact(place.person.id) if place.person else None,
            cards=await self._cards(approval, place, tenant),
        )

    async def _cards(self, approval: Approval, place: Place, tenant: Tenant) -> tuple[Card, ...]:
        """Return the cards that the person of a place has, or should have, in this round."""
        if place.person is None or place.round != approval.round:
            return ()
        cards: list[Card] = []
        for channel in tenant.pushed:
            receipt = await self._store.receipt(
                approval.key, round=place.round, person=place.person.id, channel=channel
            )
            key = card_job_key(approval, place.round, place.person.id, channel)
            cards.append(Card(channel, receipt, await self._store.queued(approval.key.scope, key)))
        return tuple(cards)
