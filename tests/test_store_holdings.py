"""What a store gives out as it is stored, and takes in again: the same on both."""

import asyncio
import sqlite3
from pathlib import Path

import pytest
from redis.asyncio import Redis

from approvals_core.adapters.stored import key_text
from approvals_core.adapters.stores import open_store
from approvals_core.errors import VersionConflict
from approvals_core.models import (
    HOUSE,
    OPEN,
    DeadLetter,
    Disposition,
    Lane,
    PlaceState,
    queue_of,
)
from approvals_core.models.held import Document, Held, Kind, Whole
from approvals_core.ports import Store
from tests.opened import opened
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
    a_letter,
    a_payload,
    a_place,
    a_receipt,
    an_approval,
    an_event,
    jobs_change,
    numbered,
)

OWN = key_text(KEY)
LATE = a_payload(id="payload-2", digest="d2", disposition=Disposition.SUPERSEDED)


async def fill(store: Store) -> None:
    """One request with everything beside it, and one of everything else."""
    await store.commit(
        a_change(
            events=(an_event(0), an_event(1)),
            bodies={"details/A": "one", "payload/1": "two"},
            payload=a_payload(),
            receipts=(a_receipt(), a_receipt(channel="outlook", round=2)),
            letters=(a_letter(), a_letter(id="1" * 32, at=NOON + MINUTE)),
            jobs=(a_job("mine"), a_job("free", due=NOON + MINUTE)),
            claim=a_lease("mine"),
        )
    )
    dead = DeadLetter(id="dead", scope=SCOPE, job=a_job(), error="KeyError", at=NOON)
    await store.commit(jobs_change(id="beside", payload=LATE, dead=dead))
    await store.commit(jobs_change(id="notes", notes={"shown": "a face"}))
    person = a_contact()
    await store.commit(jobs_change(id="c", scope=person.person.scope, contact=person))


async def one_document(store: Store, key: str = OWN) -> Document:
    (document,) = await store.holdings.read_documents(SCOPE, [key])
    return document


async def all_held(store: Store, scope: str = SCOPE) -> list[Held]:
    held: list[Held] = []
    for kind in Kind:
        names = await store.holdings.names(scope, kind, limit=100)
        held += await store.holdings.read(scope, kind, sorted(names.names))
    return held


async def everything(store: Store) -> list[object]:
    """What the ordinary questions of a store tell."""
    asked = [
        store.approval(KEY),
        store.approval_by_id(SCOPE, "pr-one"),
        store.bodies(KEY),
        store.history(KEY),
        store.receipts(KEY),
        store.letters(KEY),
        store.payload(SCOPE, "payload-1"),
        store.payload_by_digest(SCOPE, "d2"),
        store.late_payloads(SCOPE, limit=9),
        store.payloads(SCOPE, limit=9),
        store.contact(ANN.id),
        store.page(SCOPE, OPEN, limit=9),
        store.count(SCOPE, queue_of(ANN.id)),
        store.jobs(SCOPE, limit=9),
        store.dead_letters(SCOPE),
        store.notes(SCOPE),
        store.scopes(),
        store.next_due(tuple(Lane)),
        store.depth(NOON),
    ]
    return [await each for each in asked]


async def test_what_is_given_out_and_taken_in_again_answers_all_questions_alike(
    store: Store,
) -> None:
    await fill(store)
    before = await everything(store)
    document, held = await one_document(store), await all_held(store)
    person = await all_held(store, ANN.id.scope)

    await store.holdings.clear()
    empty = await everything(store)
    await store.holdings.write(SCOPE, [document], held)
    await store.holdings.write(ANN.id.scope, held=person)

    assert await everything(store) == before
    assert empty[0] is None
    assert empty[16] == []
    assert await store.holdings.counts(SCOPE) == {
        "request": 1,
        "payload": 2,
        "job": 2,
        "dead letter": 1,
        "note": 1,
    }


async def test_a_lease_moves_with_its_job(store: Store) -> None:
    await fill(store)
    held = await store.holdings.read(SCOPE, Kind.JOB, ["mine"])

    await store.holdings.clear()
    await store.holdings.write(SCOPE, held=held)

    assert not await store.lease((Lane.CARD,), limit=9, now=NOON, until=NOON + MINUTE)
    await store.finish(a_lease("mine"))
    assert await store.job(SCOPE, "mine") is None


async def test_written_twice_is_written_once(store: Store) -> None:
    await fill(store)
    before = await everything(store)
    document, held = await one_document(store), await all_held(store)

    for _ in range(2):
        await store.holdings.write(SCOPE, [document], held)

    assert await everything(store) == before


async def test_all_names_come_in_pages(store: Store) -> None:
    numbers = [str(number) for number in range(25)]
    for number in numbers:
        await store.commit(a_change(numbered(number)))

    found: list[str] = []
    after: str | None = ""
    while after is not None:
        page = await store.holdings.documents(SCOPE, after=after, limit=10)
        found += page.names
        after = page.after

    assert {name.split("\x1f")[0] for name in found} == set(numbers)
    assert (await store.holdings.names(SCOPE, Kind.JOB, limit=10)).names == ()


async def test_a_request_is_swapped_with_its_payloads_and_its_lists(store: Store) -> None:
    await fill(store)
    before = await one_document(store)
    removed = an_approval(version=2, places=(a_place(state=PlaceState.REMOVED),))
    payloads = await store.holdings.read(SCOPE, Kind.PAYLOAD, ["payload-1"])
    after = before._replace(
        version=2,
        record=removed.model_dump_json(),
        lists=(("number/req-1", 5),),
        events=before.events[:1],
        receipts=(),
        letters=before.letters[:1],
        bodies=(),
    )
    renamed = payloads[0]._replace(values=("d1", *payloads[0].values[1:]))

    await store.holdings.swap(SCOPE, Whole(before, tuple(payloads)), Whole(after, (renamed,)))

    assert await one_document(store) == after
    assert await store.approval(KEY) == removed
    assert await store.count(SCOPE, OPEN) == 0
    assert await store.payload_by_digest(SCOPE, "d1") == a_payload()


async def test_a_request_that_is_taken_away_leaves_nothing_behind(store: Store) -> None:
    await fill(store)
    await store.commit(a_change(numbered("other"), payload=a_payload(id="p3", digest="d3")))
    payloads = await store.holdings.read(SCOPE, Kind.PAYLOAD, ["payload-1", "payload-2"])

    await store.holdings.swap(SCOPE, Whole(await one_document(store), tuple(payloads)), None)

    assert await store.approval(KEY) is None
    assert await store.approval_by_id(SCOPE, "pr-one") is None
    assert await store.history(KEY) == []
    assert await store.body_names(KEY) == []
    assert await store.payload_by_digest(SCOPE, "d1") is None
    assert (await store.late_payloads(SCOPE, limit=9)).payloads == ()
    assert [p.id for p in (await store.payloads(SCOPE, limit=9)).payloads] == ["p3"]
    assert await store.count(SCOPE, OPEN) == 1


async def test_a_request_that_changed_meanwhile_is_not_swapped(store: Store) -> None:
    await fill(store)
    before = await one_document(store)
    await store.commit(a_change(an_approval(version=2), id="meanwhile"))

    with pytest.raises(VersionConflict):
        await store.holdings.swap(SCOPE, Whole(before), None)
    with pytest.raises(VersionConflict):
        await store.holdings.swap(SCOPE, Whole(before._replace(key="absent\x1f")), None)

    assert (await store.approval(KEY)) == an_approval(version=2)


async def test_of_two_who_swap_at_once_one_wins(store: Store) -> None:
    await fill(store)
    before = await one_document(store)
    swaps = [store.holdings.swap(SCOPE, Whole(before), None) for _ in range(2)]

    told = await asyncio.gather(*swaps, return_exceptions=True)

    assert [type(each) for each in told if each] == [VersionConflict]


async def test_things_are_taken_away_by_name(store: Store) -> None:
    await fill(store)

    for kind, name in (
        (Kind.JOB, "mine"),
        (Kind.DEAD_LETTER, "dead"),
        (Kind.NOTE, "shown"),
        (Kind.PAYLOAD, "payload-2"),
    ):
        await store.holdings.remove(SCOPE, kind, [name, "absent"])

    assert [each.name for each in await all_held(store)] == ["payload-1", "free"]
    assert (await store.late_payloads(SCOPE, limit=9)).payloads == ()


async def test_a_scope_is_forgotten_with_all_that_it_holds(store: Store) -> None:
    await fill(store)
    scope = ANN.id.scope
    job = a_job(approval=None)
    await store.commit(jobs_change(job, scope=scope, notes={"a": "b"}))

    await store.holdings.forget(scope)

    assert await store.contact(ANN.id) is None
    assert await store.notes(scope) == {}
    assert await store.job(scope, "job") is None
    assert await store.scopes() == [SCOPE]
    assert await store.approval(KEY) is not None


async def test_marks_are_of_the_whole_store(store: Store) -> None:
    await store.holdings.mark("moved", "there")
    await store.holdings.mark("other", "x")
    await store.holdings.mark("other", None)

    about = await store.holdings.about()

    assert about["moved"] == "there"
    assert "other" not in about
    assert about["schema"] == "1"
    assert await store.notes(HOUSE) == {}


@pytest.mark.parametrize("size", [1, 3_000])
async def test_what_was_taken_away_is_in_no_file_any_more(
    store_url: str, size: int, tmp_path: Path
) -> None:
    async with opened(open_store(store_url)) as store:
        secret = "Thaddeus-Quill"
        bodies: dict[str, str | None] = {f"b{n}": f"{secret} {n}" for n in range(size)}
        await store.commit(a_change(bodies=bodies))
        await store.holdings.swap(SCOPE, Whole(await one_document(store)), None)

        await store.holdings.scrub()
    assert secret.encode() not in await files_of(store_url)


async def test_what_sqlite_left_in_unused_pages_is_in_no_file_any_more(tmp_path: Path) -> None:
    url, secret = f"sqlite:///{tmp_path}/store.db", b"Thaddeus-Quill"
    async with opened(open_store(url)) as store:
        raw = sqlite3.connect(tmp_path / "store.db", isolation_level=None)
        raw.execute("PRAGMA secure_delete=OFF")  # as it is in some builds of SQLite
        for number in range(500):
            raw.execute(
                "INSERT INTO notes VALUES ('house', ?, ?)", (f"n{number}", f"{secret} " * 20)
            )
        raw.execute("DELETE FROM notes")
        raw.close()
        before = await files_of(url)

        await store.holdings.scrub()
    assert secret in before
    assert secret not in await files_of(url)


async def files_of(store_url: str) -> bytes:
    """All bytes of a store's files."""
    if store_url.startswith("sqlite"):
        path = Path(store_url.removeprefix("sqlite:///"))
        sqlite3.connect(path).close()
        return b"".join(each.read_bytes() for each in path.parent.glob(f"{path.name}*"))
    scheme, _, servers = store_url.partition("://")
    found = b""
    for server in servers.split(","):  # of a cluster
        async with Redis.from_url(f"{scheme.removesuffix('+cluster')}://{server}") as client:
            told = await client.config_get("dir", "appenddirname")
        folder = Path(str(told["dir"])) / str(told["appenddirname"])
        found += b"".join(each.read_bytes() for each in sorted(folder.iterdir()))
    return found
