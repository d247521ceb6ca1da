"""Makes cards converge: whatever happened, in the end each shows what is true."""

import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta

from approvals_core.committing import Commits
from approvals_core.errors import (
    AnswerLost,
    CardGone,
    CardRefused,
    ChannelBusy,
    ChannelError,
    LeaseLost,
    Unreachable,
)
from approvals_core.models import JobKind, LeasedJob, ReceiptState
from approvals_core.ports import Channel, Store, Tenants
from approvals_core.telemetry import Work
from approvals_core.worker.behind import Behind
from approvals_core.worker.deliveries import Deliveries
from approvals_core.worker.looks import Card, Looks
from approvals_core.worker.outcomes import ONCE_MORE, Outcomes
from approvals_core.worker.renewals import Renewals

log = logging.getLogger(__name__)


class Cards:
    """Does the jobs about cards. *channels* by name; *behind* is their measure."""

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
        self._now = now
        self._looks = Looks(store=store, tenants=tenants, channels=channels, now=now)
        self._deliveries = Deliveries(store=store, commits=commits, tenants=tenants)
        self._renewals = Renewals(store=store, commits=commits, tenants=tenants)
        self.behind = Behind(now)
        self._outcomes = Outcomes(store=store, commits=commits, behind=self.behind, now=now)

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
                await self._deliveries.do(leased)
            case JobKind.RENEW:
                await self._renewals.do(leased)
            case _:
                return False
        return True

    async def _converge(self, leased: LeasedJob) -> None:
        card = await self._looks.card(leased)
        if card is None or not (card.wanted or card.exists):
            if card is not None and card.waits_for_good:
                await self._outcomes.final(card, ReceiptState.UNREACHABLE, "no longer asked")
            else:
                await self._outcomes.finish(leased)
        elif (early := self._too_early(card)) is not None:
            await self._store.retry(leased.lease, due=early, failed=False)
        else:
            await self._show(card)

    def _too_early(self, card: Card) -> datetime | None:
        """Return when the card may be touched, or None if that is now."""
        later = card.view.place.quiet_until if card.exists else None  # he reads our answer there
        if card.receipt.lost and not card.exists:
            later = card.receipt.at + timedelta(seconds=ONCE_MORE)
        return later if later is not None and self._now() < later else None

    async def _show(self, card: Card) -> None:
        with self._commits.telemetry.span(Work.CONVERGE, **_about(card)):
            await self._make_current(card)

    async def _make_current(self, card: Card) -> None:
        digest, face = await card.channel.face(card.view)
        try:
            if card.moves:
                card = await self._outcomes.shows_nothing(card)
                card = await self._taken_away(card)
            if card.exists and card.receipt.face == digest:
                await self._outcomes.current(card, card.receipt.address, digest)
            elif card.exists:
                await self._update(card, face, digest)
            else:
                await self._send(card, face, digest)
        except ChannelBusy as busy:
            await self._outcomes.tell_why(card, busy)
            raise
        except AnswerLost as problem:  # to taking it away: to do that twice harms nobody
            await self._outcomes.update_again(card, problem)

    async def _taken_away(self, card: Card) -> Card:
        """
        Take the card out of its chat, for it to come anew at the end.

        It goes before the other comes: if we die in between, the job finds it gone, and
        sends the other. Its receipt says by then that it shows nothing, so whatever happens
        meanwhile, nobody takes it for current.
        """
        try:
            await card.channel.withdraw(card.receipt.address)
        except CardGone:
            pass
        except (CardRefused, Unreachable) as refusal:
            # Where it is, it can at least be made current; that tells what else is wrong.
            log.info("card_not_moved", extra={**_about(card), "why": str(refusal)})
            return card
        return card.without_address()

    async def _update(self, card: Card, face: Mapping[str, object], digest: str) -> None:
        """Replace the card, or send one in its stead."""
        try:
            await card.channel.update(card.receipt.address, face)
        except CardGone:
            await self._gone(card.without_address(), face, digest)
        except Unreachable as refusal:
            if card.wanted:
                # Is it this message, or the whole conversation? Sending tells, and closes it.
                await self._send(card, face, digest)
            else:
                await self._outcomes.closed(card, refusal)
        except CardRefused as refusal:
            await self._outcomes.final(
                card.showing_nothing(), ReceiptState.UNREACHABLE, str(refusal)
            )
        except AnswerLost as problem:
            await self._outcomes.update_again(card, problem)
        else:
            await self._outcomes.current(card, card.receipt.address, digest)

    async def _gone(self, card: Card, face: Mapping[str, object], digest: str) -> None:
        if card.wanted:
            await self._send(card, face, digest)
        else:
            await self._outcomes.final(card, ReceiptState.GONE, "deleted at the far side")

    async def _send(self, card: Card, face: Mapping[str, object], digest: str) -> None:
        try:
            with self._commits.telemetry.span(Work.DELIVER, **_about(card)):
                address = await card.channel.send(card.person, face)
        except Unreachable as refusal:
            await self._outcomes.closed(card, refusal)
        except CardRefused as refusal:
            await self._outcomes.final(card, ReceiptState.UNREACHABLE, str(refusal))
        except AnswerLost as problem:
            await self._outcomes.send_again(card, problem)
        else:
            await self._sent(card, address, digest)

    async def _sent(self, card: Card, address: str, digest: str) -> None:
        """Save where the card is. Of one that cannot be saved nobody would know: it is taken away."""
        try:
            await self._outcomes.current(card, address, digest)
        except LeaseLost:
            key, job = card.view.approval.key, card.leased.job
            kept = await self._store.receipt(
                key, round=job.round, person=card.person, channel=job.channel
            )
            if kept is None or kept.address != address:
                log.warning("twin_withdrawn", extra={"job": job.key})
                with suppress(ChannelError):
                    await card.channel.withdraw(address)
            raise


def _about(card: Card) -> dict[str, str]:
    return {"tenant": card.view.tenant.code, "approval": card.view.approval.id}
