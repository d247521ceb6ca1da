"""What operators are told of why a request stands as it does, and how they put somebody on a place, on both stores."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from approvals_core.models import (
    Approval,
    Content,
    DeadLetter,
    Person,
    Place,
    PlaceState,
    ReceiptState,
    Refusal,
)
from approvals_core.ports import Store
from approvals_core.rules.closing import CLOSED
from playground.faults import FaultKind
from tests.failing import fail
from tests.outside import authority, playground
from tests.running import Running, running
from tests.store_leases import leased
from tests.store_makers import (
    ANN,
    NOON,
    SCOPE,
    a_change,
    a_contact,
    a_job,
    a_place,
    a_receipt,
    an_approval,
    jobs_change,
)
from tests.store_spoiling import spoil
from tests.terminal import (
    Terminal,
    a_decision,
    kept,
    settings_beside,
    tenants,
    terminal,
    unconfirmed,
)

__all__ = ["authority", "playground", "running", "tenants", "terminal"]

CARD = f"card/pr-one/1/{ANN.id}/teams"
POST = "post/decision-1/2"


def asked(**changes: Any) -> Approval:
    """A request whose only place is asked in its first round."""
    return an_approval(places=(a_place(round=1, attempt=1, **changes),), round=1, revision=1)


def decided(state: PlaceState, **decision: Any) -> Approval:
    return asked(state=state, decision=a_decision(**decision))


async def explained(store: Store, terminal: Terminal, approval: Approval) -> str:
    await kept(store, approval)
    code = await terminal.type("requests", "explain", "pr-one")
    assert code == 0
    return terminal.text


def edit(terminal: Terminal, old: str, new: str) -> None:
    """Edit the tenant's file."""
    path = terminal.settings.tenants / "purchasing.toml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


# -- what a place waits for ---------------------------------------------------------


@pytest.mark.parametrize(
    ("approval", "said"),
    [
        (asked(), "Waits for Ann to decide, since 2025-01-01 12:00:00 UTC."),
        (asked(), "Until then only an ARX of Contoso Purchasing changes what is asked."),
        (
            asked(refusal=Refusal(action="Approve", message="m", comment="c", at=NOON, reason="R")),
            "His last decision came back at 2025-01-01 12:00:00 UTC (R).",
        ),
        (
            decided(PlaceState.UNCONFIRMED, trouble="timed out"),
            "was begun at 2025-01-01 12:00:00 UTC and met timed out.",
        ),
        (asked(person=None), "Is being looked up in the directory 11111111-"),
        (
            asked(person=None, unbound="unknown alias"),
            "knows nobody as ann, nor as ann@organization.com",
        ),
        (asked(person=None, unbound="several people"), "knows several people as ann"),
        (asked(person=None, unbound="disabled"), "the account of ann is disabled"),
        (asked(person=None, unbound="guest"), "`people.guests` of Contoso Purchasing is not set"),
        (
            asked(person=None, unbound="unknown alias"),
            "python -m bots.cli rebind pr-one 0 PERSON --by YOU",
        ),
        (
            decided(PlaceState.SUBMITTING),
            "attempt 1 of at most 5 was begun at 2025-01-01 12:00:00 UTC",
        ),
        (
            decided(PlaceState.RETRYING, due=NOON, attempts=3),
            "The same is posted again at 2025-01-01 12:00:00 UTC, ",
        ),
        (decided(PlaceState.RETRYING, due=NOON, attempts=3), "2 attempts left."),
        (decided(PlaceState.UNCONFIRMED, due=NOON, attempts=4), "1 attempt left."),
        (decided(PlaceState.UNCONFIRMED, due=NOON), "counts the same id once"),
        (
            decided(PlaceState.UNCONFIRMED),
            "it is not:           python -m bots.cli settle pr-one 0 not-taken --by YOU",
        ),
        (
            decided(PlaceState.UNCONFIRMED, revision=0),
            "Waits for you: the request changed since, so it is not posted again.",
        ),
        (decided(PlaceState.UNCONFIRMED), "Waits for you: all attempts are used up"),
        (
            decided(PlaceState.ACCEPTED, answered_at=NOON),
            "accepted at 2025-01-01 12:00:00 UTC.\n  It owes the ARX",
        ),
        (
            decided(PlaceState.ACCEPTED, overdue=True),
            "the ARX it owes did not come within 180 seconds.",
        ),
        (asked(state=PlaceState.REMOVED), "Nobody is asked any more"),
        (
            an_approval(places=(a_place(), a_place(seat=1, person=None, names=()))),
            "is one with it.",
        ),
    ],
)
async def test_each_place_says_what_it_waits_for(
    store: Store, terminal: Terminal, approval: Approval, said: str
) -> None:
    assert said in await explained(store, terminal, approval)


async def test_a_tenant_that_might_count_twice_is_not_told_twice(
    store: Store, terminal: Terminal
) -> None:
    edit(terminal, "idempotent = true", "idempotent = false")

    said = await explained(store, terminal, unconfirmed())

    assert "might count the same decision twice, so it is not posted again" in said


async def test_a_place_that_is_held_says_by_whose_decision(
    store: Store, terminal: Terminal
) -> None:
    ben = Person(directory="d1", object_id="ben", name="Ben")
    places: tuple[Place, ...] = (
        a_place(state=PlaceState.ACCEPTED, decision=a_decision(answered_at=NOON)),
        a_place(seat=1, alias="ben", names=("ben",), person=ben),
    )

    said = await explained(store, terminal, an_approval(places=places))

    assert "Place 1, Ben (ben): pending\n  Asked since" in said
    assert "held by the decision of place 0" in said


async def test_what_hinders_everybody_is_told(store: Store, terminal: Terminal) -> None:
    edit(terminal, 'code = "pr"', 'code = "pr"\nenabled = false')
    content = Content(title="Laptops", actions=("Sign",))

    said = await explained(store, terminal, asked().model_copy(update={"content": content}))

    assert "Nobody can decide: Contoso Purchasing takes no decisions" in said
    assert "the ARX allows Sign, and the file of Contoso Purchasing has none" in said


# -- what comes next --------------------------------------------------------------------


async def test_a_missing_job_is_told(store: Store, terminal: Terminal) -> None:
    said = await explained(store, terminal, decided(PlaceState.RETRYING, due=NOON))

    assert "Its job is missing. The hourly look for such places writes it anew." in said


async def test_a_job_says_when_it_is_due_and_how_often_it_failed(
    store: Store, terminal: Terminal
) -> None:
    await store.commit(jobs_change(a_job(POST)))
    for _ in range(2):
        [job] = await leased(store)
        await store.retry(job.lease, due=NOON, failed=True)

    said = await explained(store, terminal, decided(PlaceState.RETRYING, due=NOON))

    assert "Its job is due, and late by " in said
    assert "Is the service running?" in said
    assert "It failed 2 times; after 8 more it is a dead letter." in said


async def test_a_job_that_cannot_be_read_is_told(
    store: Store, terminal: Terminal, store_url: str
) -> None:
    await store.commit(jobs_change(a_job(POST)))
    await spoil(store_url, POST)

    said = await explained(store, terminal, decided(PlaceState.RETRYING, due=NOON))

    assert "Its job cannot be read by this program." in said


async def test_a_job_that_was_given_up_leads_to_its_letter(
    store: Store, terminal: Terminal
) -> None:
    letter = DeadLetter(id="abc", scope=SCOPE, job=a_job("card/x"), error="KeyError", at=NOON)
    await store.commit(a_change(asked(), dead=letter))

    await terminal.type("requests", "explain", "pr-one")

    assert terminal.lines[-1] == (
        "\nA job was given up (card): python -m bots.cli dead-letters inspect abc"
    )


@pytest.mark.parametrize(
    ("card", "job", "said"),
    [
        (None, False, "The card in teams was not sent yet. Nothing sends it"),
        (None, True, "The card in teams was not sent yet. Next look: 2025-01-01 12:00:00 UTC"),
        ({}, False, "was last written at 2025-01-01 12:00:00 UTC. It shows what is true."),
        ({}, True, "It is about to change. Next look: 2025-01-01 12:00:00 UTC"),
        (
            {"reason": "timed out"},
            True,
            "shows an older state, seen at 2025-01-01 12:00:00 UTC: timed out. Next look",
        ),
        (
            {"state": ReceiptState.UNREACHABLE, "address": "", "reason": "bot blocked"},
            False,
            "could not be shown, seen at 2025-01-01 12:00:00 UTC: bot blocked.",
        ),
        ({"state": ReceiptState.GONE}, False, "is gone since 2025-01-01 12:00:00 UTC"),
    ],
)
async def test_a_card_says_whether_it_is_current(
    store: Store, terminal: Terminal, card: dict[str, Any] | None, said: str, *, job: bool
) -> None:
    if card is not None:
        await store.commit(a_change(asked(), id="card", receipts=(a_receipt(**card),)))
    else:
        await kept(store, asked())
    if job:
        await store.commit(jobs_change(a_job(CARD)))

    await terminal.type("requests", "explain", "pr-one")

    assert said in terminal.text


@pytest.mark.parametrize(
    ("contact", "said"),
    [
        (None, "Ann has no chat with the bot."),
        ({"conversation": ""}, "Ann has no chat with the bot."),
        ({"conversation": "c", "closed": "bot blocked"}, "The chat of Ann is closed: bot blocked."),
    ],
)
async def test_who_cannot_be_reached_is_told_with_what_helps(
    store: Store, terminal: Terminal, contact: dict[str, Any] | None, said: str
) -> None:
    blocked = a_receipt(state=ReceiptState.UNREACHABLE, address="", reason="no")
    await store.commit(a_change(asked(), receipts=(blocked,)))
    if contact is not None:
        made = a_contact(**contact)
        await store.commit(
            a_change(an_approval()).model_copy(
                update={"scope": ANN.id.scope, "approval": None, "contact": made, "id": "c"}
            )
        )

    await terminal.type("requests", "explain", "pr-one")

    assert said in terminal.text


# -- putting somebody on a place ----------------------------------------------------------


@pytest.fixture
def beside(running: Running, store_url: str, tmp_path: Path) -> Terminal:
    """A terminal beside the running service."""
    return Terminal(settings_beside(running.playground, store_url, tmp_path))


async def test_somebody_put_on_a_place_beside_a_running_service_decides_there(
    running: Running, beside: Terminal
) -> None:
    await running.send("wiki-create", Approvers=[{"Alias": "johndoe1", "Name": "Maria"}])
    await running.asked("johndoe1")

    code = await beside.type(
        "rebind", running.number, "0", "johndoe2@organization.com", "--by", "Olga Operator"
    )
    said = beside.text
    await running.says("johndoe1", "no longer waits for you")
    await running.asked("johndoe2")
    await running.click("johndoe2", "Approve", "Within budget")
    await running.says("johndoe2", "Approved")

    assert code == 0
    assert "Jonas Berg (johndoe2@organization.com, object id " in said
    assert "sits on the place of johndoe1 instead of Maria Keller." in said
    [told] = running.told()
    assert "johndoe1" in str(told.body)
    assert "Within budget" not in running.text_of("johndoe1")


async def test_an_old_button_of_whoever_sat_there_does_nothing(
    running: Running, beside: Terminal
) -> None:
    await running.send("wiki-create", Approvers=[{"Alias": "johndoe1", "Name": "Maria"}])
    await running.asked("johndoe1")
    fail(running, "connector/johndoe1", FaultKind.STATUS, status=400, times=99)
    await beside.type("rebind", running.number, "0", "johndoe2", "--by", "Olga")

    await running.click("johndoe1", "Approve", "Too late")

    assert "Approve" in running.base_text_of("johndoe1")
    assert running.told() == []


async def test_a_rebinding_can_be_tried_out(running: Running, beside: Terminal) -> None:
    await running.send("wiki-create", Approvers=[{"Alias": "johndoe1", "Name": "Maria"}])
    await running.asked("johndoe1")

    code = await beside.type("rebind", running.number, "0", "johndoe2", "--by", "O", "--dry-run")
    said = list(beside.lines)
    await beside.type("requests", "show", running.number)

    assert code == 0
    assert "would sit on the place of johndoe1 instead of Maria Keller." in said[0]
    assert said[-1] == "Nothing was changed: this was a dry run."
    assert "0  pending      Maria Keller (johndoe1)" in beside.text
    assert "rebound" not in beside.text


async def test_somebody_who_is_asked_already_keeps_one_place_of_both(
    running: Running, beside: Terminal
) -> None:
    await running.send("wiki-create")
    await running.asked("johndoe1", "johndoe2", "johndoe3")

    code = await beside.type("rebind", running.number, "0", "johndoe2", "--by", "Olga")
    said = beside.text
    await running.says("johndoe1", "no longer waits for you")
    await beside.type("requests", "show", running.number)

    assert code == 0
    assert "Place 0 becomes one with place 1: the same person." in said
    assert "is one with another place of the same person" in beside.text
    assert running.can_decide("johndoe2")


async def test_somebody_is_put_where_nobody_was_found(running: Running, beside: Terminal) -> None:
    await running.send("wiki-create", Approvers=[{"Alias": "ghost", "Name": "Gerda Ghost"}])
    while "waits for you" not in beside.text:
        await beside.type("requests", "list", "--attention")
        await asyncio.sleep(0.05)

    listed = beside.text
    code = await beside.type("rebind", running.number, "0", "johndoe2", "--by", "Olga")
    await running.asked("johndoe2")

    assert "Gerda Ghost pending" in listed
    assert code == 0


@pytest.mark.parametrize(
    ("person", "why"),
    [
        ("nobody", "unknown alias"),
        ("johndoe20", "disabled"),
        ("guest1", "guest"),
        ("44444444-4444-4444-8444-444444444444", "unknown alias"),
    ],
)
async def test_only_who_may_act_in_the_tenants_directory_is_put_anywhere(
    running: Running, beside: Terminal, person: str, why: str
) -> None:
    await running.send("wiki-create")
    await running.asked("johndoe1", "johndoe2", "johndoe3")

    code = await beside.type("rebind", running.number, "0", person, "--by", "Olga")
    said = beside.text
    await beside.type("requests", "show", running.number)

    assert code == 1
    assert said.startswith(f"{person} is nobody who may act in the directory ")
    assert said.endswith(f": {why}.")
    assert "0  pending      Maria Keller (johndoe1)" in beside.text


async def test_a_directory_that_does_not_answer_changes_nothing(
    running: Running, beside: Terminal
) -> None:
    await running.send("wiki-create")
    await running.asked("johndoe1", "johndoe2", "johndoe3")
    fail(running, "graph", FaultKind.STATUS, status=503, times=None)  # others ask it, too

    code = await beside.type("rebind", running.number, "0", "johndoe20", "--by", "Olga")

    assert code == 1
    assert beside.text.startswith("The directory could not be asked (HTTP 503).")


async def test_a_decision_that_is_kept_for_a_closed_tenant_is_told(
    store: Store, terminal: Terminal
) -> None:
    window = 'ends = 2090-01-01T00:00:00Z\nmessage = "x"\ndecisions = "wait"'
    text = f"[maintenance]\nstarts = 2020-01-01T00:00:00Z\n{window}\n\n[people]"
    edit(terminal, "[people]", text)
    due = datetime(2090, 1, 1, tzinfo=UTC)
    decision = a_decision(attempts=0, due=due, trouble=CLOSED)
    place = a_place(state=PlaceState.RETRYING, decision=decision, round=1, attempt=1)

    said = await explained(store, terminal, an_approval(places=(place,), round=1, revision=1))

    assert "It is kept, because Contoso Purchasing takes no decisions now." in said
    looked = "that is looked at next at 2090-01-01 00:00:00 UTC, in "
    assert f"It is posted once Contoso Purchasing takes decisions again; {looked}" in said
    assert "left." not in said
    await terminal.type("requests", "show", "pr-one")
    assert "is kept until Contoso Purchasing takes decisions again" in terminal.text


async def test_a_decision_that_was_kept_goes_out_once_its_tenant_is_open(
    store: Store, terminal: Terminal
) -> None:
    kept_one = decided(PlaceState.RETRYING, attempts=0, due=NOON, trouble=CLOSED)

    said = await explained(store, terminal, kept_one)

    assert "It was kept while Contoso Purchasing took no decisions; it takes them again." in said
    assert "It is posted at 2025-01-01 12:00:00 UTC, " in said


async def test_nothing_is_said_to_be_posted_again_while_the_tenant_is_closed(
    store: Store, terminal: Terminal
) -> None:
    edit(terminal, 'code = "pr"', 'code = "pr"\nenabled = false')

    said = await explained(store, terminal, decided(PlaceState.RETRYING, due=NOON, attempts=3))

    assert "The same is posted again once Contoso Purchasing takes decisions again;" in said
    assert "; 2 attempts left." in said


async def test_that_decisions_of_a_closed_tenant_are_kept_is_told(
    store: Store, terminal: Terminal
) -> None:
    edit(terminal, 'code = "pr"', 'code = "pr"\nenabled = false\ndisabled_decisions = "wait"')

    said = await explained(store, terminal, asked())

    assert "He can decide, and it is kept until then." in said
