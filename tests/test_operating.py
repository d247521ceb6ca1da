"""What operators may do to requests: put somebody on a place, and deal with dead letters."""

import asyncio
import json
from datetime import timedelta
from typing import Any, cast

import pytest

from approvals_core.errors import NotRebound, NotReplayed, UnknownApproval
from approvals_core.models import (
    Change,
    Content,
    DeadLetter,
    EventKind,
    Job,
    JobKind,
    Lane,
    Person,
    PlaceState,
    Receipt,
    ReceiptState,
)
from approvals_core.operating import Operating
from approvals_core.ports import Answer, AnswerKind, NotFound, Store
from approvals_core.rules.binding import bind
from approvals_core.rules.draft import chain_is_sound
from approvals_core.rules.settling import Settlement
from approvals_core.rules.standing import may_see
from approvals_core.tenant import Concurrency
from approvals_core.worker import MOST_FAILURES
from tests.fakes import FlakyStore
from tests.makers import (
    EVE,
    JONAS,
    KEY,
    MARIA,
    PRIYA,
    START,
    Core,
    a_stamp,
    a_tenant,
    create,
    delete,
    done_by,
    update,
)

LOST = Answer(kind=AnswerKind.UNKNOWN, reason="timed out")
OLGA = "Olga Operator"


def operating(core: Core) -> Operating:
    return Operating(store=core.store, commits=core.commits, tenants=core.tenants)


async def a_core(store: Store, *asks: str, **tenant: Any) -> Core:
    core = Core(store, tenant=a_tenant(**tenant))
    await core.open(create(*(asks or ("johndoe1", "johndoe2"))))
    return core


async def a_flaky_core(store: Store, *asks: str) -> tuple[Core, FlakyStore]:
    flaky = FlakyStore(store)
    core = Core(cast("Store", flaky), tenant=a_tenant())
    await core.open(create(*asks))
    return core, flaky


async def rebound(core: Core, seat: int, person: Person) -> None:
    await operating(core).rebind(KEY, seat, person, by=OLGA)
    await core.work()


def words_of(core: Core, person: Person) -> str:
    return json.dumps(core.channel.of(person)[-1].face)


# -- putting somebody on a place ----------------------------------------------------


async def test_whoever_is_put_on_a_place_is_asked_and_decides_there(store: Store) -> None:
    core = await a_core(store)

    await rebound(core, 0, EVE)
    await core.click(EVE)

    place = (await core.approval()).places[0]
    assert (place.person, place.alias) == (EVE, "johndoe1")
    assert place.state is PlaceState.ACCEPTED
    assert core.api.posted[0].place.alias == "johndoe1"


async def test_whoever_sat_there_is_told_so_and_sees_nothing_more(store: Store) -> None:
    core = await a_core(store)
    before = await core.shown(MARIA)
    told = words_of(core, MARIA)

    await rebound(core, 0, EVE)
    await core.receive(update("johndoe2", at=5))
    await core.work()

    approval = await core.approval()
    assert "Laptops" in told
    assert "no longer waits for you" in words_of(core, MARIA)
    assert "Laptops" not in words_of(core, MARIA)
    assert not may_see(approval, MARIA.id)
    with pytest.raises(UnknownApproval):
        await core.act(MARIA, before)
    with pytest.raises(UnknownApproval):
        await core.approvals.view(approval.id, 0, by=MARIA.id)
    assert await core.approvals.pending(MARIA.id, limit=9) == []
    assert core.api.posted == []


async def test_a_button_of_whoever_sat_there_is_dead_for_his_successor_too(store: Store) -> None:
    core = await a_core(store)
    old = await core.shown(MARIA)

    await rebound(core, 0, EVE)

    assert (await core.shown(EVE)).attempt > old.attempt


async def test_what_was_typed_before_is_not_shown_to_the_successor(store: Store) -> None:
    core = await a_core(store)
    core.api.usual = Answer(kind=AnswerKind.REFUSED, message="No budget")
    await core.click(MARIA, comment="My own words")

    await rebound(core, 0, EVE)

    assert (await core.place(EVE)).refusal is None
    assert "My own words" not in words_of(core, EVE)


async def test_a_place_nobody_was_found_for_can_be_given_to_somebody(store: Store) -> None:
    core = Core(store)
    core.directory.people["johndoe1"] = NotFound.SEVERAL
    await core.open(create("johndoe1"))

    await rebound(core, 0, EVE)

    approval = await core.approval()
    assert len(approval.places) == 1
    assert (approval.places[0].person, approval.places[0].unbound) == (EVE, "")
    assert len(core.channel.of(EVE)) == 1


async def test_who_did_it_and_for_whom_is_in_the_history(store: Store) -> None:
    core = await a_core(store)

    await rebound(core, 0, EVE)

    history = await core.history()
    [event] = [each for each in history if each.kind is EventKind.REBOUND]
    assert event.facts == {"seat": "0"}
    assert event.personal == {
        "by": OLGA,
        "person": str(EVE.id),
        "name": "Eve",
        "was": str(MARIA.id),
    }
    assert chain_is_sound(history, head=(await core.approval()).head)


async def test_somebody_who_is_asked_already_has_one_place_afterwards(store: Store) -> None:
    core = await a_core(store)

    await rebound(core, 0, JONAS)

    approval = await core.approval()
    asked = [place for place in approval.places if place.state is PlaceState.PENDING]
    assert [place.person for place in asked] == [JONAS]
    assert {"johndoe1", "johndoe2"} <= set(asked[0].names)
    assert len(core.channel.of(JONAS)) == 1
    assert "no longer waits for you" in words_of(core, MARIA)


async def test_the_tenants_word_about_either_name_reaches_whoever_sits_there(store: Store) -> None:
    core = await a_core(store)
    await rebound(core, 0, JONAS)

    await core.receive(update(at=5, removes=("johndoe1",)))
    await core.work()

    assert not (await core.approval()).open


async def test_a_place_can_be_given_back_to_whoever_sat_there_first(store: Store) -> None:
    core = await a_core(store)
    await rebound(core, 0, EVE)

    seat = (await core.place(EVE)).seat
    await rebound(core, seat, MARIA)
    await core.click(MARIA)

    approval = await core.approval()
    assert await core.state(MARIA) is PlaceState.ACCEPTED
    assert core.api.posted[0].place.alias == "johndoe1"
    assert not may_see(approval, EVE.id)


async def test_what_was_done_before_stays_his_who_did_it(store: Store) -> None:
    core = await a_core(store)
    await core.click(MARIA, "Question", "Which laptops?")

    await rebound(core, 0, EVE)
    at = START + timedelta(minutes=1)
    await core.receive(update("johndoe2", at=5, action=done_by("johndoe1", "Question", at=at)))
    approval = await core.approval()

    assert may_see(approval, MARIA.id)
    assert [(t.name, t.said_at is not None) for t in approval.taken] == [("Maria Keller", True)]


async def test_his_successor_sees_no_later_round_for_what_he_did(store: Store) -> None:
    core = await a_core(store)
    await core.click(MARIA, "Question", "Which laptops?")
    await rebound(core, 0, EVE)
    await core.receive(update(at=5, removes=("johndoe1", "johndoe2")))

    await core.receive(update("johndoe3", at=6))
    await core.work()

    assert not may_see(await core.approval(), EVE.id)


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (None, PlaceState.SUBMITTING),
        (Answer(kind=AnswerKind.AGAIN, retry_after=60.0), PlaceState.RETRYING),
        (LOST, PlaceState.UNCONFIRMED),
    ],
)
async def test_a_place_with_an_open_decision_stays_with_whoever_made_it(
    store: Store, answer: Answer | None, state: PlaceState
) -> None:
    core = await a_core(store)
    await core.begin(MARIA)
    if answer is not None:
        await core.tell(answer)

    with pytest.raises(NotRebound, match=f"on its way to .* \\({state.value}\\)"):
        await operating(core).rebind(KEY, 0, EVE, by=OLGA)

    assert await core.state(MARIA) is state
    await core.die()


async def test_an_accepted_decision_keeps_its_place_until_it_is_asked_again(store: Store) -> None:
    core = await a_core(store)
    await core.click(MARIA)

    with pytest.raises(NotRebound, match="was accepted"):
        await operating(core).rebind(KEY, 0, EVE, by=OLGA)
    await core.receive(update("johndoe1", at=5))
    await rebound(core, 0, EVE)

    assert await core.state(EVE) is PlaceState.PENDING


async def test_nobody_is_put_where_nothing_is_asked(store: Store) -> None:
    core = await a_core(store)
    await core.receive(update(at=5, removes=("johndoe1",)))

    with pytest.raises(NotRebound, match="Nothing is asked on place 0"):
        await operating(core).rebind(KEY, 0, EVE, by=OLGA)
    with pytest.raises(NotRebound, match="has no place 7"):
        await operating(core).rebind(KEY, 7, EVE, by=OLGA)


async def test_only_people_of_the_tenants_directory_are_put_anywhere(store: Store) -> None:
    core = await a_core(store)
    stranger = EVE.model_copy(update={"directory": "99999999-9999-4999-8999-999999999999"})

    with pytest.raises(NotRebound, match="not in the directory"):
        await operating(core).rebind(KEY, 0, stranger, by=OLGA)
    with pytest.raises(NotRebound, match="sits on place 0 already"):
        await operating(core).rebind(KEY, 0, MARIA, by=OLGA)

    assert (await core.approval()).place_of(EVE.id) is None


async def test_trying_it_out_changes_nothing(store: Store) -> None:
    core = await a_core(store)
    before = await core.approval()

    seen = await operating(core).rebind(KEY, 0, EVE, by=OLGA, dry_run=True)

    assert seen.places[0].person == EVE
    assert await core.approval() == before


async def test_with_all_of_everybody_still_decides_for_himself(store: Store) -> None:
    core = await a_core(store, concurrency=Concurrency.ALL)

    await rebound(core, 0, EVE)
    await core.click(EVE)
    await core.click(JONAS)

    assert [posted.place.alias for posted in core.api.posted] == ["johndoe1", "johndoe2"]


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
async def test_who_was_found_once_stays_whomever_the_directory_finds_later(store: Store) -> None:
    core = Core(store)
    approval = await core.open(create("johndoe1"))

    found = bind(approval, 0, PRIYA, tenant=core.tenant, stamp=a_stamp(), finish=None)

    assert found is None


async def test_a_rebinding_whose_answer_was_lost_is_done_once(store: Store) -> None:
    core, flaky = await a_flaky_core(store, "johndoe1", "johndoe3")
    flaky.loses = lambda change: change.approval is not None
    flaky.meanwhile = lambda: core.click(PRIYA)

    await operating(core).rebind(KEY, 0, EVE, by=OLGA)

    assert (await core.kinds()).count("rebound") == 1
    assert (await core.approval()).places[0].person == EVE


async def test_a_settlement_whose_answer_was_lost_is_not_refused(store: Store) -> None:
    core, flaky = await a_flaky_core(store, "johndoe1", "johndoe2")
    core.api.usual = LOST
    await core.click(MARIA)
    core.api.usual = Answer(kind=AnswerKind.ACCEPTED)
    flaky.loses = lambda change: change.approval is not None
    flaky.meanwhile = lambda: core.receive(update("johndoe3", at=5))

    settled = await core.approvals.settle(
        (await core.approval()).id, 0, Settlement.ACCEPTED, by=OLGA
    )

    assert settled.places[0].state is PlaceState.ACCEPTED
    assert len(settled.places) == 3
    assert (await core.kinds()).count("settled") == 1


# -- dead letters ---------------------------------------------------------------------


async def given_up(core: Core, **fields: object) -> DeadLetter:
    """Let a job fail for good; return its letter."""
    approval = await core.approval()
    usual: dict[str, object] = {
        "key": f"{fields['kind']}/x",
        "lane": Lane.CARD,
        "due": core.clock.now(),
        "approval": KEY,
    }
    job = Job.model_validate(usual | fields)
    await core.commits.commit(_asking_for(core, job))
    leased = await core.store.lease(
        tuple(Lane), limit=99, now=core.clock.now(), until=core.clock.now() + timedelta(minutes=1)
    )
    [mine] = [each for each in leased if each.job.key == job.key]
    for other in leased:
        if other is not mine:
            await core.store.retry(other.lease, due=core.clock.now(), failed=False)
    await core.worker._failed(mine._replace(failures=MOST_FAILURES), KeyError("x"))
    [letter] = await core.store.dead_letters(approval.key.scope)
    return letter


def _asking_for(core: Core, job: Job) -> Change:
    return Change(id=core.commits.stamp().change, scope=KEY.scope, jobs=(job,))


async def letters(core: Core) -> list[DeadLetter]:
    return list(await core.store.dead_letters(KEY.scope))


async def test_a_card_given_up_is_made_once_its_letter_is_replayed(store: Store) -> None:
    core = await a_core(store)
    core.channel.screens.clear()
    letter = await given_up(
        core, kind=JobKind.CARD, person=JONAS.id, channel="teams", round=1, seat=None
    )
    await _without_card(core, JONAS)

    moved_on = await operating(core).replay(letter, by=OLGA)
    queued = await core.store.queued(KEY.scope, letter.job.key)
    await core.work()

    assert moved_on == ""
    assert queued is not None
    assert (queued.next, queued.failures) == (core.clock.now(), 0)
    assert await letters(core) == []
    assert len(core.channel.of(JONAS)) == 1
    [event] = [each for each in await core.history() if each.kind is EventKind.REPLAYED]
    assert (event.facts["done"], event.personal) == ("put back", {"by": OLGA})


async def _without_card(core: Core, person: Person) -> None:
    gone = Receipt(
        approval=KEY,
        round=1,
        person=person.id,
        channel="teams",
        state=ReceiptState.UNREACHABLE,
        at=core.clock.now(),
    )
    stamp = core.commits.stamp()
    await core.commits.commit(Change(id=stamp.change, scope=KEY.scope, receipts=(gone,)))


async def test_a_person_who_could_not_be_asked_for_is_looked_up_again(store: Store) -> None:
    core = Core(store)
    core.directory.people["johndoe1"] = NotFound.UNKNOWN
    await core.open(create("johndoe1"))
    letter = await given_up(core, kind=JobKind.RESOLVE, seat=0)
    core.directory.people["johndoe1"] = MARIA

    moved_on = await operating(core).replay(letter, by=OLGA)
    await core.work()

    assert moved_on == ""
    assert (await core.approval()).places[0].person == MARIA


async def doubted(core: Core) -> DeadLetter:
    """Let Maria's decision get lost, and its job be given up."""
    core.api.usual = LOST
    await core.click(MARIA)
    decision = (await core.place(MARIA)).decision
    assert decision is not None
    letter = await given_up(
        core, kind=JobKind.POST, lane=Lane.DECISION, seat=0, decision=decision.id, number=2
    )
    core.api.usual = Answer(kind=AnswerKind.ACCEPTED)
    return letter


async def test_a_decision_is_never_posted_again_where_it_might_count_twice(store: Store) -> None:
    core = await a_core(store)
    letter = await doubted(core)

    with pytest.raises(NotReplayed, match="might count it twice"):
        await operating(core).replay(letter, by=OLGA)
    await core.pass_time(3600)

    assert len(core.api.posted) == 1
    assert await letters(core) == [letter]
    assert await core.state(MARIA) is PlaceState.UNCONFIRMED


async def test_a_decision_is_posted_again_where_it_counts_once(store: Store) -> None:
    core = await a_core(store, idempotent=True)
    letter = await doubted(core)

    moved_on = await operating(core).replay(letter, by=OLGA)
    await core.work()

    assert moved_on == ""
    assert len(set(core.api.ids)) == 1
    assert await core.state(MARIA) is PlaceState.ACCEPTED
    assert await letters(core) == []


async def test_a_decision_on_older_content_is_not_posted_again(store: Store) -> None:
    core = await a_core(store, idempotent=True)
    letter = await doubted(core)
    await core.receive(update("johndoe3", at=5, content=Content(title="Desks")))

    with pytest.raises(NotReplayed, match="changed since"):
        await operating(core).replay(letter, by=OLGA)

    assert len(core.api.posted) == 1


async def test_a_letter_whose_request_moved_on_only_goes(store: Store) -> None:
    core = await a_core(store)
    letter = await doubted(core)
    await core.approvals.settle((await core.approval()).id, 0, Settlement.NOT_TAKEN, by=OLGA)

    moved_on = await operating(core).replay(letter, by=OLGA)
    await core.work()

    assert moved_on == "the decision it is about has come to its end"
    assert await letters(core) == []
    assert len(core.api.posted) == 1
    assert await core.state(MARIA) is PlaceState.PENDING
    assert "put back" not in [each.facts.get("done") for each in await core.history()]


async def test_an_arx_that_is_owed_is_waited_for_once_more(store: Store) -> None:
    core = await a_core(store)
    await core.click(MARIA)
    decision = (await core.place(MARIA)).decision
    assert decision is not None
    letter = await given_up(core, kind=JobKind.AWAIT_ARX, seat=0, decision=decision.id)
    overdue = (await core.place(MARIA)).decision

    moved_on = await operating(core).replay(letter, by=OLGA)
    await core.work()
    again = (await core.place(MARIA)).decision

    assert moved_on == ""
    assert overdue is not None
    assert overdue.overdue
    assert again is not None
    assert again.overdue
    assert (await core.kinds()).count("overdue") == 1


async def test_a_letter_replayed_by_two_at_once_is_done_once(store: Store) -> None:
    core = await a_core(store, idempotent=True)
    letter = await doubted(core)

    first, second = await asyncio.gather(
        operating(core).replay(letter, by=OLGA), operating(core).replay(letter, by="Otto")
    )
    await core.work()

    assert sorted([first, second]) == ["", "another job is at it already"]
    assert len(core.api.posted) == 2
    assert await letters(core) == []


async def test_a_letter_about_no_request_is_put_back_too(store: Store) -> None:
    core = await a_core(store)
    job = Job(
        key="deliver/x",
        kind=JobKind.DELIVER,
        lane=Lane.CARD,
        due=START,
        person=MARIA.id,
    )
    scope = MARIA.id.scope
    letter = DeadLetter(id="1", scope=scope, job=job, error="KeyError", at=START)
    await core.commits.commit(Change(id="1", scope=scope, dead=letter))

    moved_on = await operating(core).replay(letter, by=OLGA)

    assert moved_on == ""
    assert list(await core.store.dead_letters(scope)) == []
    assert await core.store.job(scope, "deliver/x") is not None


async def test_trying_a_replay_out_changes_nothing(store: Store) -> None:
    core = await a_core(store, idempotent=True)
    letter = await doubted(core)
    before = await core.approval()

    moved_on = await operating(core).replay(letter, by=OLGA, dry_run=True)
    await core.work()

    assert moved_on == ""
    assert await core.approval() == before
    assert await letters(core) == [letter]


async def test_a_word_of_the_operator_is_newer_than_an_older_removal(store: Store) -> None:
    core = Core(store, tenant=a_tenant())
    await core.open(create("johndoe1", "johndoe2"), delete("johndoe2", at=5))

    await operating(core).rebind(KEY, 0, JONAS, by=OLGA)
    await core.work()

    assert (await core.approval()).open
    assert await core.state(JONAS) is PlaceState.PENDING


async def test_the_card_of_somebody_replaced_who_had_acted_goes_on_with_the_others(
    store: Store,
) -> None:
    core = Core(store, tenant=a_tenant())
    await core.open(create("johndoe1", "johndoe2"))
    await core.click(MARIA, "Question", "why?")
    await core.pass_time(10)
    await operating(core).rebind(KEY, 0, EVE, by=OLGA)
    await core.pass_time(10)
    before = core.channel.of(MARIA)[-1].face

    await core.click(JONAS)
    await core.pass_time(10)

    assert core.channel.of(MARIA)[-1].face != before
