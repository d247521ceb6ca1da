"""The delivery ledger as both stores keep it."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from approvals_core.adapters.sqlite_store import open_sqlite
from approvals_core.errors import VersionConflict
from approvals_core.models import LetterState
from approvals_core.ports import Store
from tests.opened import opened
from tests.store_makers import (
    KEY,
    MINUTE,
    NOON,
    SCOPE,
    a_change,
    a_job,
    a_lease,
    a_letter,
    an_approval,
    jobs_change,
    numbered,
)

HOSTILE = 'é"\\/ {x} [] | % _ * \x1f \x1e 😀 \r\nBcc: eve@example.com'


async def test_a_letter_is_found_again_alone_and_among_its_requests(store: Store) -> None:
    letter = a_letter(reason=HOSTILE, sent_at=NOON, seen_at=NOON + MINUTE, lost=1)
    other = a_letter(approval=KEY._replace(number="REQ-2"))
    await store.commit(a_change(letters=(letter,)))
    await store.commit(a_change(numbered("REQ-2"), letters=(other,)))

    assert list(await store.letters(KEY)) == [letter]
    assert await store.letter(KEY, letter.id) == letter
    assert await store.letter(other.approval, other.id) == other


async def test_what_was_never_sent_has_no_letter(store: Store) -> None:
    await store.commit(a_change())

    assert list(await store.letters(KEY)) == []
    assert await store.letter(KEY, "0" * 32) is None


async def test_the_newest_word_about_a_letter_counts_and_it_keeps_its_place(store: Store) -> None:
    first, second = a_letter(id="b" * 32), a_letter(id="a" * 32, at=NOON + MINUTE)
    await store.commit(a_change(letters=(first,)))
    await store.commit(a_change(an_approval(version=2), letters=(second,)))
    sent = first.model_copy(update={"state": LetterState.SENT, "at": NOON + 2 * MINUTE})

    await store.commit(a_change(an_approval(version=3), letters=(sent,)))

    assert list(await store.letters(KEY)) == [sent, second]


async def test_letters_of_one_moment_have_an_order_of_their_own(store: Store) -> None:
    letters = [a_letter(id=each * 32) for each in "cab"]

    await store.commit(a_change(letters=tuple(letters)))

    assert [each.id[0] for each in await store.letters(KEY)] == ["a", "b", "c"]


async def test_many_letters_of_one_change_are_all_there(store: Store) -> None:
    letters = tuple(a_letter(id=f"{number:032x}") for number in range(600))

    await store.commit(a_change(letters=letters))

    assert tuple(await store.letters(KEY)) == letters


async def test_a_letter_can_be_written_without_its_approval(store: Store) -> None:
    await store.commit(jobs_change(a_job(), letters=(a_letter(),)))

    assert await store.letter(KEY, "0" * 32) == a_letter()


async def test_a_conflict_leaves_no_letter_behind(store: Store) -> None:
    await store.commit(a_change())

    with pytest.raises(VersionConflict):
        await store.commit(a_change(id="late", letters=(a_letter(),)))

    assert list(await store.letters(KEY)) == []


async def test_of_many_who_write_at_once_one_wins(store: Store) -> None:
    await store.commit(a_change())
    rivals = [
        a_change(an_approval(version=2), id=f"rival-{n}", letters=(a_letter(id=f"{n:032x}"),))
        for n in range(10)
    ]

    outcomes = await asyncio.gather(*map(store.commit, rivals), return_exceptions=True)

    assert sorted(map(repr, map(type, outcomes))).count(repr(VersionConflict)) == 9
    (winner,) = [n for n, outcome in enumerate(outcomes) if outcome is None]
    assert [each.id for each in await store.letters(KEY)] == [f"{winner:032x}"]


async def test_the_same_change_again_writes_its_letter_once(store: Store) -> None:
    change = a_change(letters=(a_letter(),))
    await store.commit(change)

    await store.commit(change)

    assert list(await store.letters(KEY)) == [a_letter()]


async def test_a_letter_of_another_scope_is_refused(store: Store) -> None:
    stray = a_letter(approval=KEY._replace(tenant="another"))

    with pytest.raises(ValueError, match="another scope"):
        await store.commit(a_change(letters=(stray,)))


async def test_a_change_that_lost_its_lease_writes_no_letter(store: Store) -> None:
    await store.commit(jobs_change(a_job()))
    stray = a_change(letters=(a_letter(),), finish=a_lease(token="old"))

    with pytest.raises(Exception, match="somebody else"):
        await store.commit(stray)

    assert list(await store.letters(KEY)) == []


async def test_a_file_of_yesterdays_program_opens_and_takes_letters(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    async with opened(open_sqlite(path)) as made:
        await made.commit(a_change())
    with closing(sqlite3.connect(path)) as yesterdays:
        yesterdays.execute("DROP TABLE letters")
        yesterdays.commit()

    async with opened(open_sqlite(path)) as store:
        await store.commit(a_change(an_approval(version=2), letters=(a_letter(),)))

        assert list(await store.letters(KEY)) == [a_letter()]
        assert list(await store.scopes()) == [SCOPE]
