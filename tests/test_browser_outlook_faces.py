"""Every face of a card in a mail, drawn by Microsoft's renderer with Outlook's settings, and pressed there."""

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import Browser, expect

from approvals_core.models import Entries
from approvals_core.tenant import Action
from cards.approval import Aside
from cards.outlook.body import read_body
from tests.card_forms import REASONED, asks
from tests.card_makers import APPROVE, NEED_INFO, REJECT, a_content, a_place, a_view, an_approval
from tests.card_pictures import PHONE, Sheet, a_sheet
from tests.outlook_faces import CHOOSING, DRAW, LOOKS, in_mail, outlook_faces

pytestmark = pytest.mark.browser

CARDS = list(outlook_faces().items())
HOSTILE = "Fine {{reason_ab604a36.value}}\n</script> 1. *no*\n\n\u05d0 \U0001f44d"


@pytest.fixture
async def sheet(browser: Browser) -> AsyncIterator[Sheet]:
    async with a_sheet(browser, script=DRAW) as opened:
        yield opened
        assert opened.complaints == []


@pytest.mark.parametrize(("theme", "width", "opened"), [look[1:] for look in LOOKS])
async def test_every_face_fits_and_can_be_read(sheet: Sheet, theme, width, opened) -> None:
    await sheet.draw(CARDS, theme=theme, width=width, opened=opened)

    assert await sheet.page.locator(".card").count() == len(CARDS)
    assert await sheet.sticking_out() == []
    pale = [each.partition(": ")[2] for each in await sheet.low_contrasts()]
    assert [each for each in pale if re.search(r"\w\w", each)] == []  # signs are no words


@pytest.mark.parametrize(
    ("total", "written"),
    [
        ("1112480", "€1,112,480.00"),
        ("21112480", "€21,112,480.00"),
        ("123456789012345", "€123,456,789,012,345.00"),
    ],
)
async def test_no_amount_breaks_inside_the_number_on_a_phone(
    sheet: Sheet, total: str, written: str
) -> None:
    content = a_content(unit_value=total)
    card = in_mail(a_view(an_approval(a_place(), content=content)))
    await sheet.draw([("card", card)], theme="light", width=PHONE, opened=False)

    amount = sheet.page.get_by_text(written, exact=True)

    lines = "words => { const all = document.createRange(); all.selectNodeContents(words); return all.getClientRects().length }"
    assert await amount.evaluate(lines) == 1


async def pressed(sheet: Sheet, button: str) -> dict[str, Any]:
    await sheet.page.get_by_role("button", name=button, exact=True).last.click()
    return (await sheet.page.evaluate("() => window.sent"))[-1]


async def draw(sheet: Sheet, *actions: Action) -> None:
    cards = [("card", in_mail(asks(*actions)))]
    await sheet.draw(cards, theme="light", width=PHONE, opened=False)


async def test_a_click_posts_the_comment_as_it_was_typed(sheet: Sheet) -> None:
    await draw(sheet, APPROVE, REJECT, NEED_INFO)

    await sheet.page.get_by_role("textbox").fill(HOSTILE)
    sent = await pressed(sheet, "Reject")

    assert "/outlook/act/Reject-" in sent["url"]
    assert read_body(sent["body"], REJECT) == (HOSTILE, Entries())


async def test_a_click_without_a_word_posts_an_empty_comment(sheet: Sheet) -> None:
    await draw(sheet, APPROVE, REJECT)

    sent = await pressed(sheet, "Approve")

    assert read_body(sent["body"], APPROVE) == ("", Entries())


async def test_a_reason_and_a_comment_arrive_as_they_were_given(sheet: Sheet) -> None:
    await draw(sheet, APPROVE, REASONED)
    reasons = sheet.page.get_by_role("combobox")
    await expect(reasons).to_be_hidden()

    await sheet.page.get_by_role("textbox").fill(HOSTILE)
    await sheet.page.get_by_role("button", name="Reject…").click()
    await reasons.select_option("Not needed this year")
    sent = await pressed(sheet, "Reject")

    assert read_body(sent["body"], REASONED) == (HOSTILE, Entries(justification="SCOPE"))


async def test_choices_and_boxes_arrive_as_they_were_ticked(sheet: Sheet) -> None:
    await draw(sheet, CHOOSING)

    await sheet.page.get_by_role("button", name="Release payment…").click()
    await sheet.page.get_by_role("combobox").select_option("Lisbon")
    await sheet.page.get_by_role("checkbox", name="Yes").check()
    sent = await pressed(sheet, "Release payment")

    given = Entries(inputs={"Account": "PT01", "Urgent": "false"}, confirmed=True)
    assert read_body(sent["body"], CHOOSING) == ("", given)


async def test_opening_one_form_closes_the_other(sheet: Sheet) -> None:
    await draw(sheet, REASONED, CHOOSING)
    confirmed = sheet.page.get_by_text("I checked the account number.")

    await sheet.page.get_by_role("button", name="Release payment…").click()
    await expect(confirmed).to_be_visible()
    await sheet.page.get_by_role("button", name="Reject…").click()

    await expect(confirmed).to_be_hidden()
    await expect(sheet.page.get_by_text("Reason", exact=True)).to_be_visible()


async def test_a_kept_comment_is_sent_as_it_was_first_typed(sheet: Sheet) -> None:
    view = asks(REJECT)
    card = in_mail(view, Aside(problem="Please look again.", typed=HOSTILE))
    await sheet.draw([("card", card)], theme="light", width=PHONE, opened=False)

    sent = await pressed(sheet, "Reject")

    assert read_body(sent["body"], REJECT) == (HOSTILE, Entries())
