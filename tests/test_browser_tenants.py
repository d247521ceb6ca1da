"""The tenants' side of the page: choosing one, letting it start and go on by itself, its traffic on a phone."""

import pytest
from playwright.async_api import Route, expect

from approvals_core.rules.mail_waits import FOR_DETAILS, FOR_PEOPLE, NOT_BEGUN
from playground.faults import Fault, FaultKind
from playground.records import Json
from tests.desk import MARIA, PRIYA, Desk, desk, looked_again, says
from tests.failing import all_due, converged
from tests.inboxes import Inboxes
from tests.running import Running
from tests.seven_steps import SEVEN_STEPS
from tests.shared_browser import PATIENCE

__all__ = ["desk"]

pytestmark = [
    pytest.mark.browser,
    pytest.mark.parametrize("store_url", ["sqlite"], indirect=True),
]


async def choose(desk: Desk, name: str) -> None:
    await desk.page.get_by_role("radio", name=name).click()
    await expect(desk.page.locator(".tenant-head h2")).to_have_text(f"Contoso {name}")


async def begin(desk: Desk) -> None:
    """Let the tenant start a request by itself, and wait for its answer."""
    async with desk.page.expect_response("**/page/api/start") as answering:
        await desk.page.get_by_role("button", name="Start a request").click()
    told = await (await answering.value).json()
    assert told["sent"]["status"] == 200, told["sent"]


def number_of(running: Running, tenant: str) -> str:
    """Return the number of the request that the tenant posted last."""
    arx = running.playground.tenants[tenant].book.sent[-1].arx or {}
    return arx["ApprovalIdentifier"]["DocumentNumber"]


async def test_one_press_lets_a_request_live_through_all_seven_steps(
    running: Running, desk: Desk
) -> None:
    await choose(desk, "Capital")

    await desk.page.get_by_role("button", name="Run all seven steps").click()

    await expect(desk.chat(PRIYA)).to_contain_text("Fine with me.", timeout=3 * PATIENCE)
    await desk.page.get_by_role("tab", name="Traffic").click()
    await expect(desk.page.locator(".entry .op")).to_have_text(["DELETE", "UPDATE", "CREATE"])
    await expect(desk.page.locator("details.received strong")).to_contain_text(
        ["Approve", "Approve"]
    )
    await says(desk, MARIA, "Nothing more for you to do")
    await desk.page.get_by_role("tab", name="Send an ARX").click()
    await expect(desk.page.get_by_text("Done: CX-2026-")).to_be_visible()
    steps = desk.page.get_by_role("list", name="Steps done").get_by_role("listitem")
    await expect(steps).to_have_text(list(SEVEN_STEPS))
    await expect(desk.page.get_by_role("button", name="Run all seven steps")).to_be_enabled()


async def test_after_the_seven_steps_all_that_is_seen_is_about_their_request(
    running: Running, desk: Desk
) -> None:
    await choose(desk, "Capital")
    await desk.page.get_by_role("button", name="Post as tenant").click()
    await desk.page.locator(".answer-line").get_by_text("Applied", exact=True).wait_for()

    await desk.page.get_by_role("button", name="Run all seven steps").click()

    await expect(desk.page.get_by_text("Done: CX-2026-")).to_be_visible(timeout=3 * PATIENCE)
    number = number_of(running, "capex")
    await expect(desk.page.get_by_text(f"Done: {number}")).to_be_visible()
    await expect(desk.page.locator(".standing")).to_contain_text(number)
    await expect(desk.page.locator("output.number")).to_have_text(number)
    await expect(desk.page.get_by_text("was posted")).to_have_count(0)


async def test_what_the_tenant_starts_by_itself_lies_in_the_box(
    running: Running, desk: Desk
) -> None:
    await choose(desk, "Expenses")

    for _ in range(2):
        await begin(desk)

        number = number_of(running, "expenses")
        await expect(desk.page.locator("output.number")).to_have_text(number)
        await expect(desk.page.get_by_text(f"{number} was posted")).to_be_visible()
        await expect(desk.page.locator(".standing")).to_contain_text(number)
    await expect(desk.page.locator(".pick[aria-pressed=true]")).to_have_count(0)


async def test_what_somebody_wrote_stays_in_the_box(running: Running, desk: Desk) -> None:
    await choose(desk, "Expenses")
    box = desk.page.get_by_label("The ARX to post, as JSON")
    await box.fill('{"Operation": 1, "mine": true}')

    await begin(desk)

    await expect(desk.page.locator(".standing")).to_contain_text(number_of(running, "expenses"))
    await expect(box).to_have_value('{"Operation": 1, "mine": true}')


async def test_each_tenant_has_samples_traffic_and_switches_of_its_own(
    running: Running, desk: Desk
) -> None:
    await choose(desk, "Expenses")
    await desk.page.get_by_role("button", name="Start a request").click()
    await desk.page.locator(".answer-line").get_by_text("Applied", exact=True).wait_for()
    [sent] = running.playground.tenants["expenses"].book.sent
    number = (sent.arx or {})["ApprovalIdentifier"]["DocumentNumber"]
    await expect(desk.page.get_by_text(f"{number} was posted")).to_be_visible()
    await expect(desk.page.locator(".standing")).to_contain_text(number)
    await desk.tenant_answers("arrays: one answer is missing")
    await desk.page.get_by_label("Reads").select_option(label="with 100 MB")

    await expect(desk.page.locator(".count")).to_have_text("1")
    await running.until(lambda: "tenant/expenses/reads" in running.playground.world.faults)
    assert [f.kind for f in running.playground.world.faults["tenant/expenses"]] == ["short"]
    await choose(desk, "Purchasing")
    await expect(desk.page.locator("[data-sample=wiki-create]")).to_be_visible()
    await expect(desk.page.get_by_label("Answers")).to_have_value("none")
    await expect(desk.page.locator(".count")).to_be_hidden()
    assert len(running.playground.tenants["expenses"].book.sent) == 1


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (None, "mail · taken by the mail system"),
        (FaultKind.GREYLISTED, "mail · waits to be sent again"),
        (FaultKind.NO_RECIPIENT, "mail · refused"),
    ],
)
async def test_what_became_of_a_request_says_it_of_its_mails_too(
    running: Running, desk: Desk, fault: FaultKind | None, said: str
) -> None:
    if fault is not None:
        running.playground.world.set_fault("smtp", Fault(kind=fault))

    await desk.post_sample("laptops-create")

    await looked_again(running, desk)
    mails = desk.page.get_by_role("list", name="Mails", exact=True).get_by_role("listitem")
    await expect(mails).to_contain_text([f"johndoe1@organization.com {said}"])
    again = mails.filter(has_text=" · again at ")
    await expect(again).to_have_count(1 if fault is FaultKind.GREYLISTED else 0)


def told(**mail: object) -> Json:
    """Return what the service tells of a request with one mail, as the page gets it."""
    usual = {"Address": "a@example.org", "Occasion": "asked", "State": "waiting"}
    usual |= {"Reason": None, "NextAttemptAt": "2026-11-21T09:00:00.000Z"}
    return {"told": {"Approvers": [], "Mails": [usual | mail]}}


async def tells(desk: Desk, answer: Json) -> None:
    """Let the service tell this from now on of every request."""

    async def give(route: Route) -> None:
        await route.fulfill(json=answer)

    await desk.page.route("**/page/api/request?**", give)


@pytest.mark.parametrize("reason", [NOT_BEGUN, FOR_PEOPLE, FOR_DETAILS])
async def test_a_mail_that_waits_without_a_try_is_told_calmly(
    running: Running, desk: Desk, reason: str
) -> None:
    await tells(desk, told(Reason=reason))

    await desk.post_sample("laptops-create")

    mail = desk.page.get_by_role("list", name="Mails", exact=True).get_by_role("listitem")
    await expect(mail).to_have_class("calm")
    await expect(mail).to_contain_text("mail · waits ")
    await expect(mail).not_to_contain_text("again")


@pytest.mark.parametrize("state", ["waiting", "lost", "refused", "bounced"])
async def test_a_mail_that_failed_is_told_as_a_warning(
    running: Running, desk: Desk, state: str
) -> None:
    await tells(desk, told(State=state, Reason="no connection"))

    await desk.post_sample("laptops-create")

    mail = desk.page.get_by_role("list", name="Mails", exact=True).get_by_role("listitem")
    await expect(mail).to_have_class("lost")
    await expect(mail).to_contain_text(" · no connection · again at ")


async def test_who_is_not_looked_up_yet_is_not_out_of_reach(running: Running, desk: Desk) -> None:
    approver = {"Alias": MARIA, "Name": "Maria", "State": "pending", "Cards": [], "Mails": []}
    asked = [
        approver | {"Reachable": False, "Reason": "not looked up yet"},
        approver | {"Reachable": False, "Reason": "unknown alias"},
    ]
    await tells(desk, {"told": {"Approvers": asked, "Mails": []}})

    await desk.post_sample("laptops-create")

    rows = desk.page.get_by_role("list", name="Approvers", exact=True).get_by_role("listitem")
    await expect(rows).to_have_class(["calm", "lost"])
    await expect(rows).to_contain_text(["asked · being looked up", "cannot be reached: unknown"])


async def test_what_becomes_of_a_request_is_looked_at_long_after_the_last_event(
    running: Running, desk: Desk
) -> None:
    await desk.page.clock.install()
    await desk.page.reload()
    await tells(desk, told(Reason=NOT_BEGUN))
    await desk.post_sample("laptops-create")
    mail = desk.page.get_by_role("list", name="Mails", exact=True).get_by_role("listitem")
    await expect(mail).to_contain_text("waits for its turn")
    await converged(running)
    await desk.page.clock.fast_forward(10_000)
    await tells(desk, told(State="sent"))

    await desk.page.clock.fast_forward(16_000)

    await expect(mail).to_contain_text("taken by the mail system")


async def test_the_switch_says_whose_broken_words_the_card_shows(
    running: Running, desk: Desk
) -> None:
    hint = desk.page.get_by_text("Assent's own documented sample")
    await expect(hint).to_be_hidden()

    await desk.tenant_answers("refusing, by mistake (ErrorType 2)")

    await expect(hint).to_be_visible()
    await desk.tenant_answers("refusing, on purpose (ErrorType 1)")
    await expect(hint).to_be_hidden()


async def test_in_the_dark_it_is_said_why_outlooks_card_is_light(
    running: Running, desk: Desk
) -> None:
    inboxes = Inboxes(desk)
    said = desk.page.get_by_text("Outlook shows cards light in the dark, too")
    await desk.post_sample("laptops-create")
    await inboxes.open(MARIA, "Approval needed")
    await desk.page.get_by_role("radio", name="Light").click()
    await expect(said).to_be_hidden()

    await desk.page.get_by_role("radio", name="Dark").click()

    await expect(said).to_be_visible()


async def test_a_tenants_icon_is_seen_on_its_card_and_in_its_mail(
    running: Running, desk: Desk
) -> None:
    await choose(desk, "Capital")
    await desk.page.get_by_role("button", name="Start a request").click()
    await desk.asked(MARIA)
    inboxes = Inboxes(desk)

    in_chat = desk.card(MARIA).locator("img[src*='/icons/']")
    await expect(desk.card(MARIA)).to_contain_text("Contoso Capital")
    await expect(in_chat).to_have_js_property("naturalWidth", 30)
    await expect(in_chat).to_have_js_property("width", 20)
    await inboxes.open(MARIA, "Approval needed")
    in_mail = inboxes.card(MARIA).locator("img[src*='/icons/']")
    await inboxes.says(MARIA, "Contoso Capital")
    await expect(in_mail).to_have_js_property("naturalWidth", 30)
    await expect(in_mail).to_have_js_property("width", 20)


async def test_the_chosen_tenant_stands_in_the_address(running: Running, desk: Desk) -> None:
    await choose(desk, "Capital")

    await desk.page.reload()

    assert desk.page.url.endswith("#tenant=capex")
    await expect(desk.page.get_by_role("radio", name="Capital")).to_be_checked()


async def test_an_answer_that_nobody_got_does_not_look_like_one(
    running: Running, desk: Desk
) -> None:
    tenant = running.playground.tenant
    running.playground.world.set_fault("tenant/pr", Fault(kind=FaultKind.LOST_ANSWER, times=1))
    await desk.post_sample("wiki-create")
    await desk.asked(MARIA)
    await desk.decide(MARIA, "Approve")
    await running.until(tenant.actions)

    await desk.page.get_by_role("tab", name="Traffic").click()

    await expect(desk.page.locator("details.received .status.bad").last).to_have_text("answer lost")


async def test_on_a_phone_a_row_of_traffic_says_which_document(
    running: Running, desk: Desk
) -> None:
    await desk.post_sample("wiki-create")
    await desk.asked(MARIA)
    await desk.decide(MARIA, "Approve")
    await says(desk, MARIA, "Approved by Maria Keller")
    await all_due(running)
    await desk.page.set_viewport_size({"width": 320, "height": 640})

    await desk.page.get_by_role("tab", name="Tenant").click()
    await desk.page.get_by_role("tab", name="Traffic").click()

    told = running.playground.tenant.book
    rows = desk.page.locator(".entry-document")
    await expect(rows).to_have_count(len(told.sent) + len(told.received))
    await expect(desk.page.locator(".status.waiting")).to_have_count(0)
    for row in await rows.all():
        box = await row.bounding_box()
        assert box is not None
        assert box["x"] + box["width"] <= 320
        assert "REQ-34562-126" in await row.inner_text()
    assert await desk.page.evaluate("document.documentElement.scrollWidth") == 320


async def test_three_phones_fit_beside_the_tenant_at_1440_pixels(
    running: Running, desk: Desk
) -> None:
    await desk.page.set_viewport_size({"width": 1440, "height": 900})

    await desk.page.get_by_role("radio", name="Phone").click()

    seen = await desk.page.locator(".chats").evaluate("all => [all.scrollWidth, all.clientWidth]")
    assert seen[0] <= seen[1]
    assert await desk.page.locator("#tenant").evaluate("one => one.clientWidth") >= 360
