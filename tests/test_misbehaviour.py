"""Each way in which a tenant can misbehave, and its outcome: on the card, for the operator, and at the tenant."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from playground.certificates import CertificateAuthority
from playground.faults import Fault, FaultKind
from playground.records import Outcome
from tests.failing import card_in, converged, running_with, standing, still_under_way
from tests.far_sides import eventually
from tests.running import Running

IMPATIENT = 6  # seconds: what drips is given up, and all else is in time
UNSURE = "Contoso Purchasing did not confirm this. It may have it, or not."
NOT_NOW = "Contoso Purchasing cannot take this at the moment. We try again"
CAME_BACK = "Your “Approve” came back"
EVERYBODY = ("johndoe1", "johndoe2", "johndoe3")


DONE = "Approved by **Maria Keller**"


@dataclass(frozen=True)
class Case:
    """
    One misbehaviour, once; afterwards the tenant is as it should be.

    Whatever it is, the tenant takes the decision once at most, and everybody's card says in the end what it took.
    """

    name: str
    fault: Fault
    says: str  # the card that was clicked, at once
    state: str  # of his place, as the tenant and the operator read it
    reason: str | None  # what they read of the tenant's last answer
    wait: float = 10.0  # seconds until the decision is posted again
    posts: int = 2  # in all
    then: str = DONE  # everybody's card, after that
    within: int = 100  # seconds that the tenant is waited for


def once(kind: FaultKind, **more: Any) -> Fault:
    return Fault(kind=kind, times=1, **more)


CASES = [
    Case(
        "HTTP 500: nobody knows, and the same decision is posted again with its key",
        once(FaultKind.STATUS, status=500),
        UNSURE,
        "unconfirmed",
        "HTTP 500, no usable answer",
    ),
    Case(
        "HTTP 401 once: a new token, and the person notices nothing",
        once(FaultKind.STATUS, status=401),
        DONE,
        "accepted",
        None,
    ),
    Case(
        "HTTP 429: it was not taken, and goes again when the tenant says",
        once(FaultKind.THROTTLED, seconds=30),
        NOT_NOW,
        "retrying",
        "HTTP 429",
        wait=40,
    ),
    Case(
        "a slow drip: given up when its time is over",
        once(FaultKind.DRIPPING, seconds=0.05),
        UNSURE,
        "unconfirmed",
        f"no usable answer: timed out, at most {IMPATIENT} s",
        within=IMPATIENT,
    ),
    Case(
        "an endless body: hung up on",
        once(FaultKind.ENDLESS),
        UNSURE,
        "unconfirmed",
        "no usable answer: more than 1048576 bytes",
    ),
    Case(
        "100 MB: hung up on",
        once(FaultKind.HUGE),
        UNSURE,
        "unconfirmed",
        "no usable answer: more than 1048576 bytes",
    ),
    Case(
        "a redirect: not followed",
        once(FaultKind.REDIRECT),
        UNSURE,
        "unconfirmed",
        "HTTP 307, no usable answer",
    ),
    Case(
        "HTML with 200: no yes",
        once(FaultKind.GARBAGE),
        UNSURE,
        "unconfirmed",
        "HTTP 200, no usable answer",
    ),
    Case(
        "ActionResult false with 200 and no error: a no, and what was typed is back",
        once(FaultKind.REFUSED, error_type=0),
        CAME_BACK,
        "pending",
        "refused, ErrorType missing, HTTP 200",
        posts=1,
        then="Cost centre 4210 has €900.00 left",
    ),
    Case(
        "a yes for another document: no yes for ours",
        once(FaultKind.WRONG_DOCUMENT),
        UNSURE,
        "unconfirmed",
        "HTTP 200, the answer is for another document",
    ),
    Case(
        "ErrorType 3 without RetryInterval: again in five minutes",
        once(FaultKind.TRANSIENT, minutes=None),
        NOT_NOW,
        "retrying",
        "ErrorType 3, no usable RetryInterval: 5 minutes",
        wait=310,
    ),
    Case(
        "ErrorType 3 with a million minutes: again in an hour",
        once(FaultKind.TRANSIENT, minutes=1e6),
        NOT_NOW,
        "retrying",
        "ErrorType 3",
        wait=3610,
    ),
    Case(
        "ErrorType 3 with minus one minute: again in five minutes",
        once(FaultKind.TRANSIENT, minutes=-1),
        NOT_NOW,
        "retrying",
        "ErrorType 3, no usable RetryInterval: 5 minutes",
        wait=310,
    ),
    Case(
        "a reset after applying: asked for again, and not done again",
        once(FaultKind.LOST_ANSWER),
        UNSURE,
        "unconfirmed",
        "no usable answer: ServerDisconnectedError",
    ),
]


def named(cases: Iterable[Any]) -> list[str]:
    return [case.name.partition(":")[0] for case in cases]


@asynccontextmanager
async def asking(
    within: int, authority: CertificateAuthority, store_url: str, folder: Path
) -> AsyncIterator[Running]:
    """The wiki's request before everybody; nothing is repeated before the test lets time pass."""
    edits = {"answer_within = 100": f"answer_within = {within}"}
    async with running_with(edits, authority, store_url, folder) as service:
        await service.send("wiki-create")
        await service.asked(*EVERYBODY)
        service.clock.stand()
        yield service


@pytest.fixture
async def asked(
    case: Case, authority: CertificateAuthority, store_url: str, tmp_path: Path
) -> AsyncIterator[Running]:
    async with asking(case.within, authority, store_url, tmp_path) as service:
        yield service


async def said_after(running: Running, state: str) -> str:
    """Return what the card says in answer to a click; if it waited no longer, once it is in *state*."""
    answered = await running.click("johndoe1", "Approve", "as typed")
    if not still_under_way(answered):
        return card_in(answered)

    async def is_over() -> bool:
        return (await standing(running))["johndoe1"]["State"] == state

    await eventually(is_over)
    message = running.card_of("johndoe1")
    assert message is not None
    anew = await running.playground.teams.refresh("johndoe1", message.id)
    assert anew is not None
    return card_in(anew)


@pytest.mark.parametrize("case", CASES, ids=named(CASES))
async def test_a_decision_survives(asked: Running, case: Case) -> None:
    asked.playground.world.set_fault("tenant/pr", case.fault)

    said = await said_after(asked, case.state)

    assert case.says in said
    told = (await standing(asked))["johndoe1"]
    assert told["State"] == case.state
    last = told["Decision"]["LastAnswer"] if told["Decision"] else told["LastRefusal"]["Reason"]
    assert last == case.reason
    await converged(asked, case.wait)
    await converged(asked)
    posts = asked.told()
    assert len(posts) == case.posts
    assert len({one.headers["Idempotency-Key"] for one in posts}) == 1
    assert sum(one.applied for one in posts) == (1 if case.then == DONE else 0)
    readers = EVERYBODY if case.then == DONE else EVERYBODY[:1]
    for alias in readers:
        await asked.says(alias, case.then, "as typed")
    assert "elsewhere" not in {one.api for one in asked.playground.tenant.book.received}


async def test_an_answer_too_late_is_written_down_as_received_by_nobody(
    authority: CertificateAuthority, store_url: str, tmp_path: Path
) -> None:
    async with asking(IMPATIENT, authority, store_url, tmp_path) as asked:
        asked.playground.world.set_fault("tenant/pr", once(FaultKind.HELD))

        assert UNSURE in await said_after(asked, "unconfirmed")
        asked.playground.tenant.release()

        late = await asked.until(lambda: [o for o in asked.told() if o.outcome is Outcome.UNHEARD])
    assert (late[0].applied, late[0].status) == (True, 200)
