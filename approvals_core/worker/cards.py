"""Makes cards converge: whatever happened, in the end each shows what is true."""

import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from approvals_core.committing import Commits
from approvals_core.errors import AnswerLost, CardGone, CardRefused, Unreachable
from approvals_core.models import (
    Approval,
    Change,
    Job,
    JobKind,
    Lane,
    Lease,
    LeasedJob,
    PersonId,
    Place,
    PlaceState,
    Receipt,
    ReceiptState,
    queue_of,
    tenant_scope,
)
from approvals_core.ports import Channel, Cursor, Store, Tenants, View
from approvals_core.tenant import Tenant

log = logging.getLogger(__name__)

ONCE_MORE = 60.0  # seconds after which a card whose answer was lost is sent again, once
UPDATE_AGAIN = 5.0  # seconds after which an update whose answer was lost is made again; doubles
MOST_UPDATES = 8  # of one face, all of them without an answer: about ten minutes
PAGE = 100  # requests put before a person together


class _Card(NamedTuple):
    """One card to converge: whose it is, where it is, and what it should be made from."""

    view: View
    person: PersonId
    channel: Channel
    receipt: Receipt | None
    lease: Lease
    failures: int

    @property
    def wanted(self) -> bool:
        """Tell whether the person should have a card, and not only the card he may have."""
        view = self.view
        return view.round == view.approval.round and view.place.state is not PlaceState.REMOVED

    @property
    def shown(self) -> bool:
        """Tell whether there is a card to be updated."""
        return self.receipt is not None and self.receipt.state is ReceiptState.SHOWN


class Cards:
    """Does the jobs about cards. *channels* by name."""

    def __init__(
        self,
        *,
        store: Store,
        commits: Commits,
        tenants: Tenants,
        channels: Mapping[str, Channel],
        now: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._commits = commits
        self._tenants = tenants
        self._channels = channels
        self._now = now

    async def do(self, leased: LeasedJob) -> bool:
        """
        Do one job, if it is about cards; False if it is not.

        Raises:
            ChannelBusy: The channel asks for time.

            LeaseLost: Somebody else has the job.
        """
        match leased.job.kind:
            case JobKind.CARD:
                await self._converge(leased)
            case JobKind.DELIVER:
                await self._deliver(leased)
            case _:
                return False
        return True

    async def _converge(self, leased: LeasedJob) -> None:
        card = await self._card(leased)
        if card is None or not (card.wanted or card.shown):
            await self._store.finish(leased.lease)
        elif card.shown and self._quiet(card.view.place):
            # His own client is still showing the answer to his click.
            due = card.view.place.quiet_until or self._now()
            await self._store.retry(leased.lease, due=due, failed=False)
        else:
            await self._show(card)

    def _quiet(self, place: Place) -> bool:
        return place.quiet_until is not None and self._now() < place.quiet_until

    async def _card(self, leased: LeasedJob) -> _Card | None:
        job = leased.job
        if job.approval is None or job.person is None:
            raise ValueError(f"{job.key} is about no card")
        approval = await self._store.approval(job.approval)
        tenant, channel = self._tenants.by_id(job.approval.tenant), self._channels.get(job.channel)
        place = approval.place_of(job.person) if approval else None
        if approval is None or place is None or tenant is None or channel is None:
            return None
        receipt = await self._store.receipt(
            job.approval, round=job.round, person=job.person, channel=job.channel
        )
        view = await self._view(tenant, approval, place, job.round)
        return _Card(view, job.person, channel, receipt, leased.lease, leased.failures)

    async def _view(self, tenant: Tenant, approval: Approval, place: Place, round_: int) -> View:
        if round_ != approval.round:
            # Whoever was asked in an earlier round only may not see what this one is about.
            before = tuple(taken for taken in approval.taken if taken.round <= round_)
            old = approval.model_copy(update={"content": None, "taken": before})
            return View(tenant=tenant, approval=old, place=place, round=round_, details={})
        bodies = await self._store.bodies(approval.key, "details/")
        details = {name.removeprefix("details/"): text for name, text in bodies.items()}
        return View(tenant=tenant, approval=approval, place=place, round=round_, details=details)

    async def _show(self, card: _Card) -> None:
        digest, face = await card.channel.face(card.view)
        if card.shown and card.receipt is not None and card.receipt.face == digest:
            await self._store.finish(card.lease)
        elif card.shown and await self._update(card, face, digest):
            return
        elif card.wanted:
            await self._send(card, face, digest)
        else:
            await self._keep(card, ReceiptState.GONE, reason="deleted at the far side")

    async def _update(self, card: _Card, face: Mapping[str, object], digest: str) -> bool:
        """Replace the card; False if one should be sent in its stead."""
        address = card.receipt.address if card.receipt else ""
        try:
            await card.channel.update(address, face)
        except CardGone:
            return False
        except (CardRefused, Unreachable) as refusal:
            if card.wanted and isinstance(refusal, Unreachable):
                # Is it this message, or the whole conversation? Sending tells, and closes it.
                return False
            await self._keep(card, ReceiptState.UNREACHABLE, reason=str(refusal))
        except AnswerLost:
            await self._update_again(card)
        else:
            await self._keep(card, ReceiptState.SHOWN, address=address, face=digest)
        return True

    async def _update_again(self, card: _Card) -> None:
        """Repeat an update whose answer was lost: unlike a message it makes no twin."""
        if card.failures + 1 >= MOST_UPDATES:
            await self._keep(
                card, ReceiptState.UNREACHABLE, reason="answers were lost again and again"
            )
            return
        due = self._now() + timedelta(seconds=UPDATE_AGAIN * 2**card.failures)
        await self._store.retry(card.lease, due=due, failed=True)

    async def _send(self, card: _Card, face: Mapping[str, object], digest: str) -> None:
        try:
            address = await card.channel.send(card.person, face)
        except (CardRefused, Unreachable) as refusal:
            await self._keep(card, ReceiptState.UNREACHABLE, reason=str(refusal))
        except AnswerLost:
            await self._lost(card)
        else:
            await self._keep(card, ReceiptState.SHOWN, address=address, face=digest)

    async def _lost(self, card: _Card) -> None:
        """Send once more after a minute: a twin shows and acts on the same state, nothing does not."""
        if card.failures:
            await self._keep(card, ReceiptState.UNREACHABLE, reason="answers were lost twice")
            return
        due = self._now() + timedelta(seconds=ONCE_MORE)
        await self._store.retry(card.lease, due=due, failed=True)

    async def _keep(
        self,
        card: _Card,
        state: ReceiptState,
        *,
        address: str = "",
        face: str = "",
        reason: str = "",
    ) -> None:
        """Save where the card is and what it shows, and end the job."""
        view, stamp = card.view, self._commits.stamp()
        receipt = Receipt(
            approval=view.approval.key,
            round=view.round,
            person=card.person,
            channel=card.channel.name,
            state=state,
            address=address,
            face=face,
            reason=reason,
            at=stamp.at,
        )
        log.info(
            "card_shown" if state is ReceiptState.SHOWN else "card_not_shown",
            extra={"approval": view.approval.id, "seat": view.place.seat, "state": state.value},
        )
        await self._commits.commit(
            Change(
                id=stamp.change,
                scope=view.approval.key.scope,
                receipts=(receipt,),
                finish=card.lease,
            )
        )

    async def _deliver(self, leased: LeasedJob) -> None:
        """Put before a person who can be reached now all that waits for him."""
        person = leased.job.person
        if person is None:
            raise ValueError(f"{leased.job.key} is about nobody")
        for tenant in self._tenants.all():
            after: Cursor | None = None
            while True:
                scope = tenant_scope(tenant.document_type_id)
                page = await self._store.page(scope, queue_of(person), after=after, limit=PAGE)
                await self._ask_for_cards(tenant, page.approvals, person)
                if page.after is None:
                    break
                after = page.after
        await self._store.finish(leased.lease)

    async def _ask_for_cards(
        self, tenant: Tenant, approvals: tuple[Approval, ...], person: PersonId
    ) -> None:
        stamp = self._commits.stamp()
        jobs = [
            card_job(approval, person, channel=channel, due=stamp.at)
            for approval in approvals
            for channel in tenant.channels
        ]
        if jobs:
            scope = tenant_scope(tenant.document_type_id)
            await self._commits.commit(Change(id=stamp.change, scope=scope, jobs=tuple(jobs)))


def card_job(approval: Approval, person: PersonId, *, channel: str, due: datetime) -> Job:
    """Return the job that makes one person's card of the current round converge."""
    return Job(
        key=f"card/{approval.id}/{approval.round}/{person}/{channel}",
        kind=JobKind.CARD,
        lane=Lane.CARD,
        due=due,
        approval=approval.key,
        person=person,
        channel=channel,
        round=approval.round,
    )
