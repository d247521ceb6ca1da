"""Erasing one person takes nothing from anybody else: history, place, cards, jobs, what waits."""

from pathlib import Path

import pytest

from approvals_core.keeping.erasing import Erasing, Outcome
from approvals_core.models import (
    ApprovalKey,
    Change,
    EventKind,
    HistoryEvent,
    JobKind,
    Person,
)
from approvals_core.ports import Store
from approvals_core.rules.deciding import Click
from approvals_core.rules.draft import chain_is_sound
from tests.archives import an_archive, in_archive
from tests.makers import DIRECTORY, KEY, MARIA, Core, create, delete
from tests.store_makers import a_job


def somebody(number: int, name: str, alias: str) -> Person:
    object_id = f"aaaaaaaa-0000-4000-8000-{number:012}"
    upn = f"{alias}@organization.com"
    return Person(directory=DIRECTORY, object_id=object_id, name=name, upn=upn)


ANNA = somebody(1, "Anna", "anna")
AL = somebody(2, "Al Gore", "al")
OTHERS = [
    somebody(3, "Johanna Weiss", "jweiss"),
    somebody(4, "Anna Meier", "anna.meier"),
    somebody(5, "Alan Final", "alan"),
]
HOURS = 7200.0  # seconds, after which the texts of a closed request are gone
OF_HIS, OF_OTHERS = KEY._replace(number="REQ-A"), KEY._replace(number="REQ-B")


async def decided(core: Core, key: ApprovalKey, person: Person, comment: str) -> None:
    """Let *person* approve a request of its own, and the tenant close it."""
    alias = person.upn.partition("@")[0]
    core.directory.people[alias] = person
    await core.receive(create(alias, key=key, display_number=key.number))
    await core.work()
    approval = await core.store.approval(key)
    place = approval.place_of(person.id) if approval else None
    assert approval is not None
    assert place is not None
    click = Click(
        seat=place.seat,
        round=place.round,
        revision=approval.revision,
        attempt=place.attempt,
        action="Approve",
        comment=comment,
        channel="teams",
    )
    await core.approvals.act(approval.id, click, by=person, elapsed=0.0)
    await core.work()
    await core.receive(delete(alias, key=key, display_number=key.number, at=3))


async def erased(core: Core, person: Person) -> Outcome:
    erasing = Erasing(
        store=core.store, archive=core.archive, now=core.clock.now, by="Olga Operator"
    )
    return await erasing.erase(str(person.id))


@pytest.mark.parametrize("gone", [ANNA, AL])
@pytest.mark.parametrize("other", OTHERS)
async def test_what_others_said_and_did_stays(
    store: Store, tmp_path: Path, gone: Person, other: Person
) -> None:
    core = Core(store, archive=an_archive(tmp_path))
    await decided(core, OF_HIS, gone, "hello")
    await decided(core, OF_OTHERS, other, "final: also within the total")
    await core.pass_time(HOURS)
    before = await store.approval(OF_OTHERS), await store.history(OF_OTHERS)

    told = await erased(core, gone)

    assert (await store.approval(OF_OTHERS), await store.history(OF_OTHERS)) == before
    assert len(told.requests) == 1


async def test_what_others_did_stays_in_the_archive(store: Store, tmp_path: Path) -> None:
    core = Core(store, archive=an_archive(tmp_path))
    await decided(core, OF_OTHERS, OTHERS[1], "also")
    await core.pass_time(400 * 86_400.0)
    await core.worker.sweep()
    await core.pass_time(1.5 * 86_400.0)
    before = await in_archive(an_archive(tmp_path))
    assert [each.approval.key for each in before] == [OF_OTHERS]

    told = await erased(core, ANNA)

    assert await in_archive(an_archive(tmp_path)) == before
    assert not told.archived


async def test_cards_and_jobs_of_others_stay(store: Store, tmp_path: Path) -> None:
    """Their texts go when they should, and the tenant's cards are still drawn anew."""
    core = Core(store, archive=an_archive(tmp_path))
    await decided(core, OF_HIS, AL, "hello")
    await core.pass_time(HOURS)
    await decided(core, OF_OTHERS, OTHERS[0], "ok")
    renewal = a_job("renew", kind=JobKind.RENEW)
    await store.commit(Change(id="renewal", scope=KEY.scope, jobs=(renewal,)))
    jobs = {each.key for each in (await store.jobs(KEY.scope, limit=99)).jobs}
    cards = await store.receipts(OF_OTHERS)

    await erased(core, AL)

    assert {each.key for each in (await store.jobs(KEY.scope, limit=99)).jobs} == jobs
    assert await store.receipts(OF_OTHERS) == cards
    assert cards


async def test_an_open_request_of_somebody_called_alike_keeps_nobody_from_being_erased(
    store: Store,
) -> None:
    core = Core(store)
    await decided(core, OF_HIS, ANNA, "hello")
    core.directory.people["anna.meier"] = OTHERS[1]
    await core.receive(create("anna.meier", key=OF_OTHERS, display_number="REQ-B"))
    await core.pass_time(HOURS)

    told = await erased(core, ANNA)

    assert told.kept == []
    assert await store.contact(ANNA.id) is None


def without(event: HistoryEvent) -> HistoryEvent:
    return event.model_copy(update={"personal": {}, "salt": ""})


async def test_texts_that_nobody_erased_are_missed(store: Store) -> None:
    core = Core(store)
    await core.open(create("johndoe1"))
    await core.click(MARIA, comment="Only if the price is halved")
    events, head = await core.history(), (await core.approval()).head
    assert chain_is_sound(events, head=head)

    spoilt = tuple(without(e) if e.kind is EventKind.DECIDED else e for e in events)

    assert spoilt != events
    assert not chain_is_sound(spoilt, head=head)


async def test_texts_are_missed_also_where_those_of_another_were_erased(store: Store) -> None:
    core = Core(store)
    core.directory.people["anna"] = ANNA
    await core.receive(create("anna", "johndoe1"))
    await core.work()
    await core.click(MARIA, comment="Only if the price is halved")
    await core.receive(delete("anna", "johndoe1", at=3))
    await core.pass_time(HOURS)
    await erased(core, ANNA)
    events, head = await core.history(), (await core.approval()).head
    assert chain_is_sound(events, head=head)

    spoilt = tuple(without(e) if e.kind is EventKind.DECIDED else e for e in events)

    assert spoilt != events
    assert not chain_is_sound(spoilt, head=head)
