"""Telling the tenant: one attempt at a time, committed before its first byte."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import timedelta
from typing import NamedTuple

from approvals_core import ending, tracing
from approvals_core.committing import Commits, unknown
from approvals_core.errors import LeaseLost, StoreError, StoreUnavailable
from approvals_core.models import Approval, ApprovalKey, Change, Lease, LeasedJob, Trace
from approvals_core.ports import Answer, AnswerKind, Posted, Store, TenantApi, Tenants
from approvals_core.rules import answering
from approvals_core.rules.answering import Post
from approvals_core.rules.deciding import POST_LEASE
from approvals_core.rules.doubting import BEGUN_WITHIN
from approvals_core.rules.draft import Stamp
from approvals_core.tenant import Tenant

log = logging.getLogger(__name__)

# Seconds between tries to save an answer: it cannot be asked for again, and a store that fails
# over is away for a minute.
ANSWER_PAUSES = (1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0)


class Attempt(NamedTuple):
    """An attempt that is committed, and the right to make it."""

    approval: Approval
    post: Post
    lease: Lease


class Posting:
    """Makes the attempts of decisions, for the click itself and for the worker."""

    def __init__(self, *, store: Store, commits: Commits, tenants: Tenants, api: TenantApi) -> None:
        self._store = store
        self._commits = commits
        self._tenants = tenants
        self._api = api
        self._broken_off: list[Lease] = []

    async def give_back(self) -> None:
        """Let another process have the attempts that were broken off here, at once."""
        left, self._broken_off = self._broken_off, []
        for lease in left:
            with suppress(StoreError):  # then it ends by itself
                await self._store.retry(lease, due=self._commits.now(), failed=False)

    async def due(self, leased: LeasedJob) -> None:
        """
        Make the attempt that a due job asks for, if it is still wanted.

        Raises:
            LeaseLost: Somebody else has the job.
        """
        job, lease, _failures = leased
        if job.approval is None or job.seat is None:
            raise ValueError(f"{job.key} is about no place")
        post, tenant = Post(job.seat, job.decision, job.number), self._tenant(job.approval)
        made: list[Change | None] = []

        def begin(approval: Approval, stamp: Stamp) -> Change | None:
            if made and _stands(made[0], approval, post):
                return None  # our own commit, whose answer was lost
            made[:] = [answering.attempt(approval, post, tenant=tenant, stamp=stamp, finish=lease)]
            return made[0]

        # Whoever lost the lease would take the other's attempt for one that died.
        lease = await self._store.renew(lease, until=self._commits.in_seconds(POST_LEASE))
        approval = await self._commits.change(job.approval, begin)
        if made[0] is None:
            await self._store.finish(lease)
        elif answering.begun(made[0]):
            await self.call(approval, post, lease)

    async def call(self, approval: Approval, post: Post, lease: Lease) -> Approval:
        """Make an attempt that is committed; return the approval with what it led to."""
        tenant, posted = self._tenant(approval.key), _posted(approval, post)
        tracing.follow(_trace(posted))
        answer = self._held_back(posted)
        if answer is None:
            async with self._kept(lease):
                answer = await self._api.post_decision(tenant, posted)
        return await self._answered(Attempt(approval, post, lease), answer, tenant)

    async def call_in_turn(self, attempt: Attempt, turns: asyncio.Semaphore) -> Approval:
        """Do what `call` does once it is this attempt's turn, if it is still wanted then."""
        async with self._kept(attempt.lease), turns:
            newest = await self._newest(attempt)
            if not answering.under_way(newest, attempt.post):
                with suppress(LeaseLost):
                    await self._store.finish(attempt.lease)
                return newest
            return await self.call(newest, attempt.post, attempt.lease)

    async def call_together(
        self, tenant: Tenant, attempts: Sequence[Attempt]
    ) -> list[Approval | BaseException]:
        """
        Make committed attempts of one tenant with one array; return what each led to.

        Each answer is taken in by itself: one that cannot be saved spoils no other.
        """
        posted = [_posted(each.approval, each.post) for each in attempts]
        tracing.follow(_trace(posted[0]))  # one call has one trace; the answers go on in their own
        async with AsyncExitStack() as stack:
            for each in attempts:
                await stack.enter_async_context(self._kept(each.lease))
            held = [self._held_back(each) for each in posted]
            wanted = [each for each, why in zip(posted, held, strict=True) if why is None]
            answers = iter(await self._api.post_decisions(tenant, wanted) if wanted else ())
            told = [next(answers) if why is None else why for why in held]
            taking = [
                self._answered(each, answer, tenant)
                for each, answer in zip(attempts, told, strict=True)
            ]
            return await asyncio.gather(*taking, return_exceptions=True)

    def _held_back(self, posted: Posted) -> Answer | None:
        """
        Return why an attempt is not made after all; None: it is made now.

        One that is not begun in time might arrive when the tenant said already that it
        never got it (see `doubting.over_at`).
        """
        if posted.decision.revision != posted.approval.revision:
            # It changed while nobody knew whether the attempt was committed.
            return Answer(kind=AnswerKind.NOT_TAKEN, message=answering.stale_decision())
        waited = self._commits.now() - posted.decision.attempted_at
        if waited > timedelta(seconds=BEGUN_WITHIN):
            return Answer(kind=AnswerKind.AGAIN, reason="the attempt was not begun in time")
        return None

    async def newest(self, attempt: Attempt) -> Attempt | None:
        """Return *attempt* with its approval as it stands now; None if it is over."""
        newest = await self._newest(attempt)
        wanted = answering.under_way(newest, attempt.post)
        return attempt._replace(approval=newest) if wanted else None

    async def ended(self, attempt: Attempt) -> Approval:
        """Let go of an attempt that is over; return its approval."""
        with suppress(LeaseLost):
            await self._store.finish(attempt.lease)
        return await self._newest(attempt)

    async def _newest(self, attempt: Attempt) -> Approval:
        with suppress(StoreUnavailable):  # then what was committed counts, as if there was no wait
            newest = await self._store.approval(attempt.approval.key)
            if newest is not None:
                await self._store.settled(newest)
                return newest
        return attempt.approval

    async def _answered(self, attempt: Attempt, answer: Answer, tenant: Tenant) -> Approval:
        approval, post, lease = attempt
        ending.answered()
        tracing.follow(_trace(_posted(approval, post)))
        _log(approval, post, answer)
        try:
            return await self._take_in(approval, post, answer, tenant, lease)
        except LeaseLost:
            return await self._take_in(approval, post, answer, tenant, None)

    async def _take_in(
        self, known: Approval, post: Post, answer: Answer, tenant: Tenant, lease: Lease | None
    ) -> Approval:
        def step(approval: Approval, stamp: Stamp) -> Change:
            return answering.answered(
                approval, post, answer, tenant=tenant, stamp=stamp, finish=lease
            )

        # The attempt is mostly the last that happened: then it need not be read again.
        for pause in (*ANSWER_PAUSES, None):
            try:
                return await self._commits.change(known.key, step, known=known)
            except StoreUnavailable:
                if pause is None:
                    log.error("answer_not_saved", extra={"decision": post.decision})  # noqa: TRY400
                    raise
                await self._commits.sleep(pause)
        raise AssertionError("the loop returns or raises")

    @asynccontextmanager
    async def _kept(self, lease: Lease) -> AsyncGenerator[None]:
        """Keep *lease* while the block runs. If it is lost, the commit afterwards says so."""
        keeping = asyncio.create_task(self._keep(lease))
        try:
            yield
        except asyncio.CancelledError:
            self._broken_off.append(lease)
            raise
        finally:
            keeping.cancel()

    async def _keep(self, lease: Lease) -> None:
        with suppress(LeaseLost):
            while True:
                await asyncio.sleep(POST_LEASE / 4)
                with suppress(StoreUnavailable):
                    await self._store.renew(lease, until=self._commits.in_seconds(POST_LEASE))

    def _tenant(self, key: ApprovalKey) -> Tenant:
        tenant = self._tenants.by_id(key.tenant)
        if tenant is None:
            raise unknown()
        return tenant


def _stands(begun: Change | None, approval: Approval, post: Post) -> bool:
    """Tell whether the attempt that *begun* makes is the one that is under way."""
    if begun is None or begun.approval is None or not answering.begun(begun):
        return False
    place = approval.place(post.seat)
    return place is not None and place.decision == begun.approval.places[post.seat].decision


def _posted(approval: Approval, post: Post) -> Posted:
    place = approval.places[post.seat]
    if place.decision is None:
        raise ValueError(f"{approval.id} has no decision {post.decision}")
    return Posted(approval=approval, place=place, decision=place.decision)


def _trace(posted: Posted) -> Trace:
    """Return where telling the tenant belongs: to the click, whoever makes the attempt."""
    return posted.decision.trace if posted.decision.trace.parent else posted.approval.trace


def _log(approval: Approval, post: Post, answer: Answer) -> None:
    log.info(
        "decision_answered",
        extra={
            "approval": approval.id,
            "decision": post.decision,
            "attempt": post.number,
            "answer": answer.kind.value,
            "reason": answer.reason,
            "xcv": approval.xcv,
            "tcv": post.decision,
        },
    )
