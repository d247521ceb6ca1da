"""The wiki's request in Outlook and in Teams: a real Chromium on the playground's page, the real service behind it."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import Browser, Page, expect

from playground.names import DOMAIN
from tests.desk import ALL, JONAS, MARIA, PRIYA, Desk, a_desk, desk, says, settled
from tests.failing import all_due
from tests.inboxes import Inboxes, a_notification
from tests.running import Running
from tests.shared_browser import PATIENCE

__all__ = ["desk"]

pytestmark = pytest.mark.browser
on_sqlite = pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
ASKED = "Approval needed: Title of the request"
ANA = "johndoe11"
PHONE = {"width": 320, "height": 640}


@pytest.fixture
def inboxes(desk: Desk) -> Inboxes:
    return Inboxes(desk)


async def post_create(desk: Desk) -> None:
    await desk.post_sample("wiki-create", NotificationDetail=a_notification())
    await desk.asked(*ALL)


# -- one request, two channels ------------------------------------------------------


async def test_a_decision_in_the_mail_shows_in_that_mail_in_teams_and_in_the_others_mails(
    running: Running, desk: Desk, inboxes: Inboxes
) -> None:
    await post_create(desk)
    await inboxes.open(MARIA, ASKED)
    await inboxes.says(MARIA, "REQ-34562-126", "Title of the request", "$19,515.00", "Pending")

    await inboxes.decide(MARIA, "Approve", "Within Budget")

    await inboxes.says(MARIA, "Approve", "Maria Keller", "Within Budget")  # done, or on its way
    await expect(inboxes.button(MARIA, "Approve")).to_have_count(0)
    for alias in (JONAS, PRIYA):
        await says(desk, alias, "Approved by Maria Keller", "Within Budget")
        await desk.not_asked(alias)
    await inboxes.open(MARIA, ASKED)
    await inboxes.says(MARIA, "Approved by Maria Keller", "Within Budget")
    await inboxes.open(JONAS, ASKED)
    await inboxes.says(JONAS, "Approved by Maria Keller", "Within Budget")
    await inboxes.look(MARIA, "Teams")
    await says(desk, MARIA, "Approved by Maria Keller", "Within Budget")
    [told] = running.told()
    assert told.body["ActionByAlias"] == MARIA
    assert told.body["ActionDetails"]["Comment"] == "Within Budget"


async def test_a_decision_in_teams_shows_in_the_mail_when_it_is_opened(
    running: Running, desk: Desk, inboxes: Inboxes
) -> None:
    await post_create(desk)
    await running.until(lambda: running.playground.world.mailboxes.of(MARIA))
    await desk.decide(JONAS, "Reject", "Too expensive")
    await says(desk, JONAS, "Rejected by Jonas Berg")

    await inboxes.open(MARIA, ASKED)

    await inboxes.says(MARIA, "Rejected by Jonas Berg", "Too expensive")
    await expect(inboxes.button(MARIA, "Approve")).to_have_count(0)
    assert len(running.told()) == 1


@on_sqlite
async def test_a_card_that_was_opened_before_decides_nothing_twice(
    running: Running, desk: Desk, inboxes: Inboxes
) -> None:
    await post_create(desk)
    await inboxes.open(MARIA, ASKED)
    await expect(inboxes.button(MARIA, "Approve")).to_be_enabled()
    await desk.decide(JONAS, "Approve")
    await says(desk, JONAS, "Approved by Jonas Berg")

    await inboxes.decide(MARIA, "Reject", "Not this year")

    await inboxes.says(MARIA, "Approved by Jonas Berg")
    assert [told.body["ActionByAlias"] for told in running.told()] == [JONAS]


@on_sqlite
async def test_a_comment_that_is_needed_is_asked_for_in_the_mail(
    running: Running, desk: Desk, inboxes: Inboxes
) -> None:
    await post_create(desk)
    await inboxes.open(MARIA, ASKED)

    await inboxes.decide(MARIA, "Reject")

    await inboxes.says(MARIA, "“Reject” needs a comment.")
    assert running.told() == []


# -- on a phone ---------------------------------------------------------------------


@on_sqlite
async def test_on_a_phone_the_mail_is_read_and_decided_without_anything_sticking_out(
    running: Running, browser: Browser
) -> None:
    await running.send("wiki-create", NotificationDetail=a_notification())
    await running.until(lambda: running.playground.world.mailboxes.of(MARIA))

    async with a_desk(browser, f"{running.playground.url}/#theme=dark", viewport=PHONE) as phone:
        inboxes = Inboxes(phone)
        await inboxes.open(MARIA, ASKED)
        await expect(inboxes.button(MARIA, "Approve")).to_be_enabled()
        assert await sticking_out(phone.page) == []
        await inboxes.decide(MARIA, "Approve", "x" * 300)
        await expect(inboxes.button(MARIA, "Approve")).to_have_count(0)
        await inboxes.says(MARIA, "x" * 300)
        assert await sticking_out(phone.page) == []
        await inboxes.show(MARIA, "No card support")
        await expect(inboxes.text(MARIA).get_by_role("heading").first).to_be_visible()
        assert await inboxes.text(MARIA).locator("html").evaluate("all => all.scrollWidth") <= 320
        await inboxes.show(MARIA, "Screen reader")
        await inboxes.of(MARIA).get_by_role("list", name="What a screen reader reads").wait_for()
        assert await phone.page.evaluate("document.documentElement.scrollWidth") == 320


async def sticking_out(page: Page) -> list[str]:
    """Return what passes the edge of the card in the mail."""
    return await page.locator(f"#mailbox-{MARIA} .outlook-card").evaluate(
        """card => {
          const edge = card.getBoundingClientRect().right;
          return [...card.querySelectorAll('*')].filter(e => e.offsetParent && e.childElementCount === 0)
            .filter(e => e.getBoundingClientRect().right > edge + 0.5).map(e => `${e.className}: ${e.textContent}`);
        }"""
    )


@on_sqlite
async def test_the_card_stays_light_on_a_dark_page(
    running: Running, desk: Desk, inboxes: Inboxes
) -> None:
    await desk.page.get_by_role("radio", name="Dark").click()
    await post_create(desk)
    await inboxes.open(MARIA, ASKED)
    await expect(inboxes.button(MARIA, "Approve")).to_be_enabled()  # it is not drawn anew

    colours = await inboxes.card(MARIA).evaluate(
        "card => [card, card.closest('.letter')].map(e => getComputedStyle(e).backgroundColor)"
    )

    assert colours == ["rgb(255, 255, 255)", "rgb(31, 31, 31)"]


# -- where no card shows ------------------------------------------------------------


@on_sqlite
async def test_without_card_support_the_mails_link_leads_to_a_page_where_one_decides(
    running: Running, desk: Desk, inboxes: Inboxes
) -> None:
    await post_create(desk)
    await inboxes.open(MARIA, ASKED)
    await inboxes.show(MARIA, "No card support")
    await expect(inboxes.card(MARIA)).to_have_count(0)
    await expect(inboxes.text(MARIA).get_by_role("heading").first).to_be_visible()
    assert await fits(inboxes, MARIA)

    page = await follow_the_link(desk, inboxes, MARIA)
    await sign_in(page, MARIA)
    await page.get_by_label("Comment").first.fill("From the page")
    await page.get_by_role("button", name="Approve", exact=True).click()

    await expect(page.locator("body")).to_contain_text("Approved by Maria Keller")
    await says(desk, JONAS, "Approved by Maria Keller", "From the page")
    await inboxes.show(MARIA, "As Outlook")
    await inboxes.open(MARIA, ASKED)
    await inboxes.says(MARIA, "Approved by Maria Keller", "From the page")
    [told] = running.told()
    assert told.body["ActionByAlias"] == MARIA


async def fits(inboxes: Inboxes, alias: str) -> bool:
    """
    Tell whether the mail's text has no scrollbar of its own, within that of the reading pane.

    Its frame takes the text's height once all of it is loaded.
    """
    frame = inboxes.of(alias).locator("iframe")
    return await frame.evaluate(
        """async (frame, patience) => {
          const end = performance.now() + patience;
          const scrolls = () => frame.contentDocument.documentElement.scrollHeight > frame.clientHeight;
          do await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
          while (scrolls() && performance.now() < end);
          return !scrolls();
        }""",
        PATIENCE,
    )


async def follow_the_link(desk: Desk, inboxes: Inboxes, alias: str) -> Page:
    """Press the mail's own link; it opens a window of its own."""
    link = inboxes.text(alias).locator("a[href*='/requests/']").first
    async with desk.page.context.expect_page() as opening:
        await link.click()
    return await opening.value


async def sign_in(page: Page, alias: str) -> None:
    """Choose who one is, on the playground's issuer."""
    await page.get_by_role("button", name=re.compile(f"{alias}@")).click()


# -- mails that reached somebody else -----------------------------------------------


@on_sqlite
async def test_a_forwarded_mail_has_no_card_and_its_link_no_authority(
    running: Running, desk: Desk, inboxes: Inboxes
) -> None:
    summary = a_notification(f"{MARIA}@{DOMAIN}")
    await desk.post_sample(
        "wiki-create",
        NotificationDetail=summary,
        Approvers=[{"Alias": MARIA, "Name": "Maria Keller"}],
    )
    await desk.asked(MARIA)
    await inboxes.open(MARIA, ASKED)
    await inboxes.forward(MARIA, "Priya Nair")

    await inboxes.open(PRIYA, "Fw:")

    await expect(inboxes.card(PRIYA)).to_have_count(0)
    page = await follow_the_link(desk, inboxes, PRIYA)
    await sign_in(page, PRIYA)
    await expect(page.get_by_role("heading", level=1)).to_have_text("This request is not available")
    await expect(page.locator("body")).not_to_contain_text("$19,515.00")
    await expect(page.get_by_role("button", name="Approve", exact=True)).to_have_count(0)
    assert running.told() == []


@on_sqlite
async def test_a_card_that_an_attacker_hands_on_does_nothing_for_another_person(
    running: Running, desk: Desk, inboxes: Inboxes
) -> None:
    await post_create(desk)
    await expect(inboxes.rows(PRIYA)).to_have_count(1)  # her own comes first
    await inboxes.open(MARIA, ASKED)
    await inboxes.forward(MARIA, "Priya Nair, with the card")

    await inboxes.look(PRIYA)
    await expect(inboxes.rows(PRIYA)).to_have_count(2)  # her own, below
    await inboxes.open(PRIYA, ASKED)
    await inboxes.decide(PRIYA, "Approve", "It was not me")

    await expect(inboxes.of(PRIYA).locator(".card-status.failed")).to_be_visible()
    await desk.asked(JONAS)
    assert running.told() == []


# -- what comes later ---------------------------------------------------------------


@on_sqlite
async def test_a_reminder_is_a_mail_and_the_one_live_card_in_teams(
    running: Running, desk: Desk, inboxes: Inboxes
) -> None:
    soon = datetime.now(UTC) + timedelta(minutes=20)  # people's tokens last an hour
    reminder = {
        "ReminderDates": [soon.isoformat()],
        "Frequency": 0,
        "Expiration": "9999-12-31T00:00:00Z",
        "ReminderTemplate": "Reminder",
    }
    await desk.post_sample("wiki-create", NotificationDetail=a_notification(Reminder=reminder))
    await desk.asked(*ALL)
    await running.until(lambda: running.playground.world.mailboxes.of(MARIA))
    await all_due(running)  # whoever sends a mail while the time passes loses his lease

    await running.pass_time(25 * 60)

    await inboxes.look(MARIA)
    await expect(inboxes.rows(MARIA)).to_have_count(2)
    await inboxes.open(MARIA, "Reminder")
    await inboxes.decide(MARIA, "Approve")
    await says(desk, JONAS, "Approved by Maria Keller")
    await inboxes.open(MARIA, "Reminder")  # its newest state, also if the tenant took its time
    await inboxes.says(MARIA, "Approved by Maria Keller")
    await settled(running, desk, JONAS)
    chat = desk.chat(JONAS)
    await expect(chat.locator(".card").filter(has_text="REQ-34562-126")).to_have_count(1)


@on_sqlite
async def test_the_end_of_a_request_is_told_by_mail_to_who_asked(
    running: Running, desk: Desk, inboxes: Inboxes
) -> None:
    await post_create(desk)
    await desk.decide(MARIA, "Approve", "Fine")
    await says(desk, MARIA, "Approved by Maria Keller")

    ended = a_notification(f"{ANA}@{DOMAIN}", TemplateKey="ApprovalComplete")
    await desk.post_sample("wiki-delete-both", NotificationDetail=ended)
    await running.until(lambda: running.playground.world.mailboxes.of(ANA))

    await inboxes.look_into(MARIA, "Ana Ruiz")
    await expect(inboxes.rows(MARIA).filter(visible=True)).to_have_count(1)
    await inboxes.rows(MARIA).filter(visible=True).click()
    await expect(inboxes.text(MARIA).locator("body")).to_contain_text("Maria Keller")
    await expect(inboxes.card(MARIA)).to_have_count(0)


@on_sqlite
async def test_who_is_in_cc_gets_the_mail_without_a_card(
    running: Running, desk: Desk, inboxes: Inboxes
) -> None:
    detail = a_notification(f"{MARIA}@{DOMAIN}", Cc=f"johndoe4@{DOMAIN}")
    await desk.post_sample("wiki-create", NotificationDetail=detail)
    await running.until(lambda: running.playground.world.mailboxes.of("johndoe4"))

    await inboxes.look_into(PRIYA, "Tom Okafor")
    await inboxes.rows(PRIYA).filter(visible=True).click()

    await expect(inboxes.text(PRIYA).locator("body")).to_contain_text("Title of the request")
    await expect(inboxes.card(PRIYA)).to_have_count(0)
    await expect(inboxes.of(PRIYA).locator(".refused")).to_have_count(0)


@on_sqlite
async def test_a_mail_that_is_greylisted_comes_all_the_same(
    running: Running, desk: Desk, inboxes: Inboxes
) -> None:
    await inboxes.look(MARIA)
    systems = inboxes.of(MARIA).get_by_label("How the mail system behaves")
    await systems.select_option(label="SMTP: not yet (greylisting)")
    await running.until(lambda: "smtp" in running.playground.world.faults)
    await desk.post_sample("wiki-create", NotificationDetail=a_notification(f"{MARIA}@{DOMAIN}"))
    await all_due(running)
    await expect(systems).to_have_value("none")  # it was met, once
    await expect(inboxes.rows(MARIA)).to_have_count(0)

    await running.pass_time(3600)

    await expect(inboxes.rows(MARIA)).to_have_count(1)
