"""What operators see of what came in, and of what cannot be read or has nothing left to do, on both stores."""

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from redis.asyncio import Redis

from approvals_core.adapters.redis_store.keys import ScopeKeys
from approvals_core.adapters.stores import open_store
from approvals_core.models import (
    OPEN,
    Change,
    Disposition,
    EventKind,
    JobKind,
    Lane,
    Operation,
    Payload,
    PlaceState,
)
from approvals_core.ports import PayloadCursor, Store
from approvals_core.rules.draft import Draft, Stamp
from bots.cli.doing import utc_now
from bots.cli.payload_log import PERSONAL
from tests.opened import opened
from tests.store_makers import KEY, MINUTE, SCOPE, a_change, a_job, a_place, an_approval
from tests.store_spoiling import spoil_approval
from tests.terminal import Terminal, a_decision, kept, tenants, terminal

__all__ = ["tenants", "terminal"]

NOW = utc_now().replace(microsecond=0)


def a_payload(payload_id: str, *, minutes: float = 0.0, **changes: object) -> Payload:
    fields: dict[str, object] = {
        "id": payload_id,
        "approval": KEY,
        "digest": f"digest-of-{payload_id}",
        "operation": Operation.CREATE,
        "received_at": NOW - timedelta(hours=2) + minutes * MINUTE,
        "disposition": Disposition.APPLIED,
    }
    return Payload.model_validate(fields | changes)


async def taken(store: Store, *payloads: Payload) -> None:
    """Keep one request that each of *payloads* was about."""
    approval = an_approval(version=0)
    for payload in payloads:
        draft = Draft(approval, Stamp(NOW, payload.id, "0f", "name"))
        draft.note(EventKind.RECEIVED, {"payload": payload.id})
        draft.keep(payload)
        draft.body(f"payload/{payload.id}", '{"Title": "Geheim\\u001b[2J", "Note": "für Ann"}')
        change = draft.change()
        await store.commit(change)
        assert change.approval is not None
        approval = change.approval


async def test_payloads_are_listed_by_time_and_bounded(store: Store, terminal: Terminal) -> None:
    await taken(store, *(a_payload(f"p{n}", minutes=n) for n in (2, 0, 1)))

    await terminal.type("payloads", "list", "--tenant", "pr", "--limit", "2")

    assert [line.split()[-1] for line in terminal.lines[:2]] == ["p0", "p1"]
    assert terminal.lines[2].startswith("There are more: --limit 20")
    assert "applied     CREATE  REQ-1 (2025)" in terminal.lines[0]
    assert [line.split()[0] for line in terminal.lines[:2]] == ["pr", "pr"]


async def test_payloads_of_one_document_are_listed_alone(store: Store, terminal: Terminal) -> None:
    await taken(store, a_payload("p1"))
    other = KEY._replace(number="REQ-2")
    await store.commit(
        Change(id="x", scope=SCOPE, payload=a_payload("p2", approval=other, digest="d2"))
    )

    await terminal.type("payloads", "list", "--document", "REQ-1")
    of_one = list(terminal.lines)
    await terminal.type("payloads", "list")

    assert (len(of_one), len(terminal.lines)) == (1, 2)
    assert " p1" in of_one[0]


async def test_old_payloads_are_left_out(store: Store, terminal: Terminal) -> None:
    await taken(store, a_payload("p1", minutes=-3 * 24 * 60))

    await terminal.type("payloads", "list", "--days", "2")

    assert terminal.text == "No payload was taken in the last 2 days."


async def test_one_payload_is_shown_without_what_it_said(store: Store, terminal: Terminal) -> None:
    partly = a_payload(
        "p1",
        disposition=Disposition.PARTIAL,
        skipped=("ann",),
        warnings=("Not a field we know: /Foo",),
    )
    await taken(store, partly)

    await terminal.type("payloads", "show", "p1")

    for said in ("digest-of-p1", "partial", "too old for ann", "warning: Not a field", "pr-one"):
        assert said in terminal.text
    assert "Geheim" not in terminal.text
    assert "payloads show p1 --body" in terminal.text


async def test_a_payload_is_named_by_how_its_id_begins(store: Store, terminal: Terminal) -> None:
    await taken(store, a_payload("aa11"), a_payload("aa1", minutes=1), a_payload("b22", minutes=2))

    found: list[tuple[int, str]] = []
    for name in ("b", "aa1", "aa"):
        code = await terminal.type("payloads", "show", name)
        found.append((code, terminal.lines[0]))

    assert found == [
        (0, "Payload b22 of Contoso Purchasing"),
        (0, "Payload aa1 of Contoso Purchasing"),
        (1, "Several payloads' ids begin with aa: type more."),
    ]


async def test_what_it_said_is_shown_when_asked_for_with_a_warning(
    store: Store, terminal: Terminal
) -> None:
    await taken(store, a_payload("p1"))

    await terminal.type("payloads", "show", "p1", "--body")

    assert PERSONAL in terminal.text
    assert '"Title": "Geheim\\u001b[2J"' in terminal.text
    assert "\x1b" not in terminal.text


async def test_a_body_that_is_gone_and_a_payload_that_never_was_say_so(
    store: Store, terminal: Terminal
) -> None:
    await store.commit(Change(id="x", scope=SCOPE, payload=a_payload("p1")))

    await terminal.type("payloads", "show", "p1", "--body")
    gone = terminal.text
    code = await terminal.type("payloads", "show", "nobody")

    assert "What it said is gone" in gone
    assert (code, terminal.text) == (1, "No payload whose id begins with nobody was taken.")


async def test_a_store_of_yesterday_lists_its_payloads_too(
    store: Store, store_url: str, tmp_path: Path
) -> None:
    await taken(store, a_payload("p1"), a_payload("p2", minutes=1))
    if store_url.startswith("sqlite:///"):
        with closing(sqlite3.connect(store_url.removeprefix("sqlite:///"))) as file, file:
            file.execute("DROP TABLE payload_log")
    else:
        async with Redis.from_url(store_url) as client:
            await client.delete(ScopeKeys(SCOPE).payload_log)

    async with opened(open_store(store_url)) as again:
        first = await again.payloads(SCOPE, limit=1)
        second = await again.payloads(SCOPE, after=first.after, limit=1)
        none = await again.payloads(SCOPE, after=PayloadCursor(at=NOW), limit=9)

    assert [p.id for p in (*first.payloads, *second.payloads)] == ["p1", "p2"]
    assert (second.after, none.payloads) == (None, ())


# -- what cannot be read, and what is over --------------------------------------------


async def test_a_request_that_cannot_be_read_ends_no_list(
    store: Store, store_url: str, terminal: Terminal
) -> None:
    times = {"REQ-1": 1, "REQ-\x1f2": 2, "REQ-3": 3}
    await kept(
        store,
        *(
            an_approval(
                key=KEY._replace(number=number),
                id=f"pr-{minutes}",
                opened_at=NOW + minutes * MINUTE,
            )
            for number, minutes in times.items()
        ),
    )
    await spoil_approval(store_url, "pr-2")

    code = await terminal.type("requests", "list")
    first = await store.page(SCOPE, OPEN, limit=2)
    second = await store.page(SCOPE, OPEN, after=first.after, limit=2)

    assert code == 0
    assert len(terminal.lines) == 3
    assert "cannot be read: was it written by a newer program?" in terminal.text
    assert [key.number for key in first.unreadable] == ["REQ-\x1f2"]
    assert [each.id for each in (*first.approvals, *second.approvals)] == ["pr-1", "pr-3"]


@pytest.mark.parametrize(
    ("kind", "state", "over"),
    [
        (JobKind.AWAIT_ARX, PlaceState.ACCEPTED, ""),
        (JobKind.ASK_STATUS, PlaceState.UNCONFIRMED, ""),
        (JobKind.ASK_STATUS, PlaceState.ACCEPTED, "the tenant has accepted the decision"),
        (JobKind.AWAIT_ARX, PlaceState.REMOVED, "the decision it is about has come to its end"),
    ],
)
async def test_a_job_says_that_nothing_is_left_for_it(
    store: Store, terminal: Terminal, kind: JobKind, state: PlaceState, over: str
) -> None:
    made = None if state is PlaceState.REMOVED else a_decision()
    approval = an_approval(places=(a_place(state=state, decision=made),))
    job = a_job(key="job", kind=kind, lane=Lane.TENANT, approval=KEY, seat=0, decision="decision-1")
    await store.commit(a_change(approval).model_copy(update={"jobs": (job,)}))

    await terminal.type("jobs")

    assert ("nothing left to do" in terminal.text) is bool(over)
    assert over in terminal.text


# -- reconcile ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("xx",), "No tenant has the code xx"),
        (("pr", "REQ-9"), "has no open request REQ-9"),
    ],
)
async def test_what_there_is_not_cannot_be_reconciled(
    store: Store, terminal: Terminal, words: tuple[str, ...], said: str
) -> None:
    await kept(store, an_approval())

    code = await terminal.type("reconcile", *words)

    assert code == 1
    assert said in terminal.text


async def test_a_tenant_without_a_summary_api_says_so(
    store: Store, terminal: Terminal, tenants: Path
) -> None:
    file = tenants / "purchasing.toml"
    lines = file.read_text(encoding="utf-8").splitlines()
    file.write_text(
        "\n".join(line for line in lines if not line.startswith("summary =")), encoding="utf-8"
    )

    code = await terminal.type("reconcile", "pr", "--dry-run")

    assert code == 1
    assert "names no Summary API" in terminal.text


async def test_a_reconcile_is_left_to_the_service_as_one_job(
    store: Store, terminal: Terminal
) -> None:
    await kept(store, an_approval())

    await terminal.type("reconcile", "pr", "req-1")
    await terminal.type("reconcile", "pr", "pr-one")
    await terminal.type("reconcile", "pr")

    page = await store.jobs(SCOPE, limit=9)
    assert sorted(each.key for each in page.jobs) == ["reconcile-all", "reconcile/pr-one"]
    assert "requests list --attention" in terminal.text
