"""The page in a real Chromium: signed in, decided on, light and dark, on a phone, and without JavaScript."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from playground.outside import Playground
from tests.page_visits import paged, path_of, with_files
from tests.running import Running

pytestmark = pytest.mark.browser

MARIA = "Maria Keller"


@pytest.fixture
async def service(playground: Playground, tmp_path: Path) -> AsyncIterator[Running]:
    async with paged(playground, tmp_path) as running:
        yield running


@asynccontextmanager
async def window(browser: Browser, **how: Any) -> AsyncIterator[tuple[Page, list[str]]]:
    """A window of a new browser, and what it complained about."""
    context = await browser.new_context(**how)
    page = await context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda problem: said.append(str(problem)))
    page.on("requestfailed", lambda request: said.append(f"not loaded: {request.url}"))
    yield page, said
    await context.close()


async def go_in(page: Page, service: Running, name: str = MARIA) -> None:
    """Open the request as from a mail: the playground's sign-in stands before it."""
    await page.goto(service.playground.teams.bot + await path_of(service))
    await page.get_by_role("button", name=name).click()
    await comes(page, "Title of the request")


async def comes(page: Page, heading: str) -> None:
    """Wait for a page with this heading, and all that it loads: what is left before is not loaded."""
    await expect(page.get_by_role("heading", level=1)).to_have_text(heading)
    await page.wait_for_load_state("load")


async def is_within(page: Page) -> bool:
    """Tell whether nothing sticks out of the window to the side."""
    script = "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    wide, there = await page.evaluate(script)
    return wide <= there


@pytest.mark.parametrize("javascript", [True, False], ids=["javascript", "no javascript"])
async def test_a_mails_link_leads_to_a_decision(
    browser: Browser, service: Running, *, javascript: bool
):
    async with window(browser, java_script_enabled=javascript) as (page, said):
        await go_in(page, service)
        await page.get_by_label("Comment").fill("Good price.\nTake two.")

        await page.get_by_role("button", name="Approve").click()

        await expect(page.locator("main")).to_contain_text("Approved by Maria Keller")
        await expect(page.get_by_role("button", name="Approve")).to_have_count(0)
        assert said == []
    [told] = service.told()
    assert told.body["ActionDetails"]["Comment"] == "Good price.\nTake two."
    await service.says("johndoe2", "Approved by", "Maria Keller")


async def test_with_the_keyboard_alone(browser: Browser, service: Running):
    async with window(browser) as (page, said):
        await go_in(page, service)
        await page.keyboard.press("Tab")
        await expect(page.get_by_text("Skip to the content")).to_be_focused()
        await page.keyboard.press("Enter")
        await page.get_by_label("Comment").focus()
        await page.keyboard.type("Good price.")
        await page.keyboard.press("Tab")
        await expect(page.get_by_role("button", name="Approve")).to_be_focused()
        ring = "getComputedStyle(document.activeElement).outlineStyle"
        assert await page.evaluate(ring) == "solid"

        await page.keyboard.press("Enter")

        await expect(page.locator("main")).to_contain_text("Approved by Maria Keller")
        assert said == []
    assert len(service.told()) == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
async def test_it_fits_every_window_in_light_and_dark(
    browser: Browser, service: Running, scheme: str, width: int
):
    size = {"width": width, "height": 800}
    async with window(browser, color_scheme=scheme, viewport=size) as (page, said):
        await go_in(page, service)
        assert await is_within(page)
        await page.get_by_role("button", name="Reject").click()
        await expect(page.get_by_role("alert")).to_contain_text("needs a comment")
        await page.wait_for_load_state("load")
        assert await is_within(page)
        ground = "getComputedStyle(document.body).backgroundColor"
        dark = sum(int(part) for part in (await page.evaluate(ground))[4:-1].split(",")) < 200
        assert dark == (scheme == "dark")
        # The 422 of the form that lacks a comment is all that the console may speak of.
        assert [line for line in said if "422" not in line] == []


async def test_who_signs_out_is_asked_again(browser: Browser, service: Running):
    async with window(browser) as (page, said):
        await go_in(page, service)

        await page.get_by_role("button", name="Sign out").click()

        await comes(page, "You are signed out")
        await page.goto(service.playground.teams.bot + await path_of(service))
        await comes(page, "Sign in as …")
        assert said == []


async def test_a_file_of_the_tenant_is_saved_and_not_shown(
    browser: Browser, service: Running, tmp_path: Path
):
    path = await with_files(service)
    async with window(browser) as (page, said):
        await page.goto(service.playground.teams.bot + path)
        await page.get_by_role("button", name=MARIA).click()

        async with page.expect_download() as saving:
            await page.get_by_role("link", name="Ticket-Porto.pdf").click()

        saved = await saving.value
        await saved.save_as(tmp_path / "saved")
        assert saved.suggested_filename == "Ticket-Porto.pdf"
        assert (tmp_path / "saved").read_bytes().startswith(b"%PDF-")
        assert page.url.endswith(path)
        assert [line for line in said if "/attachments/" not in line] == []
