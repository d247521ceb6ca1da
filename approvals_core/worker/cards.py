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
from approvals_core.models import (
    Change,
    JobKind,
    LeasedJob,
    ReceiptState,
)
from approvals_core.ports import Channel, Store, Tenants
from approvals_core.telemetry import Work
from approvals_core.worker.behind import Behind
from approvals_core.worker.deliveries import Deliveries
from approvals_core.worker.looks import Card, Looks
from approvals_core.worker.renewals import Renewals

log = logging.getLogger(__name__)

ONCE_MORE = 60.0  # seconds after which a card whose answer was lost is sent again, once
UPDATE_AGAIN = 5.0  # seconds after which an update whose answer was lost is made again; doubles
A_DAY = 86400.0  # seconds after which a card whose answers were lost twice is sent anew
LONGEST_PAUSE = 300.0  # seconds between two such updates
LOOK_AGAIN = 3600.0  # seconds between two looks whether an old card can be changed again
TRIED_FOR = timedelta(days=30)  # to change one card; whatever happens to its request begins anew
TOLD_AFTER = 30.0  # seconds for which a card waits before its receipt says why


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
                await self._final(card, ReceiptState.UNREACHABLE, "no longer asked")
            else:
                await self._finish(leased)
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
        if card.exists and card.receipt.face == digest:
            await self._current(card, card.receipt.address, digest)
            return
        try:
            if card.exists:
                await self._update(card, face, digest)
            else:
                await self._send(card, face, digest)
        except ChannelBusy as busy:
            await self._tell_why(card, busy)
            raise

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
                await self._closed(card, refusal)
        except CardRefused as refusal:
            await self._final(card.showing_nothing(), ReceiptState.UNREACHABLE, str(refusal))
        except AnswerLost as problem:
            await self._update_again(card, problem)
        else:
            await self._current(card, card.receipt.address, digest)

    async def _gone(self, card: Card, face: Mapping[str, object], digest: str) -> None:
        if card.wanted:
            await self._send(card, face, digest)
        else:
            await self._final(card, ReceiptState.GONE, "deleted at the far side")

    async def _send(self, card: Card, face: Mapping[str, object], digest: str) -> None:
        try:
            with self._commits.telemetry.span(Work.DELIVER, **_about(card)):
                address = await card.channel.send(card.person, face)
        except Unreachable as refusal:
            await self._closed(card, refusal)
        except CardRefused as refusal:
            await self._final(card, ReceiptState.UNREACHABLE, str(refusal))
        except AnswerLost as problem:
            await self._send_again(card, problem)
        else:
            await self._sent(card, address, digest)

    async def _sent(self, card: Card, address: str, digest: str) -> None:
        """Save where the card is. Of one that cannot be saved nobody would know: it is taken away."""
        try:
            await self._current(card, address, digest)
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

    # -- what became of it ------------------------------------------------------

    async def _current(self, card: Card, address: str, digest: str) -> None:
        shown = {"state": ReceiptState.SHOWN, "address": address, "face": digest}
        changed = shown | {"reason": "", "lost": 0, "behind_since": None}
        if card.receipt == card.receipt.model_copy(update=changed):
            await self._finish(card.leased)
            return
        await self._keep(card, changed)
        self.behind.ended(card.leased.job.key)

    async def _final(self, card: Card, state: ReceiptState, reason: str) -> None:
        """End: nothing more can be done for this card until something changes."""
        await self._keep(card, {"state": state, "reason": reason, "lost": 0, "behind_since": None})
        self.behind.ended(card.leased.job.key)

    async def _closed(self, card: Card, refusal: Unreachable) -> None:
        """
        Keep why the person cannot be reached.

        When his conversation opens, what is pending is put before him at once. A card
        that shows an older face stays there, pending or not, and is looked after.
        """
        since = card.receipt.behind_since or self._now()
        if not card.exists or self._now() - since >= TRIED_FOR:
            await self._final(card, ReceiptState.UNREACHABLE, str(refusal))
            return
        why = {"state": ReceiptState.UNREACHABLE, "reason": str(refusal), "lost": 0}
        await self._keep(card, why | {"behind_since": since}, again=LOOK_AGAIN)
        self.behind.ended(card.leased.job.key)

    async def _update_again(self, card: Card, problem: AnswerLost) -> None:
        """Repeat an update whose answer was lost: unlike a message it makes no twin."""
        pause = min(LONGEST_PAUSE, UPDATE_AGAIN * 2 ** min(card.receipt.lost, 16))
        since = self._behind_since(card, pause)
        if self._now() - since >= TRIED_FOR:
            await self._final(card, ReceiptState.UNREACHABLE, f"given up: {problem}")
            return
        lost = {"state": ReceiptState.SHOWN, "reason": str(problem), "behind_since": since}
        await self._keep(card, lost | {"lost": card.receipt.lost + 1}, again=pause)

    async def _send_again(self, card: Card, problem: AnswerLost) -> None:
        """Send once more after a minute: a twin shows and acts on the same state, nothing does not."""
        card = card.without_address() if card.exists else card
        since = self._behind_since(card, ONCE_MORE)
        if card.receipt.lost:
            await self._lost_twice(card, since)
            return
        lost = {"state": ReceiptState.WAITING, "reason": str(problem), "behind_since": since}
        await self._keep(card, lost | {"lost": 1}, again=ONCE_MORE)

    async def _lost_twice(self, card: Card, since: datetime) -> None:
        """Leave it for a day: more twins help nobody, and without any card nobody ever decides."""
        why = {"state": ReceiptState.UNREACHABLE, "reason": "answers were lost twice", "lost": 0}
        if self._now() - since >= TRIED_FOR:
            await self._final(card, ReceiptState.UNREACHABLE, str(why["reason"]))
            return
        await self._keep(card, why | {"behind_since": since}, again=A_DAY)
        self.behind.ended(card.leased.job.key)

    async def _tell_why(self, card: Card, busy: ChannelBusy) -> None:
        """Let the receipt say why the card waits, unless that is over in a moment."""
        since = self._behind_since(card, busy.retry_after)
        brief = (self._now() - since).total_seconds() < TOLD_AFTER > busy.retry_after
        if brief or card.receipt.reason == str(busy):
            return
        state = ReceiptState.SHOWN if card.exists else ReceiptState.WAITING
        told = {"state": state, "reason": str(busy), "behind_since": since}
        stamp = self._commits.stamp()
        receipt = card.receipt.model_copy(update=told)
        scope = card.view.approval.key.scope
        await self._commits.commit(Change(id=stamp.change, scope=scope, receipts=(receipt,)))

    def _behind_since(self, card: Card, again: float) -> datetime:
        """Return since when the card is not current; it is looked at again in *again* seconds."""
        job = card.leased.job
        return self.behind.begun(
            job.key,
            card.receipt.behind_since or min(job.due, self._now()),
            next_look=self._now() + timedelta(seconds=again),
        )

    async def _finish(self, leased: LeasedJob) -> None:
        await self._store.finish(leased.lease)
        self.behind.ended(leased.job.key)

    async def _keep(
        self, card: Card, changed: Mapping[str, object], *, again: float | None = None
    ) -> None:
        """Save where the card is and what it shows, and end the job, or put it off by *again* seconds."""
        view, stamp = card.view, self._commits.stamp()
        receipt = card.receipt.model_copy(update={**changed, "at": stamp.at})
        log.info(
            "card_not_shown" if receipt.reason else "card_shown",
            extra={"approval": view.approval.id, "seat": view.place.seat}
            | {"state": receipt.state.value, "why": receipt.reason},
        )
        due = None if again is None else stamp.at + timedelta(seconds=again)
        later = () if due is None else (card.leased.job.model_copy(update={"due": due}),)
        await self._commits.commit(
            Change(
                id=stamp.change,
                scope=view.approval.key.scope,
                receipts=(receipt,),
                jobs=later,
                finish=card.leased.lease,
            )
        )


def _about(card: Card) -> dict[str, str]:
    return {"tenant": card.view.tenant.code, "approval": card.view.approval.id}
