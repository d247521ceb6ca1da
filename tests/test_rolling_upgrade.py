"""Two versions on one store: today's program works on what tomorrow's wrote, and loses none of it."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from approvals_core import models
from approvals_core.errors import AlreadyActedOn, LeftToNewer
from approvals_core.models import (
    Approval,
    Change,
    DetailState,
    Disposition,
    EventKind,
    Job,
    JobKind,
    Lane,
    LetterState,
    Mark,
    Notification,
    Occasion,
    Operation,
    PlaceState,
    ReceiptState,
    Record,
)
from approvals_core.ports import Store
from approvals_core.rules.draft import Draft, chain_is_sound
from approvals_core.rules.lines import occasion_of
from approvals_core.worker import MOST_FAILURES
from tests.failing import KEY, all_due, converged, standing, stored
from tests.makers import MARIA, Core, a_stamp, a_tenant, create
from tests.running import Running
from tests.store_makers import (
    ANN,
    NOON,
    a_change,
    a_contact,
    a_job,
    a_letter,
    a_payload,
    a_receipt,
    an_approval,
    an_event,
    jobs_change,
)
from tests.store_tomorrow import ADDED, grown, let_grow, records_in, without_growth
from tests.terminal import Terminal, a_decision

OPEN_WORDS = [
    DetailState,
    Disposition,
    EventKind,
    JobKind,
    LetterState,
    Occasion,
    PlaceState,
    ReceiptState,
]


RECORDS = [
    each
    for each in vars(models).values()
    if isinstance(each, type) and issubclass(each, Record) and each is not Record
]


# -- fields -----------------------------------------------------------------------


async def test_what_only_a_newer_program_knows_survives_being_read_and_written(
    store: Store, store_url: str
) -> None:
    change = a_change(
        events=(an_event(),),
        receipts=(a_receipt(),),
        letters=(a_letter(),),
        payload=a_payload(),
        jobs=(a_job(),),
    )
    await store.commit(change)
    await store.commit(Change(id="contact", scope=ANN.id.scope, contact=a_contact()))
    assert await let_grow(store_url) == 7

    approval, contact = await store.approval(KEY_OF_ONE), await store.contact(ANN.id)
    assert approval is not None
    assert contact is not None
    assert approval.places[0].state is PlaceState.PENDING
    again = a_change(
        approval.model_copy(update={"version": 2, "revision": 5}),
        id="again",
        receipts=tuple(await store.receipts(KEY_OF_ONE)),
        letters=tuple(await store.letters(KEY_OF_ONE)),
        payload=await store.payload(change.scope, "payload-1"),
    )
    await store.commit(again)
    named = contact.model_copy(update={"version": 2, "name": "Anna"})
    await store.commit(Change(id="named", scope=ANN.id.scope, contact=named))

    [kept] = await records_in(store_url, "approvals")
    assert kept["revision"] == 5
    assert list(without_growth(kept)) == []
    for kind in ("receipts", "letters", "payloads", "contacts"):
        [record] = await records_in(store_url, kind)
        assert list(without_growth(record)) == []
    assert [event.seq for event in await store.history(KEY_OF_ONE)] == [0]


KEY_OF_ONE = an_approval().key


@pytest.mark.parametrize("made", [an_approval(), a_receipt(), a_letter(), a_payload(), a_job()])
def test_a_record_with_unknown_fields_differs_from_one_without(made: Record) -> None:
    read = type(made).model_validate_json(json.dumps(grown(json.loads(made.model_dump_json()))))

    assert read != made
    assert read == read.model_copy()
    assert read.model_copy() == type(made).model_validate_json(read.model_dump_json())
    assert list(without_growth(json.loads(read.model_copy(deep=True).model_dump_json()))) == []


@pytest.mark.parametrize("kind", RECORDS, ids=lambda kind: kind.__name__)
def test_a_field_that_there_is_not_is_a_mistake_in_every_record_made_here(
    kind: type[Record],
) -> None:
    with pytest.raises(ValidationError) as refused:
        kind(tomorrow=1)

    assert "extra_forbidden" in {error["type"] for error in refused.value.errors()}


def test_reading_a_record_calls_nothing_of_ours_for_those_within_it() -> None:
    # Else it would take half as long again, and refuse what a newer program wrote in them.
    assert not Approval.__pydantic_custom_init__


# -- words ------------------------------------------------------------------------


@pytest.mark.parametrize("words", OPEN_WORDS)
def test_a_word_of_a_newer_program_is_read_and_stays_as_it_is(words: Any) -> None:
    word = words("of tomorrow")

    assert not word.known
    assert word == words("of tomorrow")
    assert word not in set(words)
    assert (str(word), word.value) == ("of tomorrow", "of tomorrow")
    assert all(each.known for each in words)


@pytest.mark.parametrize("numbers", [Lane, Operation])
def test_a_number_of_a_newer_program_is_read_and_stays_as_it_is(numbers: Any) -> None:
    assert not numbers(99).known
    assert numbers(99) == 99
    assert all(each.known for each in numbers)
    with pytest.raises(ValueError, match="is not a valid"):
        numbers("99")


async def test_a_job_of_a_kind_of_tomorrow_is_put_back_however_often_it_comes(
    store: Store, store_url: str
) -> None:
    core = Core(store, tenant=a_tenant())
    job = a_job(kind=JobKind("of tomorrow"), due=core.clock.now(), approval=None)
    scope = f"t:{core.tenant.document_type_id}"
    await store.commit(jobs_change(job, scope=scope))
    await let_grow(store_url)

    for _ in range(MOST_FAILURES + 2):
        assert await core.worker.run_due() == 1
        core.clock.advance(3.0)

    queued = await store.queued(scope, job.key)
    assert queued is not None
    assert (queued.leased, queued.failures) == (False, 0)
    assert await store.dead_letters(scope) == []
    [record] = await records_in(store_url, "jobs")
    assert record["kind"] == "of tomorrow"
    assert list(without_growth(record)) == []


def test_a_mail_on_an_occasion_of_tomorrow_is_left_to_who_can_write_it() -> None:
    asks = Notification(
        id="n", occasion=Occasion("of tomorrow"), template="T", round=1, at=NOON, mark=Mark(1, 1)
    )

    with pytest.raises(LeftToNewer):
        occasion_of(a_job(kind=JobKind.MAIL), asks)


async def test_nobody_decides_beside_a_place_that_stands_as_of_tomorrow(store: Store) -> None:
    core = Core(store, tenant=a_tenant())
    await core.open(create("johndoe1", "johndoe2"))
    await _put(core, 1, state=PlaceState("of tomorrow"), decision=a_decision())

    with pytest.raises(AlreadyActedOn):
        await core.click(MARIA)

    assert core.api.posted == []
    assert await core.chores.mend(core.tenant) == 0


async def _put(core: Core, seat: int, **fields: object) -> None:
    approval = await core.approval()
    draft = Draft(approval, a_stamp(99, at=core.clock.now()))
    draft.put(approval.places[seat], **fields)
    await core.store.commit(draft.change())


# -- the whole program --------------------------------------------------------------


async def test_a_request_goes_its_whole_way_on_the_records_of_a_newer_program(
    running: Running, store_url: str
) -> None:
    await running.send("wiki-create")
    await running.asked("johndoe1", "johndoe2", "johndoe3")
    await _grow_with_news(running, store_url)

    await running.click("johndoe1", "Approve", "Within Budget")
    for alias in ("johndoe1", "johndoe2", "johndoe3"):
        await running.says(alias, "Maria Keller", "Within Budget")
    await running.send("wiki-update")
    await running.asked("johndoe2", "johndoe3")
    await running.send("wiki-delete", DeleteFor=["johndoe2", "johndoe3"])
    await running.until(lambda: not running.can_decide("johndoe2"))
    await converged(running)

    assert len(running.told()) == 1
    [approval] = await records_in(store_url, "approvals")
    assert approval["tomorrow"] == ADDED["tomorrow"]
    for place in approval["places"]:
        assert place["tomorrow"] == place["person"]["tomorrow"] == ADDED["tomorrow"]
    for contact in await records_in(store_url, "contacts"):
        assert contact["tomorrow"] == ADDED["tomorrow"]
    # What is of tomorrow's kind waits for tomorrow's program.
    jobs = [job for job in await records_in(store_url, "jobs") if job["kind"] == "of tomorrow"]
    assert [list(without_growth(job)) for job in jobs] == [[]]
    assert await running.house.store.dead_letters(KEY.scope) == []


async def test_an_event_of_a_kind_of_tomorrow_is_shown_and_its_history_is_sound(
    running: Running, store_url: str
) -> None:
    await running.send("wiki-create")
    await running.asked("johndoe1")
    await _grow_with_news(running, store_url)
    terminal = Terminal(running.house._settings)

    assert await terminal.type("requests", "show", (await stored(running)).id) == 0

    assert "of tomorrow" in terminal.text
    assert "by=robot" in terminal.text
    history = tuple(await running.house.store.history(KEY))
    assert chain_is_sound(history, head=(await stored(running)).head)


async def test_a_place_that_stands_as_of_tomorrow_is_shown_and_an_arx_moves_it_on(
    running: Running, store_url: str
) -> None:
    await running.send("wiki-create")
    await running.asked("johndoe1", "johndoe2", "johndoe3")
    approve = running.button("johndoe1", "Approve")

    def escalate(draft: Draft) -> None:
        draft.put(draft.approval.places[1], state=PlaceState("escalated"))
        draft.converge(channels=("teams",))

    await _change(running, escalate)
    answer = await running.press("johndoe1", approve, "too late")

    assert "was faster" in str(answer.body)
    for alias in ("johndoe1", "johndoe2", "johndoe3"):
        assert not running.can_decide(alias)
    assert (await standing(running))["johndoe2"]["State"] == "escalated"
    terminal = Terminal(running.house._settings)
    assert await terminal.type("requests", "explain", (await stored(running)).id) == 0
    assert "Only a newer version of the service knows" in terminal.text

    await running.send("wiki-delete", DeleteFor=["johndoe2"])
    await converged(running)
    await running.click("johndoe1", "Approve", "mine")
    await running.says("johndoe3", "Approved by", "mine")
    assert len(running.told()) == 1


async def _grow_with_news(running: Running, store_url: str) -> None:
    """Let all records grow, with a job and an event of kinds that nobody knows."""
    job = Job(
        key="of-tomorrow",
        kind=JobKind("of tomorrow"),
        lane=Lane.CARD,
        due=running.clock(),
        approval=KEY,
    )

    def news(draft: Draft) -> None:
        draft.note(EventKind("of tomorrow"), {"by": "robot"}, {"comment": "beep"})
        draft.leave(job)

    await _change(running, news)
    assert await let_grow(store_url) > 5


async def _change(running: Running, step: Any) -> None:
    """Commit a step of the wiki's request, once nothing else is under way."""
    await converged(running)
    draft = Draft(await stored(running), a_stamp(99, at=running.clock()))
    step(draft)
    await running.house.store.commit(draft.change())
    await all_due(running)
