"""The whole story as people see it: a real Chromium on the playground's page, the real service behind it."""

import asyncio
from typing import Any

import pytest
from playwright.async_api import Browser, Route, expect

from playground import names
from playground.reading import words
from playground.records import Outcome
from tests.desk import (
    ALL,
    AS_IT_SHOULD,
    JONAS,
    MARIA,
    PRIYA,
    Desk,
    a_desk,
    as_read,
    desk,
    looked_again,
    says,
    settled,
)
from tests.failing import all_due, change_title
from tests.running import WIKI_NUMBER, Running

__all__ = ["desk"]

pytestmark = pytest.mark.browser
on_sqlite = pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)

# -- the story ------------------------------------------------------------------


async def test_the_wikis_story_from_create_to_the_last_delete(running: Running, desk: Desk) -> None:
    await desk.post_sample("wiki-create")
    await desk.asked(*ALL)
    for alias in ALL:
        await says(desk, alias, "REQ-34562-126", "Title of the request", "$19,515.00", "Pending")

    await desk.decide(MARIA, "Approve", "Within Budget")
    for alias in ALL:
        await says(desk, alias, "Approved by Maria Keller", "Within Budget")
        await desk.not_asked(alias)
    told = await desk.received("Approve by Maria Keller")
    assert told == as_documented(told, comment="Within Budget")
    for alias in ALL:
        await says(desk, alias, as_read(told["ActionDetails"]["ActionDate"]))

    await desk.post_sample("wiki-update")
    await desk.asked(JONAS, PRIYA)
    await says(desk, MARIA, "Approved by Maria Keller", "Nothing more for you to do.")
    await desk.not_asked(MARIA)

    await desk.post_sample("wiki-delete")
    await settled(running, desk, JONAS, PRIYA)
    for alias in (JONAS, PRIYA):
        await desk.refresh(alias)
    await desk.asked(JONAS, PRIYA)

    await desk.post_sample("wiki-delete-both")
    await settled(running, desk, *ALL)
    for alias in ALL:
        await says(desk, alias, "Nothing more for you to do.")
        await desk.not_asked(alias)
        cards = desk.chat(alias).locator(".card")
        await expect(cards).to_have_count(2)  # the welcome, and this one
    assert len(running.told()) == 1


def as_documented(told: dict[str, Any], *, comment: str) -> dict[str, Any]:
    """Return the ApprovalRequest of the documents, with what differs each time taken from *told*."""
    identifier = {
        "DisplayDocumentNumber": WIKI_NUMBER,
        "DocumentNumber": WIKI_NUMBER,
        "FiscalYear": "2020",
    }
    return {
        "DocumentTypeID": names.DOCUMENT_TYPE,
        "Action": "Approve",
        "ActionByAlias": MARIA,
        "ActionDetails": {
            "Comment": comment,
            "ActionDate": told["ActionDetails"]["ActionDate"],
        },
        "ApprovalIdentifier": identifier,
        "AdditionalData": {},
        "Telemetry": {
            "Tcv": told["Telemetry"]["Tcv"],
            "Xcv": WIKI_NUMBER,
            "BusinessProcessName": "Approvals-Contoso Purchasing-ApprovalAction-Approve",
            "TenantTelemetry": {},
        },
    }


@on_sqlite
async def test_the_readmes_first_approval_goes_as_it_says(running: Running, desk: Desk) -> None:
    chosen = desk.page.locator("[data-sample=laptops-create]")
    await expect(chosen).to_have_attribute("aria-pressed", "true")
    await desk.post_sample("laptops-create")
    await desk.asked(MARIA)
    await desk.decide(MARIA, "Approve", "Within budget")
    await says(desk, MARIA, "Approved by Maria Keller", "Within budget")
    await desk.received("Approve by Maria Keller")

    await desk.post_sample("laptops-update")
    await desk.asked(JONAS, PRIYA)
    await says(desk, MARIA, "Approved by Maria Keller", "Nothing more for you to do.")
    await says(desk, JONAS, "Line manager — Maria Keller")

    await settled(running, desk, JONAS, PRIYA)
    await desk.decide(PRIYA, "Reject")
    await says(desk, PRIYA, "“Reject” needs a comment.")
    await desk.decide(JONAS, "Approve")
    for alias in (JONAS, PRIYA):
        await says(desk, alias, "Approved by Jonas Berg")
        await desk.not_asked(alias)

    await desk.post_sample("laptops-delete")
    await says(
        desk, MARIA, "Approved by Jonas Berg", "Before that: Approved by you", "Within budget"
    )
    for alias in (JONAS, PRIYA):
        await says(desk, alias, "Approved by Jonas Berg", "Nothing more for you to do.")
    assert [told.body["Action"] for told in running.told()] == ["Approve", "Approve"]


# -- who was faster -------------------------------------------------------------


async def test_of_two_who_press_at_the_same_instant_one_is_told_who_was_faster(
    running: Running, desk: Desk, browser: Browser
) -> None:
    async with a_desk(browser, running.playground.url) as other:
        await desk.post_sample("wiki-create")
        await desk.asked(MARIA)
        await other.asked(JONAS)
        await desk.tenant_answers("never, until released")  # else the outcome is there at once
        await settled(running, desk, *ALL)
        await settled(running, other, *ALL)
        await press(desk, MARIA)
        await press(other, JONAS)

        marias, jonass = await asyncio.gather(release(desk), release(other))

        [held] = await running.until(running.playground.tenant.held)
        names_of = {MARIA: "Maria Keller", JONAS: "Jonas Berg"}
        winner = names_of[held.body["ActionByAlias"]]
        late, first = (jonass, marias) if winner == "Maria Keller" else (marias, jonass)
        assert says_late(late, winner), late
        assert "was faster" not in first
        await desk.tenant_answers(AS_IT_SHOULD)
        await desk.page.get_by_role("button", name="Release the held call").click()

        for alias in ALL:
            await says(desk, alias, f"Approved by {winner}")
            await desk.not_asked(alias)
    assert len(running.told()) == 1


async def press(desk: Desk, alias: str) -> None:
    """Press Approve and hold it down: what comes meanwhile does not take the button away."""
    await desk.button(alias, "Approve").hover()
    await desk.page.mouse.down()


async def release(desk: Desk) -> str:
    """
    Let go of the button; return what the card says that answers the click.

    It stays a few seconds: by when it is looked for, a card may have come that says the outcome.
    """
    async with desk.page.expect_response("**/page/api/click") as answering:
        await desk.page.mouse.up()
    told = await (await answering.value).json()
    return words(told["changed"][0]["card"])


def says_late(said: str, other: str) -> bool:
    """
    Tell whether a card says that somebody was late.

    A machine too busy for the two seconds leaves no time to say by whom: then the card says that, and nothing false.
    """
    faster = f"{other} was faster: see below what was decided."
    return faster in said or "Approvals cannot be reached at the moment" in said


# -- a tenant that does not answer, refuses, loses its answer -------------------


async def test_the_answer_on_the_card_comes_before_the_tenants(
    running: Running, desk: Desk
) -> None:
    await desk.post_sample("wiki-create")
    await desk.asked(*ALL)
    await desk.tenant_answers("never, until released")

    await desk.decide(MARIA, "Approve")
    await says(desk, MARIA, "Sending to Contoso Purchasing…")
    [held] = await running.until(running.playground.tenant.held)
    await says(desk, JONAS, "Maria Keller", "Sending to Contoso Purchasing…")
    await desk.not_asked(JONAS)

    assert (held.outcome, held.answer) == (Outcome.WAITING, None)
    await desk.tenant_answers(AS_IT_SHOULD)
    await desk.page.get_by_role("button", name="Release the held call").click()
    for alias in ALL:
        await says(desk, alias, "Approved by Maria Keller")
    assert len(running.told()) == 1


@on_sqlite
async def test_a_refusal_says_why_and_gives_the_buttons_and_the_text_back(
    running: Running, desk: Desk
) -> None:
    await desk.post_sample("wiki-create")
    await desk.asked(*ALL)
    await desk.tenant_answers("refusing, on purpose (ErrorType 1)")

    await desk.decide(MARIA, "Approve", "Fine for Q4.\nPlease order soon.")

    await says(desk, MARIA, "Cost centre 4210 has €900.00 left")
    await expect(desk.comment(MARIA)).to_have_value("Fine for Q4.\nPlease order soon.")
    await desk.asked(*ALL)

    await desk.tenant_answers(AS_IT_SHOULD)
    await desk.button(MARIA, "Approve").click()
    await says(desk, MARIA, "Approved by Maria Keller", "Fine for Q4.")
    first, second = running.told()
    assert first.body["Telemetry"]["Tcv"] != second.body["Telemetry"]["Tcv"]


@on_sqlite
async def test_a_comment_that_is_needed_is_asked_for_and_nothing_is_sent(
    running: Running, desk: Desk
) -> None:
    await desk.post_sample("wiki-create")
    await desk.asked(MARIA)
    await settled(running, desk, MARIA)

    await desk.decide(MARIA, "Reject")

    await says(desk, MARIA, "“Reject” needs a comment.")
    await desk.asked(MARIA)
    assert running.told() == []


@on_sqlite
async def test_a_question_stands_on_every_card_and_nobodys_buttons_go(
    running: Running, desk: Desk
) -> None:
    await desk.post_sample("wiki-create")
    await desk.asked(*ALL)

    await desk.decide(PRIYA, "Need info", "Which cost centre?")

    for alias in ALL:
        await says(desk, alias, "More information asked for by Priya Nair", "Which cost centre?")
    await desk.asked(*ALL)
    await expect(desk.comment(PRIYA)).to_have_value("")


@on_sqlite
async def test_an_answer_that_was_lost_is_never_called_done_nor_failed(
    running: Running, desk: Desk
) -> None:
    await desk.post_sample("wiki-create")
    await desk.asked(*ALL)
    await desk.page.get_by_label("honours Idempotency-Key").uncheck()
    await running.until(lambda: not running.playground.tenant.book.honours_keys)
    await desk.tenant_answers("applies it, then loses the answer")

    await desk.decide(MARIA, "Approve")

    for alias in ALL:
        await says(desk, alias, "Not confirmed", "It may have it, or not.")
        await desk.not_asked(alias)


# -- cards that change meanwhile --------------------------------------------------


@on_sqlite
async def test_an_answer_that_a_newer_card_overtook_does_not_take_its_place(
    running: Running, desk: Desk
) -> None:
    await desk.post_sample("wiki-create")
    await desk.asked(MARIA)
    await settled(running, desk, MARIA)
    comes = asyncio.Event()

    async def answer_late(route: Route) -> None:
        response = await route.fetch()
        await comes.wait()
        await route.fulfill(response=response)

    async def refresh_nothing(route: Route) -> None:
        await route.fulfill(json={"changed": [], "toast": None})

    await desk.page.route("**/page/api/click", answer_late)
    await desk.page.route("**/page/api/opened", refresh_nothing)  # which would mend it at once
    await desk.decide(MARIA, "Reject")
    await running.until(lambda: "needs a comment" in running.text_of(MARIA))
    await change_title(running, "A dearer thing")
    await running.pass_time(5)  # for which a card that was clicked is left alone
    await says(desk, MARIA, "A dearer thing")

    comes.set()

    await expect(desk.card(MARIA)).to_have_attribute("aria-busy", "false")
    await says(desk, MARIA, "A dearer thing")


@on_sqlite
async def test_a_card_that_changes_under_the_finger_loses_no_click(
    running: Running, desk: Desk
) -> None:
    await desk.post_sample("wiki-create")
    await desk.asked(*ALL)
    await settled(running, desk, *ALL)
    await desk.button(MARIA, "Approve").hover()
    await desk.page.mouse.down()
    await change_title(running, "A dearer thing")
    await running.says(MARIA, "A dearer thing")
    await all_due(running)  # what came later would take the place of the answer to the click
    await running.playground.teams.say(PRIYA, "help")
    await says(desk, PRIYA, "What you can write here")  # so the page knows what came before it

    await desk.page.mouse.up()

    await says(desk, MARIA, "changed since this card was made", "A dearer thing")
    assert running.told() == []


# -- who cannot be asked ---------------------------------------------------------


@on_sqlite
async def test_the_tenants_side_says_of_each_approver_what_became_of_him(
    running: Running, desk: Desk
) -> None:
    nobody, twins = {"Alias": "johndoe99", "Name": "Kim Nobody"}, {"Alias": "johndoe1"}
    await desk.app_is("Priya Nair", "Removed")
    await desk.post_sample("laptops-create", Approvers=[nobody, twins, {"Alias": PRIYA}])
    rows = desk.page.get_by_role("list", name="Approvers").get_by_role("listitem")
    await looked_again(running, desk)

    await expect(rows.nth(0)).to_contain_text("Kim Nobody johndoe99 asked · cannot be reached:")
    await expect(rows.nth(1)).to_contain_text("Maria Keller johndoe1 asked · has a card")
    await expect(rows.nth(2)).to_contain_text("Priya Nair johndoe3 asked · cannot be reached:")
    await says(desk, MARIA, "Kim Nobody (cannot be found)")

    await desk.decide(MARIA, "Approve")
    await expect(rows.nth(1)).to_contain_text("Maria Keller johndoe1 decided")


@on_sqlite
async def test_a_card_that_has_just_come_does_not_say_edited(running: Running, desk: Desk) -> None:
    await desk.post_sample("wiki-create")
    await desk.asked(*ALL)
    await settled(running, desk, *ALL)

    for alias in ALL:
        chat = running.playground.world.open_chat(alias)
        late = [m for m in chat.messages if m.edited]  # none, but where a machine stood still
        await expect(desk.chat(alias).get_by_text("Edited")).to_have_count(len(late))


# -- what people write ----------------------------------------------------------


@on_sqlite
async def test_commands_answer_with_cards_that_work(running: Running, desk: Desk) -> None:
    await desk.post_sample("wiki-create")
    await desk.asked(*ALL)

    await desk.write(MARIA, "help")
    await says(desk, MARIA, "What you can write here")
    await desk.write(JONAS, "pending")
    await says(desk, JONAS, "Waiting for you", "Title of the request", "$19,515.00")
    await desk.card(JONAS).get_by_role("button", name=f"Open {WIKI_NUMBER}").click()
    await desk.asked(JONAS)
    await desk.write(PRIYA, f"show {WIKI_NUMBER}")
    await expect(desk.chat(PRIYA).locator(".card")).to_have_count(3)
    await desk.decide(PRIYA, "Approve")
    await says(desk, PRIYA, "Approved by Priya Nair")
    await desk.write(MARIA, "show REQ-0")
    await says(desk, MARIA, "“REQ-0” is not available to you")

    assert len(running.told()) == 1
