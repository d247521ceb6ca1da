"""Cards in a real Chromium: strangers' text does nothing, a phone has room for all, times are the reader's."""

import json
import re
from typing import Any

import pytest
from playwright.async_api import Browser

from cards.text import ZERO_WIDTH_SPACE
from tests.desk import ALL, MARIA, Desk, a_desk, as_read, desk, says, settled, unchanging
from tests.running import Running

__all__ = ["desk"]

pytestmark = [
    pytest.mark.browser,
    pytest.mark.parametrize("store_url", ["sqlite"], indirect=True),
]


# -- what strangers write -------------------------------------------------------

HOSTILE = (
    "[Approve here](https://evil.example) ![x](https://evil.example/p.png) "
    "<script>alert(2)</script> <img src=x onerror=alert(1)> {{DATE(2020-01-01T00:00:00Z)}}"
)


async def test_hostile_text_shows_as_it_was_typed_and_does_nothing(
    running: Running, desk: Desk
) -> None:
    summary = hostile_summary(running)
    await desk.post_sample("wiki-create", SummaryData=summary)
    await desk.asked(*ALL)
    await desk.decide(MARIA, "Approve", HOSTILE)
    for alias in ALL:
        await says(desk, alias, "Approved by Maria Keller")
    await unchanging(running, desk, *ALL)  # a card that is drawn anew folds what was opened

    for alias in ALL:
        await desk.button(alias, "Show or hide details").click()
        card = desk.card(alias)
        said = (await card.inner_text()).replace(ZERO_WIDTH_SPACE, "")
        assert said.count("[Approve here](https://evil.example)") == 3  # title, notes, comment
        assert said.count("<script>alert(2)</script>") == 3
        assert said.count("{{DATE(2020-01-01T00:00:00Z)}}") == 3
        assert await card.locator("img, script, iframe").count() == 0
        assert await card.locator("a[href]").count() == 0
        assert await card.get_by_role("button", name=re.compile("^Open")).count() == 0


def hostile_summary(running: Running) -> dict[str, Any]:
    summary = json.loads(running.playground.sample("wiki-create"))["SummaryData"]
    attachment = {"ID": "1", "Name": "[a](https://evil.example).pdf", "Url": "javascript:alert(3)"}
    return summary | {
        "Title": HOSTILE,
        "ApproverNotes": HOSTILE,
        "DetailPageURL": "javascript:alert(4)",
        "Attachments": [attachment],
    }


# -- where there is little room -------------------------------------------------


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_on_a_phone_nothing_sticks_out_of_a_card(
    running: Running, browser: Browser, theme: str
) -> None:
    running.number = "PR-2026-00417"
    wide = {
        "Lieferantenkennzeichnung": "W" * 24,
        "Web": "https://erp.example.com/a/b?c=" + "d" * 90,
    }
    summary = json.loads(running.playground.sample("laptops-create"))["SummaryData"]
    summary["AdditionalData"] |= wide
    await running.send("laptops-create", SummaryData=summary)
    await running.asked(MARIA)

    narrow = {"width": 320, "height": 640}
    url = f"{running.playground.url}/#theme={theme}"
    async with a_desk(browser, url, viewport=narrow) as phone:
        await phone.asked(MARIA)
        await settled(running, phone, MARIA)
        assert await sticking_out(phone) == []
        await phone.decide(MARIA, "Approve", "x" * 300)
        await says(phone, MARIA, "Approved by Maria Keller")
        await unchanging(running, phone, MARIA)
        await phone.button(MARIA, "Show or hide details").click()
        assert await sticking_out(phone) == []


async def sticking_out(desk: Desk) -> list[str]:
    """Return the texts that pass the edge of Maria's card, or are cut off."""
    return await desk.card(MARIA).evaluate(
        """card => {
          const edge = card.getBoundingClientRect().right - 8;
          return [...card.querySelectorAll('*')]
            .filter(e => e.offsetParent && !e.closest('.unseen') && e.childElementCount === 0)
            .filter(e => e.getBoundingClientRect().right > edge || e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 0)
            .map(e => `${e.className}: ${e.textContent}`);
        }"""
    )


async def test_times_are_those_of_the_readers_own_clock(running: Running, browser: Browser) -> None:
    kolkata = "Asia/Kolkata"
    async with a_desk(browser, running.playground.url, timezone_id=kolkata) as desk:
        await desk.post_sample("wiki-create")
        await desk.asked(MARIA)
        await desk.decide(MARIA, "Approve")
        await says(desk, MARIA, "Approved by Maria Keller")

        [told] = running.told()
        await says(desk, MARIA, as_read(told.body["ActionDetails"]["ActionDate"], kolkata))
