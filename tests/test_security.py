"""Who is let in, what a link may do, and what never stands in the log."""

import asyncio
import base64
import gzip
import io
import json
import signal
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from app import open_house
from approvals_core.adapters.tenant_files import BadTenantFiles
from approvals_core.errors import StoreRefused
from config import Settings
from playground import names
from playground.activities import activity
from playground.faults import Fault, FaultKind
from playground.forgeries import FORGERIES
from playground.issuer import Application
from playground.outside import Playground
from playground.reading import button, buttons
from playground.records import Message
from tests.failing import (
    KEY,
    TENANT,
    all_due,
    asked_for,
    but_for_mails,
    card_in,
    data_of,
    listening,
    started,
    stored,
)
from tests.ports import free_port
from tests.running import PATIENCE, Running

RECEIVER = f"/api/v1/PayloadReceiver?TenantId={names.DOCUMENT_TYPE}"


async def call(
    running: Running, method: str, path: str, *, token: str = "", **more: Any
) -> tuple[int, str]:
    """Call the service as anybody can."""
    headers = {"Authorization": f"Bearer {token}"} | more.pop("headers", {})
    url = running.playground.tenant.service + path
    async with (
        aiohttp.ClientSession() as http,
        http.request(method, url, headers=headers, **more) as response,
    ):
        return response.status, await response.text()


def bot_token(running: Running) -> str:
    teams = running.playground.teams
    return running.playground.issuer.bot_token(teams.service_url)


def offers(message: Message, alias: str) -> bool:
    """Tell whether somebody could approve what a message shows to him."""
    return any(each.get("title") == "Approve" for each in buttons(message.shown_to(alias) or {}))


# -- links do nothing -------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
async def test_looking_at_any_address_changes_nothing(running: Running, method: str) -> None:
    await running.send("wiki-create")
    await running.asked("johndoe1", "johndoe2", "johndoe3")
    await all_due(running)  # what is still fetched or sent for it changes it, too
    before = await stored(running)
    click = {"type": "invoke", "value": {"action": {"data": data_of(running, "johndoe1")}}}
    tokens = (bot_token(running), await running.playground.tenant.token(), "")
    resources = running.house.application().router.resources()
    routes = {resource.canonical for resource in resources}
    asked = {*routes, f"/api/v1/payloads/{before.id}", RECEIVER, "/", "/nowhere", "/api/messages"}

    answers = [
        await call(running, method, path, token=token, json=click)
        for path in asked
        for token in tokens
    ]

    assert all(status < 500 for status, _text in answers)
    assert but_for_mails(await stored(running)) == but_for_mails(before)
    assert running.told() == []


async def test_nobody_decides_without_a_token(running: Running) -> None:
    await running.send("wiki-create")
    await running.asked("johndoe1")
    person = running.playground.world.people["johndoe1"]
    value = {"action": {"verb": "act", "data": data_of(running, "johndoe1")}, "trigger": "manual"}
    click = activity(
        person,
        service_url=running.playground.teams.service_url,
        type="invoke",
        name="adaptiveCard/action",
        value=value,
    )
    issuer = running.playground.issuer
    claims = issuer.bot_claims(running.playground.teams.service_url)
    forged = {name: forge(issuer.bot, claims) for name, forge in FORGERIES.items()}
    forged["a tenant's"] = await running.playground.tenant.token()

    for name, token in forged.items():
        answered = await running.playground.teams.deliver(click, token=token)
        assert answered.status == 401, name

    assert running.told() == []
    assert (await stored(running)).places[0].decision is None


# -- the tenants' door ------------------------------------------------------------


async def test_nobody_posts_a_payload_without_being_its_tenant(running: Running) -> None:
    issuer = running.playground.issuer
    intake = issuer.applications[names.INTAKE_APP]
    purchasing = issuer.applications[names.PURCHASING_APP]
    claims = issuer.app_claims(purchasing, intake)
    without_role = issuer.app_claims(Application(app_id=names.STRANGER_APP), intake)
    wrong = {name: (401, forge(issuer.entra, claims)) for name, forge in FORGERIES.items()}
    wrong["a bot's token"] = (401, bot_token(running))
    wrong["a stranger's"] = (403, issuer.entra.newest.sign(without_role))
    wrong["no role"] = (403, issuer.entra.newest.sign({**claims, "roles": []}))
    wrong["a person's"] = (403, issuer.entra.newest.sign({**claims, "scp": "x", "idtyp": "user"}))

    for name, (expected, token) in wrong.items():
        sent = await running.playground.tenant.send(
            running.playground.sample("wiki-create"), token=token
        )
        assert sent.status == expected, (name, sent.answer)

    assert await running.house.store.approval(KEY) is None


@pytest.mark.parametrize(
    ("status", "path", "headers", "body"),
    [
        (400, "/api/v1/PayloadReceiver", {}, b"{}"),
        (404, RECEIVER[:-1] + "9", {}, b"{}"),
        (400, RECEIVER, {}, b"{}"),
        (400, RECEIVER, {}, b"\xff\xfe"),
        (400, RECEIVER, {}, b"[" * 5000),
        (400, RECEIVER, {}, b'{"a":' * 5000),
        (400, RECEIVER, {}, b"9" * 10_000),
        (400, RECEIVER, {}, b"null"),
        (413, RECEIVER, {}, b" " * 1_100_000),
        (415, RECEIVER, {"Content-Type": "text/plain"}, b"{}"),
        (415, RECEIVER, {"Content-Encoding": "gzip"}, gzip.compress(b"{}", mtime=0)),
    ],
)
async def test_what_is_no_payload_is_told_as_a_problem(
    running: Running, status: int, path: str, headers: dict[str, str], body: bytes
) -> None:
    token = await running.playground.tenant.token()
    given = {"Content-Type": "application/json"} | headers

    answered, text = await call(
        running, "POST", path, token=token, data=io.BytesIO(body), headers=given
    )

    assert answered == status
    assert json.loads(text)["status"] == status
    assert await running.house.store.approval(KEY) is None


@pytest.mark.parametrize(
    "place",
    [
        ["0001-01-01T00:00:00+14:00", "a", "b", "c"],
        ["9999-12-31T23:59:59-14:00", "a", "b", "c"],
        ["2026-01-01T00:00:00", "a", "b", "c"],
        ["2026-01-01T00:00:00", "a"],
        ["2026-01-01T00:00:00", 1, None, {}],
        [1e400],
        {},
        [],
        7,
    ],
    ids=str,
)
async def test_a_forged_place_in_the_tenants_list_is_no_failure(
    running: Running, place: Any
) -> None:
    after = base64.urlsafe_b64encode(json.dumps(place).encode()).decode()

    status, _told = await asked_for(
        running, f"/api/v1/requests?TenantId={names.DOCUMENT_TYPE}&After={after}"
    )

    assert status in (200, 400)


# -- the store --------------------------------------------------------------------


async def test_a_store_that_holds_the_words_of_others_is_not_opened(
    running: Running, store_url: str, tmp_path: Path
) -> None:
    tenants = running.playground.write_tenants(tmp_path / "others")
    given = running.playground.settings(store_url=store_url, tenants=tenants, port=0)
    given["BOT_ISSUER"] = "https://bots.elsewhere.example"
    others = Settings.model_validate({name.lower(): value for name, value in given.items()})

    with pytest.raises(StoreRefused, match="holds the words of"):
        async with open_house(others):
            pass


async def test_a_tenant_whose_people_may_not_talk_to_the_bot_is_not_served(
    playground: Playground, store_url: str, tmp_path: Path
) -> None:
    tenants = playground.write_tenants(tmp_path / "tenants")
    given = playground.settings(store_url=store_url, tenants=tenants, port=0)
    given["DIRECTORIES"] = "22222222-bbbb-4bbb-8bbb-222222222222"
    settings = Settings.model_validate({name.lower(): value for name, value in given.items()})

    with pytest.raises(BadTenantFiles, match="could never talk to the bot"):
        async with open_house(settings):
            pass


# -- the log ----------------------------------------------------------------------


async def test_the_log_of_a_whole_run_holds_nothing_that_is_anybodys(
    playground: Playground, store_url: str, tmp_path: Path
) -> None:
    port = free_port()
    tenants = playground.write_tenants(tmp_path / "tenants")
    given = playground.settings(store_url=store_url, tenants=tenants, port=port)
    world, comment = playground.world, "Between us: he may keep the old one"
    async with started(given) as process:
        lines = await listening(process)
        playground.meet(f"http://127.0.0.1:{port}")
        tokens = [await playground.tenant.token()]
        for alias in ("johndoe1", "johndoe2"):
            await playground.teams.install(alias)
        for place, kind in (("graph", "status"), ("connector/johndoe2", "too_big")):
            world.set_fault(place, Fault(kind=FaultKind(kind), status=500, times=1))
        for body in (playground.sample("wiki-create"), "{}", "no JSON of mail@organization.com"):
            await playground.tenant.send(body)
        await playground.tenant.send(playground.sample("wiki-create"), token="eyJ.not.valid")
        await playground.teams.deliver({"type": "message"}, token="eyJ.not.valid")
        await playground.teams.say("johndoe1", "show mail@organization.com")
        chat = world.chat_of("johndoe1")
        assert chat is not None
        for kind in ("refused", "garbage"):
            # As she sees it: the answer to her first click may still say that it is under way.
            message = await world.until(
                lambda: next((m for m in chat.messages if offers(m, "johndoe1")), None),
                within=PATIENCE,
            )
            assert message is not None
            world.set_fault(TENANT, Fault(kind=FaultKind(kind), text="Secret of ours", times=1))
            action = button(message.shown_to("johndoe1") or {}, "Approve")
            clicked = await playground.teams.click(
                "johndoe1", message.id, action, {"comment": comment}
            )
            assert card_in(clicked)
        process.send_signal(signal.SIGTERM)
        out, err = await asyncio.wait_for(process.communicate(), 60)

    log = "".join(lines) + out.decode() + err.decode()
    assert '"event": "card_shown"' in log
    assert "decision_answered" in log
    assert "Traceback" not in log
    secret = given["BOT_SECRET"]
    for private in (comment, "organization.com", "eyJ", *tokens, secret, "Maria Keller"):
        assert private not in log, private
    for private in ("Secret of ours", "Title of the request", "ABC PVT", "Safe Limits"):
        assert private not in log, private


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("approvals.attacker.example", 421),
        ("127.0.0.1.attacker.example:3978", 421),
        ("169.254.169.254", 421),
        ("[::1", 421),
        ("localhost", 200),
        ("127.0.0.1:3978", 200),
        ("[::1]:3978", 200),
    ],
)
async def test_on_loopback_a_foreign_host_header_reaches_nothing(
    running: Running, host: str, status: int
) -> None:
    for path in ("/readyz", "/livez"):
        assert (await call(running, "GET", path, headers={"Host": host}))[0] == status

    posted = await call(running, "POST", RECEIVER, headers={"Host": host}, json={})
    assert posted[0] == (401 if status == 200 else 421)


async def test_whose_word_is_taken_is_seen_by_whoever_watches_the_service(
    running: Running,
) -> None:
    _status, said = await call(running, "GET", "/readyz")

    assert json.loads(said)["custom_issuers"] == [names.ENTRA_ISSUER, names.BOT_ISSUER]
