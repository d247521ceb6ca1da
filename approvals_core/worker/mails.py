"""Sends mails: each once, to whom it is still needed, with the card of whoever is asked."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from approvals_core import tracing
from approvals_core.committing import Commits
from approvals_core.errors import (
    AnswerLost,
    ChannelBusy,
    ChannelError,
    DirectoryUnavailable,
    LeaseLost,
    RetryAfter,
    StoreError,
)
from approvals_core.ledger import Ledger, Line
from approvals_core.log_context import note
from approvals_core.models import (
    Approval,
    LeasedJob,
    Letter,
    LetterState,
    Notification,
    Person,
    PersonId,
)
from approvals_core.ports import Directory, Mails, Store, Tenants, View
from approvals_core.rules import lines
from approvals_core.rules.draft import Stamp
from approvals_core.rules.standing import as_seen
from approvals_core.tenant import Tenant

log = logging.getLogger(__name__)

# Mails under way in this process: as many as one mailbox takes at once, and few of the worker's
# places, so that a mail system that hangs leaves the rest of them to cards.
AT_ONCE = 4
SEND_WITHIN = 60.0  # seconds, half of a lease; after that nobody knows whether it was taken
LOOK_AGAIN = 2.0  # seconds between two looks whether the people asked were found
LOOK_LATER = 30.0  # seconds between two of them when that takes long
STORE_AGAIN = 5.0  # seconds until a mail is sent that the store failed to give before the wire
PAUSE = 5.0  # seconds at most for which one mail that was not taken holds back the others
STAGGER = 0.25  # seconds between the mails that wait, so that they do not come back together
LONGEST_STAGGER = 60.0  # seconds
NO_TIME = timedelta()

Became = Callable[[Letter, datetime], Letter]


class Mailing:
    """
    Does the jobs that send mails.

    What is to be sent is decided when its turn comes: the ledger says what became of it
    before, the request whether it is still needed. *mails* None: no mail is set up.
    """

    def __init__(
        self,
        *,
        store: Store,
        commits: Commits,
        tenants: Tenants,
        directory: Directory,
        mails: Mails | None,
    ) -> None:
        self._store = store
        self._commits = commits
        self._tenants = tenants
        self._directory = directory
        self._mails = mails
        self._ledger = Ledger(store=store, commits=commits)
        self._under_way = 0
        self._paused_until: datetime | None = None
        self._waiting = 0  # mails that were sent away since one was taken
        self._said_none = False

    async def do(self, leased: LeasedJob) -> None:
        """
        Send one mail, if it is still needed.

        Raises:
            RetryAfter: It is not its turn, or the directory asks for time.

            LeaseLost: Somebody else has the job.
        """
        self._check_turn()
        self._under_way += 1
        try:
            await self._do(leased)
        finally:
            self._under_way -= 1

    def _check_turn(self) -> None:
        now, until = self._commits.now(), self._paused_until
        pause = max(0.0, (until - now).total_seconds()) if until else 0.0
        if pause or self._under_way >= AT_ONCE:
            self._waiting += 1
            stagger = min(LONGEST_STAGGER, STAGGER * self._waiting)
            raise RetryAfter("other mails go first", retry_after=pause + stagger)

    async def _do(self, leased: LeasedJob) -> None:
        job, lease, _failures = leased
        if job.approval is None:
            raise ValueError(f"{job.key} is about no approval")
        approval = await self._store.approval(job.approval)
        tenant = self._tenants.by_id(job.approval.tenant)
        if approval is None or tenant is None:
            await self._store.finish(lease)
            return
        note(xcv=approval.xcv)
        tracing.carry_on(approval.trace)
        known = await self._store.letter(job.approval, lines.letter_of(approval, job))
        if known is None or lines.may_be_sent(known):
            await self._begin(leased, approval, tenant, known)
        elif known.state is LetterState.SENDING:
            await self._lost(leased, known, "we stopped while it was sent")
        else:
            await self._store.finish(lease)

    # -- before the wire --------------------------------------------------------

    async def _begin(
        self, leased: LeasedJob, approval: Approval, tenant: Tenant, known: Letter | None
    ) -> None:
        job, lease = leased.job, leased.lease
        if known is not None and (early := self._too_early(known)) is not None:
            await self._store.retry(lease, due=early, failed=False)
            return
        owner = await self._owner(leased, approval, tenant)

        def step(newest: Approval, letters: Sequence[Letter], stamp: Stamp) -> Line | None:
            letter = lines.begun(newest, letters, job, tenant=tenant, owner=owner, at=stamp.at)
            if letter is None:
                return None
            if letter.state is LetterState.SENDING and self._mails is None:
                letter = lines.refused(letter, lines.NOT_SET_UP, stamp.at)
            return Line(letter, finish=None if letter.state is LetterState.SENDING else lease)

        written = await self._ledger.write(approval.key, step, lease=lease)
        if written.letter is None:
            await self._store.finish(lease)
        elif written.letter.state is LetterState.SENDING:
            await self._send(leased, written.approval, tenant, written.letter)
        else:
            _say(written.approval, written.letter)
            if written.letter.reason == lines.NOT_SET_UP:
                self._say_none()

    def _say_none(self) -> None:
        if not self._said_none:
            self._said_none = True
            log.warning("no_mail_set_up")

    def _too_early(self, known: Letter) -> datetime | None:
        """Return when a mail whose answer was lost may be sent again, or None if that is now."""
        due = known.at + lines.ONCE_MORE
        return due if known.lost and self._commits.now() < due else None

    async def _owner(
        self, leased: LeasedJob, approval: Approval, tenant: Tenant
    ) -> PersonId | None:
        """
        Return who has the mail's address, None if it makes no difference.

        An address says nothing by itself: it must be how somebody signs in who was found for
        this request, or the directory must know whose it is.
        """
        job, notification = leased.job, lines.notification_of(approval, leased.job.notification)
        if notification is None or lines.why_dropped(approval, job, tenant):
            return None
        if not lines.wants_a_card(job, notification):
            return None
        if (person := lines.person_with_upn(approval, job.address)) is not None:
            return person
        waited = self._commits.now() - lines.asked_at(job, notification)
        looked_up = lines.somebody_is_looked_up(approval)
        if looked_up and waited < lines.LOOKED_UP_WITHIN:
            raise RetryAfter("the people asked are looked up first", retry_after=LOOK_AGAIN)
        may_wait = looked_up and waited < lines.LOOKED_UP_AT_MOST
        owner = await self._found(approval, tenant, job.address, give_up=waited >= lines.TRIED_FOR)
        nobody_yet = all(place.person is None for place in approval.places)
        stranger = owner is not None and approval.place_of(owner) is None
        if may_wait and (nobody_yet or stranger):
            raise RetryAfter("the reader may be looked up still", retry_after=LOOK_LATER)
        return owner

    async def _found(
        self, approval: Approval, tenant: Tenant, address: str, *, give_up: bool
    ) -> PersonId | None:
        """Return whose *address* is, as the directory says; it is not asked while nobody has a place."""
        if all(place.person is None for place in approval.places):
            return None
        try:
            found = await self._directory.find_by_mail(tenant, address)
        except DirectoryUnavailable:
            if not give_up:
                raise
            return None  # the mail leads to the request's page, where he can act
        return found.id if isinstance(found, Person) else None

    # -- on the wire, and after -------------------------------------------------

    async def _send(
        self, leased: LeasedJob, approval: Approval, tenant: Tenant, letter: Letter
    ) -> None:
        mails, notification = self._mails, lines.notification_of(approval, letter.notification)
        if mails is None or notification is None:
            raise ValueError("a mail was begun that cannot be sent")
        try:
            view = await self._view(approval, tenant, letter)
            async with asyncio.timeout(SEND_WITHIN):
                await mails.send(letter, notification, view)
        except ChannelBusy as busy:
            await self._put_off(leased, letter, notification, busy)
        except StoreError:
            # The store is read before the wire only: nothing was sent.
            away = ChannelBusy("the store did not answer", retry_after=STORE_AGAIN)
            await self._put_off(leased, letter, notification, away)
        except (AnswerLost, TimeoutError) as problem:
            why = str(problem) or f"no answer within {SEND_WITHIN:g} seconds"
            await self._lost(leased, letter, why)
        except ChannelError as refusal:
            await self._refused(leased, letter, str(refusal))
        except Exception as failure:
            # A mistake of ours, and nobody knows whether it was made before the wire or behind it.
            log.exception("mail_failed", extra={"approval": approval.id, "letter": letter.id})
            await self._failed(leased, letter, type(failure).__name__)
        else:
            await self._sent(leased, letter)

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
        self._waiting = 0
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
        self._paused_until = now + timedelta(seconds=min(PAUSE, busy.retry_after))
        if now - lines.asked_at(leased.job, notification) < lines.TRIED_FOR:
            wait = timedelta(seconds=busy.retry_after)
            await self._end(leased, letter, lambda one, at: lines.put_off(one, why, at), wait)
            return
        await self._refused(leased, letter, f"given up after {lines.TRIED_FOR.days} days: {why}")

    async def _refused(self, leased: LeasedJob, letter: Letter, why: str) -> None:
        await self._end(leased, letter, lambda one, at: lines.refused(one, why, at))

    async def _lost(self, leased: LeasedJob, letter: Letter, why: str) -> None:
        """Note that nobody knows whether it was taken; the first time it is sent once more."""
        again = lines.ONCE_MORE
        await self._end(leased, letter, lambda one, at: lines.lost(one, why, at), again)

    async def _failed(self, leased: LeasedJob, letter: Letter, kind: str) -> None:
        why = f"it could not be sent ({kind}): see mail_failed in the log"
        if letter.lost + 1 < lines.TWICE:
            await self._lost(leased, letter, why)
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
            waits = ended.state is LetterState.WAITING
            again = (job.model_copy(update={"due": stamp.at + wait}),) if waits else ()
            refused = ended.state is LetterState.REFUSED
            instead = lines.instead_of(letters, ended) if refused else None
            return Line(ended, jobs=again, finish=lease, instead=instead)

        written = await self._ledger.write(letter.approval, step, lease=lease)
        if written.letter is not None:
            _say(written.approval, written.letter)


def _late(letters: Sequence[Letter], letter: Letter, stamp: Stamp) -> Line | None:
    """Return the line of a mail that was taken after all, None if it is known already."""
    newest = next((each for each in letters if each.id == letter.id), letter)
    doubted = newest.state in (LetterState.SENDING, LetterState.WAITING)
    if not doubted or newest.attempts != letter.attempts:
        return None
    return Line(lines.sent(newest, stamp.at))


def _say(approval: Approval, letter: Letter) -> None:
    """Log what became of a mail; not why: mail systems put addresses in what they say."""
    told = {"letter": letter.id, "occasion": letter.occasion.value, "state": letter.state.value}
    event = "mail_sent" if letter.state is LetterState.SENT else "mail_not_sent"
    log.info(event, extra={"approval": approval.id, "seat": letter.seat} | told)
