"""The delivery ledger: a line for each mail, written so that two at once never both win."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import islice
from typing import NamedTuple

from approvals_core.committing import Commits, unknown
from approvals_core.errors import NotBounced, VersionConflict
from approvals_core.leases import LEASE
from approvals_core.models import (
    Approval,
    ApprovalKey,
    Change,
    Job,
    Lease,
    Letter,
    LetterState,
    QueuedJob,
)
from approvals_core.ports import Store
from approvals_core.rules import lines, mail_waits
from approvals_core.rules.draft import Draft, Stamp
from approvals_core.rules.mail_jobs import job_key, leave_mails


class Line(NamedTuple):
    """
    What is written of one mail, and what is done with jobs in the same commit.

    *finish* ends the job at hand, *jobs* are left. *instead* is a mail that is to be sent
    now: the person has another address there, which got none because of this one.
    """

    letter: Letter
    jobs: tuple[Job, ...] = ()
    finish: Lease | None = None
    instead: Letter | None = None


class Delivery(NamedTuple):
    """
    How one mail stands.

    *job* is what sends it, or looks at it again; None: nothing will. It has none, too, once
    nothing is to be done about it.
    """

    letter: Letter
    job: QueuedJob | None = None


class Written(NamedTuple):
    """The request as it stood when a line was written; *letter* None: nothing was."""

    approval: Approval
    letter: Letter | None


# Mails of one request that were not begun: so many are looked for when somebody asks how they stand.
MOST_LOOKED_FOR = 50
UNDER_WAY = (LetterState.SENDING, LetterState.WAITING)

Step = Callable[[Approval, Sequence[Letter], Stamp], Line | None]


class Ledger:
    """
    Writes lines of the ledger.

    Each raises the request's version: of two who read the same lines, and write, one
    reads again. So "nobody has a mail at another address" stays true until it is written.
    """

    def __init__(self, *, store: Store, commits: Commits) -> None:
        self._store = store
        self._commits = commits

    async def write(self, key: ApprovalKey, step: Step, *, lease: Lease | None = None) -> Written:
        """
        Write what *step* makes of the newest request and its lines; None: leave them so.

        *lease* is renewed before each try, so that only who has the job writes.

        Raises:
            UnknownApproval: There is no such request.

            LeaseLost: Somebody else has the job.

            StoreUnavailable: Nobody knows whether it was written.
        """
        tried: Letter | None = None
        while True:
            if lease is not None:
                await self._store.renew(lease, until=self._commits.in_seconds(LEASE))
            approval = await self._store.approval(key)
            if approval is None:
                raise unknown()
            # After the request: whoever writes a line in between raised its version.
            letters = await self._store.letters(key)
            if tried is not None and tried in letters:
                return Written(approval, tried)  # ours, whose answer was lost
            stamp = self._commits.stamp()
            line = step(approval, letters, stamp)
            if line is None:
                return Written(approval, None)
            written = () if line.letter in letters else (line.letter,)
            change = _change(approval, line, written, stamp)
            with suppress(VersionConflict):
                await self._commits.commit(change)
                return Written(change.approval or approval, line.letter)
            tried = line.letter if written else None

    async def note_seen(self, key: ApprovalKey, letter_id: str) -> None:
        """
        Note that the card in a mail asked for its state. Only the first time counts.

        A mail of which nobody knew whether it arrived is sent by that. An unknown one,
        as of a store that was lost, changes nothing.

        Raises:
            StoreUnavailable: Nobody knows whether it was noted; the next time will do.
        """
        known = await self._store.letter(key, letter_id)
        if known is None or known.seen_at is not None:
            return

        def step(_approval: Approval, letters: Sequence[Letter], stamp: Stamp) -> Line | None:
            letter = next((each for each in letters if each.id == letter_id), None)
            if letter is None or letter.seen_at is not None:
                return None
            return Line(lines.seen(letter, stamp.at))

        await self.write(key, step)

    async def bounced(self, key: ApprovalKey, address: str, *, reason: str, by: str) -> Letter:
        """
        Note that the newest mail to *address* came back, as *by* says; return its line.

        If the same person has another address that got none because of this one, it gets
        its mail now.

        Raises:
            UnknownApproval: There is no such request.

            NotBounced: No mail went there.
        """

        def step(_approval: Approval, letters: Sequence[Letter], stamp: Stamp) -> Line:
            mine = [each for each in letters if each.address.casefold() == address.casefold()]
            went = [each for each in mine if _went_out(each)]
            if not went:
                raise NotBounced(_why_not_bounced(mine, address))
            said = f"{reason or 'it came back'} (says {by})"
            letter = lines.bounced(went[-1], said, stamp.at)
            return Line(letter, instead=lines.instead_of(letters, letter))

        written = await self.write(key, step)
        if written.letter is None:
            raise NotBounced(_why_not_bounced((), address))
        return written.letter


def _change(approval: Approval, line: Line, written: tuple[Letter, ...], stamp: Stamp) -> Change:
    draft = Draft(approval, stamp)
    for job in line.jobs:
        draft.leave(job)
    if line.instead is not None:
        _leave(draft, line.instead)
    change = draft.change(finish=line.finish)
    return change.model_copy(update={"letters": written})


def _leave(draft: Draft, letter: Letter) -> None:
    notification = lines.notification_of(draft.approval, letter.notification)
    if notification is not None:
        leave_mails(draft, notification, [letter.address], number=letter.number)


def _went_out(letter: Letter) -> bool:
    waits = letter.state is LetterState.WAITING and bool(letter.lost)
    return waits or letter.state in (LetterState.SENT, LetterState.SENDING, LetterState.LOST)


def _why_not_bounced(mine: Sequence[Letter], address: str) -> str:
    if not mine:
        return f"No mail about this request was for {address}."
    return f"The mail for {address} did not go out: it is {mine[-1].state.value}."


async def deliveries(store: Store, approval: Approval) -> Sequence[Delivery]:
    """
    Return how the mails of the newest round stand, in the order of the ledger.

    Those that were not begun come last, as waiting.
    """
    letters = [each for each in await store.letters(approval.key) if each.round == approval.round]
    found = [Delivery(each, await _job_of(store, approval, each)) for each in letters]
    known = {each.id for each in letters}
    coming = (
        each for each in lines.to_come(approval, mail_waits.NOT_BEGUN) if each.id not in known
    )
    some = islice(coming, MOST_LOOKED_FOR)
    not_begun = [_coming(approval, each, await _job_of(store, approval, each)) for each in some]
    return [*found, *(each for each in not_begun if each.job is not None)]


def _coming(approval: Approval, letter: Letter, job: QueuedJob | None) -> Delivery:
    why = mail_waits.why_not_begun(approval, job) if job else letter.reason
    return Delivery(letter.model_copy(update={"reason": why}), job)


async def _job_of(store: Store, approval: Approval, letter: Letter) -> QueuedJob | None:
    if letter.state not in UNDER_WAY:
        return None
    return await store.queued(approval.key.scope, job_key(approval, letter.id))
