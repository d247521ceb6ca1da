"""What a store promises about commits and what is read back, whichever it is."""

import asyncio
from collections.abc import Sequence

import pytest

from approvals_core.errors import StoreRefused, VersionConflict
from approvals_core.models import (
    HOUSE,
    OPEN,
    ApprovalKey,
    Change,
    DeadLetter,
    Lane,
    LeasedJob,
    queue_of,
)
from approvals_core.ports import Store
from tests.store_makers import (
    ANN,
    KEY,
    MINUTE,
    NOON,
    SCOPE,
    a_change,
    a_contact,
    a_job,
    a_lease,
    a_payload,
    a_place,
    a_receipt,
    an_approval,
    an_event,
    jobs_change,
    someone,
)

# Whatever a tenant may write: what JSON, SQL, Lua and key names could trip over.
HOSTILE = 'é\u0000"\\/ {x} [] | % _ * \x1f \x1e 12345678901234567890 😀 \r\n'


async def test_all_of_a_change_is_found_again(store: Store) -> None:
    change = a_change(
        events=(an_event(0), an_event(1)),
        bodies={"details/Items": "{}"},
        payload=a_payload(),
        receipts=(a_receipt(),),
        jobs=(a_job(),),
        dead=DeadLetter(id="1", scope=SCOPE, job=a_job("old"), error="ValueError", at=NOON),
    )

    await store.commit(change)

    assert await store.approval(KEY) == change.approval
    assert await store.approval_by_id(SCOPE, "pr-one") == change.approval
    assert tuple(await store.history(KEY)) == change.events
    assert await store.bodies(KEY) == change.bodies
    assert await store.payload(SCOPE, "payload-1") == change.payload
    assert await store.payload_by_digest(SCOPE, "d1") == change.payload
    assert tuple(await store.receipts(KEY)) == change.receipts
    assert await store.receipt(KEY, round=1, person=ANN.id, channel="teams") == change.receipts[0]
    assert await store.job(SCOPE, "job") == change.jobs[0]
    assert list(await store.dead_letters(SCOPE)) == [change.dead]
    assert list(await store.scopes()) == [SCOPE]


async def test_what_was_never_written_is_not_there(store: Store) -> None:
    assert await store.approval(KEY) is None
    assert await store.approval_by_id(SCOPE, "pr-one") is None
    assert list(await store.history(KEY)) == []
    assert await store.bodies(KEY) == {}
    assert await store.payload(SCOPE, "payload-1") is None
    assert await store.payload_by_digest(SCOPE, "d1") is None
    assert list(await store.receipts(KEY)) == []
    assert await store.receipt(KEY, round=1, person=ANN.id, channel="teams") is None
    assert await store.contact(ANN.id) is None
    assert await store.job(SCOPE, "job") is None
    assert list(await store.dead_letters(SCOPE)) == []
    assert (await store.page(SCOPE, OPEN, limit=5)).approvals == ()
    assert await store.count(SCOPE, OPEN) == 0
    assert list(await store.scopes()) == []


async def test_a_conflict_leaves_nothing_behind(store: Store) -> None:
    await store.commit(a_change(bodies={"kept": "1"}))
    late = a_change(
        an_approval(places=()),
        id="late",
        events=(an_event(),),
        bodies={"kept": None, "new": "2"},
        payload=a_payload(),
        receipts=(a_receipt(),),
        jobs=(a_job(),),
    )

    with pytest.raises(VersionConflict):
        await store.commit(late)

    assert await store.approval(KEY) == an_approval()
    assert list(await store.history(KEY)) == []
    assert await store.bodies(KEY) == {"kept": "1"}
    assert await store.payload(SCOPE, "payload-1") is None
    assert list(await store.receipts(KEY)) == []
    assert await store.job(SCOPE, "job") is None
    assert await store.count(SCOPE, queue_of(ANN.id)) == 1


@pytest.mark.parametrize("version", [1, 3])
async def test_only_the_next_version_is_taken(store: Store, version: int) -> None:
    await store.commit(a_change())

    with pytest.raises(VersionConflict):
        await store.commit(a_change(an_approval(version=version), id="other"))


async def test_a_first_version_must_be_the_first(store: Store) -> None:
    with pytest.raises(VersionConflict):
        await store.commit(a_change(an_approval(version=2)))


async def test_the_same_change_again_is_done_once(store: Store) -> None:
    change = a_change(events=(an_event(),), jobs=(a_job(),))
    await store.commit(change)
    (leased,) = await lease_all(store)
    await store.finish(leased.lease)

    await store.commit(change)

    assert len(await store.history(KEY)) == 1
    assert await store.job(SCOPE, "job") is None


async def test_the_same_change_again_is_done_though_its_lease_is_gone(store: Store) -> None:
    await store.commit(jobs_change(a_job()))
    (leased,) = await lease_all(store)
    change = a_change(finish=leased.lease)
    await store.commit(change)

    await store.commit(change)

    assert await store.approval(KEY) == an_approval()


async def test_a_contact_is_compared_and_set_like_an_approval(store: Store) -> None:
    first = jobs_change(id="1", scope=ANN.id.scope, contact=a_contact())
    await store.commit(first)
    await store.commit(first)

    with pytest.raises(VersionConflict):
        await store.commit(jobs_change(id="2", scope=ANN.id.scope, contact=a_contact(name="Bob")))
    newer = a_contact(version=2, conversation="19:x")
    await store.commit(jobs_change(id="3", scope=ANN.id.scope, contact=newer))

    assert await store.contact(ANN.id) == newer


async def test_bodies_are_replaced_deleted_and_found_by_prefix(store: Store) -> None:
    await store.commit(a_change(bodies={"a/1": "one", "a/2": "two", "a_3": "three", "b": "four"}))
    bodies = {"a/1": None, "a/2": "two again", "absent": None}
    await store.commit(a_change(an_approval(version=2), id="2", bodies=bodies))

    assert await store.bodies(KEY) == {"a/2": "two again", "a_3": "three", "b": "four"}
    assert await store.bodies(KEY, "a/") == {"a/2": "two again"}
    assert await store.bodies(KEY, "a_") == {"a_3": "three"}
    assert await store.bodies(KEY, "%") == {}


async def test_texts_come_back_as_they_were(store: Store) -> None:
    key = KEY._replace(number=HOSTILE)
    approval = an_approval(key=key, display_number=HOSTILE, places=(a_place(alias=HOSTILE),))
    job = a_job(HOSTILE, approval=key, channel=HOSTILE)
    receipt = a_receipt(approval=key, channel=HOSTILE)
    payload = a_payload(id=HOSTILE, digest=HOSTILE, approval=key)

    await store.commit(
        a_change(
            approval,
            bodies={HOSTILE: HOSTILE},
            jobs=(job,),
            receipts=(receipt,),
            payload=payload,
        )
    )

    assert await store.approval(key) == approval
    assert await store.bodies(key, HOSTILE) == {HOSTILE: HOSTILE}
    assert await store.receipt(key, round=1, person=ANN.id, channel=HOSTILE) == receipt
    assert await store.payload_by_digest(SCOPE, HOSTILE) == payload
    (leased,) = await lease_all(store)
    assert leased.job == job
    await store.finish(leased.lease)
    assert await store.job(SCOPE, HOSTILE) is None


async def test_keys_that_look_alike_are_kept_apart(store: Store) -> None:
    keys = [ApprovalKey(KEY.tenant, *parts) for parts in (("a\x1f", ""), ("a", "\x1f"), ("a", ""))]
    approvals = [an_approval(key=key, id=f"pr-{n}") for n, key in enumerate(keys)]

    await asyncio.gather(*(store.commit(a_change(approval)) for approval in approvals))

    assert [await store.approval(key) for key in keys] == approvals


@pytest.mark.parametrize(
    "wrong",
    [
        {"scope": "t:other"},
        {"receipts": (a_receipt(approval=KEY._replace(tenant="other")),)},
        {"finish": a_lease(scope="t:other")},
        {"held": a_lease(scope="t:other")},
        {"claim": a_lease("not asked for")},
        {"approval": None, "events": (an_event(),)},
    ],
)
async def test_a_change_that_does_not_hold_together_is_a_mistake(
    store: Store, wrong: dict[str, object]
) -> None:
    change = a_change().model_copy(update=wrong)

    with pytest.raises(ValueError, match=r"scope|approval|claimed"):
        await store.commit(change)

    assert await store.approval(KEY) is None


async def test_receipts_are_replaced_and_listed_by_round(store: Store) -> None:
    rounds = [a_receipt(round=number) for number in (10, 2, 1)]
    await store.commit(a_change(receipts=tuple(rounds)))
    moved = a_receipt(round=2, address="there")
    await store.commit(jobs_change(receipts=(moved,)))

    assert list(await store.receipts(KEY)) == [rounds[2], moved, rounds[0]]


async def test_a_store_opens_only_for_the_issuers_it_was_made_with(store: Store) -> None:
    await store.stamp(["https://a", "https://b"])

    await store.stamp(["https://b", "https://a"])
    with pytest.raises(StoreRefused):
        await store.stamp(["https://a"])


async def test_people_and_tenants_do_not_share_what_they_own(store: Store) -> None:
    await store.commit(jobs_change(scope=ANN.id.scope, contact=a_contact()))
    other = someone("bob")

    await store.commit(jobs_change(scope=other.scope, contact=a_contact(person=other, name="Bob")))

    assert (await store.contact(ANN.id)) == a_contact()
    assert sorted(await store.scopes()) == sorted([ANN.id.scope, other.scope])


async def lease_all(store: Store) -> Sequence[LeasedJob]:
    return await store.lease(list(Lane), limit=100, now=NOON + MINUTE, until=NOON + 2 * MINUTE)


async def test_a_change_with_thousands_of_parts_is_there_whole(store: Store) -> None:
    many: dict[str, str | None] = {f"payload/{number}": "{}" for number in range(9_000)}
    first = a_change(bodies=many)
    await store.commit(first)
    assert first.approval is not None
    newer = first.approval.model_copy(update={"version": first.approval.version + 1})

    await store.commit(
        a_change(
            id="forget",
            approval=newer,
            bodies=dict.fromkeys(many),
            events=(),
            jobs=(a_job(key="after"),),
        )
    )

    assert await store.bodies(KEY) == {}
    assert await store.job(SCOPE, "after") is not None


async def test_a_scope_keeps_short_texts_by_name_and_the_last_one_counts(store: Store) -> None:
    await store.commit(
        Change(id="1", scope=SCOPE, notes={"a": "1", "b": "1", HOSTILE: HOSTILE, "none": None})
    )
    await store.commit(Change(id="2", scope=SCOPE, notes={"a": "2", "b": None}))
    await store.commit(Change(id="3", scope=HOUSE, notes={"a": "house"}))

    assert await store.notes(SCOPE) == {"a": "2", HOSTILE: HOSTILE}
    assert await store.notes(HOUSE) == {"a": "house"}
    assert await store.notes("t:another") == {}


async def test_notes_are_kept_with_their_change_or_not_at_all(store: Store) -> None:
    await store.commit(a_change(notes={"a": "1"}))

    with pytest.raises(VersionConflict):
        await store.commit(a_change(an_approval(version=3), id="late", notes={"a": "2"}))

    assert await store.notes(SCOPE) == {"a": "1"}
