"""Outlook on the playground's page, with mails made by hand: what it shows, refuses and tells."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, expect

from playground.faults import FaultKind
from playground.mailboxes import Via
from playground.outside import Playground
from tests.desk import JONAS, MARIA, PRIYA, Desk, a_desk
from tests.hand_made_mails import Target, a_card, a_mail, an_html, target
from tests.inboxes import Inboxes
from tests.shared_browser import PATIENCE

__all__ = ["target"]

pytestmark = pytest.mark.browser
LAPTOPS = "Laptops for Lisbon"


@pytest.fixture
async def desk(playground: Playground, target: Target, browser: Browser) -> AsyncIterator[Desk]:
    playground.outlook.auto_invoke_within = PATIENCE / 1000  # a slow machine is no late answer
    async with a_desk(browser, playground.url) as opened:
        yield opened


@pytest.fixture
def inboxes(desk: Desk) -> Inboxes:
    return Inboxes(desk)


async def test_a_mail_that_comes_in_is_counted_until_it_is_read(
    playground: Playground, target: Target, desk: Desk, inboxes: Inboxes
) -> None:
    tab = desk.page.locator(f"#person-{MARIA}").get_by_role("tab").nth(1)
    await expect(tab).to_have_text("Outlook")

    a_mail(playground, MARIA, an_html(None))

    await expect(tab).to_have_text("Outlook1")
    await inboxes.open(MARIA, LAPTOPS)
    await expect(tab).to_have_text("Outlook")
    await expect(inboxes.text(MARIA).get_by_role("heading", name=LAPTOPS)).to_be_visible()


async def test_why_a_card_is_not_shown_stands_above_the_mails_text(
    playground: Playground, target: Target, inboxes: Inboxes
) -> None:
    a_mail(playground, MARIA, an_html(a_card(target.url, originator="x", version="1.4")))

    await inboxes.open(MARIA, LAPTOPS)

    reasons = inboxes.of(MARIA).locator(".refused li")
    await expect(reasons).to_have_text(
        [
            "The originator x is not the registered provider.",
            "Card version 1.4 with Action.Http: it works at 1.0 only.",
        ]
    )
    await expect(inboxes.card(MARIA)).to_have_count(0)
    await expect(inboxes.text(MARIA).get_by_role("heading", name=LAPTOPS)).to_be_visible()


async def test_the_card_hides_the_mails_text_only_if_it_says_so(
    playground: Playground, target: Target, inboxes: Inboxes
) -> None:
    a_mail(playground, MARIA, an_html(a_card(target.url)))
    a_mail(playground, JONAS, an_html(a_card(target.url, hideOriginalBody=False)))

    await inboxes.open(MARIA, LAPTOPS)
    await inboxes.open(JONAS, LAPTOPS)

    await expect(inboxes.card(MARIA)).to_be_visible()
    await expect(inboxes.of(MARIA).locator("iframe")).to_have_count(0)
    await expect(inboxes.card(JONAS)).to_be_visible()
    await expect(inboxes.text(JONAS).get_by_role("heading", name=LAPTOPS)).to_be_visible()


async def test_nothing_can_be_pressed_while_the_card_asks_for_itself_anew(
    playground: Playground, target: Target, inboxes: Inboxes
) -> None:
    target.hold = asyncio.Event()
    target.card = a_card(target.url, body=[{"type": "TextBlock", "text": "Approved by Jonas"}])
    a_mail(playground, MARIA, an_html(a_card(target.url)))

    await inboxes.open(MARIA, LAPTOPS)
    await expect(inboxes.button(MARIA, "Approve")).to_be_disabled()
    target.hold.set()

    await inboxes.says(MARIA, "Approved by Jonas")
    await expect(inboxes.button(MARIA, "Approve")).to_have_count(0)


async def test_a_refusal_is_told_below_the_card_which_keeps_what_was_typed(
    playground: Playground, target: Target, inboxes: Inboxes
) -> None:
    target.status, target.told = 403, "This mail was sent to somebody else."
    a_mail(playground, MARIA, an_html(a_card(target.url)))
    await inboxes.open(MARIA, LAPTOPS)

    await inboxes.decide(MARIA, "Approve", "$5 & more {{comment.value}}")

    status = inboxes.of(MARIA).get_by_role("alert")
    await expect(status).to_have_text("This mail was sent to somebody else.")
    typed = inboxes.card(MARIA).locator("textarea")
    await expect(typed).to_have_value("$5 & more {{comment.value}}")
    path, _, body = target.asked[-1]
    assert (path, body) == ("/outlook/act/approve", "$5 & more {{comment.value}}")


async def test_strangers_html_runs_nothing(
    playground: Playground, target: Target, desk: Desk, inboxes: Inboxes
) -> None:
    hostile = '<script>alert(1)</script><img src="data:,x" onerror="alert(2)"><p>Hello</p>'
    text = "<script>alert(3)</script> [x](javascript:alert(4))"
    desk.forbids()  # and nothing else happens
    a_mail(playground, MARIA, an_html(a_card(target.url, text=text), hostile), subject=hostile)

    await inboxes.open(MARIA, "Hello")
    await inboxes.says(MARIA, "<script>alert(3)</script>")
    await inboxes.show(MARIA, "No card support")
    await expect(inboxes.text(MARIA).get_by_text("Hello")).to_be_visible()
    await inboxes.show(MARIA, "Screen reader")
    await inboxes.of(MARIA).get_by_role("list", name="What a screen reader reads").wait_for()

    assert desk.complaints == []


async def test_a_pair_shows_both_apps_of_one_person(
    playground: Playground, target: Target, desk: Desk, inboxes: Inboxes
) -> None:
    await desk.page.get_by_role("radio", name="Pair").click()
    await desk.page.get_by_role("tab", name="Jonas").click()

    await expect(desk.chat(JONAS)).to_be_visible()
    await expect(inboxes.of(JONAS)).to_be_visible()
    for alias in (MARIA, PRIYA):
        await expect(desk.chat(alias)).to_be_hidden()
        await expect(inboxes.of(alias)).to_be_hidden()


async def test_who_looks_at_outlook_stands_in_the_address(
    playground: Playground, target: Target, desk: Desk, inboxes: Inboxes
) -> None:
    await inboxes.look(MARIA)
    await inboxes.look(PRIYA)

    await desk.page.reload()

    assert desk.page.url.endswith("#outlook=johndoe1%2Cjohndoe3")
    await expect(inboxes.of(MARIA)).to_be_visible()
    await expect(inboxes.of(JONAS)).to_be_hidden()
    await expect(inboxes.of(PRIYA)).to_be_visible()


async def test_the_mail_system_is_switched_for_all_at_once(
    playground: Playground, target: Target, inboxes: Inboxes
) -> None:
    playground.world.mail_via = Via.GRAPH
    playground.world.changed("fault", "graph/mail")
    await inboxes.look(MARIA)
    await inboxes.look(PRIYA)
    choose = inboxes.of(MARIA).get_by_label("How the mail system behaves")

    await choose.select_option(label="Graph: 429, again in 30 seconds")

    seen = inboxes.of(PRIYA).get_by_label("How the mail system behaves")
    await expect(seen).to_have_value("throttled")
    [fault] = playground.world.faults["graph/mail"]
    assert (fault.kind, fault.seconds, fault.times) == (FaultKind.THROTTLED, 30, 1)
    await choose.select_option(label="as it should")
    await expect(seen).to_have_value("none")
    assert "graph/mail" not in playground.world.faults


async def test_only_the_mail_system_that_is_in_use_can_go_wrong(
    playground: Playground, target: Target, inboxes: Inboxes
) -> None:
    await inboxes.look(MARIA)
    offered = inboxes.of(MARIA).get_by_label("How the mail system behaves").locator("option")
    await expect(offered.filter(has_text="SMTP")).to_have_count(5)
    await expect(offered.filter(has_text="Graph")).to_have_count(0)

    playground.world.mail_via = Via.GRAPH
    playground.world.changed("fault", "graph/mail")

    await expect(offered.filter(has_text="Graph")).to_have_count(3)
    await expect(offered.filter(has_text="SMTP")).to_have_count(0)
