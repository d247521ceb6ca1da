"""What a store's lists hold, and how they are paged, whichever it is."""

from approvals_core.models import ATTENTION, OPEN, PlaceState, queue_of, queue_of_alias
from approvals_core.ports import Store
from tests.store_makers import ANN, MINUTE, NOON, SCOPE, a_change, a_place, an_approval, numbered


async def test_lists_hold_exactly_what_the_newest_version_stands_in(store: Store) -> None:
    unknown = a_place(seat=1, alias="Bob ", person=None, unbound="unknown alias")
    await store.commit(a_change(an_approval(places=(a_place(), unknown))))
    before = [await counts(store, "Bob ")]
    decided = a_place(state=PlaceState.REMOVED)
    await store.commit(a_change(an_approval(version=2, places=(decided, unknown)), id="2"))
    before.append(await counts(store, "Bob "))
    await store.commit(a_change(an_approval(version=3, places=(decided,)), id="3"))

    assert before == [(1, 1, 1, 1), (0, 1, 1, 1)]
    assert await counts(store, "Bob ") == (0, 0, 0, 0)


async def counts(store: Store, alias: str) -> tuple[int, ...]:
    names = (queue_of(ANN.id), queue_of_alias(alias), OPEN, ATTENTION)
    return tuple([await store.count(SCOPE, name) for name in names])


async def test_pages_go_by_time_then_key_and_stay_stable(store: Store) -> None:
    times = {"4": 2, "1": 1, "3": 1, "2": 1, "5": 0}
    for number, minutes in times.items():
        await store.commit(a_change(numbered(number, opened_at=NOON + minutes * MINUTE)))

    first = await store.page(SCOPE, OPEN, limit=2)
    await store.commit(a_change(numbered("0", opened_at=NOON)))  # before the cursor
    await store.commit(a_change(numbered("21", opened_at=NOON + MINUTE)))  # behind it
    second = await store.page(SCOPE, OPEN, after=first.after, limit=2)
    third = await store.page(SCOPE, OPEN, after=second.after, limit=2)

    pages = [[approval.key.number for approval in p.approvals] for p in (first, second, third)]
    assert pages == [["5", "1"], ["2", "21"], ["3", "4"]]
    assert third.after is None


async def test_lists_with_similar_names_do_not_mix(store: Store) -> None:
    names = ["x", "x y", "x\x1fz", "x\x1e-z", "xy"]
    for number, name in enumerate(names):
        place = a_place(person=None, alias=name)
        await store.commit(a_change(numbered(str(number), places=(place,))))

    found = [await store.page(SCOPE, queue_of_alias(name), limit=9) for name in names]

    listed = [[approval.key.number for approval in page.approvals] for page in found]
    assert listed == [["0"], ["1"], ["2"], ["3"], ["4"]]
