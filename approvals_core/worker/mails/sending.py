"""One mail on the wire, and what is written of it after."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from approvals_core.committing import Commits
from approvals_core.ending import before_the_wire, on_the_wire
from approvals_core.errors import (
    AnswerLost,
    ChannelBusy,
    ChannelError,
    LeaseLost,
    MailboxBusy,
    RecipientBusy,
    StoreError,
    StoreUnavailable,
)
from approvals_core.leases import LEASE
from approvals_core.ledger import Ledger, Line
from approvals_core.models import Approval, LeasedJob, Letter, LetterState, Notification
from approvals_core.ports import Mails, Store, View
from approvals_core.rules import lines, mail_waits
from approvals_core.rules.draft import Stamp
from approvals_core.rules.standing import as_seen
from approvals_core.tenant import Tenant
from approvals_core.worker.mails.pauses import Pause

log = logging.getLogger(__name__)

# Mails under way in this process, where nobody says how many the mailbox takes at once. The rest wait
# in the store, so that the next to go is the most urgent of them all, and not whichever looks first.
AT_ONCE = 4
SEND_WITHIN = 60.0  # seconds; after that nobody knows whether it was taken
READ_WITHIN = 8.0  # of them, for what the mail is made from
STORE_AGAIN = 5.0  # seconds until a mail is sent that the store failed to give before the wire
PAUSE = 5.0  # seconds at most for which one mail that was not taken holds back the others
NO_TIME = timedelta()

Became = Callable[[Letter, datetime], Letter]


class Sending:
    """Sends mails that were begun, and writes how that ended. *mails* None: no mail is set up."""

    def __init__(
        self, *, store: Store, commits: Commits, ledger: Ledger, mails: Mails | None, most: int
    ) -> None:
        """*most* is how many the mailbox takes at once."""
        self._store = store
        self._commits = commits
        self._ledger = ledger
        self._mails = mails
        self._most = most
        self._held: Pause | None = None

    def at_once(self) -> int:
        """
        Return how many mails may be under way now.

        None while mails are held. After that the most urgent one goes alone: where the
        mailbox lets only one out, four that run for it would not come in their order.
        """
        if self._held is None:
            return self._most
        return 0 if self._held.left(self._commits.now()) else 1

    async def send(
        self, leased: LeasedJob, approval: Approval, tenant: Tenant, letter: Letter
    ) -> None:
        """
        Send the mail of *letter*, whose attempt is written, and write what became of it.

        Raises:
            LeaseLost: Somebody else has the job.
        """
        mails, notification = self._mails, lines.notification_of(approval, letter.notification)
        if mails is None or notification is None:
            raise ValueError("a mail was begun that cannot be sent")
        try:
            async with asyncio.timeout(SEND_WITHIN):
                with before_the_wire():
                    view = await self._read(leased, approval, tenant, letter)
                with on_the_wire():
                    await mails.send(letter, notification, view)
        except LeaseLost:
            raise  # whoever has the job by now takes this attempt for lost, and it is not made
        except ChannelBusy as busy:
            await self._put_off(leased, letter, notification, busy)
        except StoreError:
            # The store is read before the wire only: nothing was sent.
            away = ChannelBusy("the store did not answer", retry_after=STORE_AGAIN)
            await self._put_off(leased, letter, notification, away)
        except (AnswerLost, TimeoutError) as problem:
            why = str(problem) or f"no answer within {SEND_WITHIN:g} seconds"
            await self.lost(leased, letter, why)
        except ChannelError as refusal:
            self._held = None  # it was answered, so others may be
            await self._refused(leased, letter, str(refusal))
        except Exception:
            # A mistake of ours, and nobody knows whether it was made before the wire or behind it.
            log.exception("mail_failed", extra={"approval": approval.id, "letter": letter.id})
            await self._failed(leased, letter)
        else:
            await self._sent(leased, letter)

    async def lost(self, leased: LeasedJob, letter: Letter, why: str) -> None:
        """Note that nobody knows whether it was taken; the first time it is sent once more."""
        await self._end(leased, letter, lambda one, at: lines.lost(one, why, at))

    async def _read(
        self, leased: LeasedJob, approval: Approval, tenant: Tenant, letter: Letter
    ) -> View:
        """
        Return what the mail is made from, if the job is ours still.

        Raises:
            LeaseLost: Reading took so long that somebody else has the job.

            StoreError: The store did not give it; nothing was sent.
        """
        try:
            async with asyncio.timeout(READ_WITHIN):
                view = await self._view(approval, tenant, letter)
                until = self._commits.in_seconds(LEASE)
                await self._store.renew(leased.lease, until=until)
        except TimeoutError as problem:
            raise StoreUnavailable("no answer in time") from problem
        return view

    async def _view(self, approval: Approval, tenant: Tenant, letter: Letter) -> View:
        """
        Return what the mail is made from.

        Without a seat it is an onlooker's: all of the request, and nothing to act by.
        """
        place = approval.place(letter.seat) if letter.seat is not None else None
        bodies = await self._store.bodies(approval.key, "details/")
        return View(
            tenant=tenant,
            approval=as_seen(approval, place, place.round) if place is not None else approval,
            place=place or lines.onlooker(approval),
            round=approval.round,
            details={name.removeprefix("details/"): text for name, text in bodies.items()},
            closed=tenant.closed(self._commits.now()),
        )

    async def _sent(self, leased: LeasedJob, letter: Letter) -> None:
        self._held = None
        try:
            await self._end(leased, letter, lines.sent)
        except LeaseLost:
            # Whoever has the job now took it for lost. It is not: so it is not sent again.
            await self._ledger.write(
                letter.approval, lambda _a, all_, stamp: _late(all_, letter, stamp)
            )
            raise

    async def _put_off(
        self, leased: LeasedJob, letter: Letter, notification: Notification, busy: ChannelBusy
    ) -> None:
        now, why = self._commits.now(), str(busy)
        self._hold(now, busy)
        waited = now - lines.asked_at(leased.job, notification)
        if waited < lines.TRIED_FOR:
            wait = timedelta(seconds=busy.retry_after)
            if isinstance(busy, RecipientBusy):
                wait = mail_waits.taken_later(letter, waited, wait)
            await self._end(leased, letter, lambda one, at: lines.put_off(one, why, at), wait)
            return
        await self._refused(leased, letter, f"given up after {lines.TRIED_FOR.days} days: {why}")

    def _hold(self, now: datetime, busy: ChannelBusy) -> None:
        """Begin no mail for a while: as long as the mailbox takes none, or a moment, or not at all."""
        if isinstance(busy, RecipientBusy):
            if self._held is not None and not self._held.left(now):
                self._held = None  # it was heard, so others may be
            return
        longest = busy.retry_after if isinstance(busy, MailboxBusy) else PAUSE
        pause = Pause(now, now + timedelta(seconds=min(longest, busy.retry_after)))
        self._held = pause if self._held is None else self._held.and_then(pause)

    async def _refused(self, leased: LeasedJob, letter: Letter, why: str) -> None:
        await self._end(leased, letter, lambda one, at: lines.refused(one, why, at))

    async def _failed(self, leased: LeasedJob, letter: Letter) -> None:
        why = f"a mistake of ours: see mail_failed in the log, letter {letter.id}"
        if letter.lost + 1 < lines.TWICE:
            await self.lost(leased, letter, why)
        else:
            await self._refused(leased, letter, why)

    async def _end(
        self, leased: LeasedJob, letter: Letter, became: Became, wait: timedelta = NO_TIME
    ) -> None:
        """
        Write how the attempt ended, and end the job; a mail that waits comes back after *wait*.

        Who opened the mail meanwhile, or saw it come back, knows better than we.
        """
        job, lease = leased.job, leased.lease

        def step(_approval: Approval, letters: Sequence[Letter], stamp: Stamp) -> Line:
            newest = next((each for each in letters if each.id == letter.id), letter)
            ended = became(newest, stamp.at) if newest.state is LetterState.SENDING else newest
            due = max(stamp.at + wait, mail_waits.not_before(ended) or stamp.at)
            waits = ended.state is LetterState.WAITING
            again = (job.model_copy(update={"due": due}),) if waits else ()
            refused = ended.state is LetterState.REFUSED
            instead = lines.instead_of(letters, ended) if refused else None
            return Line(ended, jobs=again, finish=lease, instead=instead)

        written = await self._ledger.write(letter.approval, step, lease=lease)
        if written.letter is not None:
            say(written.approval, written.letter)


def say(approval: Approval, letter: Letter) -> None:
    """Log what became of a mail; not why: mail systems put addresses in what they say."""
    told = {"letter": letter.id, "occasion": letter.occasion.value, "state": letter.state.value}
    event = "mail_sent" if letter.state is LetterState.SENT else "mail_not_sent"
    log.info(event, extra={"approval": approval.id, "seat": letter.seat} | told)


def _late(letters: Sequence[Letter], letter: Letter, stamp: Stamp) -> Line | None:
    """Return the line of a mail that was taken after all, None if it is known already."""
    newest = next((each for each in letters if each.id == letter.id), letter)
    doubted = newest.state in (LetterState.SENDING, LetterState.WAITING)
    if not doubted or newest.attempts != letter.attempts:
        return None
    return Line(lines.sent(newest, stamp.at))
