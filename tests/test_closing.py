"""A tenant that takes no decisions: clicks are refused or kept, nothing is posted, and cards say so."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from approvals_core.errors import TenantClosed
from approvals_core.models import OPEN, Change, Content, PlaceState, tenant_scope
from approvals_core.onboarded import Onboarded
from approvals_core.onboarding import Onboarding
from approvals_core.ports import Answer, AnswerKind, Store
from approvals_core.rules.closing import ASK_AGAIN, CLOSED
from approvals_core.rules.draft import Draft
from approvals_core.rules.renewing import renew_job
from approvals_core.tenant import Maintenance, Tenant, WhileClosed
from tests.card_reading import texts
from tests.fakes import FlakyStore
from tests.makers import JONAS, KEY, MARIA, START, Core, a_tenant, update

HOUR = timedelta(hours=1)
AGAIN = Answer(kind=AnswerKind.AGAIN, retry_after=60.0, reason="HTTP 429")


def in_maintenance(decisions: WhileClosed, **fields: Any) -> Tenant:
    window = Maintenance(
        starts=START, ends=START + HOUR, message="We move to new servers.", decisions=decisions
    )
    return a_tenant(maintenance=window, **fields)


def disabled(decisions: WhileClosed = WhileClosed.WAIT) -> Tenant:
    return a_tenant(
        enabled=False, disabled_message="Closed for the audit.", disabled_decisions=decisions
    )


def says(core: Core, person: object) -> str:
    [screen] = core.channel.of(person)  # type: ignore[arg-type]
    return texts(dict(screen.face))


async def renew(core: Core) -> None:
    """Have the tenant's open cards looked at, as after a reload."""
    scope = tenant_scope(core.tenant.document_type_id)
    job = renew_job(due=core.clock.now())
    await core.store.commit(Change(id=f"renew-{core.clock.now()}", scope=scope, jobs=(job,)))
    await core.work()


async def test_a_closed_tenants_requests_are_taken_and_their_cards_say_why(store: Store) -> None:
    core = Core(store, tenant=in_maintenance(WhileClosed.REFUSE))

    await core.open()

    text = says(core, MARIA)
    assert "takes no decisions at the moment." in text
    assert "We move to new servers." in text
    assert "Please decide after Sat, Nov 21, 2026" in text
    assert "Approve" not in text


@pytest.mark.parametrize(
    "tenant", [in_maintenance(WhileClosed.REFUSE), disabled(WhileClosed.REFUSE)]
)
async def test_a_click_is_refused_and_leaves_nothing(store: Store, tenant: Tenant) -> None:
    core = Core(store)
    await core.open()
    click = await core.shown(MARIA)
    core.tenants.tenants[0] = tenant
    before = await core.approval()

    with pytest.raises(TenantClosed, match="takes no decisions at the moment"):
        await core.act(MARIA, click)

    assert await core.approval() == before
    assert core.api.ids == []


async def test_a_click_that_may_wait_is_kept_and_posted_once_when_the_window_ends(
    store: Store,
) -> None:
    core = Core(store, tenant=in_maintenance(WhileClosed.WAIT))
    await core.open()
    assert "You can decide: it is kept, and goes out on Sat, Nov 21, 2026" in says(core, MARIA)

    outcome = await core.click(MARIA, comment="Fine")
    await core.pass_time(1800)

    place = await core.place(MARIA)
    assert (place.state, core.api.ids) == (PlaceState.RETRYING, [])
    assert place.decision is not None
    assert (place.decision.attempts, place.decision.due) == (0, START + HOUR)
    assert outcome.view is not None
    assert outcome.view.closed is not None
    assert "The decision is kept, and goes out on Sat, Nov 21, 2026" in says(core, MARIA)
    assert "The decision is kept" in says(core, JONAS)

    await core.pass_time(1801)

    assert core.api.ids == [place.decision.id]
    assert core.api.posted[0].decision.comment == "Fine"
    decision = (await core.place(MARIA)).decision
    assert decision is not None
    assert (await core.state(MARIA), decision.attempts) == (PlaceState.ACCEPTED, 1)


async def test_the_same_kept_decision_is_not_made_twice_when_the_answer_of_its_commit_is_lost(
    store: Store,
) -> None:
    flaky = FlakyStore(store)
    core = Core(flaky, tenant=in_maintenance(WhileClosed.WAIT))  # type: ignore[arg-type]
    await core.open()
    flaky.loses = lambda change: change.approval is not None
    # Somebody commits in between, so that the rule is asked again and finds its own decision.
    flaky.meanwhile = lambda: core.commits.change(KEY, lambda a, stamp: Draft(a, stamp).change())

    await core.click(MARIA)
    await core.pass_time(3601)

    assert len(core.api.ids) == 1
    assert (await core.kinds()).count("decided") == 1
    assert await core.state(MARIA) is PlaceState.ACCEPTED


async def test_a_kept_decision_is_given_back_when_the_request_changes(store: Store) -> None:
    core = Core(store, tenant=in_maintenance(WhileClosed.WAIT))
    await core.open()
    await core.click(MARIA, comment="Fine")

    await core.receive(update("johndoe1", content=Content(title="Desks")))
    await core.work()

    place = await core.place(MARIA)
    assert place.state is PlaceState.PENDING
    assert place.refusal is not None
    assert place.refusal.comment == "Fine"
    await core.pass_time(3601)
    assert core.api.ids == []


async def test_retries_wait_too_and_are_not_counted(store: Store) -> None:
    core = Core(store)
    core.api.usual = AGAIN
    await core.open()
    await core.click(MARIA)
    assert len(core.api.ids) == 1
    core.tenants.tenants[0] = in_maintenance(WhileClosed.REFUSE)

    await core.pass_time(600)

    place = await core.place(MARIA)
    assert len(core.api.ids) == 1
    assert place.decision is not None
    assert (place.state, place.decision.attempts) == (PlaceState.RETRYING, 1)
    assert (place.decision.due, place.decision.trouble) == (START + HOUR, CLOSED)

    core.api.usual = Answer(kind=AnswerKind.ACCEPTED)
    await core.pass_time(3001)

    assert core.api.ids == [place.decision.id] * 2
    assert await core.state(MARIA) is PlaceState.ACCEPTED


async def test_an_answer_that_comes_in_the_window_puts_the_next_attempt_behind_it(
    store: Store,
) -> None:
    window = Maintenance(starts=START + HOUR / 60, ends=START + HOUR, message="New servers.")
    core = Core(store, tenant=a_tenant(maintenance=window))
    await core.open()
    await core.begin(MARIA)
    core.clock.advance(61)

    await core.tell(AGAIN)

    place = await core.place(MARIA)
    assert place.decision is not None
    assert (place.state, place.decision.due) == (PlaceState.RETRYING, START + HOUR)


async def test_the_same_id_is_not_repeated_to_a_closed_tenant(store: Store) -> None:
    core = Core(store, tenant=a_tenant(idempotent=True))
    core.api.usual = Answer(kind=AnswerKind.UNKNOWN, reason="timed out")
    await core.open()
    await core.click(MARIA)
    core.tenants.tenants[0] = in_maintenance(WhileClosed.REFUSE, idempotent=True)

    await core.pass_time(1800)

    decision = (await core.place(MARIA)).decision
    assert len(core.api.ids) == 1
    assert decision is not None
    assert (await core.state(MARIA), decision.attempts) == (PlaceState.UNCONFIRMED, 1)
    assert decision.due == START + HOUR


async def test_nobody_knows_when_it_opens_so_it_is_looked_again_without_noise(
    store: Store,
) -> None:
    core = Core(store, tenant=disabled())
    await core.open()
    await core.click(MARIA)
    assert "goes out once" in says(core, MARIA)
    events = len(await core.history())

    for _look in range(5):
        await core.pass_time(ASK_AGAIN + 1)

    assert core.api.ids == []
    assert len(await core.history()) == events
    assert (await core.state(MARIA)) is PlaceState.RETRYING

    core.tenants.tenants[0] = a_tenant()
    await core.pass_time(ASK_AGAIN + 1)

    assert len(core.api.ids) == 1
    assert await core.state(MARIA) is PlaceState.ACCEPTED


async def test_a_tenant_that_opens_early_gets_what_waited_at_once(store: Store) -> None:
    core = Core(store, tenant=in_maintenance(WhileClosed.WAIT))
    await core.open()
    await core.click(MARIA)
    core.tenants.tenants[0] = a_tenant()

    await renew(core)

    assert len(core.api.ids) == 1
    assert await core.state(MARIA) is PlaceState.ACCEPTED


async def test_looking_at_a_closed_tenants_cards_touches_no_kept_decision(store: Store) -> None:
    core = Core(store, tenant=in_maintenance(WhileClosed.WAIT))
    await core.open()
    await core.click(MARIA)
    await core.pass_time(10)
    before = await core.approval()

    await renew(core)

    assert await core.approval() == before


async def test_what_the_tenant_did_not_take_is_not_hurried_by_its_opening(store: Store) -> None:
    core = Core(store)
    core.api.usual = AGAIN
    await core.open()
    await core.click(MARIA)

    await renew(core)

    assert len(core.api.ids) == 1


async def test_open_cards_follow_the_tenants_doors(store: Store) -> None:
    core = Core(store)
    tenants = Onboarded({"pr.toml": core.tenant})
    core.tenants.all = tenants.all  # type: ignore[method-assign]
    core.tenants.by_id = tenants.by_id  # type: ignore[method-assign]
    files = {"pr.toml": in_maintenance(WhileClosed.REFUSE)}
    onboarding = Onboarding(
        tenants=tenants,
        store=store,
        commits=core.commits,
        read=lambda: asyncio.sleep(0, files),
        follow=lambda _tenants: None,
    )
    await onboarding.begin()
    await core.open()
    assert "Approve" in says(core, MARIA)

    await onboarding.reload()
    await core.work()
    assert "We move to new servers." in says(core, MARIA)

    core.clock.advance(3601)
    await onboarding.look()
    await core.work()
    assert "We move to new servers." not in says(core, MARIA)
    assert await store.count(tenant_scope(core.tenant.document_type_id), OPEN) == 1
