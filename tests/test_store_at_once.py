"""What a store does with many commits at the same time, whichever it is."""

import asyncio

from approvals_core.errors import VersionConflict
from approvals_core.models import OPEN
from approvals_core.ports import Store
from tests.store_makers import KEY, SCOPE, a_change, an_approval, numbered


async def test_of_many_commits_of_one_version_exactly_one_wins(store: Store) -> None:
    await store.commit(a_change())

    for version in range(2, 12):
        commits = (
            store.commit(a_change(an_approval(version=version), id=f"{version}/{racer}"))
            for racer in range(10)
        )
        outcomes = await asyncio.gather(*commits, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes].count(VersionConflict) == 9
        assert outcomes.count(None) == 1


async def test_many_commits_of_different_approvals_all_succeed(store: Store) -> None:
    approvals = [numbered(str(number)) for number in range(300)]

    await asyncio.gather(*(store.commit(a_change(approval)) for approval in approvals))

    assert await store.count(SCOPE, OPEN) == 300


async def test_one_that_fails_takes_no_other_with_it(store: Store) -> None:
    await store.commit(a_change(numbered("3")))
    changes = [a_change(numbered(str(number)), id=f"again {number}") for number in range(6)]

    outcomes = await asyncio.gather(*map(store.commit, changes), return_exceptions=True)

    failed = [number for number, outcome in enumerate(outcomes) if outcome is not None]
    assert failed == [3]
    assert await store.count(SCOPE, OPEN) == 6


async def test_a_caller_who_goes_away_breaks_nothing(store: Store) -> None:
    commits = [
        asyncio.ensure_future(store.commit(a_change(numbered(str(number))))) for number in range(40)
    ]
    for turn, commit in enumerate(commits[::2]):
        if turn % 4 == 0:
            await asyncio.sleep(0)  # some are cancelled on their way, not before it
        commit.cancel()

    outcomes = await asyncio.gather(*commits, return_exceptions=True)
    await store.commit(a_change(numbered("after")))

    assert outcomes[1::2] == [None] * 20
    for number in range(1, 40, 2):
        assert await store.approval(KEY._replace(number=str(number)))
    assert await store.approval(KEY._replace(number="after"))


async def test_who_goes_away_before_his_turn_takes_his_change_with_him(store: Store) -> None:
    commit = asyncio.ensure_future(store.commit(a_change()))
    await asyncio.sleep(0)

    commit.cancel()
    await asyncio.gather(commit, return_exceptions=True)

    await store.commit(a_change(numbered("after")))
    assert await store.approval(KEY) is None


async def test_a_text_that_cannot_be_written_fails_alone(store: Store) -> None:
    lone = a_change(bodies={"x": "\ud800"})
    good = a_change(numbered("2"))

    outcomes = await asyncio.gather(store.commit(lone), store.commit(good), return_exceptions=True)

    assert isinstance(outcomes[0], ValueError)
    assert outcomes[1] is None
    assert await store.approval(KEY) is None
