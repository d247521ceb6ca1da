"""Every face of every card, drawn by Microsoft's renderer: nothing sticks out, all can be read, all buttons can be pressed."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, expect

from tests.card_faces import faces
from tests.card_pictures import LOOKS, PHONE, Sheet, a_sheet

pytestmark = pytest.mark.browser

CARDS = [(name, card.to_dict()) for name, card in faces().items()]


@pytest.fixture
async def sheet(browser: Browser) -> AsyncIterator[Sheet]:
    async with a_sheet(browser) as opened:
        yield opened
        assert opened.complaints == []


@pytest.mark.parametrize(("theme", "width", "opened"), [look[1:] for look in LOOKS])
async def test_every_face_fits_and_can_be_read(sheet: Sheet, theme, width, opened) -> None:
    await sheet.draw(CARDS, theme=theme, width=width, opened=opened)

    assert await sheet.page.locator(".card").count() == len(CARDS)
    assert await sheet.sticking_out() == []
    assert await sheet.low_contrasts() == []


@pytest.mark.parametrize(
    ("wrong", "found"),
    [
        (".card .ac-textBlock { width: 400px }", "sticking_out"),
        (".card .ac-textBlock { color: #ddd !important }", "low_contrasts"),
    ],
)
async def test_what_looks_wrong_is_found(sheet: Sheet, wrong: str, found: str) -> None:
    await sheet.draw(CARDS[:1], theme="light", width=PHONE, opened=False)

    await sheet.page.add_style_tag(content=wrong)

    assert await getattr(sheet, found)() != []


async def test_details_are_folded_and_open_on_demand(sheet: Sheet) -> None:
    approved = [(name, card) for name, card in CARDS if name == "approved"]
    await sheet.draw(approved, theme="light", width=PHONE, opened=False)
    items = sheet.page.get_by_text("Items (3)")

    await expect(items).to_be_hidden()
    await sheet.page.get_by_role("button", name="Show or hide details").click()

    await expect(items).to_be_visible()


async def test_a_row_of_the_list_is_a_button_with_the_requests_number(sheet: Sheet) -> None:
    lists = [(name, card) for name, card in CARDS if name == "list"]
    await sheet.draw(lists, theme="light", width=PHONE, opened=False)

    row = sheet.page.get_by_role("button", name="Open PR-2026-00417")

    await expect(row).to_contain_text("Laptops for the Lisbon design team")
    assert await row.evaluate("row => getComputedStyle(row).cursor") == "pointer"


async def test_a_number_does_not_break_on_a_phone(sheet: Sheet) -> None:
    named = [(name, card) for name, card in CARDS if name in {"pending", "unconfirmed"}]
    await sheet.draw(named, theme="light", width=PHONE, opened=False)

    links = await sheet.page.get_by_role("link", name="PR-2026-00417").all()
    assert len(links) >= len(named)
    for link in links:
        box = await link.bounding_box()
        assert box is not None
        assert box["height"] < 20  # one line of 16 pixels
