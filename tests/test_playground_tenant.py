"""The playground's sample tenant and Graph: what they answer, and how they fail on purpose."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from playground import names
from playground.faults import Fault, FaultKind
from playground.outside import Playground
from playground.records import Sender
from playground.world import World

Http = aiohttp.ClientSession


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


def token_for(playground: Playground, resource: str) -> str:
    issuer = playground.issuer
    return issuer.app_token(issuer.applications[names.BOT_APP], issuer.applications[resource])


async def decide(
    playground: Playground,
    http: aiohttp.ClientSession,
    *,
    key: str = "",
    token: str | None = None,
    tenant: names.Registration = names.PURCHASING,
) -> tuple[int, Any]:
    """Post an ApprovalRequest as the service does."""
    body = {
        "DocumentTypeID": tenant.document_type,
        "Action": "Approve",
        "ApprovalIdentifier": {"DocumentNumber": "R1"},
        "Telemetry": {"Tcv": "t", "Xcv": "x"},
    }
    bearer = token_for(playground, tenant.api) if token is None else token
    headers = {"Authorization": f"Bearer {bearer}", "Idempotency-Key": key}
    url = f"{playground.url}/tenants/{tenant.code}/actions"
    async with http.post(url, json=body, headers=headers) as response:
        text = await response.text()
        return response.status, json.loads(text) if text.startswith("{") else text


async def get(playground: Playground, http: aiohttp.ClientSession, path: str, resource: str) -> Any:
    headers = {"Authorization": f"Bearer {token_for(playground, resource)}"}
    async with http.get(f"{playground.url}{path}", headers=headers) as response:
        return response.status, await response.json()


def set_fault(playground: Playground, kind: FaultKind, **more: Any) -> None:
    playground.world.set_fault("tenant/pr", Fault(kind=kind, times=1, **more))


# -- the Action API ---------------------------------------------------------------


async def test_an_action_is_accepted_as_documented(playground: Playground, http: Http) -> None:
    status, answer = await decide(playground, http)

    (received,) = playground.tenant.actions()
    assert (status, answer["ActionResult"]) == (200, True)
    assert answer["Telemetry"]["Tcv"] == "t"
    assert (received.applied, received.body["Action"], received.outcome) == (
        True,
        "Approve",
        "answered",
    )


async def test_an_action_without_our_token_is_not_done(playground: Playground, http: Http) -> None:
    status, _ = await decide(playground, http, token=token_for(playground, names.GRAPH))

    assert status == 401
    assert [one.applied for one in playground.tenant.actions()] == [False]


@pytest.mark.parametrize("error_type", [1, 2])
async def test_a_refusal_names_its_error_type(
    playground: Playground, http: Http, error_type: int
) -> None:
    set_fault(playground, FaultKind.REFUSED, error_type=error_type)

    status, answer = await decide(playground, http)

    assert (status, answer["ActionResult"]) == (200, False)
    assert answer["E2EErrorInformation"]["ErrorType"] == error_type
    assert answer["DisplayMessage"]


@pytest.mark.parametrize("error_type", [0, 1])
@pytest.mark.parametrize("tenant", names.TENANTS, ids=lambda each: each.code)
async def test_a_refusal_on_purpose_speaks_of_the_tenant_that_refuses(
    playground: Playground, http: Http, tenant: names.Registration, error_type: int
) -> None:
    called = {
        "pr": "Contoso Purchasing",
        "expenses": "Contoso Expenses",
        "capex": "Contoso Capital",
    }
    fault = Fault(kind=FaultKind.REFUSED, error_type=error_type)
    playground.world.set_fault(f"tenant/{tenant.code}", fault)

    _, answer = await decide(playground, http, tenant=tenant)

    said = answer["DisplayMessage"]
    assert [name for name in called.values() if name in said] == [called[tenant.code]]
    assert ("cost centre" in said.lower()) is (tenant is names.PURCHASING)


async def test_a_transient_error_names_its_interval_in_minutes(
    playground: Playground, http: Http
) -> None:
    set_fault(playground, FaultKind.TRANSIENT, minutes=3)

    _, answer = await decide(playground, http)

    error = answer["E2EErrorInformation"]
    assert (error["ErrorType"], error["RetryInterval"]) == (3, 3)


async def test_a_held_action_is_answered_when_released(playground: Playground, http: Http) -> None:
    set_fault(playground, FaultKind.HELD)

    deciding = asyncio.create_task(decide(playground, http))
    held = await playground.tenant.arrived()
    waiting = not deciding.done()
    playground.tenant.release()
    _, answer = await deciding

    assert (held.outcome, waiting, answer["ActionResult"]) == ("waiting", True, True)
    assert playground.tenant.held() == []


async def test_a_held_action_can_be_refused_in_the_end(playground: Playground, http: Http) -> None:
    set_fault(playground, FaultKind.HELD)
    set_fault(playground, FaultKind.REFUSED)

    deciding = asyncio.create_task(decide(playground, http))
    await playground.tenant.arrived()
    playground.tenant.release()

    assert (await deciding)[1]["ActionResult"] is False


async def test_a_lost_answer_is_given_again_for_the_same_key(
    playground: Playground, http: Http
) -> None:
    set_fault(playground, FaultKind.LOST_ANSWER)

    with pytest.raises(aiohttp.ClientError):
        await decide(playground, http, key="d1")
    _, answer = await decide(playground, http, key="d1")

    assert answer["ActionResult"] is True
    assert [(one.applied, one.repeated) for one in playground.tenant.actions()] == [
        (True, False),
        (False, True),
    ]


async def test_a_tenant_that_ignores_keys_does_it_twice(playground: Playground, http: Http) -> None:
    playground.tenant.book.honours_keys = False

    for _ in range(2):
        await decide(playground, http, key="d1")

    assert [one.applied for one in playground.tenant.actions()] == [True, True]


async def test_garbage_and_other_statuses_are_what_they_say(
    playground: Playground, http: Http
) -> None:
    set_fault(playground, FaultKind.GARBAGE)
    set_fault(playground, FaultKind.STATUS, status=418)
    set_fault(playground, FaultKind.THROTTLED)

    answers = [await decide(playground, http) for _ in range(3)]

    assert [status for status, _ in answers] == [200, 418, 429]
    assert answers[0][1].startswith("<html>")


# -- what it sends, and is asked about --------------------------------------------


class Receiver:
    """A stand-in for the service's payload receiver."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, bytes]] = []

    async def on_payload(self, request: web.Request) -> web.Response:
        authorization = request.headers["Authorization"]
        self.requests.append((request.path_qs, authorization, await request.read()))
        return web.json_response({"Disposition": "applied"})


@pytest.fixture
async def receiver(playground: Playground) -> AsyncIterator[Receiver]:
    standing_in = Receiver()
    app = web.Application()
    app.router.add_post("/api/v1/PayloadReceiver", standing_in.on_payload)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    playground.meet(f"http://127.0.0.1:{runner.addresses[0][1]}")
    yield standing_in
    await runner.cleanup()


async def test_an_arx_goes_out_as_typed_with_the_tenants_token(
    playground: Playground, receiver: Receiver
) -> None:
    text = playground.sample("wiki-create")

    sent = await playground.tenant.send(text)

    ((path, authorization, body),) = receiver.requests
    claims = playground.issuer.read(
        authorization.removeprefix("Bearer "), audience=names.INTAKE_APP
    )
    assert (sent.status, sent.answer) == (200, {"Disposition": "applied"})
    assert path == f"/api/v1/PayloadReceiver?TenantId={names.DOCUMENT_TYPE}"
    assert (body.decode(), claims["azp"]) == (text, names.PURCHASING_APP)


async def test_summary_and_details_are_those_last_sent(
    playground: Playground, receiver: Receiver, http: Http
) -> None:
    await playground.tenant.send(playground.sample("wiki-create"))

    document = "REQ-34562-126?fiscalYear=2020"
    summary = await get(playground, http, f"/tenants/pr/summary/{document}", names.PURCHASING_API)
    line = await get(playground, http, f"/tenants/pr/details/LINE/{document}", names.PURCHASING_API)
    other = await get(playground, http, "/tenants/pr/summary/other", names.PURCHASING_API)

    assert summary[1]["Title"] == "Title of the request"
    assert line[1]["LineItems"][0]["Description"] == "Age Paws Paws Nothing"
    assert (summary[0], line[0], other[0]) == (200, 200, 404)


# -- Graph ------------------------------------------------------------------------


async def test_graph_finds_people_by_id_and_by_upn(playground: Playground, http: Http) -> None:
    maria = playground.world.people["johndoe1"]
    fields = "?$select=id,accountEnabled,userType"

    found = [
        await get(playground, http, f"/graph/v1.0/users/{name}{fields}", names.GRAPH)
        for name in (maria.object_id, "JohnDoe1@organization.com")
    ]

    assert found[0] == found[1]
    assert found[0][1]["id"] == maria.object_id
    assert found[0][1]["accountEnabled"] is True


async def test_graph_does_not_tell_what_was_not_selected(
    playground: Playground, http: Http
) -> None:
    _, found = await get(
        playground, http, "/graph/v1.0/users/johndoe20@organization.com", names.GRAPH
    )

    assert "accountEnabled" not in found


@pytest.mark.parametrize(
    ("nickname", "count"), [("twin", 2), ("johndoe1", 1), ("o''neil", 1), ("nobody", 0)]
)
async def test_graph_filters_by_nickname_in_its_own_directory(
    playground: Playground, http: Http, nickname: str, count: int
) -> None:
    where = f"/graph/v1.0/users?$filter=mailNickname eq '{nickname}'"

    status, found = await get(playground, http, where, names.GRAPH)

    assert (status, len(found["value"])) == (200, count)


async def test_graph_knows_nobody_else_and_fails_as_told(
    playground: Playground, http: Http
) -> None:
    nobody = await get(playground, http, "/graph/v1.0/users/x@organization.com", names.GRAPH)
    playground.world.set_fault("graph", Fault(kind=FaultKind.THROTTLED, times=1))
    busy = await get(playground, http, "/graph/v1.0/users/x@organization.com", names.GRAPH)
    wrong = await get(playground, http, "/graph/v1.0/users/x", names.PURCHASING_API)

    assert (nobody[0], nobody[1]["error"]["code"]) == (404, "Request_ResourceNotFound")
    assert (busy[0], wrong[0]) == (429, 401)


# -- the doors and the memory -----------------------------------------------------


@pytest.mark.parametrize(
    ("header", "value", "status"),
    [
        ("Host", "evil.example", 421),
        ("Host", "127.0.0.1.evil.example:3979", 421),
        ("Origin", "https://evil.example", 403),
    ],
)
async def test_foreign_hosts_and_pages_are_refused(
    playground: Playground, http: Http, header: str, value: str, status: int
) -> None:
    async with http.post(f"{playground.url}/tenants/pr/actions", headers={header: value}) as got:
        assert got.status == status
    assert playground.tenant.actions() == []


async def test_the_world_is_the_same_after_a_restart(tmp_path: Path) -> None:
    before = World(tmp_path)
    chat = before.open_chat("johndoe1")
    before.add_message(chat, Sender.PERSON, message_id="1", text="hello")
    before.set_fault("graph", Fault(kind=FaultKind.THROTTLED))
    before.set_installed("johndoe2", installed=False)

    after = World(tmp_path)

    assert after.chat_of("johndoe1") == chat
    assert after.faults == before.faults
    assert not after.is_installed("johndoe2")
