"""A decision that nobody confirmed: its tenant is asked what became of it, and never told twice."""

import asyncio

import pytest

from approvals_core.models import Change, JobKind, Lane, Lease, PlaceState, needs_operator
from approvals_core.ports import Answer, AnswerKind, Store
from approvals_core.rules.answering import Post
from approvals_core.rules.doubting import BEGUN_WITHIN, LOOK_UPS, MARGIN
from approvals_core.rules.draft import chain_is_sound
from approvals_core.rules.looking_up import looked_up
from approvals_core.rules.reconciling import look_job
from approvals_core.rules.settling import Settlement
from approvals_core.tenant import Api
from tests.card_reading import texts
from tests.makers import KEY, MARIA, START, Core, a_stamp, a_tenant, create, delete, update

ACCEPTED = Answer(kind=AnswerKind.ACCEPTED, message="Order 4711")
REFUSED = Answer(kind=AnswerKind.REFUSED, message="No budget", reason="ErrorType 1")
NEVER = Answer(kind=AnswerKind.NOT_TAKEN, reason="HTTP 404")
UNKNOWN = Answer(kind=AnswerKind.UNKNOWN, reason="HTTP 503")
ANSWER_WITHIN = 10.0  # seconds
OVER = BEGUN_WITHIN + ANSWER_WITHIN + MARGIN + 1


def an_api(**fields: object) -> Api:
    usual: dict[str, object] = {
        "base_url": "https://erp.example.com",
        "resource": "api://erp",
        "action": "/act",
        "decision_status": "/decisions/{DecisionId}",
        "answer_within": ANSWER_WITHIN,
    }
    return Api.model_validate(usual | fields)


@pytest.fixture
async def core(store: Store) -> Core:
    """A request with one decision that the tenant did not confirm, just now."""
    return await doubted(store)


async def doubted(store: Store, **fields: object) -> Core:
    core = Core(store, tenant=a_tenant(api=an_api(**fields)))
    await core.open(create("johndoe1", "johndoe2"))
    core.api.answers.append(Answer(kind=AnswerKind.UNKNOWN, reason="timed out"))
    await core.click(MARIA, comment="ok")
    return core


async def card(core: Core) -> str:
    await core.pass_time(4)  # the card just clicked is left alone that long
    return texts(dict(core.channel.of(MARIA)[-1].face))


async def test_the_tenant_is_asked_and_its_yes_counts(core: Core) -> None:
    core.api.statuses.append(ACCEPTED)

    await core.pass_time(6)

    assert await core.state(MARIA) is PlaceState.ACCEPTED
    assert len(core.api.posted) == 1
    assert [asked.decision.id for asked in core.api.asked] == core.api.ids
    assert "Order 4711" in await card(core)


async def test_the_card_says_that_the_tenant_is_asked(core: Core) -> None:
    said = await card(core)

    assert "We ask Contoso Purchasing what became of it" in said
    assert not needs_operator(await core.place(MARIA))


async def test_its_no_gives_the_decision_back_with_its_reason(core: Core) -> None:
    core.api.statuses.extend([REFUSED] * 3)

    await core.pass_time(6)
    early = await core.state(MARIA)
    await core.pass_time(OVER)

    place = await core.place(MARIA)
    assert early is PlaceState.UNCONFIRMED
    assert place.state is PlaceState.PENDING
    assert place.refusal is not None
    assert (place.refusal.message, place.refusal.comment) == ("No budget", "ok")


async def test_what_never_arrived_is_posted_again_once_no_attempt_can_arrive(core: Core) -> None:
    core.api.statuses.extend([NEVER] * 3)

    await core.pass_time(6)
    early = (await core.state(MARIA), len(core.api.posted))
    await core.pass_time(OVER - 8)
    still_early = len(core.api.posted)
    await core.pass_time(8)

    assert early == (PlaceState.UNCONFIRMED, 1)
    assert still_early == 1
    assert await core.state(MARIA) is PlaceState.ACCEPTED
    assert len(core.api.posted) == 2
    assert len(set(core.api.ids)) == 1


async def test_what_never_arrived_is_given_back_if_the_request_changed(core: Core) -> None:
    core.api.statuses.extend([NEVER] * 3)
    changed = update("johndoe2", at=1.0)
    assert changed.content is not None
    new = changed.content.model_copy(update={"title": "More laptops"})
    await core.receive(changed.model_copy(update={"content": new}))

    await core.pass_time(6)
    await core.pass_time(OVER)

    place = await core.place(MARIA)
    assert place.state is PlaceState.PENDING
    assert place.refusal is not None
    assert "changed before your decision was sent" in place.refusal.message
    assert len(core.api.posted) == 1


async def test_a_tenant_that_never_takes_it_gets_it_no_more_often_than_its_limit(
    store: Store,
) -> None:
    core = await doubted(store)
    core.api.usual = Answer(kind=AnswerKind.UNKNOWN, reason="reset")
    core.api.statuses.extend([NEVER] * 50)

    for _time in range(40):
        await core.pass_time(OVER)

    assert len(core.api.posted) == core.tenant.limits.posts
    assert await core.state(MARIA) is PlaceState.PENDING


async def test_a_tenant_that_cannot_say_is_asked_a_bounded_number_of_times(core: Core) -> None:
    for _time in range(60):
        await core.pass_time(120)

    place = await core.place(MARIA)
    assert len(core.api.asked) == LOOK_UPS
    assert len(core.api.posted) == 1
    assert needs_operator(place)
    assert "Please look there" in await card(core)


async def test_an_operator_who_has_it_compared_has_the_tenant_asked_anew(store: Store) -> None:
    core = await doubted(store, summary="/summary")
    for _time in range(60):
        await core.pass_time(120)
    core.api.statuses.append(ACCEPTED)
    job = look_job(await core.approval(), due=core.commits.now())

    await core.store.commit(Change(id="asked for", scope=KEY.scope, jobs=(job,)))
    await core.pass_time(1)
    asked = await core.place(MARIA)
    await core.pass_time(6)

    assert not needs_operator(asked), "he need not look any more"
    assert await core.state(MARIA) is PlaceState.ACCEPTED
    assert len(core.api.posted) == 1


async def test_after_that_an_idempotent_tenant_is_told_again(store: Store) -> None:
    core = await doubted(store, idempotent=True)

    for _time in range(30):
        await core.pass_time(120)

    assert len(core.api.asked) == LOOK_UPS + 1  # and once about the ARX that is owed then
    assert len(core.api.posted) == 2
    assert await core.state(MARIA) is PlaceState.ACCEPTED


async def test_the_tenant_says_when_to_ask_again(core: Core) -> None:
    core.api.statuses.append(UNKNOWN.model_copy(update={"retry_after": 600.0}))

    await core.pass_time(6)
    await core.pass_time(590)
    asked = len(core.api.asked)
    await core.pass_time(20)

    assert (asked, len(core.api.asked)) == (1, 2)


# -- races -------------------------------------------------------------------------


async def test_a_late_yes_of_the_attempt_counts_though_it_is_to_be_posted_again(
    store: Store,
) -> None:
    core = Core(store, tenant=a_tenant(api=an_api()))
    await core.open(create("johndoe1"))
    await core.begin(MARIA)  # the tenant was reached and does not answer
    place = await core.place(MARIA)
    assert place.decision is not None
    core.clock.advance(30)  # its lease is over, as if this process had stopped
    await core.worker.run_due([Lane.DECISION])
    core.api.statuses.extend([NEVER] * 5)
    core.api.usual = Answer(kind=AnswerKind.AGAIN, retry_after=3600.0)
    await core.pass_time(6)
    await core.pass_time(OVER)
    waiting = await core.state(MARIA)

    await core.tell(ACCEPTED)
    await core.pass_time(3600)

    assert waiting is PlaceState.RETRYING
    assert await core.state(MARIA) is PlaceState.ACCEPTED
    kinds = await core.kinds()
    assert kinds.count("accepted") == 1


async def test_a_look_up_and_an_operator_at_once_end_it_once(core: Core) -> None:
    core.api.statuses.append(ACCEPTED)
    approval = await core.approval()
    core.clock.advance(6)

    await asyncio.gather(
        core.worker.run_due([Lane.TENANT]),
        core.approvals.settle(approval.id, 0, Settlement.ACCEPTED, by="Olga"),
        return_exceptions=True,
    )
    await core.work()

    kinds = await core.kinds()
    assert await core.state(MARIA) is PlaceState.ACCEPTED
    assert kinds.count("accepted") == 1


async def test_an_operators_word_before_the_answer_of_a_look_up_stays(core: Core) -> None:
    core.api.statuses.extend([REFUSED] * 2)
    approval = await core.approval()
    await core.approvals.settle(approval.id, 0, Settlement.ACCEPTED, by="Olga")

    await core.pass_time(6)
    await core.pass_time(OVER)

    assert await core.state(MARIA) is PlaceState.ACCEPTED
    assert core.api.asked == []  # nobody is asked about what is known


async def test_an_arx_while_the_tenant_is_asked_settles_it(core: Core) -> None:
    core.api.statuses.append(NEVER)
    asking = core.api.decision_status

    async def meanwhile(*values: object) -> Answer:
        await core.receive(delete("johndoe1"))
        return await asking(*values)  # type: ignore[arg-type]

    core.clock.advance(OVER)
    core.api.decision_status = meanwhile  # type: ignore[method-assign]
    await core.work()

    assert await core.state(MARIA) is PlaceState.REMOVED
    assert "late_answer" in await core.kinds()
    assert len(core.api.posted) == 1


async def test_a_no_counts_by_when_the_tenant_was_asked_not_by_when_it_answered(
    core: Core,
) -> None:
    asking = core.api.decision_status
    core.api.statuses.append(NEVER)

    async def slowly(*values: object) -> Answer:
        core.clock.advance(OVER)
        return await asking(*values)  # type: ignore[arg-type]

    core.clock.advance(6)  # an attempt could still arrive
    core.api.decision_status = slowly  # type: ignore[method-assign]
    await core.worker.run_due([Lane.TENANT])

    assert len(core.api.asked) == 1
    assert await core.state(MARIA) is PlaceState.UNCONFIRMED


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
async def test_an_answer_that_says_nothing_changes_nothing_once_the_next_way_is_gone(
    core: Core,
) -> None:
    approval, place = await core.approval(), await core.place(MARIA)
    assert place.decision is not None
    gone = place.model_copy(
        update={"decision": place.decision.model_copy(update={"look_up": None})}
    )
    approval = approval.model_copy(update={"places": (gone, *approval.places[1:])})
    post, lease = Post(place.seat, place.decision.id, 0), Lease(KEY.scope, "status", "token", START)

    changed = looked_up(
        *(approval, post, UNKNOWN),
        asked_at=core.clock.now(),
        tenant=core.tenant,
        stamp=a_stamp(),
        finish=lease,
    )

    assert changed is None


async def test_two_processes_ask_and_post_once(store: Store) -> None:
    core = await doubted(store)
    other = Core(store, tenant=core.tenant, clock=core.clock)
    for each in (core, other):
        each.api.statuses.extend([NEVER] * 3)
    core.clock.advance(OVER)

    for _round in range(4):
        await asyncio.gather(core.worker.run_due(), other.worker.run_due())
        core.clock.advance(10)

    assert len(core.api.asked) + len(other.api.asked) == 1
    assert len(core.api.posted) + len(other.api.posted) == 2
    assert await core.state(MARIA) is PlaceState.ACCEPTED


async def test_an_attempt_that_could_not_begin_in_time_is_not_made(store: Store) -> None:
    core = Core(store, tenant=a_tenant(api=an_api()))
    await core.open(create("johndoe1"))
    core.api.answers.append(Answer(kind=AnswerKind.AGAIN, retry_after=60.0))
    await core.click(MARIA)
    renew = core.commits.change

    async def stops_after(*values: object, **named: object) -> object:
        changed = await renew(*values, **named)  # type: ignore[arg-type]
        core.clock.advance(BEGUN_WITHIN + 1)  # this process was halted between commit and call
        return changed

    core.clock.advance(61)
    core.commits.change = stops_after  # type: ignore[method-assign, assignment]
    await core.worker.run_due([Lane.DECISION])
    core.commits.change = renew  # type: ignore[method-assign]

    assert len(core.api.posted) == 1
    assert await core.state(MARIA) is PlaceState.RETRYING


# -- what keeps it alive -------------------------------------------------------------


async def test_the_sweep_writes_a_lost_look_up_anew(core: Core) -> None:
    (leased,) = await core.store.lease(
        [Lane.TENANT], limit=9, now=core.clock.now(), until=core.commits.in_seconds(60)
    ) or (None,)
    if leased is None:
        core.clock.advance(6)
        (leased,) = await core.store.lease(
            [Lane.TENANT], limit=9, now=core.clock.now(), until=core.commits.in_seconds(60)
        )
    assert leased.job.kind is JobKind.ASK_STATUS
    await core.store.finish(leased.lease)
    core.api.statuses.append(ACCEPTED)

    mended = await core.worker.sweep()
    await core.pass_time(6)

    assert mended == 1
    assert await core.state(MARIA) is PlaceState.ACCEPTED


async def test_the_history_of_it_stays_sound(core: Core) -> None:
    core.api.statuses.extend([UNKNOWN, NEVER, NEVER, ACCEPTED])
    for _time in range(4):
        await core.pass_time(OVER)

    approval = await core.approval()
    history = tuple(await core.store.history(KEY))
    assert chain_is_sound(history, head=approval.head)
    assert "looked_up" in await core.kinds()
