"""What operators see of jobs, dead letters and late payloads, and what they do about them, on both stores."""

import argparse
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from approvals_core.adapters.tenant_files import load_tenants
from approvals_core.leases import lease_of
from approvals_core.models import (
    DeadLetter,
    Disposition,
    EventKind,
    JobKind,
    Lane,
)
from approvals_core.ports import Store
from bots.cli.commands import parser
from bots.cli.queue import QueueDesk
from tests.clock import Clock
from tests.store_leases import leased
from tests.store_makers import (
    ANN,
    KEY,
    MINUTE,
    NOON,
    SCOPE,
    a_change,
    a_job,
    a_payload,
    an_approval,
    jobs_change,
)
from tests.store_spoiling import spoil
from tests.terminal import Terminal, tenants, terminal, unconfirmed

__all__ = ["tenants", "terminal"]

FAR = datetime(2100, 1, 1, tzinfo=UTC)


def a_letter(**job: Any) -> DeadLetter:
    made = a_job(**job) if job else a_job("card/x", person=ANN.id, channel="teams", round=1)
    return DeadLetter(id="abcdef123456789", scope=SCOPE, job=made, error="KeyError", at=NOON)


async def letters(store: Store) -> list[DeadLetter]:
    return list(await store.dead_letters(SCOPE))


# -- jobs ----------------------------------------------------------------------


@pytest.mark.parametrize("lane", [Lane.CARD, Lane.DECISION])
async def test_a_job_is_under_way_as_long_as_its_worker_is_heard_of(
    store: Store, terminal: Terminal, lane: Lane
) -> None:
    whole, said, clock = timedelta(seconds=lease_of((lane,))), list[str](), Clock(NOON)
    known = load_tenants(terminal.settings.tenants)
    desk = QueueDesk(store, known, said.append, now=clock.now)
    await store.commit(jobs_change(a_job(lane=lane)))
    [job] = await store.lease([lane], limit=1, now=NOON, until=NOON + whole)

    await desk.list_jobs(None, late=False, limit=9)
    await store.renew(job.lease, until=NOON + whole / 3)
    await desk.list_jobs(None, late=False, limit=9)
    await desk.list_jobs(None, late=True, limit=9)

    renewed, silent, late = said
    seconds = round(whole.total_seconds() * 2 / 3)
    assert "under way, leased until then" in renewed
    assert f"its worker is silent for {seconds} seconds: another one takes it then" in silent
    assert "its worker is silent" in late


async def test_jobs_are_listed_with_how_they_stand(
    store: Store, terminal: Terminal, store_url: str
) -> None:
    await store.commit(
        jobs_change(
            a_job("late"),
            a_job("failed", due=NOON + MINUTE),
            a_job("later", due=FAR),
            a_job("bad", due=NOON - MINUTE),
        )
    )
    [first, second] = [
        each for each in await leased(store, now=NOON + MINUTE) if each.job.key in ("bad", "failed")
    ]
    lease = next(each.lease for each in (first, second) if each.job.key == "failed")
    await store.retry(lease, due=NOON + 2 * MINUTE, failed=True)
    await spoil(store_url, "bad")

    code = await terminal.type("jobs")

    told = {line.rsplit("  ", 1)[1]: line for line in terminal.lines}
    assert code == 0
    assert [line.rsplit("  ", 1)[1] for line in terminal.lines][-1] == "later"
    assert told["failed"].startswith("2025-01-01 12:02:00 UTC  pr  card")
    assert "REQ-1" in told["failed"]
    assert "failed 1 of 10 times" in told["failed"]
    assert "late by" in told["failed"]
    assert "in 2" in told["later"]
    assert "days" in told["later"]
    assert "cannot be read" in told["bad"]


async def test_only_late_jobs_are_listed_on_request(store: Store, terminal: Terminal) -> None:
    await store.commit(
        jobs_change(a_job("late"), a_job("held", due=NOON - MINUTE), a_job("later", due=FAR))
    )
    until = datetime.now(UTC) + timedelta(hours=1)
    await store.lease([Lane.CARD], limit=1, now=NOON, until=until)

    await terminal.type("jobs", "--late")

    assert [line.rsplit("  ", 1)[1] for line in terminal.lines] == ["late"]


async def test_jobs_are_listed_for_one_tenant_and_for_everybody(
    store: Store, terminal: Terminal
) -> None:
    await store.commit(jobs_change(a_job("mine")))
    await store.commit(jobs_change(a_job("his", approval=None), scope=ANN.id.scope))

    await terminal.type("jobs", "--tenant", "pr")
    mine = list(terminal.lines)
    await terminal.type("jobs")

    assert len(mine) == 1
    assert mine[0].endswith("  mine")
    assert [line.split("  ")[1] for line in terminal.lines] == ["p:d1/ann", "pr"]


async def test_a_long_queue_is_cut_and_says_so(store: Store, terminal: Terminal) -> None:
    await store.commit(jobs_change(*(a_job(f"{number:03d}") for number in range(120))))

    await terminal.type("jobs")
    cut = list(terminal.lines)
    await terminal.type("jobs", "--limit", "1000")

    assert len(cut) == 101
    assert cut[-1] == "There are more: --limit 1000"
    assert len(terminal.lines) == 120


async def test_an_empty_queue_says_so(store: Store, terminal: Terminal) -> None:
    await terminal.type("jobs")
    none = terminal.text
    await terminal.type("jobs", "--late")

    assert (none, terminal.text) == ("No job is queued.", "No job is late.")


# -- dead letters -----------------------------------------------------------------


async def test_a_letter_is_inspected_by_how_its_id_begins(store: Store, terminal: Terminal) -> None:
    await store.commit(a_change(dead=a_letter()))

    code = await terminal.type("dead-letters", "inspect", "abc")

    assert code == 0
    assert terminal.lines[0] == "Dead letter abcdef123456789"
    assert "given up 2025-01-01 12:00:00 UTC; what failed last: KeyError" in terminal.text
    assert "for Ann, teams, round 1" in terminal.text
    assert "A replay would put the job back, due at once: the card is sent" in terminal.text
    assert terminal.lines[-1].strip() == (
        "python -m bots.cli dead-letters replay abcdef123456 --by YOU"
    )
    assert await letters(store) == [a_letter()]


async def test_a_letter_that_is_not_there_or_not_the_only_one_is_told(
    store: Store, terminal: Terminal
) -> None:
    await store.commit(a_change(dead=a_letter()))
    second = a_letter().model_copy(update={"id": "abcfff"})
    await store.commit(a_change(an_approval(version=2), id="2", dead=second))

    first = await terminal.type("dead-letters", "inspect", "xyz")
    none = terminal.text
    second = await terminal.type("dead-letters", "replay", "abc", "--by", "Olga")

    assert (first, none) == (1, "No dead letter's id begins with xyz.")
    assert (second, terminal.text) == (1, "2 dead letters' ids begin with abc: type more.")


async def test_a_replay_puts_the_job_back_and_keeps_who_did_it(
    store: Store, terminal: Terminal
) -> None:
    await store.commit(a_change(dead=a_letter()))

    code = await terminal.type("dead-letters", "replay", "abcdef", "--by", "Olga Operator")

    [event] = await store.history(KEY)
    queued = await store.queued(SCOPE, "card/x")
    assert code == 0
    assert terminal.text.startswith("The job was put back, due at once: the card is sent")
    assert queued is not None
    assert (queued.failures, queued.leased) == (0, False)
    assert await letters(store) == []
    assert (event.kind, event.personal) == (EventKind.REPLAYED, {"by": "Olga Operator"})


async def test_a_replay_can_be_tried_out(store: Store, terminal: Terminal) -> None:
    await store.commit(a_change(dead=a_letter()))

    code = await terminal.type("dead-letters", "replay", "abc", "--by", "Olga", "--dry-run")

    assert code == 0
    assert terminal.lines[0].startswith("A replay would put the job back")
    assert terminal.lines[1] == "Nothing was changed: this was a dry run."
    assert await letters(store) == [a_letter()]
    assert await store.queued(SCOPE, "card/x") is None
    assert await store.history(KEY) == []


async def test_a_decision_that_may_have_arrived_is_settled_and_not_replayed(
    store: Store, terminal: Terminal
) -> None:
    (terminal.settings.tenants / "purchasing.toml").write_text(
        (terminal.settings.tenants / "purchasing.toml")
        .read_text("utf-8")
        .replace("idempotent = true", "idempotent = false"),
        encoding="utf-8",
    )
    post = a_letter(
        key="post/decision-1/2", kind=JobKind.POST, seat=0, decision="decision-1", number=2
    )
    await store.commit(a_change(unconfirmed(), dead=post))

    code = await terminal.type("dead-letters", "replay", "abc", "--by", "Olga")
    said = terminal.text
    await terminal.type("settle", "pr-one", "0", "not-taken", "--by", "Olga")
    again = await terminal.type("dead-letters", "replay", "abc", "--by", "Olga")

    assert code == 1
    assert "might count it twice" in said
    assert "settle pr-one 0 accepted|not-taken|post-again --by YOU" in said
    assert (again, terminal.text) == (
        0,
        "Only the letter was taken away: the decision it is about has come to its end.",
    )
    assert await letters(store) == []


async def test_a_letter_whose_tenant_is_gone_is_told(store: Store, terminal: Terminal) -> None:
    other = KEY._replace(tenant="00000000-1111-2222-3333-444444444444")
    job = a_job("card/y", approval=other, person=ANN.id)
    letter = a_letter().model_copy(update={"scope": other.scope, "job": job})
    await store.commit(a_change(an_approval(key=other), scope=other.scope, dead=letter))

    code = await terminal.type("dead-letters", "replay", "abc", "--by", "Olga")

    assert (code, terminal.text) == (1, "Its request or its tenant is no longer there.")
    assert list(await store.dead_letters(other.scope)) == [letter]


# -- payloads -----------------------------------------------------------------------


async def test_payloads_that_came_too_late_are_listed_and_counted(
    store: Store, terminal: Terminal
) -> None:
    now = datetime.now(UTC)
    late = [
        a_payload(
            id="p-1",
            digest="1",
            received_at=now - timedelta(days=40),
            disposition=Disposition.SUPERSEDED,
        ),
        a_payload(
            id="p-2",
            digest="2",
            received_at=now - timedelta(days=2),
            disposition=Disposition.SUPERSEDED,
        ),
        a_payload(id="p-3", digest="3", received_at=now),
        a_payload(
            id="p-4",
            digest="4",
            received_at=now,
            disposition=Disposition.PARTIAL,
            skipped=("johndoe1",),
        ),
    ]
    for version, payload in enumerate(late, 1):
        await store.commit(a_change(an_approval(version=version), id=payload.id, payload=payload))

    code = await terminal.type("payloads", "late", "--tenant", "pr")
    month = list(terminal.lines)
    await terminal.type("payloads", "late", "--days", "90")

    assert code == 0
    assert ["p-2" in month[0], "p-4" in month[1]] == [True, True]
    assert month[1].endswith("REQ-1 (2025)  p-4  too old for: johndoe1")
    assert month[2] == "In the last 30 days: 1 partial, 1 superseded."
    assert terminal.lines[-1] == "In the last 90 days: 1 partial, 2 superseded."


async def test_no_late_payload_is_good_news(store: Store, terminal: Terminal) -> None:
    code = await terminal.type("payloads", "late")

    assert (code, terminal.text) == (0, "In the last 30 days: no payload came too late.")


# -- the command line ------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        "rebind pr-one 0 ann",
        "settle pr-one 0 accepted",
        "dead-letters replay abc",
        "rebind pr-one first ann --by Olga",
        "jobs --limit 0",
        "payloads --days never",
    ],
)
def test_what_lacks_a_name_or_a_number_is_mistyped(
    words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        parser().parse_args(words.split())

    assert stopped.value.code == 2
    assert "error:" in capsys.readouterr().err


def test_every_command_says_what_it_is_for(capsys: pytest.CaptureFixture[str]) -> None:
    silent = [
        (path, action.dest)
        for path, reads in _all_parsers(parser())
        for action in reads._actions
        if not action.help and not isinstance(action, argparse._SubParsersAction)
    ]

    assert silent == []
    assert all(len(line) < 200 for line in parser().format_help().splitlines())


def _all_parsers(reads: argparse.ArgumentParser) -> list[tuple[str, argparse.ArgumentParser]]:
    found = [(reads.prog, reads)]
    for action in reads._actions:
        if isinstance(action, argparse._SubParsersAction):
            for each in action.choices.values():
                found += _all_parsers(each)
    return found
