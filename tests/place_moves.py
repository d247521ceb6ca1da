"""Finds how a place can move: every rule tried on every kind of approval that the rules lead to."""

from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import NamedTuple

from approvals_core.arx.shapes import Arx, ArxAction, ArxApprover
from approvals_core.errors import ApprovalError, NotSettled
from approvals_core.models import (
    Approval,
    ApprovalKey,
    Change,
    Content,
    Job,
    JobKind,
    Lease,
    LeasedJob,
    Named,
    Operation,
    Person,
    Place,
)
from approvals_core.ports import Answer, AnswerKind, NotFound
from approvals_core.rules import answering, binding, deciding, intake, settling, upkeep
from approvals_core.rules.answering import Post
from approvals_core.rules.deciding import Click
from approvals_core.rules.draft import Stamp
from approvals_core.rules.settling import Settlement
from approvals_core.tenant import Tenant, WhileClosed

NOON = datetime(2025, 1, 1, 12, tzinfo=UTC)
ANN = Person(directory="d1", object_id="ann", name="Ann")
KEY = ApprovalKey("93f9b688-ddc3-43aa-b617-c05a415d1612", "REQ-1")
BEFORE = "[*]"  # mermaid's word for: there is no place yet
MOST = 3  # attempts that are told apart: more than the tenant of the test allows
STAMP = Stamp(NOON, "change", "0f", "name")
LATER = Stamp(NOON + timedelta(hours=1), "change", "0f", "name")
ARX = Arx(key=KEY, display_number="REQ-1", operation=Operation.UPDATE, digest="", raw="")
ASKED = (ArxApprover(alias="ann"),)
DONE = ArxAction(by=Named(alias="ann"), name="Approve", at=NOON)


class World(NamedTuple):
    """An approval, the jobs that wait for it, and how its kind is told from others."""

    approval: Approval | None
    jobs: tuple[Job, ...] = ()

    def kind(self) -> object:
        """Return what counts about it; ids, times and versions do not."""
        place = _place(self.approval)
        if self.approval is None or place is None:
            return None
        made = place.decision
        decided = made and (
            made.action,
            min(made.attempts, MOST),
            made.revision == self.approval.revision,
            made.due is None,
            made.overdue,
        )
        waiting = {
            (j.kind, made and min(j.number, MOST) - min(made.attempts, MOST)) for j in self.jobs
        }
        title = self.approval.content and self.approval.content.title
        taken = bool(self.approval.taken)
        return (place.state, place.person, place.unbound, decided, frozenset(waiting), title, taken)


def moves_of_a_place(tenant: Tenant) -> set[tuple[str, str]]:
    """Return every step from one state to another that the rules allow."""
    start = World(None)
    seen, waiting = {start.kind()}, deque([start])
    moves: set[tuple[str, str]] = set()
    while waiting:
        world = waiting.popleft()
        for change in _changes(world, tenant):
            after = _after(world, change)
            moves.add((_state(world.approval), _state(after.approval)))
            if after.kind() not in seen:
                seen.add(after.kind())
                waiting.append(after)
    return {(old, new) for old, new in moves if old != new}


def _after(world: World, change: Change) -> World:
    jobs = {job.key: job for job in world.jobs}
    if change.finish is not None:
        jobs.pop(change.finish.job, None)
    jobs |= {job.key: job for job in change.jobs}
    place = _place(change.approval)
    made = place.decision.id if place and place.decision else ""
    wanted = (
        j for j in jobs.values() if j.kind is JobKind.RESOLVE or (made and j.decision == made)
    )
    return World(change.approval, tuple(wanted))


def _place(approval: Approval | None) -> Place | None:
    return approval.places[0] if approval and approval.places else None


def _state(approval: Approval | None) -> str:
    place = _place(approval)
    return place.state.value if place else BEFORE


def _changes(world: World, tenant: Tenant) -> Iterator[Change]:
    yield from _received(world.approval, tenant)
    if world.approval is not None:
        yield from _clicked(world.approval, tenant)
        yield from _settled(world.approval, tenant)
        for job in world.jobs:
            yield from _worked(world.approval, job, tenant)


def _received(approval: Approval | None, tenant: Tenant) -> Iterator[Change]:
    """Every kind of payload, with the content as it is and with another."""
    title = "A" if approval and approval.content and approval.content.title == "B" else "B"
    says: list[dict[str, object]] = [
        {"approvers": ASKED},
        {"approvers": ASKED, "content": Content(title=title)},
        {"content": Content(title=title)},
        {"delete_for": ("ann",)},
        {"delete_for": ("ann",), "approvers": ASKED},
        {"action": DONE},
        {"action": DONE.model_copy(update={"failure": "The ledger is closed."})},
        {"action": DONE, "delete_for": ("ann",)},
        {"operation": Operation.CREATE, "approvers": ASKED},
        {"operation": Operation.DELETE, "delete_for": ("ann",)},
    ]
    for said in says:
        arx = ARX.model_copy(update=said)
        yield intake.receive(approval, arx, tenant=tenant, payload_id="p", stamp=STAMP).change


def _clicked(approval: Approval, tenant: Tenant) -> Iterator[Change]:
    place = _place(approval)
    for action in tenant.actions if place else ():
        assert place is not None
        click = Click(
            seat=0,
            round=place.round,
            revision=approval.revision,
            attempt=place.attempt,
            action=action.code,
            comment="because",
            channel="teams",
        )
        number = approval.version  # a decision of its own each time
        with suppress(ApprovalError):
            for asked in (tenant, _closed(tenant)):
                yield deciding.decide(
                    approval, click, by=ANN, tenant=asked, decision=f"d{number}", stamp=STAMP
                )


def _closed(tenant: Tenant) -> Tenant:
    """Return the tenant while it keeps decisions for later."""
    waits = {"enabled": False, "disabled_decisions": WhileClosed.WAIT}
    return tenant.model_copy(update=waits)


def _settled(approval: Approval, tenant: Tenant) -> Iterator[Change]:
    for found in Settlement:
        with suppress(NotSettled):
            yield settling.settle(approval, 0, found, by="Olga", tenant=tenant, stamp=STAMP)


def _worked(approval: Approval, job: Job, tenant: Tenant) -> Iterator[Change]:
    """What a due job can lead to, also if it never succeeds."""
    lease = Lease(KEY.scope, job.key, "mine", NOON)
    failed = LeasedJob(job, lease, 9)
    yield upkeep.give_up(approval, failed, "KeyError", tenant=tenant, stamp=STAMP)
    yield from (change for change in _done(approval, job, tenant, lease) if change is not None)


def _done(approval: Approval, job: Job, tenant: Tenant, lease: Lease) -> Iterator[Change | None]:
    match job.kind:
        case JobKind.RESOLVE:
            for who in (ANN, NotFound.UNKNOWN):
                yield binding.bind(approval, 0, who, tenant=tenant, stamp=STAMP, finish=lease)
        case JobKind.AWAIT_ARX:
            yield settling.overdue(approval, 0, job.decision, stamp=LATER, finish=lease)
        case JobKind.POST:
            post = Post(0, job.decision, job.number)
            for asked in (tenant, _closed(tenant)):
                yield answering.attempt(approval, post, tenant=asked, stamp=STAMP, finish=lease)
            yield from _answered(approval, post, tenant, lease)
        case _:
            raise AssertionError(f"{job.kind} moves no place")


def _answered(approval: Approval, post: Post, tenant: Tenant, lease: Lease) -> Iterator[Change]:
    """Every answer to an attempt under way, with the right to finish it and without."""
    place = _place(approval)
    if place is None or place.decision is None or place.decision.attempts != post.number:
        return
    for kind, finish in product(AnswerKind, (lease, None)):
        answer = Answer(kind=kind)
        yield answering.answered(approval, post, answer, tenant=tenant, stamp=STAMP, finish=finish)
