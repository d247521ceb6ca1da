"""What an operator can see of the work still to do, and what he can do about jobs that were given up."""

from collections.abc import Callable
from datetime import datetime

from pydantic import ValidationError

from approvals_core.committing import Commits
from approvals_core.errors import NotReplayed, UnknownApproval
from approvals_core.leases import silence_of
from approvals_core.models import (
    Approval,
    DeadLetter,
    Job,
    JobKind,
    PlaceState,
    QueuedJob,
    tenant_scope,
)
from approvals_core.operating import Operating
from approvals_core.ports import JobCursor, Store, Tenants
from approvals_core.rules import upkeep
from approvals_core.rules.standing import name_of
from bots.cli.finding import PAGE, Finder, NotThere, Say
from bots.cli.telling import PROGRAM, at, job_line, plain, settle_line

SHORT = 12  # characters of a dead letter's id, enough to tell one from another


class QueueDesk:
    """Says what is queued and what was given up, and puts back what may be done again."""

    def __init__(
        self, store: Store, tenants: Tenants, say: Say, *, now: Callable[[], datetime]
    ) -> None:
        self._store = store
        self._say = say
        self._now = now
        self._find = Finder(store, tenants)
        self._tenants = tenants

    async def list_jobs(self, code: str | None, *, late: bool, limit: int) -> None:
        """
        Say one line for each of at most *limit* jobs, what is done first in front.

        *late* leaves out what is not due yet or under way; what cannot be read stays.

        Raises:
            NotThere: No tenant has this code.
        """
        now = self._now()
        jobs: list[QueuedJob] = []
        for scope in await self._scopes(code):
            jobs += await self._jobs(scope, now if late else None, limit + 1)
        jobs.sort(key=lambda job: (job.next, job.key))
        for job in jobs[:limit]:
            line = job_line(job, self._find.name_of_scope(job.scope), now)
            over = await self._over(job.job)
            self._say(f"{line}  (nothing left to do: {over})" if over else line)
        if len(jobs) > limit:
            self._say(f"There are more: --limit {limit * 10}")
        elif not jobs:
            self._say("No job is late." if late else "No job is queued.")

    async def list_letters(self) -> None:
        """Say one line for each job that was given up."""
        listed = 0
        async for letter in self._find.letters():
            self._say(await self._line(letter))
            listed += 1
        if not listed:
            self._say("No job was given up.")

    async def inspect(self, name: str) -> None:
        """
        Say everything about one dead letter, and what a replay would do.

        Raises:
            NotThere: There is none, or there are several whose id begins so.
        """
        letter = await self._find.letter(name)
        job, approval = letter.job, await self._approval(letter)
        self._say(f"Dead letter {letter.id}")
        error = plain(letter.error)
        self._say(f"  given up {at(letter.at)}; what failed last: {error} (job_failed in the log)")
        self._say(f"  job {plain(job.key)}, due {at(job.due)}, in {self._where(letter)}")
        for line in _about(job, approval):
            self._say(f"  {line}")
        try:
            moved_on = await self._operating().replay(letter, by="", dry_run=True)
        except UnknownApproval:
            self._say("A replay can do nothing: its request or its tenant is no longer there.")
        except NotReplayed as refusal:
            self._refused(letter, approval, refusal)
        else:
            self._say(_would(letter, approval, moved_on))
            self._say(f"  {PROGRAM} dead-letters replay {letter.id[:SHORT]} --by YOU")

    async def replay(self, name: str, *, by: str, dry_run: bool) -> bool:
        """
        Put the job of a dead letter back, as the operator *by* says; False if it may not be.

        Raises:
            NotThere: There is no such letter, or what it is about is gone.
        """
        letter = await self._find.letter(name)
        approval = await self._approval(letter)
        try:
            moved_on = await self._operating().replay(letter, by=by, dry_run=dry_run)
        except UnknownApproval:
            raise NotThere("Its request or its tenant is no longer there.") from None
        except NotReplayed as refusal:
            self._refused(letter, approval, refusal)
            return False
        if dry_run:
            self._say(_would(letter, approval, moved_on))
            self._say("Nothing was changed: this was a dry run.")
        else:
            self._say(_done(letter, approval, moved_on))
        return True

    def _refused(self, letter: DeadLetter, approval: Approval | None, refusal: NotReplayed) -> None:
        self._say(f"It cannot be replayed. {refusal}")
        seat = letter.job.seat
        place = approval.place(seat) if approval is not None and seat is not None else None
        if approval and place and place.state is PlaceState.UNCONFIRMED:
            self._say(f"  {settle_line(approval, place)}")
            self._say("Once it is settled, a replay takes the letter away.")

    async def _line(self, letter: DeadLetter) -> str:
        approval = await self._approval(letter)
        about = approval.id if approval else self._where(letter)
        kind, error = letter.job.kind.value, plain(letter.error)
        short = letter.id[:SHORT]
        return f"{short}  {at(letter.at)}  {about}  {kind}  {error}  {plain(letter.job.key)}"

    async def _scopes(self, code: str | None) -> list[str]:
        chosen = self._find.tenants(code)
        if code is None:
            return list(await self._store.scopes())
        return [tenant_scope(tenant.document_type_id) for tenant in chosen]

    async def _jobs(self, scope: str, late_at: datetime | None, most: int) -> list[QueuedJob]:
        found: list[QueuedJob] = []
        after: JobCursor | None = None
        while len(found) < most:
            page = await self._store.jobs(scope, after=after, limit=PAGE)
            found += [job for job in page.jobs if late_at is None or _is_late(job, late_at)]
            after = page.after
            if after is None:
                break
        return found[:most]

    async def _over(self, job: Job | None) -> str:
        """Say why a job about a decision will find nothing to do, or ""."""
        if job is None or job.approval is None or not job.decision:
            return ""
        try:
            approval = await self._store.approval(job.approval)
        except ValidationError:
            return ""
        return upkeep.over(approval, job) if approval else ""

    async def _approval(self, letter: DeadLetter) -> Approval | None:
        key = letter.job.approval
        return await self._store.approval(key) if key else None

    def _where(self, letter: DeadLetter) -> str:
        return self._find.name_of_scope(letter.scope)

    def _operating(self) -> Operating:
        commits = Commits(self._store, now=self._now, wake=lambda: None)
        return Operating(store=self._store, commits=commits, tenants=self._tenants)


def _is_late(job: QueuedJob, now: datetime) -> bool:
    return job.next <= now or job.job is None or silence_of(job, now) is not None


def _about(job: Job, approval: Approval | None) -> list[str]:
    lines = [f"about {approval.id}, {plain(approval.display_number)}"] if approval else []
    place = approval.place(job.seat) if approval and job.seat is not None else None
    if place is not None:
        lines.append(f"place {place.seat}, {plain(name_of(place))}: {place.state.value}")
    if job.person is not None:
        seated = approval.place_of(job.person) if approval else None
        who = plain(name_of(seated)) if seated else str(job.person)
        where = f", {job.channel}, round {job.round}" if job.channel else ""
        lines.append(f"for {who}{where}")
    if job.decision:
        number = f", attempt {job.number}" if job.number else ""
        lines.append(f"decision {job.decision}{number}")
    return lines


def _would(letter: DeadLetter, approval: Approval | None, moved_on: str) -> str:
    if moved_on:
        return f"A replay would only take the letter away: {moved_on}."
    return f"A replay would put the job back, due at once: {_purpose(letter.job, approval)}."


def _done(letter: DeadLetter, approval: Approval | None, moved_on: str) -> str:
    if moved_on:
        return f"Only the letter was taken away: {moved_on}."
    return f"The job was put back, due at once: {_purpose(letter.job, approval)}."


def _purpose(job: Job, approval: Approval | None) -> str:
    place = approval.place(job.seat) if approval and job.seat is not None else None
    alias = plain(place.alias) if place else "somebody"
    purposes = {
        JobKind.POST: "the same decision, with the same id, is posted to the tenant once more",
        JobKind.AWAIT_ARX: "if the ARX that is owed still is, the place is put before you again",
        JobKind.ASK_STATUS: "the tenant is asked what became of the decision",
        JobKind.RECONCILE: "the request is compared with what its tenant has",
        JobKind.ARCHIVE: "what was closed long ago moves to the archive",
        JobKind.NIGHTLY: "the tenant's open requests are compared with what it has",
        JobKind.RESOLVE: f"the directory is asked for {alias}",
        JobKind.CARD: "the card is sent, or changed to what is true now",
        JobKind.DETAILS: f"{job.operation} of the details is read at the tenant's",
        JobKind.DELIVER: "the person gets a card of all that waits for him",
        JobKind.RENEW: "the open cards of the tenant are changed to what is true now",
        JobKind.REMIND: "whoever is still asked is reminded, if that is due",
        JobKind.MAIL: "the mail is sent, if it is still needed",
        JobKind.CLEAN_UP: "the details and payloads of the closed request are dropped",
        JobKind.SWEEP: "what waits on nobody is looked for, and mended",
    }
    return purposes.get(job.kind, f"what {job.kind.value} does is done")
