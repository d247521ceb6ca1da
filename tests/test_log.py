"""The log: a whole story in JSON lines with Xcv and Tcv, and nobody's name, words or tokens in any of them."""

import json
import logging
from collections.abc import Callable

import pytest

from approvals_core.log_context import note
from approvals_core.ports import Answer, AnswerKind, Store
from playground.faults import FaultKind
from tests.failing import all_due, fail
from tests.logged import Log
from tests.makers import MARIA, Core, a_tenant, create
from tests.running import Running

XCV = "a1b2c3d4-0000-4000-8000-00000000abcd"
COMMENT = "Zebras are within my budget"


def personal_texts(running: Running) -> set[str]:
    """Return what no line may hold: people, their words, what the request says, and tokens."""
    people = running.playground.world.people.values()
    texts = {text for p in people for text in (p.alias, p.name, p.user_principal_name)}
    arx = json.loads(running.playground.sample("wiki-create"))
    summary = arx["SummaryData"]
    texts |= {summary["Title"], summary["Submitter"]["Name"], summary["Submitter"]["Alias"]}
    texts |= {COMMENT, "No budget left", "organization.com", "Bearer ", "eyJ", "secret"}
    return {text for text in texts if len(text) > 3}


async def a_story(running: Running) -> None:
    """
    Let everything happen that is logged: three people are asked, one is refused by the
    tenant, tries again, and is not answered; cards cannot be shown, a token is bad, a
    payload too, and nobody is called ghost. In the end all is logged that comes of it.
    """
    ghost = {"Alias": "ghost", "Name": "Gerda Ghost"}
    asks = [{"Alias": f"johndoe{n}", "Name": f"Somebody {n}"} for n in (1, 2, 3)]
    await running.send("wiki-create", Approvers=[*asks, ghost], Telemetry={"Xcv": XCV, "Tcv": "t"})
    await running.asked("johndoe1", "johndoe2", "johndoe3")
    fail(running, "connector/johndoe3", FaultKind.BLOCKED, times=9)
    fail(running, "tenant/pr", FaultKind.REFUSED, text="No budget left")
    await running.click("johndoe1", "Approve", COMMENT)
    await running.says("johndoe1", "No budget left")
    fail(running, "tenant/pr", FaultKind.STATUS, status=500)
    await running.click("johndoe1", "Approve", COMMENT)
    await running.says("johndoe1", "did not confirm")
    bad = await running.playground.tenant.send(
        {"DocumentTypeId": running.house.tenants.all()[0].document_type_id, "Title": COMMENT}
    )
    assert bad.status == 400
    await running.pass_time(3600)
    await running.says("johndoe1", "Approved")
    await all_due(running)


async def test_no_line_of_a_whole_story_holds_a_name_or_a_word_of_anybody(
    running: Running, log: Log
) -> None:
    await a_story(running)

    found = {text for text in personal_texts(running) if text in log.text}

    assert {"decision_answered", "card_shown", "card_not_shown", "payload_invalid"} <= {
        line["event"] for line in log.lines
    }
    assert found == set()


async def test_lines_about_a_request_have_its_xcv_and_those_of_a_decision_its_tcv(
    running: Running, log: Log
) -> None:
    await a_story(running)

    answered = log.of("decision_answered")
    tcvs = [told.body["Telemetry"]["Tcv"] for told in running.told()]
    about = [line for line in log.lines if "approval" in line]

    assert {line["answer"] for line in answered} == {"refused", "unknown", "accepted"}
    assert [line["tcv"] for line in answered] == tcvs
    assert {line["event"] for line in about} >= {"decision_answered", "card_shown"}
    assert {line.get("xcv") for line in about} == {XCV}
    assert all(line["at"].endswith("+00:00") and line["level"] for line in log.lines)


async def test_a_job_that_fails_is_found_by_its_xcv_and_tcv(store: Store, log: Log) -> None:
    core = Core(store, tenant=a_tenant())
    await core.open(create("johndoe1", xcv=XCV))
    core.api.usual = Answer(kind=AnswerKind.AGAIN, retry_after=60.0)
    await core.click(MARIA, comment=COMMENT)
    place = await core.place(MARIA)

    async def boom(_posted: object) -> None:
        raise KeyError(COMMENT)

    core.api.watch = boom
    core.channel.faces_fail = ValueError(COMMENT)
    await core.pass_time(61)

    failed = {line["job"].partition("/")[0]: line for line in log.of("job_failed")}
    assert place.decision is not None
    assert (failed["post"]["xcv"], failed["post"]["tcv"]) == (XCV, place.decision.id)
    assert failed["card"]["xcv"] == XCV
    assert "tcv" not in failed["card"]
    assert "post_decision" in failed["post"]["trace"]
    assert failed["post"]["trace"].rstrip().endswith("KeyError")
    assert COMMENT not in log.text


# -- how a line is made ---------------------------------------------------------------


@pytest.mark.parametrize(
    "fails",
    [
        lambda: int(COMMENT),
        lambda: {}[COMMENT],
        lambda: _raise(ValueError("outer"), ValueError(COMMENT)),
        lambda: _raise(ExceptionGroup(COMMENT, [ValueError(COMMENT), KeyError(COMMENT)]), None),
    ],
)
def test_a_trace_says_where_and_never_what(log: Log, fails: Callable[[], object]) -> None:
    try:
        fails()
    except Exception:
        logging.getLogger("ours").exception("it_failed")

    [line] = log.lines
    assert COMMENT not in log.text
    assert line["trace"].startswith("Traceback (most recent call last):\n")
    assert "test_log.py" in line["trace"]
    assert "Error\n" in line["trace"]


def _raise(failure: Exception, cause: Exception | None) -> None:
    raise failure from cause


def test_what_others_log_below_their_first_line_is_left_out(log: Log) -> None:
    logging.getLogger("asyncio").error("Task exception was never retrieved\nfuture: %s", COMMENT)

    assert [line["event"] for line in log.lines] == ["Task exception was never retrieved"]
    assert COMMENT not in log.text


async def test_what_a_task_is_busy_with_is_said_until_it_is_forgotten(log: Log) -> None:
    note(xcv=XCV, tcv="t")
    logging.getLogger("ours").info("first")
    note(tcv="")
    logging.getLogger("ours").info("second")

    assert [(line.get("xcv"), line.get("tcv")) for line in log.lines] == [(XCV, "t"), (XCV, None)]
