"""What became of a card: its receipt says so, and its job ends or is put off."""

import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from approvals_core.committing import Commits
from approvals_core.errors import AnswerLost, ChannelBusy, Unreachable
from approvals_core.models import Change, LeasedJob, ReceiptState
from approvals_core.ports import Store
from approvals_core.worker.behind import Behind
from approvals_core.worker.looks import Card

log = logging.getLogger(__name__)

ONCE_MORE = 60.0  # seconds after which a card whose answer was lost is sent again, once
UPDATE_AGAIN = 5.0  # seconds after which an update whose answer was lost is made again; doubles
A_DAY = 86400.0  # seconds after which a card whose answers were lost twice is sent anew
LONGEST_PAUSE = 300.0  # seconds between two such updates
LOOK_AGAIN = 3600.0  # seconds between two looks whether an old card can be changed again
TRIED_FOR = timedelta(days=30)  # to change one card; whatever happens to its request begins anew
TOLD_AFTER = 30.0  # seconds for which a card waits before its receipt says why


class Outcomes:
    """Keeps where cards are and what they show. *behind* measures those that are not current."""

    def __init__(
        self, *, store: Store, commits: Commits, behind: Behind, now: Callable[[], datetime]
    ) -> None:
        self._store = store
        self._commits = commits
        self._behind = behind
        self._now = now

    async def current(self, card: Card, address: str, digest: str) -> None:
        """Keep that the card at *address* shows what is true; every reminder so far is in it."""
        shown = {"state": ReceiptState.SHOWN, "address": address, "face": digest}
        shown |= {"reminded": card.view.place.reminded}
        changed = shown | {"reason": "", "lost": 0, "behind_since": None}
        if card.receipt == card.receipt.model_copy(update=changed):
            await self.finish(card.leased)
            return
        await self._keep(card, changed)
        self._behind.ended(card.leased.job.key)

    async def shows_nothing(self, card: Card) -> Card:
        """Keep that nobody knows what the card shows, before it is taken away."""
        doubted = card.showing_nothing()
        if doubted.receipt != card.receipt:
            await self._save(doubted)
        return doubted

    async def final(self, card: Card, state: ReceiptState, reason: str) -> None:
        """End: nothing more can be done for this card until something changes."""
        await self._keep(card, {"state": state, "reason": reason, "lost": 0, "behind_since": None})
        self._behind.ended(card.leased.job.key)

    async def closed(self, card: Card, refusal: Unreachable) -> None:
        """
        Keep why the person cannot be reached.

        When his conversation opens, what is pending is put before him at once. A card
        that shows an older face stays there, pending or not, and is looked after.
        """
        since = card.receipt.behind_since or self._now()
        if not card.exists or self._now() - since >= TRIED_FOR:
            await self.final(card, ReceiptState.UNREACHABLE, str(refusal))
            return
        why = {"state": ReceiptState.UNREACHABLE, "reason": str(refusal), "lost": 0}
        await self._keep(card, why | {"behind_since": since}, again=LOOK_AGAIN)
        self._behind.ended(card.leased.job.key)

    async def update_again(self, card: Card, problem: AnswerLost) -> None:
        """Repeat an update whose answer was lost: unlike a message it makes no twin."""
        pause = min(LONGEST_PAUSE, UPDATE_AGAIN * 2 ** min(card.receipt.lost, 16))
        since = self._behind_since(card, pause)
        if self._now() - since >= TRIED_FOR:
            await self.final(card, ReceiptState.UNREACHABLE, f"given up: {problem}")
            return
        lost = {"state": ReceiptState.SHOWN, "reason": str(problem), "behind_since": since}
        await self._keep(card, lost | {"lost": card.receipt.lost + 1}, again=pause)

    async def send_again(self, card: Card, problem: AnswerLost) -> None:
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
            await self.final(card, ReceiptState.UNREACHABLE, str(why["reason"]))
            return
        await self._keep(card, why | {"behind_since": since}, again=A_DAY)
        self._behind.ended(card.leased.job.key)

    async def tell_why(self, card: Card, busy: ChannelBusy) -> None:
        """Let the receipt say why the card waits, unless that is over in a moment."""
        since = self._behind_since(card, busy.retry_after)
        brief = (self._now() - since).total_seconds() < TOLD_AFTER > busy.retry_after
        if brief or card.receipt.reason == str(busy):
            return
        state = ReceiptState.SHOWN if card.exists else ReceiptState.WAITING
        told = {"state": state, "reason": str(busy), "behind_since": since}
        await self._save(card._replace(receipt=card.receipt.model_copy(update=told)))

    async def _save(self, card: Card) -> None:
        """
        Keep the receipt; the job goes on.

        Raises:
            LeaseLost: Somebody else has it, and may have sent a card of which ours knows nothing.
        """
        await self._commits.commit(
            Change(
                id=self._commits.stamp().change,
                scope=card.view.approval.key.scope,
                receipts=(card.receipt,),
                held=card.leased.lease,
            )
        )

    def _behind_since(self, card: Card, again: float) -> datetime:
        """Return since when the card is not current; it is looked at again in *again* seconds."""
        job = card.leased.job
        return self._behind.begun(
            job.key,
            card.receipt.behind_since or min(job.due, self._now()),
            next_look=self._now() + timedelta(seconds=again),
            scope=card.leased.lease.scope,
        )

    async def finish(self, leased: LeasedJob) -> None:
        """End the job: there is nothing to do, or nothing that is not done."""
        await self._store.finish(leased.lease)
        self._behind.ended(leased.job.key)

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
