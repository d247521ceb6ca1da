"""Looks at one card: whose it is, where it is, and what it should be made from now."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import NamedTuple

from approvals_core import tracing
from approvals_core.log_context import note
from approvals_core.models import (
    Approval,
    LeasedJob,
    PersonId,
    PlaceState,
    Receipt,
    ReceiptState,
)
from approvals_core.ports import Channel, Store, Tenants, View
from approvals_core.rules.standing import as_seen, may_decide


class Card(NamedTuple):
    """One card to converge: whose it is, where it is, and what it should be made from."""

    view: View
    person: PersonId
    channel: Channel
    receipt: Receipt
    leased: LeasedJob

    @property
    def wanted(self) -> bool:
        """Tell whether the person should have a card, and not only the card he may have."""
        view = self.view
        return view.round == view.approval.round and view.place.state is not PlaceState.REMOVED

    @property
    def exists(self) -> bool:
        """Tell whether there is a card to be updated."""
        return bool(self.receipt.address)

    @property
    def moves(self) -> bool:
        """Tell whether the card should come to the end of its chat, to remind whoever can decide."""
        view = self.view
        decides = may_decide(view.approval, view.place, view.tenant)
        return self.exists and self.wanted and view.reminds and decides

    @property
    def waits_for_good(self) -> bool:
        """Tell whether the receipt says that a card is still to come; one never written says nothing."""
        return self.receipt.state is ReceiptState.WAITING and bool(self.receipt.reason)

    def showing_nothing(self) -> "Card":
        """Return the card as one of which nobody knows what it shows."""
        return self._replace(receipt=self.receipt.model_copy(update={"face": ""}))

    def without_address(self) -> "Card":
        """Return the card as one that was never sent."""
        never = {"address": "", "face": "", "lost": 0}
        return self._replace(receipt=self.receipt.model_copy(update=never))


class Looks:
    """Puts together what a job about a card is about, from the newest state."""

    def __init__(
        self,
        *,
        store: Store,
        tenants: Tenants,
        channels: Mapping[str, Channel],
        now: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._tenants = tenants
        self._channels = channels
        self._now = now

    async def card(self, leased: LeasedJob) -> Card | None:
        """Return the card of a job; None if there is nothing to show, or nowhere to show it."""
        job = leased.job
        if job.approval is None or job.person is None:
            raise ValueError(f"{job.key} is about no card")
        approval = await self._store.approval(job.approval)
        tenant, channel = self._tenants.by_id(job.approval.tenant), self._channels.get(job.channel)
        place = approval.place_of(job.person) if approval else None
        if approval is None or place is None or tenant is None or channel is None:
            return None
        note(xcv=approval.xcv)
        tracing.carry_on(approval.trace)
        await self._store.settled(approval)  # the card will tell of it
        receipt = await self._store.receipt(
            job.approval, round=job.round, person=job.person, channel=job.channel
        )
        receipt = receipt or Receipt(
            approval=job.approval,
            round=job.round,
            person=job.person,
            channel=job.channel,
            state=ReceiptState.WAITING,
            at=self._now(),
        )
        seen = as_seen(approval, place, job.round)
        view = View(
            tenant=tenant,
            approval=seen,
            place=place,
            round=job.round,
            details=await self._details(seen),
            closed=tenant.closed(self._now()),
            reminds=place.reminded > receipt.reminded,
        )
        return Card(view, job.person, channel, receipt, leased)

    async def _details(self, seen: Approval) -> dict[str, str]:
        if seen.content is None:
            return {}
        bodies = await self._store.bodies(seen.key, "details/")
        return {name.removeprefix("details/"): text for name, text in bodies.items()}
