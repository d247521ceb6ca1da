"""Actions that ask for more, through the whole service: signed activities in, ApprovalRequests out."""

import pytest

from playground.faults import Fault, FaultKind
from playground.reading import button, words
from tests.failing import converged
from tests.running import Running
from tests.running_forms import ANA, JONAS, MARIA, PRIYA, forms

__all__ = ["forms"]

TOM, DORA, GIL = "johndoe4", "johndoe20", "guest1"
CLOSED = "The posting period is closed."


async def press(running: Running, title: str, **inputs: str) -> str:
    """Press a button of Maria's card with these inputs; return what she then sees."""
    message = running.card_of(MARIA)
    assert message is not None
    action = button(message.shown_to(MARIA) or {}, title)
    named = {name.replace("__", "."): value for name, value in inputs.items()}
    answer = await running.playground.teams.click(MARIA, message.id, action, named)
    return words(answer.card or {})


async def forge(running: Running, code: str, **inputs: str) -> str:
    """Send a click on an action that the card may not have; return what Maria then sees."""
    message = running.card_of(MARIA)
    assert message is not None
    shown = button(message.shown_to(MARIA) or {}, "Approve")
    forged = shown | {"data": shown["data"] | {"a": code}}
    answer = await running.playground.teams.click(MARIA, message.id, forged, dict(inputs))
    return words(answer.card or {})


def oid(running: Running, alias: str) -> str:
    return running.playground.world.people[alias].object_id


async def test_a_rejection_with_its_reason_reaches_the_tenant(forms: Running) -> None:
    said = await press(forms, "Reject", reason__Reject="PRICE", comment__Reject="Last year's.")

    assert "Rejected by **Maria Keller**" in said
    assert "Reason: Too expensive" in said
    [told] = forms.told()
    details = told.body["ActionDetails"]
    assert (details["ReasonCode"], details["ReasonText"]) == ("PRICE", "Too expensive")
    assert details["Comment"] == "Last year's."


@pytest.mark.parametrize("reason", ["", "CHEAP", "NONSENSE", "Too expensive"])
async def test_a_reason_that_is_not_offered_sends_nothing(forms: Running, reason: str) -> None:
    said = await press(forms, "Reject", reason__Reject=reason, comment__Reject="Because.")

    assert "reason" in said or "not offered" in said
    assert "Because." in said
    assert forms.told() == []


async def test_a_reassignment_names_whom_the_directory_knows(forms: Running) -> None:
    said = await press(
        forms,
        "Reassign",
        person__Reassign=oid(forms, TOM).upper(),
        placement__Reassign="After",
    )

    assert "New approver: Tom Okafor" in said
    [told] = forms.told()
    details = told.body["ActionDetails"]
    assert details["NewApproverAlias"] == TOM
    assert (details["SequenceID"], details["ApproverType"]) == ("After", "Interim")


@pytest.mark.parametrize(
    ("alias", "why"),
    [
        (MARIA, "You are asked already"),
        (JONAS, "Jonas Berg is asked already"),
        (ANA, "made this request"),
        (DORA, "disabled"),
        (GIL, "Guests cannot approve"),
        ("mallory", "could not be found"),  # of another directory
    ],
)
async def test_somebody_who_may_not_be_it_is_refused_and_nothing_is_sent(
    forms: Running, alias: str, why: str
) -> None:
    await forms.asked(JONAS, PRIYA)  # so it is known who they are

    said = await press(
        forms,
        "Reassign",
        person__Reassign=oid(forms, alias),
        placement__Reassign="After",
        comment__Reassign="Please.",
    )

    assert why in said
    assert "Please." in said
    assert forms.told() == []


@pytest.mark.parametrize("chosen", ["", "johndoe4", "../users", "' or 1 eq 1", "x" * 5000])
async def test_a_person_who_was_not_picked_is_nobody(forms: Running, chosen: str) -> None:
    said = await press(forms, "Reassign", person__Reassign=chosen, placement__Reassign="After")

    assert "new approver" in said
    assert forms.told() == []


async def test_a_directory_in_trouble_decides_nothing_and_says_so(forms: Running) -> None:
    forms.playground.world.set_fault("graph", Fault(kind=FaultKind.STATUS, status=503))
    chosen = {"person__Reassign": oid(forms, TOM), "placement__Reassign": "After"}

    said = await press(forms, "Reassign", **chosen)
    forms.playground.world.clear_fault("graph")
    again = await press(forms, "Reassign", **chosen)

    assert "could not be looked up, so nothing was decided" in said
    assert "New approver: Tom Okafor" in again
    assert len(forms.told()) == 1


async def test_an_older_clients_submit_carries_the_same(forms: Running) -> None:
    message = forms.card_of(MARIA)
    assert message is not None
    action = button(message.shown_to(MARIA) or {}, "Reject")

    await forms.playground.teams.submit(MARIA, message.id, action, {"reason.Reject": "PRICE"})

    await forms.says(MARIA, "Reason: Too expensive")
    [told] = forms.told()
    assert told.body["ActionDetails"]["ReasonCode"] == "PRICE"


async def test_inputs_and_a_confirmation_reach_the_tenant(forms: Running) -> None:
    unconfirmed = await press(forms, "Release payment", input__Release__Reference="LIS-1")
    said = await press(
        forms, "Release payment", input__Release__Reference="LIS-1", confirm__Release="true"
    )

    assert "must be confirmed" in unconfirmed
    assert "LIS-1" in unconfirmed
    assert "Payment released by **Maria Keller**" in said
    [told] = forms.told()
    assert told.body["AdditionalData"] == {"Reference": "LIS-1"}
    assert told.body["ActionDetails"]["Comment"] == ""


async def test_a_refusal_of_the_tenant_keeps_all_that_was_filled_in(forms: Running) -> None:
    fault = Fault(kind=FaultKind.REFUSED, error_type=1, text=CLOSED)
    forms.playground.world.set_fault("tenant/pr", fault)

    said = await press(
        forms, "Release payment", input__Release__Reference="LIS-1", confirm__Release="true"
    )

    assert CLOSED in said
    assert "LIS-1" in said
    await converged(forms)
    await forms.says(MARIA, CLOSED, "LIS-1")


@pytest.mark.parametrize("code", ["Never", "Broken", "Greyed", "Nonsense", "approve "])
async def test_an_action_that_is_not_offered_cannot_be_done(forms: Running, code: str) -> None:
    said = await forge(forms, code)

    assert "not offered" in said
    assert forms.told() == []


async def test_only_what_is_offered_stands_on_the_card(forms: Running) -> None:
    said = forms.text_of(MARIA).split("\n")

    assert {"Approve", "Reject…", "Release payment…", "More", "Reassign…"} <= set(said)
    assert not {"Never", "Broken", "Greyed", "Too cheap"} & set(said)
