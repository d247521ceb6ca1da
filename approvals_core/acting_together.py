"""One click on several requests of one tenant: each decided for itself, then told together."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from gettext import gettext as _
from typing import Any, NamedTuple

from approvals_core.acting import Acting, Found
from approvals_core.committing import Commits, unknown
from approvals_core.errors import (
    ActionIncomplete,
    ActionNotOffered,
    ApprovalError,
    StoreError,
    UnknownApproval,
)
from approvals_core.models import Approval, Person
from approvals_core.ports import Store
from approvals_core.posting import Attempt, Posting
from approvals_core.rules.deciding import Click
from approvals_core.tenant import Submission, Tenant

log = logging.getLogger(__name__)

Find = Callable[[str], Awaitable[Found]]


class Ticked(NamedTuple):
    """One request that was ticked, and the click on it."""

    public_id: str
    click: Click


class Together(NamedTuple):
    """
    What became of one request that was ticked.

    *approval* is None where the person may not see it, or it is not even read.
    *problem* says why nothing was decided; a StoreError, that nobody knows whether it
    was. *recording* is True while nobody knows yet whether the decision is committed.
    """

    ticked: Ticked
    approval: Approval | None
    problem: ApprovalError | StoreError | None = None
    recording: bool = False


def checked(tenant: Tenant, ticked: Sequence[Ticked]) -> list[Ticked]:
    """
    Return what was ticked, each request once.

    Raises:
        ActionNotOffered: The tenant does not take this action on several requests.

        ActionIncomplete: Nothing is ticked, or too much.
    """
    once = list({each.public_id: each for each in reversed(ticked)}.values())[::-1]
    if not once:
        raise ActionIncomplete(_("Nothing is ticked. Please tick what you want to decide."))
    actions = {each.click.action.casefold() for each in once}
    action = tenant.action(next(iter(actions))) if len(actions) == 1 else None
    single = tenant.api.submission is Submission.SINGLE
    if single or action is None or not action.bulk:
        raise ActionNotOffered(_("This cannot be decided for several requests together."))
    most = tenant.limits.together
    if len(once) > most:
        said = _("At most {most} requests can be decided together. Please tick fewer.")
        raise ActionIncomplete(said.format(most=most))
    return once


class ActingTogether:
    """
    What happens to several requests ticked together, in a task of its own.

    Each is checked, recorded and told as by a click of its own, with its own decision
    id, attempt and lease; only the way to the tenant is shared.
    """

    def __init__(
        self,
        ticked: Sequence[Ticked],
        *,
        tenant: Tenant,
        by: Person,
        store: Store,
        commits: Commits,
        posting: Posting,
        gathered_within: float,
    ) -> None:
        """What is not committed in *gathered_within* seconds does not hold up the array."""
        self._tenant = tenant
        self._gathered_within = gathered_within
        self._posting = posting
        self._items = [
            _Item(each, Acting(each.click, by=by, store=store, commits=commits, posting=posting))
            for each in ticked
        ]

    async def run(self, find: Find) -> None:
        """Decide and tell everything; *find* reads a request and its tenant by its public id."""
        if self._tenant.api.submission is Submission.BULK:
            await self._as_array(find)
            return
        turns = asyncio.Semaphore(max(1, self._tenant.api.calls // 2))
        await _all(self._alone(item, find, turns) for item in self._items)

    def answer(self) -> list[Together]:
        """Return how each stands; what is not committed yet is tried for minutes from now on."""
        return [item.answer() for item in self._items]

    async def _alone(self, item: "_Item", find: Find, turns: asyncio.Semaphore) -> None:
        attempt = await self._record(item, find)
        if attempt is not None:
            with _not_saved(item):
                item.told = await self._posting.call_in_turn(attempt, turns)

    async def _as_array(self, find: Find) -> None:
        """Post what is recorded in time as one array, and each that comes later by itself."""
        recording = {asyncio.create_task(self._record(item, find)): item for item in self._items}
        in_time, late = await asyncio.wait(recording, timeout=self._gathered_within)
        failed = {task for task in in_time if task.exception() is not None}
        ready = [
            (item, attempt)
            for task, item in recording.items()
            if task not in late | failed and (attempt := task.result()) is not None
        ]
        following = [self._late(recording[task], task) for task in late | failed]
        await _all([self._array(ready), *following])

    async def _late(self, item: "_Item", recording: "asyncio.Task[Attempt | None]") -> None:
        attempt = await recording
        if attempt is not None:
            await self._array([(item, attempt)])

    async def _array(self, ready: Sequence[tuple["_Item", Attempt]]) -> None:
        # Others were waited for: what came meanwhile counts, as before every single post.
        newest = await asyncio.gather(*(self._still(*each) for each in ready))
        ready = [each for each in newest if each is not None]
        attempts = [attempt for _item, attempt in ready]
        led_to = await self._posting.call_together(self._tenant, attempts) if attempts else ()
        for (item, _attempt), told in zip(ready, led_to, strict=True):
            with _not_saved(item):
                if isinstance(told, BaseException):
                    raise told
                item.told = told

    async def _still(self, item: "_Item", attempt: Attempt) -> tuple["_Item", Attempt] | None:
        """Return the attempt as it stands now: what came meanwhile may have ended it."""
        newest = await self._posting.newest(attempt)
        if newest is not None:
            return item, newest
        with _not_saved(item):
            item.told = await self._posting.ended(attempt)
        return None

    async def _record(self, item: "_Item", find: Find) -> Attempt | None:
        """Commit one decision; return the attempt to make now, None if there is none."""

        async def ours() -> Found:
            found = await find(item.ticked.public_id)
            if found.tenant.document_type_id != self._tenant.document_type_id:
                raise unknown()
            return found

        try:
            approval, lease = await item.acting.record(ours)
        except (ApprovalError, StoreError) as problem:
            item.problem = problem
            return None
        except Exception as problem:  # a record that cannot be read: nothing will correct a promise
            item.problem = StoreError(type(problem).__name__)
            raise
        return None if lease is None else Attempt(approval, item.acting.post, lease)


@dataclass
class _Item:
    """One of the requests, as far as it has come."""

    ticked: Ticked
    acting: Acting
    problem: ApprovalError | StoreError | None = None
    told: Approval | None = None  # after the tenant's answer

    def answer(self) -> Together:
        problem, acting = self.problem, self.acting
        if isinstance(problem, ApprovalError):
            may_see = not isinstance(problem, UnknownApproval)
            return Together(self.ticked, acting.seen if may_see else None, problem)
        if problem is not None:
            return Together(self.ticked, acting.approval, problem)
        acting.promised = not acting.committed
        approval = self.told or acting.approval
        return Together(self.ticked, approval, recording=acting.promised)


@contextmanager
def _not_saved(item: _Item) -> Generator[None]:
    """Leave an answer that could not be saved to the lease: the worker takes it up."""
    try:
        yield
    except StoreError as problem:
        ids = {"decision": item.acting.post.decision, "why": type(problem).__name__}
        log.warning("answer_left_to_worker", extra=ids)


async def _all(work: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Do all of it to its end, whatever fails; then raise what failed first."""
    for ended in await asyncio.gather(*work, return_exceptions=True):
        if isinstance(ended, BaseException):
            raise ended
