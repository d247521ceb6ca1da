"""A tenant whose details and summary cannot be read: the card comes all the same, and nothing false is on it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from approvals_core.worker.fetching import TRIES_ANSWERED
from playground import names
from playground.faults import Fault, FaultKind
from playground.page_samples import beginnings
from playground.tenant import SampleTenant
from tests.failing import converged
from tests.running import Running
from tests.terminal import Terminal, settings_beside

[TEMPLATE] = beginnings(names.CAPEX.document_type)
PLAN = "€46,000.00"  # only the tenant's Details API says it
COMING = "More details are being fetched"
MISSING = "Some details could not be fetched. They are in Contoso Capital."
SECRET = "Not for your eyes"  # of another document


@dataclass(frozen=True)
class Case:
    """One misbehaviour, once; afterwards the tenant is as it should be."""

    name: str
    fault: Fault


def once(kind: FaultKind, **more: Any) -> Fault:
    return Fault(kind=kind, times=1, **more)


CASES = [
    Case("HTTP 500", once(FaultKind.STATUS, status=500)),
    Case("HTTP 401 once", once(FaultKind.STATUS, status=401)),
    Case("HTTP 429", once(FaultKind.THROTTLED, seconds=30)),
    Case("a reset", once(FaultKind.LOST_ANSWER)),
    Case("HTTP 404", once(FaultKind.STATUS, status=404)),
    Case("an endless body", once(FaultKind.ENDLESS)),
    Case("100 MB", once(FaultKind.HUGE)),
    Case("a redirect", once(FaultKind.REDIRECT)),
    Case("HTML with 200", once(FaultKind.GARBAGE)),
    Case("another document", once(FaultKind.WRONG_DOCUMENT)),
]
IDS = [case.name for case in CASES]


async def start(running: Running) -> SampleTenant:
    """Let the tenant ask Maria, and wait until she can decide."""
    capital = running.playground.tenants["capex"]
    sent = await capital.start_request(TEMPLATE)
    running.number = (sent.arx or {})["ApprovalIdentifier"]["DocumentNumber"]
    await running.asked("johndoe1")
    return capital


@pytest.mark.parametrize("case", CASES, ids=IDS)
async def test_details_that_cannot_be_read_hold_up_no_decision_and_are_asked_for_again(
    running: Running, case: Case
) -> None:
    running.playground.world.set_fault("tenant/capex/details", case.fault)

    capital = await start(running)
    assert running.can_decide("johndoe1")
    await converged(running, 60)
    await converged(running, 60)
    await running.says("johndoe1", PLAN)
    await running.until(lambda: COMING not in running.base_text_of("johndoe1"))
    said = running.base_text_of("johndoe1")

    assert MISSING not in said
    assert SECRET not in said
    assert "elsewhere" not in {one.api for one in capital.book.received}


@pytest.mark.parametrize("case", [CASES[4], CASES[8], CASES[9]], ids=[IDS[4], IDS[8], IDS[9]])
async def test_the_tenants_next_word_brings_what_was_missing(running: Running, case: Case) -> None:
    for_good = case.fault.model_copy(update={"times": None})
    running.playground.world.set_fault("tenant/capex/details", for_good)
    capital = await start(running)
    for _ in range(TRIES_ANSWERED):
        await converged(running, 60)
    await running.says("johndoe1", MISSING)
    running.playground.world.clear_fault("tenant/capex/details")

    now = datetime.now(UTC).isoformat()
    await capital.send((capital.book.sent[-1].arx or {}) | {"OperationDateTime": now})

    await running.says("johndoe1", PLAN)
    await running.until(lambda: MISSING not in running.base_text_of("johndoe1"))


@pytest.mark.parametrize("case", CASES, ids=IDS)
async def test_a_summary_that_cannot_be_read_changes_nothing_and_an_operator_is_told(
    running: Running, store_url: str, tmp_path: Path, case: Case
) -> None:
    running.playground.world.set_fault("tenant/capex/summary", case.fault)
    capital = await start(running)
    capital.book.by_itself = False  # the ARX that it owes does not come
    await running.click("johndoe1", "Approve", "as typed")

    await converged(running, 65)  # it is asked what became of it
    await converged(running, 65)

    told = await capital.look_up(running.number, "2026")
    assert told is not None
    assert told["Approvers"][0]["State"] == "accepted"
    said = await running.says("johndoe1", "Approved by **Maria Keller**")
    assert "Second packing line" in said
    assert SECRET not in said
    assert len(capital.actions()) == 1
    assert "elsewhere" not in {one.api for one in capital.book.received}
    terminal = Terminal(settings_beside(running.playground, store_url, tmp_path))
    await terminal.type("requests", "list", "--attention")
    assert running.number in terminal.text
