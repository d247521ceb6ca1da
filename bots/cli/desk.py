"""What an operator can look at and do, on a store that a running service may have open too."""

from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import UTC, datetime, timedelta

from approvals_core.approvals import Approvals
from approvals_core.committing import Commits
from approvals_core.models import (
    ATTENTION,
    OPEN,
    Approval,
    ApprovalKey,
    Attachment,
    HistoryEvent,
    Payload,
    Person,
    Place,
    tenant_scope,
)
from approvals_core.operating import Operating
from approvals_core.ports import (
    Answer,
    AnswerKind,
    Directory,
    Fetched,
    FetchedFile,
    FetchedKind,
    NotFound,
    PayloadCursor,
    Posted,
    Store,
    Tenants,
)
from approvals_core.posting import Posting
from approvals_core.rules import upkeep
from approvals_core.rules.draft import card_job_key, chain_is_sound
from approvals_core.rules.settling import Settlement
from approvals_core.rules.standing import name_of
from approvals_core.tenant import Tenant
from bots.cli.explaining import Card, Seen, explained
from bots.cli.finding import PAGE, Finder, NotThere, Say, check_seat
from bots.cli.mails import mail_lines
from bots.cli.telling import (
    PROGRAM,
    card_line,
    event_line,
    header,
    in_one_line,
    payload_line,
    place_lines,
    plain,
    unreadable_line,
    waits_for,
)

PAYLOADS_SHOWN = 20  # of one request, the newest


def utc_now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


class Desk:
    """Says what is stored, one line at a time, and takes an operator's word."""

    def __init__(self, store: Store, tenants: Tenants, say: Say) -> None:
        self._store = store
        self._tenants = tenants
        self._say = say
        self._find = Finder(store, tenants)

    # -- looking --------------------------------------------------------------

    async def list_requests(self, code: str | None, *, attention: bool) -> None:
        """
        Say one line for each open request, or only for those that wait for an operator.

        Raises:
            NotThere: No tenant has this code.
        """
        listed = 0
        for tenant in self._find.tenants(code):
            async for approval in self._all(tenant, ATTENTION if attention else OPEN):
                if isinstance(approval, ApprovalKey):
                    self._say(unreadable_line(approval))
                else:
                    self._say(in_one_line(approval, await self._store.receipts(approval.key)))
                listed += 1
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
            who = f"{plain(name_of(place))} ({plain(place.alias)})"
            self._say(f"\nPlace {place.seat}, {who}: {place.state.value}")
            self._say_all(explained(await self._seen(approval, place, tenant)))
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
        since = PayloadCursor(at=utc_now() - timedelta(days=days))
        for tenant in self._find.tenants(code):
            async for payload in self._late(tenant, since):
                self._say(payload_line(payload, tenant))
                kind = payload.disposition.value
                counts[kind] = counts.get(kind, 0) + 1
        told = ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items()))
        self._say(f"In the last {days} days: {told or 'no payload came too late'}.")

    # -- doing ----------------------------------------------------------------

    async def settle(self, name: str, seat: int, found: Settlement, *, by: str) -> None:
        """
        End an unconfirmed decision by what the operator *by* found out.

        Raises:
            NotThere: There is no such request or place.

            NotSettled: The place has no unconfirmed decision.
        """
        approval, tenant = await self._find.request(name)
        check_seat(approval, seat)
        settled = await self._approvals().settle(approval.id, seat, found, by=by)
        self._say_place(settled, settled.places[seat], tenant)

    async def rebind(
        self, name: str, seat: int, person: str, directory: Directory, *, by: str, dry_run: bool
    ) -> None:
        """
        Put somebody of the tenant's directory on a place, as the operator *by* says.

        Raises:
            NotThere: There is no such request, place or person.

            NotRebound: It cannot be done; the message says why.

            DirectoryUnavailable: The directory did not answer.
        """
        approval, tenant = await self._find.request(name)
        check_seat(approval, seat)
        found = await directory.find(tenant, person)
        if isinstance(found, NotFound):
            where = f"in the directory {tenant.people.directory}"
            raise NotThere(f"{plain(person)} is nobody who may act {where}: {found.value}.")
        rebound = await self._operating().rebind(approval.key, seat, found, by=by, dry_run=dry_run)
        self._say_rebound(approval.places[seat], found, dry_run=dry_run)
        place = rebound.place_of(found.id)
        if place is not None and place.seat != seat:
            self._say(f"Place {seat} becomes one with place {place.seat}: the same person.")
        if place is not None:
            self._say_place(rebound, place, tenant)
        if dry_run:
            self._say("Nothing was changed: this was a dry run.")

    def _say_rebound(self, before: Place, person: Person, *, dry_run: bool) -> None:
        sits = "would sit" if dry_run else "sits"
        former = f" instead of {plain(name_of(before))}" if before.person else ""
        who = f"{plain(person.name)} ({plain(person.upn)}, object id {person.object_id})"
        self._say(f"{who} {sits} on the place of {plain(before.alias)}{former}.")

    def _say_place(self, approval: Approval, place: Place, tenant: Tenant) -> None:
        self._say(
            f"{approval.id}, place {place.seat}, {plain(name_of(place))}: {place.state.value}"
        )
        self._say(f"  {waits_for(approval, place, tenant)}")

    async def _say_mails(self, approval: Approval) -> None:
        lines = list(mail_lines(await self._store.letters(approval.key), approval))
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
        scope, now = approval.key.scope, utc_now()
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

    # -- the core -------------------------------------------------------------

    def _commits(self) -> Commits:
        return Commits(self._store, now=utc_now, wake=_nobody)

    def _operating(self) -> Operating:
        return Operating(store=self._store, commits=self._commits(), tenants=self._tenants)

    def _approvals(self) -> Approvals:
        commits = self._commits()
        posting = Posting(
            store=self._store, commits=commits, tenants=self._tenants, api=_PostsNothing()
        )
        return Approvals(store=self._store, commits=commits, posting=posting, tenants=self._tenants)


class _PostsNothing:
    """The tenants' APIs of a process without a worker: the service's own does what is due."""

    async def post_decision(self, tenant: Tenant, posted: Posted) -> Answer:
        return Answer(kind=AnswerKind.AGAIN, reason="operators post nothing")

    async def post_decisions(self, tenant: Tenant, posted: Sequence[Posted]) -> Sequence[Answer]:
        return [await self.post_decision(tenant, each) for each in posted]

    async def decision_status(self, tenant: Tenant, posted: Posted) -> Answer:
        return Answer(kind=AnswerKind.UNKNOWN, reason="operators ask nothing")

    async def summary(self, tenant: Tenant, approval: Approval) -> Fetched:
        return Fetched(kind=FetchedKind.UNAVAILABLE, reason="operators read nothing")

    async def details(self, tenant: Tenant, approval: Approval, operation: str) -> Fetched:
        return Fetched(kind=FetchedKind.UNAVAILABLE, reason="operators read nothing")

    async def attachment(
        self,
        tenant: Tenant,
        approval: Approval,
        attachment: Attachment,
        *,
        user_assertion: str | None,
    ) -> FetchedFile:
        return FetchedFile(kind=FetchedKind.UNAVAILABLE, reason="operators read nothing")


def _nobody() -> None:
    """Wake nobody: the service's worker looks for jobs of other processes every second."""
