"""Forms in a real Chromium: opened, filled in, sent, and still filled in when something else changes."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, expect

from tests.desk import MARIA, Desk, a_desk, says, settled
from tests.running import Running
from tests.running_forms import a_summary, forms

__all__ = ["forms"]

pytestmark = pytest.mark.browser


@pytest.fixture
async def page(forms: Running, browser: Browser) -> AsyncIterator[Desk]:
    async with a_desk(browser, forms.playground.url) as opened:
        await opened.asked(MARIA)
        await settled(forms, opened, MARIA)  # what came to the card later would close its forms
        yield opened


async def test_a_request_is_passed_to_somebody_who_is_searched_by_name(
    forms: Running, page: Desk
) -> None:
    card = page.card(MARIA)
    await expect(card.get_by_placeholder("Search by name")).to_be_hidden()
    await page.button(MARIA, "More").click()
    await page.button(MARIA, "Reassign…").click()

    await card.get_by_placeholder("Search by name").fill("Tom Okafor")
    await card.get_by_label("Comes in").select_option(label="After me")
    await card.get_by_label("Comment (optional)").last.fill("You know the vendor.")
    await page.button(MARIA, "Reassign").click()

    await says(page, MARIA, "Reassigned by Maria Keller", "New approver: Tom Okafor")
    [told] = forms.told()
    assert told.body["ActionDetails"]["NewApproverAlias"] == "johndoe4"
    assert told.body["ActionDetails"]["Comment"] == "You know the vendor."


async def test_a_name_typed_and_not_chosen_is_asked_for_by_the_bot(
    forms: Running, page: Desk
) -> None:
    card = page.card(MARIA)
    await page.button(MARIA, "More").click()
    await page.button(MARIA, "Reassign…").click()
    await card.get_by_placeholder("Search by name").fill("Tom O")
    await card.get_by_label("Comes in").select_option(label="After me")
    await page.button(MARIA, "Reassign").click()

    await says(page, MARIA, "needs a new approver")
    assert forms.told() == []


async def test_what_is_missing_is_said_and_the_form_stays_open_and_filled_in(
    forms: Running, page: Desk
) -> None:
    card = page.card(MARIA)
    await page.button(MARIA, "Release payment…").click()
    await card.get_by_label("Payment reference").fill("LIS-1")
    await page.button(MARIA, "Release payment").click()

    await says(page, MARIA, "must be confirmed")
    await expect(card.get_by_label("Payment reference")).to_be_visible()
    await expect(card.get_by_label("Payment reference")).to_have_value("LIS-1")
    await card.get_by_label("I checked the account.").check()
    await page.button(MARIA, "Release payment").click()

    await says(page, MARIA, "Payment released by Maria Keller")
    [told] = forms.told()
    assert told.body["AdditionalData"] == {"Reference": "LIS-1"}


async def test_what_was_filled_in_outlives_a_change_of_the_card(forms: Running, page: Desk) -> None:
    card = page.card(MARIA)
    await page.button(MARIA, "Release payment…").click()
    await card.get_by_label("Payment reference").fill("LIS-1")
    await card.get_by_label("I checked the account.").check()
    await page.button(MARIA, "More").click()
    await page.button(MARIA, "Reassign…").click()
    await card.get_by_placeholder("Search by name").fill("Tom Okafor")

    changed = a_summary(forms.playground, Title="Laptops for Porto")
    tom = {"Alias": "johndoe4", "Name": "Tom Okafor"}
    await forms.send("wiki-create", SummaryData=changed, Approvers=[tom])
    await says(page, MARIA, "Laptops for Porto")
    await settled(forms, page, MARIA)  # the card changes once more when Tom was found

    await page.button(MARIA, "Release payment…").click()
    await expect(card.get_by_label("Payment reference")).to_have_value("LIS-1")
    await expect(card.get_by_label("I checked the account.")).to_be_checked()
    await page.button(MARIA, "More").click()
    await page.button(MARIA, "Reassign…").click()
    await expect(card.locator("input[list]")).to_have_value("Tom Okafor")
