"""Who is erased is nowhere any more: not in the store's files, nor in the archive; and every history holds."""

import gzip
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from approvals_core.adapters.stores import open_store
from approvals_core.arx import ArxApprover
from approvals_core.errors import MailboxBusy, NotErased, StoreUnavailable
from approvals_core.keeping.copying import is_sound
from approvals_core.keeping.erasing import Erasing, Outcome
from approvals_core.models import (
    HOUSE,
    Change,
    Contact,
    Content,
    DeadLetter,
    Disposition,
    EventKind,
    JobKind,
    Letter,
    LetterState,
    Named,
    Occasion,
    Person,
    PlaceState,
    Receipt,
    ReceiptState,
)
from approvals_core.models.held import Kind
from approvals_core.ports import Answer, AnswerKind, Store
from approvals_core.rules.deciding import Click
from approvals_core.rules.draft import chain_is_sound
from approvals_core.rules.erasure import ERASED, Erasure
from tests.archives import an_archive, in_archive
from tests.makers import DIRECTORY, KEY, MARIA, START, Core, create, delete, done_by, update
from tests.opened import opened
from tests.store_makers import a_job
from tests.test_copying import failing
from tests.test_mails import opened as asks
from tests.test_mails import told
from tests.test_store_holdings import files_of

QUILL = Person(
    directory=DIRECTORY,
    object_id="77777777-7777-4777-8777-777777777777",
    name='Thaddeus "Tad" Quill',
    upn="tquill@organization.com",
)
SAID = "My dog ate the budget"
HIS = (
    "thaddeus",
    "quill",
    QUILL.object_id,
    "29:quills-chat-id",
    SAID.lower(),
    "t.quill.private@example.com",
)
SCOPE = KEY.scope
OTHER = KEY._replace(number="REQ-2")
DAY = 24 * 3600.0  # seconds


@pytest.fixture
async def core(store: Store, tmp_path: Path) -> Core:
    """Two requests in which he decided and was mailed, one archived, and one that he submitted."""
    core = Core(store, archive=an_archive(tmp_path))
    core.directory.people["tquill"] = QUILL
    await decided(core, "REQ-0")
    await core.pass_time(400 * DAY)
    await core.worker.sweep()
    await core.pass_time(1.5 * DAY)
    await decided(core, "REQ-1")
    await submitted(core)
    await beside(core)
    return core


async def decided(core: Core, number: str) -> None:
    """He was refused, decided again with a comment, and the request went on to its end."""
    named: dict[str, Any] = {"key": KEY._replace(number=number), "display_number": number}
    at = (core.clock.now() - START).total_seconds() / 60
    asked = (ArxApprover(alias="TQuill", name=QUILL.name), ArxApprover(alias="johndoe2"))
    await core.receive(create(at=at, **named).model_copy(update={"approvers": asked}))
    await core.work()
    approval = await core.store.approval(named["key"])
    assert approval is not None
    core.api.answers.append(Answer(kind=AnswerKind.REFUSED, message=f"Sorry {QUILL.name}"))
    for attempt in (1, 2):
        click = await click_of(core, named["key"], attempt)
        await core.approvals.act(approval.id, click, by=QUILL, elapsed=0.0)
    await core.work()
    done = done_by("tquill", comment=SAID)
    await core.receive(
        update("johndoe2", at=at + 1, removes=["tquill"], action=done, raw=f'"{SAID}"', **named)
    )
    await core.receive(delete("johndoe2", at=at + 2, **named))
    await core.pass_time(2 * 3600)


async def click_of(core: Core, key: Any, attempt: int) -> Any:
    approval = await core.store.approval(key)
    assert approval is not None
    place = approval.place_of(QUILL.id)
    assert place is not None
    return Click(
        seat=place.seat,
        round=place.round,
        revision=approval.revision,
        attempt=place.attempt,
        action="Approve",
        comment=SAID,
        channel="teams",
    )


async def submitted(core: Core) -> None:
    """A request of his that others decided, closed a moment ago: its texts are still there."""
    at = (core.clock.now() - START).total_seconds() / 60
    named: dict[str, Any] = {"key": OTHER, "display_number": "REQ-2"}
    content = Content(title="Laptops for Tquill", submitter=Named(alias="tquill", name=QUILL.name))
    await core.receive(create("johndoe1", at=at, content=content, raw=f'"{QUILL.upn}"', **named))
    looked = done_by("tquill", "Reviewed", comment=SAID)  # he had no place in it
    await core.receive(delete("johndoe1", at=at + 1, action=looked, **named))
    late = update("tquill", at=at - 5, **named)
    await core.receive(late)
    await core.receive(delete("tquill", at=at + 3, **named))
    await core.pass_time(60)


async def beside(core: Core) -> None:
    """How he is reached, a mail, a card and a job given up."""
    store = core.store
    contact = Contact(
        person=QUILL.id,
        version=1,
        name=QUILL.name,
        conversation="a:quills-chat-id",
        user_id="29:quills-chat-id",
        at=START,
    )
    letter = Letter(
        approval=KEY,
        id="0" * 32,
        notification="n",
        occasion=Occasion.ASKED,
        address="T.Quill.Private@example.com",
        round=1,
        person=QUILL.id,
        state=LetterState.SENT,
        at=START,
    )
    card = Receipt(
        approval=KEY,
        round=1,
        person=QUILL.id,
        channel="outlook",
        state=ReceiptState.SHOWN,
        at=START,
    )
    job = a_job("card/x", kind=JobKind.CARD, approval=KEY, person=QUILL.id)
    dead = DeadLetter(id="dead", scope=SCOPE, job=job, error="KeyError", at=START)
    await store.commit(Change(id="contact", scope=QUILL.id.scope, contact=contact))
    change = Change(id="beside", scope=SCOPE, letters=(letter,), receipts=(card,), dead=dead)
    await store.commit(
        change.model_copy(update={"jobs": (job.model_copy(update={"key": f"card/{QUILL.id}"}),)})
    )


def an_erasing(core: Core, store: Store | None = None) -> Erasing:
    return Erasing(
        store=store or core.store, archive=core.archive, now=core.clock.now, by="Olga Operator"
    )


async def erased(core: Core, name: str = str(QUILL.id)) -> Outcome:
    return await an_erasing(core).erase(name)


async def everything_stored(url: str, folder: Path) -> str:
    """All that can be read in the files of store and archive, and by asking the server."""
    texts = [await files_of(url), *files_in(folder)]
    if not url.startswith("sqlite"):
        async with Redis.from_url(url) as client:
            async for key in client.scan_iter():
                texts += [key, await client.dump(key) or b""]
                texts += [b async for b in values_of(client, key)]
    return b"\n".join(texts).decode(errors="replace").lower()


def files_in(folder: Path) -> Iterator[bytes]:
    for path in folder.rglob("*"):
        yield str(path).encode()
        if path.suffix == ".gz":
            yield gzip.decompress(path.read_bytes())


async def values_of(client: Any, key: bytes) -> AsyncIterator[bytes]:
    match await client.type(key):
        case b"hash":
            for name, value in (await client.hgetall(key)).items():
                yield name + b" " + value
        case b"list":
            for value in await client.lrange(key, 0, -1):
                yield value
        case b"zset" | b"set":
            read = client.zrange if await client.type(key) == b"zset" else None
            for value in await read(key, 0, -1) if read else await client.smembers(key):
                yield value
        case _:
            yield await client.get(key) or b""


async def test_nothing_of_him_is_in_any_file_any_more(
    core: Core, store_url: str, tmp_path: Path
) -> None:
    folder = tmp_path / "archive"
    before = await everything_stored(store_url, folder)

    told = await erased(core)

    after = await everything_stored(store_url, folder)
    assert [each for each in HIS if each not in before] == []
    assert [each for each in HIS if each in after] == []
    assert sorted(each.number for each in told.requests) == ["REQ-1", "REQ-2"]
    assert [each.number for each in told.archived] == ["REQ-0"]
    assert (told.kept, told.unreadable) == ([], [])


async def test_every_history_still_fits_its_hashes(core: Core, tmp_path: Path) -> None:
    await erased(core)

    names = await core.store.holdings.documents(SCOPE, limit=9)
    documents = await core.store.holdings.read_documents(SCOPE, names.names)
    records = await in_archive(an_archive(tmp_path))
    assert len(documents) == 2
    assert all(is_sound(each) for each in documents)
    assert [chain_is_sound(each.events, head=each.approval.head) for each in records] == [True]


async def test_the_history_says_that_somebody_was_erased_and_not_who(core: Core) -> None:
    await erased(core)

    *events, event = await core.store.history(KEY)
    assert event.kind is EventKind.ERASED
    blank = [str(each.seq) for each in events if each.digest and not each.personal]
    assert blank
    assert event.facts == {"what": "a person", "events": ",".join(blank)}
    assert event.personal == {"by": "Olga Operator"}


async def test_what_others_did_stays(core: Core) -> None:
    await core.receive(create("johndoe1", at=60 * 24 * 403, key=KEY._replace(number="REQ-9")))
    await core.work()
    before = [each for each in await core.store.history(KEY) if each.facts.get("seat") == "1"]

    await erased(core)

    approval = await core.approval()
    assert [place.alias for place in approval.places] == [ERASED, "johndoe2"]
    assert approval.places[1].person is not None
    assert approval.content == Content(title="Laptops")
    assert [taken.action for taken in approval.taken] == ["Approve"]
    assert approval.taken[0].by == ERASED
    after = [each for each in await core.store.history(KEY) if each.facts.get("seat") == "1"]
    assert after == before
    other = await core.store.approval(OTHER)
    assert other is not None
    assert other.content is not None
    assert other.content.title == f"Laptops for {ERASED}"


@pytest.mark.parametrize("name", [QUILL.upn, QUILL.upn.upper(), str(QUILL.id).upper()])
async def test_he_can_be_named_by_upn_or_object_id(core: Core, name: str) -> None:
    told = await erased(core, name)

    assert told.person == QUILL.id
    assert len(told.requests) == 2


async def test_who_is_unknown_is_not_erased(core: Core) -> None:
    with pytest.raises(NotErased, match=r"nobody@organization\.com"):
        await erased(core, "nobody@organization.com")


async def test_of_two_with_one_upn_the_operator_names_one(core: Core) -> None:
    twin = QUILL.model_copy(update={"object_id": "88888888-8888-4888-8888-888888888888"})
    core.directory.people["tquill"] = twin
    await core.receive(create("tquill", at=60 * 24 * 403, key=KEY._replace(number="REQ-9")))
    await core.work()

    with pytest.raises(NotErased, match="Several people"):
        await erased(core, QUILL.upn)


async def test_open_requests_that_name_him_stay_and_so_does_how_he_is_reached(core: Core) -> None:
    key = KEY._replace(number="REQ-9")
    await core.receive(create("tquill", at=60 * 24 * 403, key=key))
    await core.work()

    told = await erased(core)
    approval = await core.store.approval(key)
    assert approval is not None
    still = await core.store.contact(QUILL.id)
    await core.receive(delete("tquill", at=60 * 24 * 403 + 1, key=key))
    await core.pass_time(3600)
    again = await erased(core)

    assert told.kept == [(approval.id, approval.display_number)]
    assert approval.places[0].person == QUILL
    assert still is not None
    assert again.kept == []
    assert await core.store.contact(QUILL.id) is None


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
async def test_a_tenants_json_that_writes_his_letters_as_numbers_names_him_too(
    store: Store,
) -> None:
    core = Core(store)
    known = Contact(person=QUILL.id, version=1, name="Jörg Müller", at=START)
    await store.commit(Change(id="contact", scope=QUILL.id.scope, contact=known))
    await core.open(create("johndoe1", raw=json.dumps({"Note": "Ask Jörg Müller"})))
    approval = await core.approval()

    told = await erased(core)

    assert told.kept == [(approval.id, approval.display_number)]


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
async def test_his_name_goes_from_json_that_a_tenant_sent_as_a_text(store: Store) -> None:
    core = Core(store)
    known = Contact(person=QUILL.id, version=1, name="Jörg Müller", at=START)
    await store.commit(Change(id="contact", scope=QUILL.id.scope, contact=known))
    lines = json.dumps([{"Name": "Jörg Müller", "Cost": 12.5}, {"Name": "Kjell Bø"}])
    content = Content(title="Laptops", additional={"Lines": lines})
    await core.open(create("johndoe1", content=content), delete("johndoe1", at=1))
    await core.pass_time(7200)

    told = await erased(core)

    approval = await core.approval()
    assert [each.number for each in told.requests] == ["REQ-1"]
    assert approval.content is not None
    left = json.loads(approval.content.additional["Lines"])
    assert left == [{"Name": ERASED, "Cost": 12.5}, {"Name": "Kjell Bø"}]
    assert chain_is_sound(await core.history(), head=approval.head)


async def test_jobs_about_an_open_request_stay(core: Core) -> None:
    key = KEY._replace(number="REQ-9")
    await core.receive(create("tquill", at=60 * 24 * 403, key=key))
    before = await core.store.holdings.names(SCOPE, Kind.JOB, limit=99)

    await erased(core)

    after = await core.store.holdings.names(SCOPE, Kind.JOB, limit=99)
    assert set(before.names) - set(after.names) == {f"card/{QUILL.id}"}


async def test_a_late_payload_does_not_bring_him_back(core: Core) -> None:
    await erased(core)
    at = 60 * 24 * 401.5

    late = await core.receive(update("tquill", at=at, nonce="late"))
    new = await core.receive(update("tquill", at=60 * 24 * 500, nonce="new"))

    assert late.disposition is Disposition.SUPERSEDED
    assert new.disposition is Disposition.APPLIED
    approval = await core.approval()
    assert approval.open
    assert approval.places[0].state is PlaceState.REMOVED


async def test_his_name_goes_from_payloads_of_requests_that_never_named_him(core: Core) -> None:
    taken = await core.receive(update("tquill", at=1, key=KEY._replace(number="REQ-0")))
    await core.pass_time(2 * 3600)
    before = await core.store.payload(SCOPE, taken.id)

    await erased(core)

    after = await core.store.payload(SCOPE, taken.id)
    assert before is not None
    assert before.skipped[0] == "tquill"
    assert after == before.model_copy(update={"skipped": (ERASED, *before.skipped[1:])})
    assert await core.store.payload_by_digest(SCOPE, taken.digest) == after


STEPS = ("document", "swap", "remove", "forget", "scrub", "read", "names")


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("name", [QUILL.upn, str(QUILL.id)])
async def test_what_was_cut_off_is_run_again(
    core: Core, store_url: str, tmp_path: Path, step: str, name: str
) -> None:
    cuts = 0
    for at in range(30):
        store = failing(core.store, step, at=at)
        try:
            await an_erasing(core, store).erase(name)
        except StoreUnavailable:
            cuts += 1
        except NotErased:
            name = str(QUILL.id)  # nothing calls him so any more
        else:
            break

    after = await everything_stored(store_url, tmp_path / "archive")
    assert [each for each in HIS if each in after] == []
    assert cuts


async def test_what_he_is_called_is_known_after_it_was_cut_off(store: Store) -> None:
    core = Core(store)
    core.directory.people["tquill"] = QUILL
    await decided(core, "REQ-1")
    content = Content(title="Laptops", submitter=Named(alias="tquill", name=QUILL.name))
    await core.receive(create("johndoe1", at=200, key=OTHER, content=content))
    await core.receive(delete("johndoe1", at=201, key=OTHER))
    await core.pass_time(7200)
    for at in (1, 0):  # once before the second request, and before the first of those left
        with pytest.raises(StoreUnavailable):
            await an_erasing(core, failing(store, "swap", at=at)).erase(str(QUILL.id))

    await erased(core)

    other = await store.approval(OTHER)
    assert other is not None
    assert other.content is not None
    assert other.content.submitter.alias == ERASED
    assert await store.notes(QUILL.id.scope) == {}


MARIAS, BOSS, COPY = MARIA.upn, "boss@organization.com", "copy@organization.com"


async def ended_and_held_up(store: Store) -> Core:
    """A request that ended while the mailbox took nothing: all mails about its end wait."""
    core = Core(store)
    asked = told("asked@organization.com")
    await asks(core, create("johndoe1", "johndoe2", notification=asked))
    core.mails.fails.append(MailboxBusy("429", retry_after=3600.0))
    end = told(BOSS, MARIAS, cc=(COPY,))
    await core.receive(delete("johndoe1", "johndoe2", at=3, notification=end))
    await core.work()
    return core


async def test_mails_to_others_that_wait_still_go_out(store: Store) -> None:
    core = await ended_and_held_up(store)
    before = len(core.mails.sent)

    await erased(core, str(MARIA.id))
    kept = (await core.approval()).notifications
    await core.pass_time(3700)

    assert [(each.occasion, each.to, each.cc) for each in kept] == [
        (Occasion.ENDED, (BOSS,), (COPY,))
    ]
    assert {each.letter.address for each in core.mails.sent[before:]} == {BOSS, COPY}
    assert "Maria" not in str([each.view.approval for each in core.mails.sent[before:]])


async def test_once_all_mails_were_sent_no_address_stays(store: Store) -> None:
    core = await ended_and_held_up(store)
    await core.pass_time(3700)

    await erased(core, str(MARIA.id))

    assert (await core.approval()).notifications == ()


async def test_a_failed_job_for_his_card_is_told_without_him(store: Store) -> None:
    core = Core(store)
    core.directory.people["tquill"] = QUILL
    core.channel.faces_fail = KeyError("broken")

    await core.open(create("tquill"))
    for _ in range(12):
        await core.pass_time(3600)

    told = [each for each in await core.history() if each.kind is EventKind.DEAD_LETTER]
    assert len(told) == 1
    assert QUILL.object_id not in str(told[0].facts)


def test_names_are_found_as_words_and_never_in_codes() -> None:
    erasure = Erasure(QUILL.id, ["ann", "Al"])

    assert erasure.text("Ann's annual plan, says ANN.") == f"{ERASED}'s annual plan, says {ERASED}."
    assert erasure.text(" al ") == ERASED
    assert erasure.text("Al went") == "Al went"
    assert erasure.value({"action": "ann", "by": "ann", "more": ["Ann", 1, None]}) == {
        "action": "ann",
        "by": ERASED,
        "more": [ERASED, 1, None],
    }
    assert Erasure(QUILL.id, ['a"b']).may_be_in('{"name": "a\\"b"}')
    assert Erasure(QUILL.id, ['a"b']).is_in('{"name": "a\\"b"}')
    for written in ('{"M\\u00fcller": 1}', '{"M\\u00dcLLER": 1}'):
        assert Erasure(QUILL.id, ["Müller"]).may_be_in(written)
        assert Erasure(QUILL.id, ["Müller"]).is_in(written)
    assert Erasure(QUILL.id, ["sales/anna"]).may_be_in('["sales\\/anna"]')


def test_who_is_called_almost_the_same_is_somebody_else() -> None:
    erasure = Erasure(QUILL.id, ["anna", "anna@organization.com"])
    others = "anna.meier, anna-lena, Johanna, j.anna, anna@example.com, x-anna@organization.com"

    assert erasure.text(others) == others
    assert erasure.text("Ask Anna. (anna@organization.com)") == f"Ask {ERASED}. ({ERASED})"


def test_keys_that_a_tenant_chose_are_texts_as_others() -> None:
    erasure = Erasure(QUILL.id, ["Maria Keller"])
    chosen = {"id": "Maria Keller", "state": "with Maria Keller", "Maria Keller": "cost centre"}

    erased = erasure.value({"additional": chosen, "inputs": {"key": "Maria Keller"}})

    assert erased == {
        "additional": {"id": ERASED, "state": f"with {ERASED}", ERASED: "cost centre"},
        "inputs": {"key": ERASED},
    }


JOERG = Erasure(QUILL.id, ["Jörg Müller", QUILL.name, "jm"])


def in_additional(text: str) -> str:
    """Return what is left of a text that a tenant sent beside its summary."""
    return JOERG.value({"additional": {"Lines": text}})["additional"]["Lines"]


@pytest.mark.parametrize("ascii_only", [True, False])
@pytest.mark.parametrize("name", ["Jörg Müller", QUILL.name, "JM", "by\nJörg Müller\t"])
def test_a_name_in_json_that_is_a_text_within_json_is_found(name: str, *, ascii_only: bool) -> None:
    lines = [{"Name": name, "Ö": "Kjell"}, {name: 1}]
    text = json.dumps(lines, ensure_ascii=ascii_only)
    body = json.dumps({"AdditionalData": {"Lines": f" {text}"}})

    left = in_additional(text)

    stays = JOERG.text(name)
    assert json.loads(left) == [{"Name": stays, "Ö": "Kjell"}, {stays: 1}]
    assert JOERG.is_in(body)
    assert JOERG.may_be_in(body)
    assert in_additional(left) == left


def test_json_within_json_that_does_not_name_him_stays_as_it_was_sent() -> None:
    text = '[ {"A": 12.50, "A": 1E2, "Name": "J\\u00f6rg M.", "Path": "C:\\\\jm"} ]'

    assert in_additional(text) == text
    assert not JOERG.is_in(json.dumps({"Lines": text}))


def test_all_but_his_name_stays_as_it_was_sent() -> None:
    text = (
        '[ {"A": 12.50, "A": "J\\u00f6rg M\\u00fcller", "A": 1E2, "B": "\\ud800 jm", "C": "jm"} ]'
    )

    left = in_additional(text)

    assert (
        left == f'[ {{"A": 12.50, "A": "{ERASED}", "A": 1E2, "B": "\\ud800 jm", "C": "{ERASED}"}} ]'
    )


def test_what_half_a_pair_is_written_as_can_still_be_stored() -> None:
    left = in_additional('["\\ud800 J\\u00f6rg M\\u00fcller, Ö"]')

    assert left.encode() == f'["\\ud800 {ERASED}, Ö"]'.encode()


@pytest.mark.parametrize("deep", [500, 3000, 100_000])
def test_lists_that_lie_too_deep_hide_nobody(deep: int) -> None:
    text = "[" * deep + json.dumps("Jörg Müller") + "]" * deep
    empty = "[" * deep + "]" * deep

    assert in_additional(text) == text.replace(json.dumps("Jörg Müller"), f'"{ERASED}"')
    assert JOERG.is_in(text)
    assert in_additional(empty) == empty
    assert not JOERG.is_in(empty)


@pytest.mark.parametrize(
    "before", ['["a', '{"a": "b\\', "[" + "9" * 5000 + ', "', "[1e999999999, ", '{"a": 1} {"a": "']
)
def test_what_is_no_json_after_all_hides_nobody(before: str) -> None:
    text = f"{before} Jörg Müller"

    assert in_additional(text) == f"{before} {ERASED}"
    assert JOERG.is_in(text)


def test_a_name_with_marks_may_be_in_a_text_within_json() -> None:
    body = json.dumps({"Lines": json.dumps({"Name": QUILL.name})})

    assert Erasure(QUILL.id, [QUILL.name]).may_be_in(body)


def test_a_name_is_found_beside_what_json_does_not_allow() -> None:
    assert in_additional('["1\n2 J\\u00f6rg M\\u00fcller"]') == f'["1\\n2 {ERASED}"]'


@pytest.mark.parametrize("number", ["1", "9" * 5000, "1e99999"])
def test_the_letter_of_a_line_break_is_no_part_of_a_name(number: str) -> None:
    text = f'[{number}, "Buy\\nora"]'

    assert Erasure(QUILL.id, ["Nora"]).value({"additional": {"a": text}})["additional"]["a"] == text


def test_strings_that_never_end_are_read_once() -> None:
    text = "{" + '\\"' * 200_000

    assert in_additional(text) == text


def test_json_in_json_without_an_end_is_followed_for_some_steps_only() -> None:
    text = '["By Jörg Müller."]'
    for _ in range(600):
        written = text.replace("\\", "\\u005c").replace('"', "\\u0022")
        text = f'["{written}"]'

    assert JOERG.is_in(text)
    assert f"By {ERASED}." in in_additional(text)


async def test_a_store_that_was_opened_anew_is_as_clean(core: Core, store_url: str) -> None:
    await erased(core)
    async with opened(open_store(store_url)) as again:
        contact = await again.contact(QUILL.id)
        scopes = await again.scopes()

    assert contact is None
    assert sorted(scopes) == [HOUSE, SCOPE]
