"""A whole story with an Xcv and a trace: both are in every line, header and span that is about it."""

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from approvals_core.models import Approval
from approvals_core.ports import Answer, AnswerKind
from approvals_core.rules.draft import Stamp
from playground.faults import FaultKind
from playground.outside import Playground
from tests.failing import all_due, card_in, fail
from tests.logged import Log
from tests.makers import MARIA, Core, a_tenant, create
from tests.running import Running, run_service
from tests.watched import Kept, ids, post_as_tenant, post_through, told

XCV = "a1b2c3d4-0000-4000-8000-00000000abcd"
WHOLE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{WHOLE}-b7ad6b7169203331-01"
STATE = "rojo=00f067aa0ba902b7"
EVIL = 'x"}\r\nX-Evil: 1\u2028\u202e{"\u009b31m' + "é"


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
async def traced(
    playground: Playground, store_url: str, tmp_path: Path, kept: Kept
) -> AsyncIterator[Running]:
    """The service on each store, with its spans kept."""
    async with run_service(
        playground, store_url=store_url, folder=tmp_path, spans=kept.processor
    ) as service:
        for alias in ("johndoe1", "johndoe2", "johndoe3"):
            await playground.teams.install(alias)
        yield service


def an_arx(running: Running, **telemetry: str) -> str:
    arx = json.loads(running.playground.sample("wiki-create"))
    asks = [{"Alias": f"johndoe{n}", "Name": f"Somebody {n}"} for n in (1, 2, 3)]
    return json.dumps(arx | {"Approvers": asks, "Telemetry": telemetry})


async def a_story(running: Running) -> dict[str, str]:
    """Let a tenant ask, Maria decide, and the tenant take it at the second attempt."""
    response = await post_as_tenant(
        running, an_arx(running, Xcv=XCV, Tcv="tcv-1"), traceparent=PARENT, tracestate=STATE
    )
    assert response.status == 200
    await running.asked("johndoe1", "johndoe2", "johndoe3")
    fail(running, "tenant/pr", FaultKind.STATUS, status=429)
    answered = await running.click("johndoe1", "Approve")
    assert "We try again" in card_in(answered)
    await running.pass_time(600)
    await running.says("johndoe1", "Approved")
    await running.says("johndoe2", "Approved")
    await all_due(running)
    return dict(response.headers)


async def test_xcv_and_trace_of_an_arx_are_in_every_line_header_and_span(
    traced: Running, kept: Kept, log: Log
) -> None:
    answered = await a_story(traced)

    told_to_tenant = traced.told()
    decision = told_to_tenant[0].body["Telemetry"]["Tcv"]
    about = [line for line in log.lines if "approval" in line or line["event"] == "payload_taken"]
    assert (answered["Xcv"], answered["Tcv"]) == (XCV, "tcv-1")
    assert {line["event"] for line in about} - {"mail_sent", "mail_not_sent"} == {
        *("payload_taken", "card_shown", "decision_answered")
    }
    assert {(line.get("xcv"), line.get("trace_id")) for line in about} == {(XCV, WHOLE)}
    assert [line["tcv"] for line in log.of("decision_answered")] == [decision, decision]
    assert log.of("payload_taken")[0]["tcv"] == "tcv-1"
    assert len(told_to_tenant) == 2
    for request in told_to_tenant:
        headers = {name.lower(): value for name, value in request.headers.items()}
        assert (headers["xcv"], headers["tcv"]) == (XCV, decision)
        assert headers["traceparent"].split("-")[1] == WHOLE
        assert headers["tracestate"] == STATE
    ours = [span for span in kept.spans if told(span).get("xcv") == XCV]
    assert {span.name for span in ours} >= {
        *("intake", "commit", "converge", "deliver", "act", "tenant call")
    }
    assert {f"{ids(span).trace_id:032x}" for span in ours} == {WHOLE}


async def test_each_span_hangs_below_what_led_to_it(traced: Running, kept: Kept) -> None:
    await a_story(traced)

    by_id = {ids(span).span_id: span for span in kept.spans}

    def above(span: Any) -> str:
        if span.parent is None:
            return ""
        led = by_id.get(span.parent.span_id)
        return led.name if led else f"{span.parent.span_id:016x}"

    [intake] = kept.named("intake")
    [act] = kept.named("act")
    calls = kept.named("tenant call")
    assert above(intake) == "b7ad6b7169203331"
    assert {above(span) for span in kept.named("converge")} == {"intake"}
    assert {above(span) for span in kept.named("deliver")} == {"converge"}
    assert above(act) == "intake"
    assert [above(call) for call in calls] == ["act", "act"]
    sent = [request.headers["traceparent"] for request in traced.told()]
    assert sent == [f"00-{WHOLE}-{ids(call).span_id:016x}-01" for call in calls]


async def test_spans_say_who_which_and_how_it_ended_and_nothing_personal(
    traced: Running, kept: Kept
) -> None:
    await a_story(traced)

    calls = [told(span) for span in kept.named("tenant call")]
    decision = traced.told()[0].body["Telemetry"]["Tcv"]
    approval = calls[0]["approval"]
    assert re.fullmatch(r"pr-[a-z0-9]{16}", approval)
    usual = {"tenant": "pr", "call": "decision", "approval": approval, "xcv": XCV, "tcv": decision}
    assert calls == [
        usual | {"attempt": 1, "outcome": "again"},
        usual | {"attempt": 2, "outcome": "accepted"},
    ]
    assert told(kept.named("intake")[0]) == {
        "tenant": "pr",
        "operation": "create",
        "outcome": "applied",
        "xcv": XCV,
        "tcv": "tcv-1",
    }
    everything = json.dumps([told(span) for span in kept.spans])
    people = traced.playground.world.people.values()
    words = {text for person in people for text in (person.alias, person.name)}
    assert [word for word in words if word in everything] == []


async def test_without_a_collector_the_trace_goes_on_all_the_same(running: Running) -> None:
    await post_as_tenant(running, an_arx(running), traceparent=PARENT, tracestate=STATE)
    await running.asked("johndoe1")

    await running.click("johndoe1", "Approve")

    [request] = await running.until(lambda: running.told() or None)
    headers = {name.lower(): value for name, value in request.headers.items()}
    assert headers["traceparent"].split("-")[1] == WHOLE
    assert headers["tracestate"] == STATE


async def test_a_broken_trace_is_as_if_there_was_none(running: Running) -> None:
    await post_as_tenant(running, an_arx(running), traceparent="00-zz-b7-01", tracestate=STATE)
    await running.asked("johndoe1")

    await running.click("johndoe1", "Approve")

    [request] = await running.until(lambda: running.told() or None)
    headers = {name.lower(): value for name, value in request.headers.items()}
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01", headers["traceparent"])
    assert "tracestate" not in headers


async def test_a_hostile_xcv_breaks_no_line_and_no_header(traced: Running, log: Log) -> None:
    response = await post_as_tenant(traced, an_arx(traced, Xcv=EVIL))
    await traced.asked("johndoe1")

    lines = log.text.splitlines()
    about = [line for line in map(json.loads, lines) if line["event"] == "payload_taken"]
    assert [line["xcv"] for line in about] == [EVIL]
    assert all(line.isascii() and line.isprintable() for line in lines)
    assert response.status == 200
    assert response.headers["Xcv"].startswith('x"}%0D%0AX-Evil: 1%E2%80%A8')
    assert "X-Evil" not in response.headers


async def test_ids_of_one_request_do_not_stick_to_the_next_on_its_connection(
    running: Running,
) -> None:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1)) as session:
        first = await post_through(session, running, an_arx(running, Xcv=XCV, Tcv="tcv-1"))

        second = await post_through(session, running, "no json", Xcv="mine")

    assert (first.headers["Xcv"], first.headers["Tcv"]) == (XCV, "tcv-1")
    assert second.headers["Xcv"] == "mine"
    assert "Tcv" not in second.headers


# -- what is stored ---------------------------------------------------------------------


async def test_a_decision_keeps_the_trace_of_its_click_for_every_attempt(store: Any) -> None:
    core = Core(store, tenant=a_tenant())
    await core.open(create("johndoe1"))
    core.api.usual = Answer(kind=AnswerKind.AGAIN, retry_after=60.0)
    await core.click(MARIA)

    stored = await core.approval()

    assert Approval.model_validate_json(stored.model_dump_json()) == stored
    old = stored.model_dump(mode="json")
    old.pop("trace")
    assert Approval.model_validate(old).trace.parent == ""
    assert Stamp(at=core.clock.now(), change="c", salt="", name="").trace.parent == ""
