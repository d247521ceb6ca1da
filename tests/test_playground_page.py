"""The playground's page: what its API shows and does, and that it answers nobody but itself."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from playwright.async_api import Browser, expect
from playwright.async_api import Page as BrowserPage
from yarl import URL

from playground.faults import Fault, FaultKind
from playground.names import DOCUMENT_TYPE
from playground.outside import Playground
from playground.page_events import app_state
from playground.records import Message, Sender

Json = dict[str, Any]
OURS = {"X-Playground": "page"}
PATIENCE = 30_000  # milliseconds: a busy machine is slow; where all goes well, nobody waits
expect.set_options(timeout=PATIENCE)
APPROVE = {"type": "Action.Execute", "title": "Approve", "verb": "act", "data": {"k": "1"}}
CARD = {
    "type": "AdaptiveCard",
    "version": "1.5",
    "body": [
        {"type": "Input.Text", "id": "comment", "label": "Comment", "value": "as it was"},
        {"type": "ActionSet", "actions": [APPROVE]},
        {"type": "TextBlock", "text": "A **long** story", "wrap": True, "maxLines": 2},
    ],
}
DECIDED = {
    "type": "AdaptiveCard",
    "version": "1.5",
    "body": [{"type": "TextBlock", "text": "Done"}],
}


def a_card_answer(card: Json) -> Json:
    kind = "application/vnd.microsoft.card.adaptive"
    return {"statusCode": 200, "type": kind, "value": card}


def a_message_answer(text: str) -> Json:
    kind = "application/vnd.microsoft.activity.message"
    return {"statusCode": 200, "type": kind, "value": text}


@dataclass
class Service:
    """A stand-in for ours: it answers activities and ARX as told, and remembers them."""

    answer: Json = field(default_factory=dict)
    status: int = 200
    activities: list[Json] = field(default_factory=list)
    posted: list[str] = field(default_factory=list)
    hold: asyncio.Event | None = None  # answers when it is set
    asked: list[dict[str, str]] = field(default_factory=list)

    async def on_activity(self, request: web.Request) -> web.Response:
        self.activities.append(await request.json())
        if self.hold is not None:
            await self.hold.wait()
        return web.json_response(self.answer, status=self.status)

    async def on_arx(self, request: web.Request) -> web.Response:
        self.posted.append(await request.text())
        return web.json_response(self.answer, status=self.status)

    async def on_request(self, request: web.Request) -> web.Response:
        self.asked.append(dict(request.query))
        return web.json_response(self.answer, status=self.status)


@pytest.fixture
async def service(playground: Playground) -> AsyncIterator[Service]:
    service = Service()
    app = web.Application()
    app.router.add_post("/api/messages", service.on_activity)
    app.router.add_post("/api/v1/PayloadReceiver", service.on_arx)
    app.router.add_get("/api/v1/requests", service.on_request)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    playground.meet(f"http://127.0.0.1:{runner.addresses[0][1]}")
    yield service
    await runner.cleanup()


@pytest.fixture
async def http(playground: Playground) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(playground.url) as session:
        yield session


async def post(http: aiohttp.ClientSession, path: str, body: Json) -> tuple[int, Json]:
    async with http.post(f"/page/api/{path}", json=body, headers=OURS) as response:
        return response.status, await response.json()


def send_card(playground: Playground, alias: str = "johndoe1", message: str = "m1") -> None:
    chat = playground.world.open_chat(alias)
    playground.world.add_message(chat, Sender.BOT, message_id=message, card=CARD)


async def next_event(response: aiohttp.ClientResponse) -> tuple[str, Json]:
    name = (await response.content.readline()).decode().removeprefix("event: ").strip()
    body = (await response.content.readline()).decode().removeprefix("data: ")
    await response.content.readline()
    return name, json.loads(body)


# -- files --------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/page/js/main.js", "/page/css/tokens.css"])
async def test_every_file_comes_with_a_policy_that_allows_no_inline_script(
    http: aiohttp.ClientSession, path: str
) -> None:
    async with http.get(path) as response:
        policy = response.headers["Content-Security-Policy"]

    assert response.status == 200
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy


async def test_pictures_of_cards_come_from_the_service_and_from_https(
    http: aiohttp.ClientSession, playground: Playground
) -> None:
    playground.meet("http://127.0.0.1:12345")

    async with http.get("/") as response:
        policy = response.headers["Content-Security-Policy"]

    assert "img-src 'self' data: https: http://127.0.0.1:12345;" in policy


async def test_the_page_has_no_inline_script_or_style(http: aiohttp.ClientSession) -> None:
    async with http.get("/") as response:
        html = await response.text()

    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", html)


async def test_all_that_the_page_names_is_there(http: aiohttp.ClientSession) -> None:
    async with http.get("/") as response:
        named = re.findall(r'(?:href|src)="(/[^"]+)"', await response.text())

    for path in named:
        async with http.get(path) as response:
            assert response.status == 200, path
    assert "/page/lib/adaptivecards.js" in named


@pytest.mark.parametrize(
    "path",
    [
        "/page/../page.py",
        "/page/%2e%2e/page.py",
        "/page/..%2f..%2fpyproject.toml",
        "/page/js/%2e%2e/%2e%2e/world.py",
        "/page/lib/package.json",
        "/page/js",
    ],
)
async def test_nothing_outside_its_folder_is_served(playground: Playground, path: str) -> None:
    host, port = playground.url.removeprefix("http://").split(":")
    connector = aiohttp.TCPConnector()

    async with aiohttp.ClientSession(connector=connector) as raw:
        url = URL(f"http://{host}:{port}{path}", encoded=True)
        async with raw.get(url) as response:
            assert response.status == 404


# -- what it shows ------------------------------------------------------------


async def test_the_setup_names_chats_samples_and_the_terminals_commands(
    http: aiohttp.ClientSession, playground: Playground, service: Service
) -> None:
    async with http.get("/page/api/setup") as response:
        setup = await response.json()

    assert setup["chats"] == ["johndoe1", "johndoe2", "johndoe3"]
    assert {"alias": "johndoe1", "name": "Maria Keller"}.items() <= setup["people"][0].items()
    assert [one["code"] for one in setup["tenants"]] == ["pr", "expenses", "capex"]
    assert setup["tenants"][0]["name"] == "Contoso Purchasing"
    for one in setup["tenants"]:
        assert setup["curl_placeholder"] in one["curl"]
        assert playground.tenants[one["code"]].token_url in one["curl"]


async def test_our_own_samples_come_first_and_the_wikis_as_printed(
    http: aiohttp.ClientSession, playground: Playground
) -> None:
    async with http.get("/page/api/setup") as response:
        samples = (await response.json())["tenants"][0]["samples"]

    names = [one["name"] for one in samples]
    assert names[:3] == ["laptops-create", "laptops-update", "laptops-delete"]
    assert names[3:6] == ["wiki-create", "wiki-update", "wiki-delete"]
    for sample in samples[3:6]:
        assert sample["text"] == playground.sample(sample["name"])


async def test_a_delete_that_names_both_is_offered_too(http: aiohttp.ClientSession) -> None:
    async with http.get("/page/api/setup") as response:
        purchasing = (await response.json())["tenants"][0]
    samples = {one["name"]: one["text"] for one in purchasing["samples"]}

    both, printed = json.loads(samples["wiki-delete-both"]), json.loads(samples["wiki-delete"])
    assert both["DeleteFor"] == ["johndoe2", "johndoe3"]
    assert {**both, "DeleteFor": printed["DeleteFor"]} == printed


async def test_the_stream_tells_all_at_first_and_then_only_what_changed(
    http: aiohttp.ClientSession, playground: Playground
) -> None:
    send_card(playground, message="old")

    async with http.get("/page/api/events") as response:
        first, everything = await next_event(response)
        send_card(playground, "johndoe2", message="new")
        second, change = await next_event(response)

    assert (first, second) == ("all", "some")
    assert "chat/johndoe1/old" in [thing["key"] for thing in everything["things"]]
    assert [thing["key"] for thing in change["things"]] == ["chat/johndoe2/new"]
    assert change["gone"] == []


async def test_a_message_changed_in_place_is_told_with_its_revision(
    http: aiohttp.ClientSession, playground: Playground
) -> None:
    send_card(playground)
    chat = playground.world.open_chat("johndoe1")

    async with http.get("/page/api/events") as response:
        await next_event(response)
        playground.world.update_message(chat, chat.messages[0], text="", card=DECIDED)
        _, change = await next_event(response)

    assert change["things"][0]["card"] == DECIDED
    assert change["things"][0]["revision"] == 2


@pytest.mark.parametrize(("seconds", "edited"), [(0, False), (4.9, False), (5, True)])
def test_a_card_completed_while_it_arrives_is_not_called_edited(
    seconds: float,
    edited: bool,  # noqa: FBT001 - what is expected
) -> None:
    at = datetime(2026, 11, 20, 10, tzinfo=UTC)
    changed = at + timedelta(seconds=seconds)

    message = Message(id="m", sender=Sender.BOT, at=at, updated_at=changed, revision=2)

    assert message.edited is edited
    assert not message.model_copy(update={"revision": 1}).edited


async def test_a_message_that_is_gone_is_told_as_gone(
    http: aiohttp.ClientSession, playground: Playground
) -> None:
    send_card(playground)
    chat = playground.world.open_chat("johndoe1")

    async with http.get("/page/api/events") as response:
        await next_event(response)
        chat.messages.clear()
        playground.world.changed("chat", "johndoe1")
        _, change = await next_event(response)

    assert (change["things"], change["gone"]) == ([], ["chat/johndoe1/m1"])


# -- what people do -----------------------------------------------------------


async def test_a_click_goes_to_the_bot_with_what_was_typed_and_brings_its_card(
    http: aiohttp.ClientSession, playground: Playground, service: Service
) -> None:
    send_card(playground)
    service.answer = a_card_answer(DECIDED)

    status, answer = await post(
        http,
        "click",
        {"person": "johndoe1", "message": "m1", "action": APPROVE, "inputs": {"comment": ""}},
    )

    sent = service.activities[0]["value"]["action"]
    assert sent["data"] == {"k": "1", "comment": ""}  # cleared, not "as it was"
    assert status == 200
    assert answer["changed"][0]["card"] == DECIDED
    assert answer["toast"] is None


async def test_a_click_changes_only_the_clickers_own_view(
    http: aiohttp.ClientSession, playground: Playground, service: Service
) -> None:
    send_card(playground)
    send_card(playground, "johndoe2")
    service.answer = a_card_answer(DECIDED)

    await post(http, "click", {"person": "johndoe1", "message": "m1", "action": APPROVE})

    other = playground.world.open_chat("johndoe2").messages[0]
    assert other.shown_to("johndoe2") == CARD


async def test_an_answer_in_words_becomes_a_toast(
    http: aiohttp.ClientSession, playground: Playground, service: Service
) -> None:
    send_card(playground)
    service.answer = a_message_answer("Jonas Berg was faster.")

    _, answer = await post(
        http, "click", {"person": "johndoe1", "message": "m1", "action": APPROVE}
    )

    assert answer["toast"] == {"kind": "info", "text": "Jonas Berg was faster."}
    assert answer["changed"][0]["card"] == CARD


async def test_a_bot_that_fails_becomes_a_toast_that_says_how(
    http: aiohttp.ClientSession, playground: Playground, service: Service
) -> None:
    send_card(playground)
    service.status = 500

    _, answer = await post(
        http, "click", {"person": "johndoe1", "message": "m1", "action": APPROVE}
    )

    assert answer["toast"]["kind"] == "error"
    assert "500" in answer["toast"]["text"]


async def test_an_action_submit_goes_as_a_message_with_a_value(
    http: aiohttp.ClientSession, playground: Playground, service: Service
) -> None:
    send_card(playground)
    submit = {**APPROVE, "type": "Action.Submit"}

    await post(http, "click", {"person": "johndoe1", "message": "m1", "action": submit})

    assert service.activities[0]["type"] == "message"
    assert service.activities[0]["value"]["k"] == "1"


async def test_what_a_person_says_is_in_his_chat_and_reaches_the_bot(
    http: aiohttp.ClientSession, playground: Playground, service: Service
) -> None:
    status, _ = await post(http, "say", {"person": "johndoe3", "text": " help "})

    assert status == 200
    assert service.activities[0]["text"] == "help"
    assert playground.world.open_chat("johndoe3").messages[0].text == "help"


@pytest.mark.parametrize(
    "body",
    [
        {"person": "nobody", "message": "m1", "action": APPROVE},
        {"person": "johndoe1", "message": "none", "action": APPROVE},
        {"person": "johndoe1", "message": "m1", "action": "Approve"},
        {"person": "johndoe1", "message": "m1", "action": APPROVE, "inputs": []},
        {"person": ["johndoe1"], "message": {"m": 1}},
    ],
)
async def test_a_click_on_nothing_is_refused_in_words(
    http: aiohttp.ClientSession, playground: Playground, service: Service, body: Json
) -> None:
    send_card(playground)

    status, answer = await post(http, "click", body)

    assert status == 400
    assert answer["error"]
    assert service.activities == []


async def test_the_people_live_in_the_time_zone_of_the_reader(
    http: aiohttp.ClientSession, service: Service
) -> None:
    status, _ = await post(http, "reader", {"zone": "Asia/Kolkata", "locale": "en-IN"})
    await post(http, "say", {"person": "johndoe1", "text": "help"})

    assert status == 200
    assert service.activities[0]["localTimezone"] == "Asia/Kolkata"
    assert service.activities[0]["locale"] == "en-IN"


@pytest.mark.parametrize(
    "body",
    [
        {"zone": "Nowhere/Land", "locale": "en-US"},
        {"zone": "../../etc/passwd", "locale": "en-US"},
        {"zone": "Europe/Berlin", "locale": "<b>"},
        {"zone": ["Europe/Berlin"]},
        {},
    ],
)
async def test_a_reader_from_nowhere_moves_nobody(
    http: aiohttp.ClientSession, service: Service, body: Json
) -> None:
    status, _ = await post(http, "reader", body)
    await post(http, "say", {"person": "johndoe1", "text": "help"})

    assert status == 400
    assert service.activities[0]["localTimezone"] == "Europe/Berlin"


# -- the app in somebody's Teams ----------------------------------------------


async def app_told(response: aiohttp.ClientResponse) -> str:
    """Return what the stream next tells of Maria's app."""
    while True:
        _, change = await next_event(response)
        for thing in change["things"]:
            if thing["key"] == "app/johndoe1":
                return thing["state"]


async def test_who_blocks_the_bot_gets_nothing_from_it_until_he_has_the_app_again(
    http: aiohttp.ClientSession, playground: Playground, service: Service
) -> None:
    async with http.get("/page/api/events") as response:
        told = [await app_told(response)]
        for state in ("blocked", "installed"):
            await post(http, "app", {"person": "johndoe1", "state": state})
            told.append(await app_told(response))
            if state == "blocked":
                assert playground.world.faults == {
                    "connector/johndoe1": [Fault(kind=FaultKind.BLOCKED)]
                }

    assert told == ["installed", "blocked", "installed"]
    assert playground.world.faults == {}
    assert service.activities[-1]["action"] == "add"


async def test_a_removed_app_is_told_to_the_bot(
    http: aiohttp.ClientSession, playground: Playground, service: Service
) -> None:
    await post(http, "app", {"person": "johndoe1", "state": "removed"})

    assert not playground.world.is_installed("johndoe1")
    assert service.activities[-1]["action"] == "remove"


async def test_who_removed_the_app_can_block_it_too(
    http: aiohttp.ClientSession, playground: Playground, service: Service
) -> None:
    for state in ("removed", "blocked", "blocked"):
        await post(http, "app", {"person": "johndoe1", "state": state})

    assert app_state(playground.world, "johndoe1") == "blocked"
    assert len(playground.world.faults["connector/johndoe1"]) == 1


@pytest.mark.parametrize("state", ["gone", "", None])
async def test_an_app_is_nothing_else(
    http: aiohttp.ClientSession, service: Service, state: str | None
) -> None:
    status, _ = await post(http, "app", {"person": "johndoe1", "state": state})

    assert status == 400


# -- what the tenant does -----------------------------------------------------


async def test_an_arx_is_posted_as_typed_even_if_it_is_no_json(
    http: aiohttp.ClientSession, service: Service
) -> None:
    service.status, service.answer = 400, {"title": "not JSON"}

    status, answer = await post(http, "arx", {"body": '{"Operation": 1,'})

    assert service.posted == ['{"Operation": 1,']
    assert status == 200
    assert (answer["sent"]["status"], answer["sent"]["answer"]) == (400, {"title": "not JSON"})


async def told_of(http: aiohttp.ClientSession, number: str) -> Json | None:
    named = {"number": number, "year": "2026"}
    async with http.get("/page/api/request", params=named, headers=OURS) as response:
        assert response.status == 200
        return (await response.json())["told"]


async def test_the_tenant_asks_the_service_what_became_of_a_request(
    http: aiohttp.ClientSession, service: Service
) -> None:
    service.answer = {"Requests": [{"Open": True}], "Next": None}

    assert await told_of(http, "PR-1") == {"Open": True}
    assert service.asked == [
        {"TenantId": DOCUMENT_TYPE, "DocumentNumber": "PR-1", "FiscalYear": "2026"}
    ]


async def test_what_the_service_does_not_know_is_nothing(
    http: aiohttp.ClientSession, service: Service
) -> None:
    service.status, service.answer = 404, {"title": "Not Found"}

    assert await told_of(http, "PR-1") is None


async def test_without_a_number_nobody_is_asked(
    http: aiohttp.ClientSession, service: Service
) -> None:
    assert await told_of(http, "") is None
    assert service.asked == []


async def test_a_service_that_is_gone_tells_nothing(
    http: aiohttp.ClientSession, playground: Playground
) -> None:
    playground.meet("http://127.0.0.1:1")

    assert await told_of(http, "PR-1") is None


async def test_nobody_elses_page_may_ask_as_the_tenant(
    http: aiohttp.ClientSession, service: Service
) -> None:
    async with http.get("/page/api/request", params={"number": "PR-1"}) as response:
        assert response.status == 403
    assert service.asked == []


async def test_one_switch_at_a_time_is_on_and_null_switches_all_off(
    http: aiohttp.ClientSession, playground: Playground
) -> None:
    await post(http, "fault", {"fault": {"kind": "held"}})
    await post(http, "fault", {"fault": {"kind": "refused", "error_type": 1, "times": 1}})
    on = playground.world.faults["tenant/pr"]
    await post(http, "fault", {"fault": None})

    assert on == [Fault(kind=FaultKind.REFUSED, error_type=1, times=1)]
    assert playground.world.faults == {}


async def test_an_unknown_switch_is_refused_and_leaves_the_others(
    http: aiohttp.ClientSession, playground: Playground
) -> None:
    await post(http, "fault", {"fault": {"kind": "held"}})

    status, _ = await post(http, "fault", {"fault": {"kind": "explode"}})

    assert status == 400
    assert playground.world.faults["tenant/pr"] == [Fault(kind=FaultKind.HELD)]


async def test_whether_the_tenant_honours_keys_can_be_chosen_and_is_told(
    http: aiohttp.ClientSession, playground: Playground
) -> None:
    async with http.get("/page/api/events") as response:
        await next_event(response)
        await post(http, "keys", {"honours": False})
        _, change = await next_event(response)

    assert playground.tenant.book.honours_keys is False
    assert change["things"][0]["honours_keys"] is False


# -- who may --------------------------------------------------------------------

POSTS = ["reader", "click", "refresh", "opened", "say", "app", "arx", "fault", "keys", "release"]


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Playground": "other"},
        {**OURS, "Origin": "https://evil.example"},
        {**OURS, "Origin": "null"},
    ],
)
async def test_nobody_but_the_page_itself_may_act(
    http: aiohttp.ClientSession,
    playground: Playground,
    service: Service,
    path: str,
    headers: dict[str, str],
) -> None:
    send_card(playground)
    body = {"person": "johndoe1", "message": "m1", "action": APPROVE, "text": "x", "body": "{}"}
    body["state"] = "removed"

    async with http.post(f"/page/api/{path}", json=body, headers=headers) as response:
        status = response.status

    assert status == 403
    assert (service.activities, service.posted, playground.world.faults) == ([], [], {})
    assert playground.world.is_installed("johndoe1")


@pytest.mark.parametrize("path", POSTS)
async def test_a_get_changes_nothing(
    http: aiohttp.ClientSession, service: Service, path: str
) -> None:
    async with http.get(f"/page/api/{path}", headers=OURS) as response:
        status = response.status

    assert status in {404, 405}
    assert (service.activities, service.posted) == ([], [])


async def test_the_pages_own_origin_is_let_in(
    http: aiohttp.ClientSession, playground: Playground
) -> None:
    headers = {**OURS, "Origin": playground.url}

    async with http.post("/page/api/release", json={}, headers=headers) as response:
        assert response.status == 200


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"text"', b"\xff"])
async def test_a_malformed_request_is_refused_in_words(
    http: aiohttp.ClientSession, body: bytes
) -> None:
    async with http.post("/page/api/say", data=body, headers=OURS) as response:
        status, answer = response.status, await response.json()

    assert status == 400
    assert answer["error"]


# -- in a real browser --------------------------------------------------------


@pytest.fixture
async def complaints() -> list[str]:
    """What the browser wrote to its console."""
    return []


@pytest.fixture
async def page(
    browser: Browser, playground: Playground, service: Service, complaints: list[str]
) -> AsyncIterator[BrowserPage]:
    page = await browser.new_page(viewport={"width": 1500, "height": 900})
    page.set_default_timeout(PATIENCE)
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    await page.close()


@pytest.mark.browser
async def test_a_click_replaces_the_card_and_keeps_what_others_typed(
    page: BrowserPage, playground: Playground, service: Service, complaints: list[str]
) -> None:
    send_card(playground)
    send_card(playground, "johndoe2")
    service.answer = a_card_answer(DECIDED)

    await page.goto(playground.url)
    await page.locator("#chat-johndoe2").get_by_label("Comment").fill("Jonas thinks")
    await page.locator("#chat-johndoe1").get_by_label("Comment").fill("Fine.")
    await page.locator("#chat-johndoe1").get_by_role("button", name="Approve").click()
    await page.locator("#chat-johndoe1").get_by_text("Done").wait_for()

    assert service.activities[0]["value"]["action"]["data"]["comment"] == "Fine."
    kept = page.locator("#chat-johndoe2").get_by_label("Comment")
    await expect(kept).to_have_value("Jonas thinks")
    assert complaints == []


@pytest.mark.browser
async def test_while_a_click_is_under_way_the_cards_buttons_are_off(
    page: BrowserPage, playground: Playground, service: Service
) -> None:
    send_card(playground)
    service.hold = asyncio.Event()
    button = page.locator("#chat-johndoe1").get_by_role("button", name="Approve")

    await page.goto(playground.url)
    await button.click()
    await expect(button).to_be_disabled()
    await button.click(force=True)
    service.hold.set()
    await expect(button).to_be_enabled()

    assert len(service.activities) == 1


@pytest.mark.browser
async def test_a_message_that_arrives_is_seen_without_a_reload(
    page: BrowserPage, playground: Playground
) -> None:
    await page.goto(playground.url)
    await page.locator("#chat-johndoe3").get_by_text("Nothing to approve yet").wait_for()

    send_card(playground, "johndoe3")

    await page.locator("#chat-johndoe3").get_by_role("button", name="Approve").wait_for()
    await expect(page.locator("#chat-johndoe3 .empty")).to_be_hidden()


@pytest.mark.browser
async def test_a_card_that_changes_in_place_keeps_what_its_reader_typed(
    page: BrowserPage, playground: Playground
) -> None:
    blank = {**CARD, "body": [{**CARD["body"][0], "value": ""}, CARD["body"][1]]}
    changed = {**blank, "body": [{"type": "TextBlock", "text": "New total"}, *blank["body"]]}
    chat = playground.world.open_chat("johndoe1")
    playground.world.add_message(chat, Sender.BOT, message_id="m1", card=blank)
    comment = page.locator("#chat-johndoe1").get_by_label("Comment")

    await page.goto(playground.url)
    await comment.fill("Half a sent")
    playground.world.update_message(chat, chat.messages[0], text="", card=changed)
    await page.get_by_text("New total").wait_for()
    await page.keyboard.type("ence")

    await expect(comment).to_have_value("Half a sentence")


@pytest.mark.browser
async def test_a_syntax_error_is_shown_where_it_is_and_the_curl_says_what_the_box_says(
    page: BrowserPage, playground: Playground
) -> None:
    await page.goto(playground.url)
    await page.get_by_label("The ARX to post, as JSON").fill('{\n  "Operation": 1\n  "x": 2\n}')

    await page.get_by_text("line 3, column 3").wait_for()
    typed = re.compile(re.escape('"Operation": 1\n  "x": 2'))  # a pattern: with its line's end
    await expect(page.locator(".shell")).to_contain_text(typed)


@pytest.mark.browser
async def test_a_new_number_is_the_same_request_for_all_samples_of_its_document(
    page: BrowserPage, playground: Playground
) -> None:
    box = page.get_by_label("The ARX to post, as JSON")

    await page.goto(playground.url)
    await expect(box).to_have_value(re.compile("PR-2026-00417"))
    await page.get_by_role("button", name="New number").click()
    await expect(box).not_to_have_value(re.compile("PR-2026-00417"))
    create = json.loads(await box.input_value())
    await page.get_by_role("button", name="UPDATE").first.click()
    await expect(box).to_have_value(re.compile('"Operation": 2'))
    update = json.loads(await box.input_value())

    number = create["ApprovalIdentifier"]["DocumentNumber"]
    assert update["ApprovalIdentifier"]["DocumentNumber"] == number


@pytest.mark.browser
async def test_a_window_of_320_pixels_shows_one_pane_at_a_time_and_nothing_sticks_out(
    page: BrowserPage, playground: Playground
) -> None:
    send_card(playground)
    await page.set_viewport_size({"width": 320, "height": 640})

    await page.goto(f"{playground.url}/#view=tenant")
    await page.get_by_role("button", name="Post as tenant").wait_for()
    await expect(page.locator(".chat:visible")).to_have_count(0)
    await page.get_by_role("tab", name="Maria").click()

    await expect(page.locator(".chat:visible")).to_have_count(1)
    assert await page.evaluate("document.documentElement.scrollWidth") == 320


@pytest.mark.browser
async def test_a_page_whose_playground_has_ended_does_not_look_alive(
    page: BrowserPage, playground: Playground
) -> None:
    send_card(playground)
    await page.goto(playground.url)
    await page.locator("#chat-johndoe1").get_by_role("button", name="Approve").wait_for()
    await expect(page.locator("#ended")).to_be_hidden()

    await playground.stop()

    await page.get_by_text("The playground has ended. Nothing is lost").wait_for()
    await expect(page.get_by_text("Not connected")).to_be_visible()
    await expect(page.locator("main[inert]")).to_have_count(1)


@pytest.mark.browser
async def test_nobody_writes_to_a_bot_that_he_does_not_have(
    page: BrowserPage, playground: Playground, service: Service
) -> None:
    chat = page.locator("#chat-johndoe1")
    await page.goto(playground.url)

    await chat.get_by_label("The app in Maria Keller's Teams").select_option("Blocked")

    await expect(chat.locator(".compose[inert]")).to_have_count(1)
    await chat.get_by_role("combobox").select_option("Installed")
    await expect(chat.locator(".compose[inert]")).to_have_count(0)


@pytest.mark.browser
async def test_the_switches_stand_in_the_address(page: BrowserPage, playground: Playground) -> None:
    await page.goto(f"{playground.url}/#theme=dark&width=phone")
    dark = page.get_by_role("radio", name="Dark")

    await expect(dark).to_have_attribute("aria-checked", "true")
    await dark.press("ArrowLeft")

    await expect(page).to_have_url(re.compile("#theme=light&width=phone$"))
