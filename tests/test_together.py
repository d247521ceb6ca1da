"""Several requests decided together in Teams: from the list to the tenant's array and back, over real HTTP."""

import json
from pathlib import Path
from typing import Any

import pytest

from approvals_core.models import ApprovalKey, EventKind, Place, PlaceState
from playground import names
from playground.faults import FaultKind
from playground.reading import button, buttons, words
from playground.records import Json, Message
from playground.tenant import SampleTenant
from tests.failing import all_due, at_once, card_in, converged, fail, invoke, said_to
from tests.running import Running

PLACE = "tenant/expenses"  # where the faults of its Action API are switched
MARIA, JONAS = "johndoe1", "johndoe2"
NUMBERS = ("EX-1", "EX-2", "EX-3")
OUTCOMES = (
    EventKind.ACCEPTED,
    EventKind.REFUSED,
    EventKind.RETURNED,
    EventKind.POSTPONED,
    EventKind.UNCONFIRMED,
)


def expenses(running: Running) -> SampleTenant:
    return running.playground.tenants[names.EXPENSES.code]


async def put_before(running: Running, number: str, *aliases: str, amount: str = "86.40") -> None:
    """Let the tenant ask *aliases* about an expense; it does nothing by itself afterwards."""
    tenant = expenses(running)
    tenant.book.by_itself = False
    arx = json.loads(running.playground.sample("expenses-create-train"))
    identifier = {"DisplayDocumentNumber": number, "DocumentNumber": number, "FiscalYear": "2026"}
    summary = {"ApprovalIdentifier": identifier, "UnitValue": amount}
    asked = [arx["Approvers"][0] | {"Alias": alias, "Name": ""} for alias in aliases]
    sent = await tenant.send(
        arx
        | {"ApprovalIdentifier": identifier, "Approvers": asked}
        | {"SummaryData": arx["SummaryData"] | summary}
    )
    assert sent.status == 200, sent.answer


async def ready(running: Running, *numbers: str, aliases: tuple[str, ...] = (MARIA,)) -> None:
    for number in numbers or NUMBERS:
        await put_before(running, number, *aliases)
    await all_due(running)


async def ticked_list(running: Running, alias: str = MARIA) -> Message:
    """Ask what waits, and open the list in which several are ticked."""
    await running.playground.teams.say(alias, "pending")
    message = said_to(running, alias)[-1]
    several = button(message.shown_to(alias) or {}, "Decide several: Contoso Expenses")
    await running.playground.teams.click(alias, message.id, several)
    return said_to(running, alias)[-1]


def ticks_of(message: Message, alias: str = MARIA) -> dict[str, str]:
    """Return the ticks by what they send, if all are ticked."""
    return {
        part["id"]: part["valueOn"]
        for part in _parts(message.shown_to(alias) or {})
        if part.get("type") == "Input.Toggle" and part["id"].startswith("tick")
    }


def _parts(card: Any) -> Any:
    if isinstance(card, dict):
        yield card
    for inner in card.values() if isinstance(card, dict) else card:
        if isinstance(inner, dict | list):
            yield from _parts(inner)


async def press(
    running: Running, message: Message, title: str, inputs: Json, alias: str = MARIA
) -> str:
    action = button(message.shown_to(alias) or {}, title)
    return card_in(await running.playground.teams.click(alias, message.id, action, inputs))


async def approve_all(running: Running) -> str:
    message = await ticked_list(running)
    return await press(running, message, "Approve", ticks_of(message))


async def place_of(running: Running, number: str, alias: str = MARIA) -> Place:
    key = ApprovalKey(names.EXPENSES.document_type, number, "2026")
    approval = await running.house.store.approval(key)
    assert approval is not None
    return next(place for place in approval.places if place.alias == alias)


async def states(running: Running, *numbers: str, alias: str = MARIA) -> list[PlaceState]:
    return [(await place_of(running, number, alias)).state for number in numbers or NUMBERS]


async def first_outcome(running: Running, number: str) -> EventKind:
    """Return what the first answer to a decision meant: what was unclear is asked for anew soon."""
    key = ApprovalKey(names.EXPENSES.document_type, number, "2026")
    kinds = [event.kind for event in await running.house.store.history(key)]
    return next(kind for kind in kinds if kind in OUTCOMES)


def arrays(running: Running) -> list[list[str]]:
    """Return the numbers in each body that reached the tenant."""
    bodies = [received.body for received in expenses(running).actions()]
    return [[one["ApprovalIdentifier"]["DocumentNumber"] for one in body] for body in bodies]


async def test_three_ticked_requests_go_out_as_one_array_and_every_card_says_so(
    running: Running,
) -> None:
    await ready(running)

    said = await approve_all(running)
    await converged(running)

    assert "3 Approved" in said
    assert arrays(running) == [list(NUMBERS)]
    assert await states(running) == [PlaceState.ACCEPTED] * 3
    [received] = expenses(running).actions()
    told = [one["Telemetry"]["Tcv"] for one in received.body]
    places = [await place_of(running, number) for number in NUMBERS]
    assert told == [place.decision.id for place in places if place.decision]
    own = [words(m.card or {}) for m in said_to(running, MARIA) if "EX-" in str(m.card)]
    assert sum("Approved by **Maria Keller**" in each for each in own) == 3


async def test_only_what_is_ticked_is_decided(running: Running) -> None:
    await ready(running)
    message = await ticked_list(running)

    said = await press(running, message, "Approve", {"tick1": ticks_of(message)["tick1"]})

    assert "1 Approved" in said
    assert arrays(running) == [["EX-2"]]


async def test_a_comment_and_a_reason_go_with_each(running: Running) -> None:
    await ready(running, "EX-1", "EX-2")
    message = await ticked_list(running)
    filled = {"comment": "Please add the receipt.", "reason.Reject": "RECEIPT"}

    said = await press(running, message, "Reject", ticks_of(message) | filled)

    assert "2 Rejected" in said
    [received] = expenses(running).actions()
    details = [one["ActionDetails"] for one in received.body]
    assert [each["Comment"] for each in details] == ["Please add the receipt."] * 2
    assert [each["ReasonCode"] for each in details] == ["RECEIPT"] * 2


async def test_what_is_missing_is_asked_for_and_nothing_ticked_or_typed_is_lost(
    running: Running,
) -> None:
    await ready(running)
    message = await ticked_list(running)
    ticks = ticks_of(message)

    said = await press(running, message, "Reject", {"tick0": ticks["tick0"], "comment": "No"})

    assert "“Reject” needs a reason" in said
    shown = list(_parts(said_to(running, MARIA)[-1].shown_to(MARIA) or {}))
    ticked = [p for p in shown if str(p.get("id", "")).startswith("tick") and p["value"]]
    assert [part["id"] for part in ticked] == ["tick0"]
    assert [p["value"] for p in shown if p.get("id") == "comment"] == ["No"]
    assert expenses(running).actions() == []


async def test_nothing_ticked_says_so(running: Running) -> None:
    await ready(running)

    said = await press(running, await ticked_list(running), "Approve", {})

    assert "Nothing is ticked" in said
    assert expenses(running).actions() == []


async def test_tick_all_ticks_all(running: Running) -> None:
    await ready(running)
    message = await ticked_list(running)

    await press(running, message, "Tick all", {"comment": "Hm"})
    message = said_to(running, MARIA)[-1]
    said = await press(running, message, "Approve", {})

    assert "3 Approved" in said


async def test_what_cannot_be_approved_together_is_not_offered_for_it(running: Running) -> None:
    await put_before(running, "EX-1", MARIA)
    await put_before(running, "EX-2", MARIA, amount="900")
    await ready(running, "EX-3")

    message = await ticked_list(running)
    said = await press(running, message, "Approve", ticks_of(message))

    only = "Together only: Reject. Open it for more."
    assert only in words(message.card or {}) or only in words(message.shown_to(MARIA) or {})
    assert "“Approve” is not offered for this request. Its own card shows what is." in said
    assert arrays(running) == [["EX-1", "EX-3"]]


async def test_two_people_who_tick_the_same_reach_the_tenant_once(running: Running) -> None:
    await ready(running, aliases=(MARIA, JONAS))
    marias, jonas = await ticked_list(running), await ticked_list(running, JONAS)

    await at_once(
        press(running, marias, "Approve", ticks_of(marias)),
        press(running, jonas, "Approve", ticks_of(jonas, JONAS), JONAS),
    )
    await converged(running)

    told = sorted(number for array in arrays(running) for number in array)
    assert told == sorted(NUMBERS)
    accepted = [
        (await states(running, alias=alias)).count(PlaceState.ACCEPTED) for alias in (MARIA, JONAS)
    ]
    assert sum(accepted) == 3


async def test_the_same_click_delivered_twice_decides_once(running: Running) -> None:
    await ready(running)
    message = await ticked_list(running)
    data = button(message.shown_to(MARIA) or {}, "Approve")["data"] | ticks_of(message)

    answers = await at_once(invoke(running, MARIA, data), invoke(running, MARIA, data))
    await all_due(running)

    assert sorted(number for array in arrays(running) for number in array) == list(NUMBERS)
    for answer in answers:
        said = card_in(answer)
        assert "Not decided" not in said
        assert "Maria Keller" in said


async def test_one_that_changed_meanwhile_is_shown_to_be_looked_at_again(running: Running) -> None:
    await ready(running)
    message = await ticked_list(running)
    await put_before(running, "EX-2", MARIA, amount="87.00")

    said = await press(running, message, "Approve", ticks_of(message))

    assert "2 Approved by you · 1 Not decided" in said
    assert "The request changed since this card was made" in said
    assert arrays(running) == [["EX-1", "EX-3"]]
    assert await states(running, "EX-2") == [PlaceState.PENDING]


async def test_a_slow_tenant_is_being_told_and_looking_again_shows_how_it_ended(
    running: Running,
) -> None:
    await ready(running)
    message = await ticked_list(running)
    fail(running, PLACE, FaultKind.HELD)

    pressing = press(running, message, "Approve", ticks_of(message))
    said = await running.patience.until(expenses(running).arrived(), pressing)
    expenses(running).release()
    await running.house.approvals.drain(seconds=30)
    refreshed = await running.playground.teams.refresh(MARIA, said_to(running, MARIA)[-1].id)

    assert "Sending 3 to Contoso Expenses…" in said
    assert refreshed is not None
    assert "3 Approved" in card_in(refreshed)


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (FaultKind.SHORT, ["accepted", "accepted", "unconfirmed"]),
        (FaultKind.LONG, ["accepted"] * 3),
        (FaultKind.REORDERED, ["accepted"] * 3),
        (FaultKind.DOUBLED, ["accepted"] * 3),
        (FaultKind.CONTRADICTED, ["unconfirmed"] * 3),
        (FaultKind.GARBAGE, ["unconfirmed"] * 3),
        (FaultKind.LOST_ANSWER, ["unconfirmed"] * 3),
        (FaultKind.REFUSED, ["refused"] * 3),
        (FaultKind.TRANSIENT, ["postponed"] * 3),
    ],
)
async def test_each_way_to_answer_an_array_counts_request_by_request(
    running: Running, fault: FaultKind, expected: list[str]
) -> None:
    await ready(running)
    fail(running, PLACE, fault)

    await approve_all(running)

    assert [await first_outcome(running, number) for number in NUMBERS] == expected


async def test_what_is_told_again_later_is_told_once(running: Running) -> None:
    await ready(running)
    fail(running, PLACE, FaultKind.LOST_ANSWER)
    await approve_all(running)

    for _ in range(4):
        await running.pass_time(120)
        await all_due(running)

    assert await states(running) == [PlaceState.ACCEPTED] * 3
    applied = [one for one in expenses(running).actions() if one.applied]
    assert len(applied) == 1


# -- hostile selections ---------------------------------------------------


async def test_ticks_of_others_decide_nothing_and_tell_nothing(running: Running) -> None:
    await ready(running, aliases=(JONAS,))
    jonas = await ticked_list(running, JONAS)
    data = {"s": "expenses", "a": "Approve"} | ticks_of(jonas, JONAS)

    said = card_in(await invoke(running, MARIA, data))

    assert "This request is not available to you" in said
    assert not any(number in said for number in NUMBERS)
    assert expenses(running).actions() == []


@pytest.mark.parametrize("action", ["Approve", "PassOn", "Nonsense"])
@pytest.mark.parametrize("ticked", ["ticked", "nothing"])
async def test_who_has_nothing_there_does_not_learn_whether_a_tenant_is_there(
    running: Running, action: str, ticked: str
) -> None:
    await ready(running, aliases=(JONAS,))
    ticks = ticks_of(await ticked_list(running, JONAS), JONAS) if ticked == "ticked" else {}

    known, unknown = [
        card_in(await invoke(running, MARIA, {"s": code, "a": action} | ticks))
        for code in ("expenses", "nobody")
    ]

    assert known == unknown
    assert "This request is not available to you" in known


async def test_more_than_the_limit_is_refused_as_a_whole(running: Running) -> None:
    await ready(running)
    message = await ticked_list(running)
    [first, *_others] = ticks_of(message).values()
    key, rest = first.split(".", 1)
    forged = {f"tick{n}": f"{key[:-2]}{n:02}.{rest}" for n in range(50)}
    data = {"s": "expenses", "a": "Approve"} | forged

    said = card_in(await invoke(running, MARIA, data))

    assert "At most 20 requests can be decided together" in said
    assert expenses(running).actions() == []


@pytest.mark.parametrize(
    "data",
    [
        {"s": "expenses", "a": "PassOn"},
        {"s": "pr", "a": "Approve"},
        {"s": "nobody", "a": "Approve"},
        {"s": 7, "a": "Approve"},
        {"s": "expenses", "a": 7},
        {"s": "expenses", "a": "x" * 100_000},
        {"s": ["expenses"], "a": {"x": 1}},
    ],
)
async def test_no_forged_button_decides_anything(running: Running, data: Json) -> None:
    await ready(running)
    ticks = ticks_of(await ticked_list(running))

    assert card_in(await invoke(running, MARIA, data | ticks))

    assert expenses(running).actions() == []
    assert await states(running) == [PlaceState.PENDING] * 3


@pytest.mark.parametrize(
    "asked",
    [
        {"s": "expenses", "d": ["x", None, {}, "expenses-aaaaaaaaaaaaaaaa.0"] * 1000},
        {"s": "expenses", "d": "x"},
        {"s": "expenses", "d": []},
        {"s": "expenses", "c": "zzz"},
        {"s": None},
    ],
)
async def test_whatever_is_asked_to_be_shown_is_answered(running: Running, asked: Json) -> None:
    await ready(running)

    assert card_in(await invoke(running, MARIA, asked, verb="show"))


async def test_an_automatic_refresh_decides_nothing(running: Running) -> None:
    await ready(running)
    message = await ticked_list(running)
    data = {"s": "expenses", "a": "Approve"} | ticks_of(message)

    card_in(await invoke(running, MARIA, data, trigger="automatic"))

    assert expenses(running).actions() == []


async def test_a_client_that_only_submits_is_told_in_a_new_card(running: Running) -> None:
    await ready(running)
    message = await ticked_list(running)
    data = button(message.shown_to(MARIA) or {}, "Approve")["data"] | ticks_of(message)

    await running.playground.teams.post(MARIA, "message", value=data)

    assert "3 Approved" in words(said_to(running, MARIA)[-1].card or {})
    assert arrays(running) == [list(NUMBERS)]


async def test_one_request_alone_is_not_offered_to_be_ticked(running: Running) -> None:
    await ready(running, "EX-1")

    await running.playground.teams.say(MARIA, "pending")

    shown = said_to(running, MARIA)[-1].card or {}
    assert not [b for b in buttons(shown) if "several" in str(b.get("title"))]


async def test_a_click_refused_because_it_closed_brings_the_list_back_filled_in(
    running: Running, tmp_path: Path
) -> None:
    await ready(running)
    message = await ticked_list(running)
    ticks = ticks_of(message)
    file = tmp_path / "tenants" / "expenses.toml"
    closed = 'enabled = false\ndisabled_message = "The audit."\ndisabled_decisions = "refuse"\n'
    file.write_text(closed + file.read_text(encoding="utf-8"), encoding="utf-8")
    await running.house.onboarding.reload()
    assert running.house.onboarding.refused == ()

    said = await press(running, message, "Approve", {"tick0": ticks["tick0"], "comment": "Fine"})

    assert "The audit." in said
    assert "Nothing was decided." in said
    shown = list(_parts(said_to(running, MARIA)[-1].shown_to(MARIA) or {}))
    ticked = [p for p in shown if str(p.get("id", "")).startswith("tick") and p["value"]]
    assert [part["id"] for part in ticked] == ["tick0"]
    assert [p["value"] for p in shown if p.get("id") == "comment"] == ["Fine"]
    assert expenses(running).actions() == []
