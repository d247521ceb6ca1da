"""Everything that a ticket can have wrong, each alone, and mails in other hands: refused, and nothing decided."""

import base64
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from bots.outlook.tickets import Tickets
from playground import names
from tests.logged import Log
from tests.makers import EVE, JONAS, MARIA, PRIYA, create, delete, update
from tests.outlook_posts import (
    ACT,
    REFRESH,
    SECRET,
    Mailed,
    mailed,
    slow_store,
    token_issuer,
)

__all__ = ["mailed", "slow_store", "token_issuer"]

NOT_OURS = "This button is not one of ours. Nothing was decided."
SOMEBODY_ELSES = "This mail was sent to somebody else."
OTHER_BUTTON = "This button does not work here."


# -- tickets that are wrong -------------------------------------------------------------


async def not_taken(mailed: Mailed, path: str, *, token: str | None = None) -> tuple[int, str]:
    """Post to *path*, as Maria unless a token is given; nothing must change."""
    before = await mailed.kept()

    answered = await mailed.post(path, "Yes", token=token or mailed.token(MARIA))

    assert await mailed.kept() == before
    assert mailed.core.api.posted == []
    assert "Laptops" not in str(answered.body)
    return answered.status, answered.line


def _tampered(part: int) -> Callable[[str], str]:
    def change(text: str) -> str:
        parts = text.split(".")
        middle = len(parts[part]) // 2
        other = "A" if parts[part][middle] != "A" else "B"
        parts[part] = parts[part][:middle] + other + parts[part][middle + 1 :]
        return ".".join(parts)

    return change


def _with_claims(**changes: Any) -> Callable[[str], str]:
    """Change what a ticket says, and leave its signature."""

    def change(text: str) -> str:
        head, body, seal = text.split(".")
        said = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))) | changes
        return f"{head}.{_part(said)}.{seal}"

    return change


def _part(claims: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()


def _unsigned(text: str) -> str:
    head, body, _seal = text.split(".")
    said = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    return f"{_part(said | {'alg': 'none'})}.{body}."


TAMPERED: dict[str, Callable[[str], str]] = {
    "head": _tampered(0),
    "claims": _tampered(1),
    "signature": _tampered(2),
    "another seat": _with_claims(s=1),
    "another action": _with_claims(a="Reject"),
    "another attempt": _with_claims(t=2),
    "another end": _with_claims(exp=4_000_000_000),
    "alg none": _unsigned,
    "no signature": lambda text: text.rpartition(".")[0] + ".",
    "garbage": lambda _text: "not.a.ticket",
    "one word": lambda _text: "x",
    "endless": lambda text: text + "x" * 5000,
    "a line break": lambda text: f"{text}%0D%0ACARD-ACTION-STATUS:%20approved",
    "a null": lambda text: f"{text}%00",
    "no ASCII": lambda text: f"{text}%F0%9F%98%80",
}


@pytest.mark.parametrize("change", TAMPERED.values(), ids=TAMPERED.keys())
@pytest.mark.parametrize("purpose", [ACT, REFRESH])
async def test_a_ticket_that_was_changed_is_refused(
    mailed: Mailed, change: Callable[[str], str], purpose: Any
) -> None:
    path = await mailed.path(MARIA, purpose=purpose)
    folder, _slash, text = path.rpartition("/")

    assert await not_taken(mailed, f"{folder}/{change(text)}") == (400, NOT_OURS)


async def test_a_ticket_of_another_key_is_refused(mailed: Mailed) -> None:
    strangers = Tickets([f"not {SECRET}"], mailed.core.clock.now)
    ticket = strangers.issue(await mailed.ticket(MARIA))

    assert await not_taken(mailed, f"/outlook/act/{ticket}") == (400, NOT_OURS)


async def test_outlooks_token_is_no_ticket(mailed: Mailed) -> None:
    token = mailed.token(MARIA)

    assert await not_taken(mailed, f"/outlook/act/{token}") == (400, NOT_OURS)


async def test_a_ticket_made_for_longer_than_a_month_is_refused(mailed: Mailed) -> None:
    path = await mailed.path(MARIA)
    mailed.core.clock.advance(-timedelta(days=1).total_seconds())  # as if made tomorrow

    assert await not_taken(mailed, path) == (400, NOT_OURS)


@pytest.mark.parametrize("who", [JONAS, PRIYA, EVE], ids=["approver", "colleague", "stranger"])
@pytest.mark.parametrize("purpose", [ACT, REFRESH])
async def test_a_forwarded_mail_does_nothing_and_tells_nothing(
    mailed: Mailed, log: Log, who: Any, purpose: Any
) -> None:
    path = await mailed.path(MARIA, purpose=purpose)

    answered = await not_taken(mailed, path, token=mailed.token(who))

    assert answered == (403, SOMEBODY_ELSES)
    assert [each["why"] for each in log.of("outlook_refused")] == ["another person"]


async def test_the_same_object_id_of_another_directory_is_another_person(mailed: Mailed) -> None:
    namesake = MARIA.id._replace(directory=names.OTHER_DIRECTORY)
    ticket = (await mailed.ticket(MARIA))._replace(person=namesake)
    path = f"/outlook/act/{mailed.tickets.issue(ticket)}"

    assert await not_taken(mailed, path) == (403, SOMEBODY_ELSES)


@pytest.mark.parametrize("purpose", [ACT, REFRESH])
async def test_a_ticket_for_a_place_that_is_not_its_readers_shows_what_the_reader_may_see_and_decides_nothing(
    mailed: Mailed, purpose: Any
) -> None:
    seat = (await mailed.core.place(JONAS)).seat
    before = await mailed.kept()

    for wrong in (seat, 99):
        hers = await mailed.path(MARIA, purpose=purpose, seat=wrong)
        answered = await mailed.post(hers, token=mailed.token(MARIA))
        assert "Approve" in answered.titles  # her own place, asked as before
        ticket = await mailed.ticket(MARIA, purpose=purpose, seat=wrong)
        strangers = mailed.tickets.issue(ticket._replace(person=EVE.id))
        refused = await mailed.post(f"/outlook/{purpose}/{strangers}", token=mailed.token(EVE))
        assert "not available to you" in refused.said
        assert "Laptops" not in str(refused.body)

    assert await mailed.kept() == before


@pytest.mark.parametrize("public_id", ["pr-aaaaaaaaaaaaaaaa", "other-aaaaaaaaaaaaaaaa"])
async def test_a_ticket_of_another_request_finds_nothing(mailed: Mailed, public_id: str) -> None:
    before = await mailed.kept()

    for purpose in (ACT, REFRESH):
        path = await mailed.path(MARIA, purpose=purpose, public_id=public_id)
        answered = await mailed.post(path, token=mailed.token(MARIA))
        assert "not available to you" in answered.said

    assert await mailed.kept() == before


@pytest.mark.parametrize("which", ["round", "revision", "attempt"])
@pytest.mark.parametrize("off_by", [-1, 1])
async def test_a_ticket_of_another_round_revision_or_attempt_shows_the_request_and_decides_nothing(
    mailed: Mailed, which: str, off_by: int
) -> None:
    ticket = await mailed.ticket(MARIA)
    wrong = ticket._replace(**{which: getattr(ticket, which) + off_by})
    places = (await mailed.core.approval()).places

    path = f"/outlook/act/{mailed.tickets.issue(wrong)}"
    answered = await mailed.post(path, token=mailed.token(MARIA))

    assert "changed since this card was made" in answered.said
    # The card of an older round stays closed: the newest has a mail of its own.
    assert ("Approve" in answered.titles) is ((which, off_by) != ("round", -1))
    after = (await mailed.core.approval()).places
    assert [place.decision for place in after] == [place.decision for place in places]
    assert [place.attempt for place in after] == [place.attempt for place in places]
    assert mailed.core.api.posted == []


async def test_a_ticket_of_an_earlier_round_decides_nothing_in_the_next(mailed: Mailed) -> None:
    path, look = await mailed.path(MARIA), await mailed.path(MARIA, purpose=REFRESH)
    again = (delete("johndoe1", "johndoe2"), create("johndoe1", "johndoe2", at=5))
    await mailed.core.open(*again)

    answered = await mailed.post(path, token=mailed.token(MARIA))
    opened = await mailed.post(look, token=mailed.token(MARIA))

    assert "changed since this card was made" in answered.said
    assert answered.titles == opened.titles == []
    assert "Laptops" not in opened.said  # what the newest round is about is in its own mail
    assert (await mailed.core.approval()).round == 2
    assert mailed.core.api.posted == []


async def test_a_ticket_used_again_after_the_decision_shows_it_and_decides_nothing(
    mailed: Mailed,
) -> None:
    path, token = await mailed.path(MARIA), mailed.token(MARIA)
    await mailed.post(path, "Once", token=token)
    await mailed.core.open(update("johndoe1", at=9, content=None))

    again = await mailed.post(path, "Twice", token=token)

    assert len(mailed.core.api.posted) == 1
    assert "Twice" not in [taken.comment for taken in (await mailed.core.approval()).taken]
    assert again.status == 200


async def test_a_ticket_does_what_it_is_for_and_nothing_else(mailed: Mailed) -> None:
    act, look = await mailed.path(MARIA), await mailed.path(MARIA, purpose=REFRESH)

    swapped = act.replace("/act/", "/refresh/"), look.replace("/refresh/", "/act/")

    for path in swapped:
        assert await not_taken(mailed, path) == (400, OTHER_BUTTON)


async def test_a_ticket_in_the_query_or_the_body_is_none(mailed: Mailed) -> None:
    ticket = (await mailed.path(MARIA)).rpartition("/")[2]
    headers = {"Authorization": f"Bearer {mailed.token(MARIA)}"}
    before = await mailed.kept()

    for path in ("/outlook/act", "/outlook/act/", "/outlook/act/x"):
        where = f"{path}?ticket={ticket}"
        async with mailed.client.post(where, data=ticket, headers=headers) as answer:
            assert answer.status in (400, 404)

    assert await mailed.kept() == before
