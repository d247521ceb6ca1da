"""The operators' channel, on both stores, also beside a running service."""

import asyncio
import os
import shlex
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from approvals_core.adapters.stores import FORMS, open_store
from approvals_core.models import (
    Approval,
    DeadLetter,
    EventKind,
    Person,
    PlaceState,
    ReceiptState,
    Refusal,
)
from approvals_core.ports import Store
from approvals_core.rules.draft import Draft, Stamp
from bots.cli.__main__ import check_config, parser
from config import Settings
from playground.certificates import CertificateAuthority
from playground.faults import FaultKind
from tests.failing import TENANT, card_in, fail, running_with
from tests.opened import opened
from tests.running import Running
from tests.store_makers import (
    KEY,
    MINUTE,
    NOON,
    SCOPE,
    a_change,
    a_job,
    a_place,
    a_receipt,
    an_approval,
    numbered,
)
from tests.store_spoiling import spoil_approval
from tests.terminal import (
    DIRECTORY,
    ROOT,
    Terminal,
    a_decision,
    given,
    kept,
    settings_beside,
    settings_of,
    tenants,
    terminal,
    unconfirmed,
)

__all__ = ["tenants", "terminal"]


async def with_history(store: Store, approval: Approval, **personal: str) -> Approval:
    """Keep *approval* with one event in which somebody wrote something."""
    draft = Draft(approval.model_copy(update={"version": 0}), Stamp(NOON, "change", "0f", "name"))
    draft.note(EventKind.DECIDED, {"action": "Approve"}, personal)
    change = draft.change()
    await store.commit(change)
    assert change.approval is not None
    return change.approval


# -- looking ------------------------------------------------------------------


async def test_open_requests_are_listed_oldest_first(store: Store, terminal: Terminal) -> None:
    newer = numbered("REQ-2", opened_at=NOON + MINUTE, display_number="REQ-2")
    await kept(store, newer, numbered("REQ-1"))

    code = await terminal.type("requests", "list")

    assert code == 0
    assert [line.split()[:2] for line in terminal.lines] == [
        ["pr-REQ-1", "REQ-1"],
        ["pr-REQ-2", "REQ-2"],
    ]
    assert "Ann pending" in terminal.lines[0]


async def test_more_requests_than_one_page_are_all_listed(store: Store, terminal: Terminal) -> None:
    await kept(store, *(numbered(f"REQ-{number}") for number in range(101)))

    await terminal.type("requests", "list", "--tenant", "pr")

    assert len(terminal.lines) == 101


async def test_what_waits_for_an_operator_is_listed_alone(store: Store, terminal: Terminal) -> None:
    lost = a_place(person=None, unbound="unknown alias")
    await kept(store, numbered("REQ-1"), numbered("REQ-2", places=(lost,)))

    await terminal.type("requests", "list", "--attention")

    assert len(terminal.lines) == 1
    assert terminal.lines[0].startswith("pr-REQ-2")
    assert "waits for you" in terminal.lines[0]


async def test_a_request_that_waits_for_two_reasons_says_once_that_it_waits(
    store: Store, terminal: Terminal
) -> None:
    lost = a_place(person=None, unbound="unknown alias")
    await kept(store, an_approval(places=(lost,), unclear="the Summary API answered HTTP 403"))

    await terminal.type("requests", "list")

    assert terminal.text.count("waits for you") == 1
    assert "(waits for you; not reconciled, the Summary API answered HTTP 403)" in terminal.text


async def test_an_empty_list_says_so(store: Store, terminal: Terminal) -> None:
    await terminal.type("requests", "list")
    nothing_open = terminal.text
    await terminal.type("requests", "list", "--attention")

    assert nothing_open == "No request is open."
    assert terminal.text == "Nothing waits for an operator."


@pytest.mark.parametrize("name", ["pr-one", "REQ-1", "req-1"])
async def test_a_request_is_found_by_id_and_by_number(
    store: Store, terminal: Terminal, name: str
) -> None:
    await kept(store, an_approval())

    code = await terminal.type("requests", "show", name)

    assert code == 0
    assert terminal.lines[0] == "pr-one: Purchase requisition REQ-1 (2025) of Contoso Purchasing"


async def test_a_number_of_two_requests_is_answered_with_both(
    store: Store, terminal: Terminal
) -> None:
    other = an_approval(key=KEY._replace(year="2026"), id="pr-two")
    await kept(store, an_approval(), other)

    code = await terminal.type("requests", "show", "REQ-1")

    assert code == 1
    assert "pr-one, pr-two" in terminal.text


@pytest.mark.parametrize(
    ("place", "said"),
    [
        (a_place(), "waits for the approver"),
        (a_place(person=None), "is being looked up"),
        (a_place(person=None, unbound="several people"), "waits for you: nobody can act here"),
        (
            a_place(state=PlaceState.SUBMITTING, decision=a_decision()),
            "is being posted to Contoso Purchasing",
        ),
        (
            a_place(state=PlaceState.RETRYING, decision=a_decision(due=NOON)),
            "again at 2025-01-01 12:00:00 UTC",
        ),
        (
            a_place(state=PlaceState.UNCONFIRMED, decision=a_decision(due=NOON)),
            "again at 2025-01-01 12:00:00 UTC",
        ),
        (
            a_place(state=PlaceState.UNCONFIRMED, decision=a_decision()),
            "python -m bots.cli settle pr-one 0 accepted|not-taken|post-again --by YOU",
        ),
        (
            a_place(state=PlaceState.ACCEPTED, decision=a_decision()),
            "waits for the next ARX of Contoso Purchasing",
        ),
        (
            a_place(state=PlaceState.ACCEPTED, decision=a_decision(overdue=True)),
            "waits for you: Contoso Purchasing accepted",
        ),
        (a_place(state=PlaceState.REMOVED), "nothing is asked here"),
    ],
)
async def test_a_request_says_what_each_place_waits_for(
    store: Store, terminal: Terminal, place: object, said: str
) -> None:
    await kept(store, an_approval(places=(place,)))

    await terminal.type("requests", "show", "pr-one")

    assert said in terminal.text


async def test_a_place_held_by_another_names_it(store: Store, terminal: Terminal) -> None:
    ben = Person(directory="d1", object_id="ben", name="Ben")
    held = a_place(seat=1, alias="ben", names=("ben",), person=ben)
    taken = a_place(state=PlaceState.ACCEPTED, decision=a_decision())
    await kept(store, an_approval(places=(taken, held)))

    await terminal.type("requests", "show", "pr-one")

    assert "held by the decision of place 0" in terminal.text


async def test_cards_say_what_became_of_them(store: Store, terminal: Terminal) -> None:
    blocked = a_receipt(state=ReceiptState.UNREACHABLE, reason="the bot is blocked")
    await store.commit(a_change(receipts=(blocked,)))

    await terminal.type("requests", "show", "pr-one")

    assert "Ann, teams, round 1: unreachable at 2025-01-01 12:00:00 UTC: the bot is blocked" in (
        terminal.text
    )


@pytest.mark.parametrize(("state", "marked"), [("unreachable", True), ("shown", False)])
async def test_the_list_marks_whom_no_card_could_be_put_before(
    store: Store, terminal: Terminal, state: str, *, marked: bool
) -> None:
    receipt = a_receipt(state=ReceiptState(state), address="here" if state == "shown" else "")
    await store.commit(a_change(receipts=(receipt,)))

    await terminal.type("requests", "list")

    assert ("Ann pending (has no card)" in terminal.text) is marked


async def test_what_people_wrote_is_shown_only_on_request(store: Store, terminal: Terminal) -> None:
    refused = Refusal(action="Approve", message="No budget left", comment="Please", at=NOON)
    taken = a_place(state=PlaceState.ACCEPTED, decision=a_decision(), refusal=refused)
    approval = an_approval(places=(taken,))
    await with_history(store, approval, name="Ann", comment="Within my limit")
    written = ("Within budget", "No budget left", "Within my limit")

    await terminal.type("requests", "show", "pr-one")
    plain = terminal.text
    await terminal.type("requests", "show", "pr-one", "--comments")

    assert "name=Ann" in plain
    assert not any(text in plain for text in written)
    assert all(text in terminal.text for text in written)


async def test_a_text_from_outside_cannot_play_with_the_terminal(
    store: Store, terminal: Terminal
) -> None:
    red = "\x1b[31mREQ\r\nANN\u202e"
    await kept(store, an_approval(display_number=red, places=(a_place(alias=red, name=red),)))

    await terminal.type("requests", "show", "pr-one")

    assert (
        terminal.lines[0] == "pr-one: Purchase requisition [31mREQ ANN (2025) of Contoso Purchasing"
    )
    assert not any(mark in terminal.text for mark in "\x1b\r\u202e")


async def test_an_altered_history_is_told(store: Store, terminal: Terminal) -> None:
    approval = await with_history(store, an_approval())

    await terminal.type("requests", "show", "pr-one")
    sound = terminal.text
    head = approval.model_copy(update={"version": 2, "head": "0" * 64})
    await store.commit(a_change(head, id="altered"))
    await terminal.type("requests", "show", "pr-one")

    assert "ALTERED" not in sound
    assert "ALTERED" in terminal.text


async def test_dead_letters_are_listed_with_their_request(store: Store, terminal: Terminal) -> None:
    letter = DeadLetter(id="1", scope=SCOPE, job=a_job("card/x"), error="KeyError", at=NOON)
    await terminal.type("dead-letters", "list")
    none = terminal.text
    await store.commit(a_change(dead=letter))

    await terminal.type("dead-letters", "list")

    assert none == "No job was given up."
    assert terminal.lines == ["1  2025-01-01 12:00:00 UTC  pr-one  card  KeyError  card/x"]


# -- settling -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("found", "state"),
    [
        ("accepted", PlaceState.ACCEPTED),
        ("not-taken", PlaceState.PENDING),
        ("post-again", PlaceState.RETRYING),
    ],
)
async def test_an_operators_word_ends_an_unconfirmed_decision(
    store: Store, terminal: Terminal, found: str, state: PlaceState
) -> None:
    await kept(store, unconfirmed())

    code = await terminal.type("settle", "pr-one", "0", found, "--by", "Olga Operator")

    approval = await store.approval(KEY)
    assert code == 0
    assert terminal.lines[0] == f"pr-one, place 0, Ann: {state.value}"
    assert approval is not None
    assert approval.places[0].state is state
    [settled] = [e for e in await store.history(KEY) if e.kind is EventKind.SETTLED]
    assert settled.facts["found"] == found
    assert settled.personal == {"by": "Olga Operator"}


async def test_nothing_but_an_unconfirmed_decision_can_be_settled(
    store: Store, terminal: Terminal
) -> None:
    await kept(store, an_approval())

    code = await terminal.type("settle", "pr-one", "0", "accepted", "--by", "Olga")

    approval = await store.approval(KEY)
    assert code == 1
    assert terminal.text == "Place 0 of pr-one has no unconfirmed decision."
    assert approval is not None
    assert approval.version == 1


async def test_a_seat_that_does_not_exist_is_no_place(store: Store, terminal: Terminal) -> None:
    await kept(store, unconfirmed())

    code = await terminal.type("settle", "pr-one", "7", "accepted", "--by", "Olga")

    assert code == 1
    assert terminal.text == "pr-one has no place 7: its only place is 0."


async def test_settling_needs_a_name(
    terminal: Terminal, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        await terminal.type("settle", "pr-one", "0", "accepted")

    assert stopped.value.code == 2
    assert "--by" in capsys.readouterr().err


@pytest.fixture
async def doubtful(
    authority: CertificateAuthority, store_url: str, tmp_path: Path
) -> AsyncIterator[Running]:
    """A service of which nobody but an operator knows whether its tenant has Maria's decision."""
    once_is_enough = {"idempotent = true": "idempotent = false"}  # else it is posted again soon
    async with running_with(once_is_enough, authority, store_url, tmp_path) as service:
        await service.send("wiki-create")
        await service.asked("johndoe1", "johndoe2", "johndoe3")
        fail(service, TENANT, FaultKind.STATUS, status=500)
        answered = await service.click("johndoe1", "Approve", "Within budget")
        assert "did not confirm" in card_in(answered)
        yield service


async def test_a_running_service_does_what_the_operator_asks_for(
    doubtful: Running, store_url: str, tmp_path: Path
) -> None:
    terminal = Terminal(settings_beside(doubtful.playground, store_url, tmp_path))

    code = await terminal.type(
        "settle", doubtful.number, "0", "post-again", "--by", "Olga Operator"
    )
    await doubtful.says("johndoe1", "Approved", "Within budget")
    await doubtful.says("johndoe2", "Approved", "Maria Keller")

    assert code == 0
    first, second = doubtful.told()
    assert first.body["Telemetry"]["Tcv"] == second.body["Telemetry"]["Tcv"]


async def test_a_decision_not_taken_comes_back_to_its_approver(
    doubtful: Running, store_url: str, tmp_path: Path
) -> None:
    terminal = Terminal(settings_beside(doubtful.playground, store_url, tmp_path))

    await terminal.type("settle", doubtful.number, "0", "not-taken", "--by", "Olga Operator")

    await doubtful.says("johndoe1", "did not reach Contoso Purchasing")
    await doubtful.asked("johndoe1", "johndoe2", "johndoe3")
    assert len(doubtful.told()) == 1


# -- what cannot be done --------------------------------------------------------


async def test_a_request_that_does_not_exist_is_told(store: Store, terminal: Terminal) -> None:
    code = await terminal.type("requests", "show", "pr-none")

    assert code == 1
    assert terminal.text == "No request has the id or the number pr-none."


async def test_an_unknown_tenant_is_answered_with_those_there_are(
    store: Store, terminal: Terminal
) -> None:
    code = await terminal.type("requests", "list", "--tenant", "hr")

    assert code == 1
    assert terminal.text == "No tenant has the code hr. There are: pr."


async def test_looking_makes_no_store_and_marks_none_as_ours(tenants: Path, store_url: str) -> None:
    terminal = Terminal(settings_of(given(store_url, tenants)))

    for _twice in range(2):
        assert await terminal.type("requests", "list") == 1
        assert "There is no store at" in terminal.text

    async with opened(open_store(store_url)) as others:
        await others.stamp(["https://others.example"])  # nobody else had been there


async def test_a_store_that_is_not_there_is_not_made(tenants: Path, tmp_path: Path) -> None:
    path = tmp_path / "mistyped" / "store.db"
    terminal = Terminal(settings_of(given(f"sqlite:///{path}", tenants)))

    code = await terminal.type("requests", "list")

    assert code == 1
    assert "There is no store" in terminal.text
    assert not path.parent.exists()


async def test_a_store_of_other_issuers_is_left_alone(store: Store, terminal: Terminal) -> None:
    await store.stamp(["https://issuer.example"])
    await kept(store, unconfirmed())

    code = await terminal.type("settle", "pr-one", "0", "accepted", "--by", "Olga")

    approval = await store.approval(KEY)
    assert code == 1
    assert "https://issuer.example" in terminal.text
    assert approval is not None
    assert approval.version == 1


# -- check-config ---------------------------------------------------------------


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tenants: Path) -> dict[str, str]:
    """The environment of a service that would start, and nothing else of ours."""
    for name in Settings.model_fields:
        monkeypatch.delenv(f"APPROVALS_{name.upper()}", raising=False)
    values = {f"APPROVALS_{n}": v for n, v in given("sqlite:///store.db", tenants).items()}
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    return values


def test_a_good_configuration_names_its_tenants(environment: dict[str, str]) -> None:
    lines: list[str] = []

    code = check_config(lines.append)

    assert (code, lines) == (0, ["No mistakes found. Tenants: pr"])


def test_every_mistake_is_named_at_once(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, tenants: Path
) -> None:
    monkeypatch.delenv("APPROVALS_BOT_SECRET")
    monkeypatch.setenv("APPROVALS_PORT", "http")
    (tenants / "hr.toml").write_text('code = "HR"\n', encoding="utf-8")
    lines: list[str] = []

    code = check_config(lines.append)

    assert code == 2
    assert any(line.startswith("APPROVALS_BOT_SECRET: ") for line in lines)
    assert any(line.startswith("APPROVALS_PORT: ") for line in lines)
    assert any(line.startswith("hr.toml:1: code: ") for line in lines)
    assert any(line.startswith("hr.toml: callers: ") for line in lines)


def test_a_misspelt_setting_is_named_with_the_one_it_was_meant_to_be(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APPROVALS_DIRECTORYS", "common")
    monkeypatch.setenv("APPROVALS_EXPENSES_SECRET", "a tenant's file may refer to it")
    lines: list[str] = []

    code = check_config(lines.append)

    meant = "APPROVALS_DIRECTORYS: there is no such setting; did you mean APPROVALS_DIRECTORIES?"
    assert (code, lines) == (2, [meant])


def test_a_mistake_between_settings_is_said_in_its_own_words(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APPROVALS_LOOPBACK", "yes")
    lines: list[str] = []

    code = check_config(lines.append)

    assert (code, lines) == (
        2,
        ["set APPROVALS_CUSTOM_ISSUERS=yes to use APPROVALS_LOOPBACK"],
    )


def test_a_tenant_whose_people_may_not_talk_to_the_bot_is_a_mistake(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    other = "99999999-9999-4999-8999-999999999999"
    monkeypatch.setenv("APPROVALS_DIRECTORIES", other.upper())
    lines: list[str] = []

    code = check_config(lines.append)

    [line] = lines
    assert code == 2
    assert line.startswith(f"tenant pr: people.directory: {DIRECTORY} is not in APPROVALS_DIRECT")


def test_a_store_and_a_folder_that_are_none_are_mistakes(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("APPROVALS_STORE_URL", "mysql://db")
    monkeypatch.setenv("APPROVALS_TENANTS", str(tmp_path / "tenant"))
    lines: list[str] = []

    code = check_config(lines.append)

    assert (code, lines) == (
        2,
        [
            f"APPROVALS_STORE_URL: must be {FORMS}",
            f"{tmp_path}/tenant: there is no such folder; APPROVALS_TENANTS names it",
        ],
    )


async def test_a_record_that_cannot_be_read_is_told_and_is_no_good_news(
    store: Store, store_url: str, tenants: Path
) -> None:
    await kept(store, an_approval())
    await spoil_approval(store_url, "pr-one")

    code, said = await _program(given(store_url, tenants), "requests", "show", "pr-one")

    assert code == 1
    assert said.startswith("The store holds a record (Approval) that this program cannot read.")
    assert "Traceback" not in said


@pytest.mark.parametrize("verb", ["list", "show"])
async def test_a_reader_that_has_seen_enough_is_no_failure(
    store: Store, store_url: str, tenants: Path, verb: str
) -> None:
    await kept(store, *(numbered(f"REQ-{number}") for number in range(300)))
    words = {"list": "requests list", "show": "requests show pr-REQ-7"}[verb]
    command = f"{sys.executable} -m bots.cli {words} | head -n 1; exit ${{PIPESTATUS[0]}}"

    process = await asyncio.create_subprocess_exec(
        *("bash", "-c", command),
        env=_environment(given(store_url, tenants)),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()

    assert (process.returncode, err) == (0, b"")
    assert out.count(b"\n") == 1


async def test_the_program_itself_lists_beside_an_open_store(
    store: Store, store_url: str, tenants: Path
) -> None:
    await kept(store, an_approval())

    code, said = await _program(given(store_url, tenants), "requests", "list")

    assert code == 0
    assert said.startswith("pr-one  REQ-1  since 2025-01-01 12:00:00 UTC  Ann pending")


async def test_a_reload_of_files_with_mistakes_says_that_nothing_was_changed(
    store: Store, store_url: str, tenants: Path
) -> None:
    (tenants / "mine.toml").write_text('nam = "x"', encoding="utf-8")

    code, said = await _program(given(store_url, tenants), "tenants", "reload")

    assert code == 2
    assert said.startswith("mine.toml")
    assert said.splitlines()[-1].startswith("Nothing was changed: running services go on with")


async def test_the_program_names_every_mistake_before_it_does_anything(tenants: Path) -> None:
    code, said = await _program({"TENANTS": str(tenants)}, "requests", "list")

    assert code == 2
    assert "APPROVALS_STORE_URL: " in said
    assert "APPROVALS_BOT_APP_ID: " in said


async def _program(values: dict[str, str], *command: str) -> tuple[int | None, str]:
    """Run ``python -m bots.cli`` as an operator does."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bots.cli", *command),
        env=_environment(values),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    return process.returncode, said.decode()


def _environment(values: dict[str, str]) -> dict[str, str]:
    """Return the environment of a program with these settings and no other of ours."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("APPROVALS_")}
    return kept | {f"APPROVALS_{name}": value for name, value in values.items()}


# -- typing -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("jobs --limit x", "--limit: must be a number from 1 to"),
        ("jobs --limit 0", "--limit: must be a number from 1 to"),
        ("payloads list --days 99999999999", "--days: must be a number from 1 to 36500"),
        ("settle REQ-1 first accepted --by Olga", "SEAT: must be a place's number"),
        ("settle REQ-1", "the following arguments are required: SEAT, accepted|not-taken|"),
        ("dead-letters replay '' --by Olga", "ID: must not be blank"),
        ("payloads show ''", "ID: must not be blank"),
        ("tenants enable pr --by ' '", "--by: must not be blank"),
        ("templates show pr Reminder", "one of the arguments --request --sample is required"),
    ],
)
def test_what_is_mistyped_is_told_in_plain_words(
    capsys: pytest.CaptureFixture[str], words: str, told: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        parser().parse_args(shlex.split(words))

    assert ended.value.code == 2
    assert told in capsys.readouterr().err


async def test_as_far_back_as_one_may_type_there_is_still_a_date(terminal: Terminal) -> None:
    for verb in ("list", "late"):
        assert await terminal.type("payloads", verb, "--days", "36500") == 0
