"""One request in Teams and in mails, through the whole service: whoever decides, both say so."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from yarl import URL

from bots.outlook.links import TicketLinks
from bots.outlook.tickets import Tickets
from playground import names
from playground.reading import buttons, words
from tests.failing import at_once, card_in, converged, stored
from tests.running import Running

EVERYBODY = ("johndoe1", "johndoe2", "johndoe3")
LETTER = "0123456789abcdef0123456789abcdef"


@dataclass
class Mail:
    """Somebody's mail about the wiki's request, as its card stood when it was sent."""

    running: Running
    alias: str
    urls: dict[str, str]

    async def press(self, title: str, body: str = "", *, by: str = "") -> dict[str, Any]:
        """Press a button, or open the mail ("Refresh"); return the card that takes its place."""
        status, headers, card = await self.post(title, body, by=by)
        assert status == 200, (status, card)
        assert headers["CARD-UPDATE-IN-BODY"] == "true"
        posting = [b for b in buttons(card) if b["type"] == "Action.Http" and "title" in b]
        self.urls |= {b["title"]: b["url"] for b in posting}
        return card

    async def post(
        self, title: str, body: str = "", *, by: str = "", **claims: Any
    ) -> tuple[int, Any, Any]:
        """Do what `press` does, whatever comes back; *by* somebody else it was forwarded to."""
        issuer = self.running.playground.issuer
        person = self.running.playground.world.people[by or self.alias]
        version = claims.pop("version", 2)
        token = issuer.entra.newest.sign(issuer.outlook_claims(person, version=version) | claims)
        headers = {"Action-Authorization": f"Bearer {token}", "Content-Type": "text/plain"}
        service = URL(self.running.playground.tenant.service)
        url = service.with_path(URL(self.urls[title]).path)
        async with (
            aiohttp.ClientSession() as http,
            http.post(url, data=body, headers=headers) as answer,
        ):
            return answer.status, answer.headers, await answer.json(content_type=None)


async def mail_of(running: Running, alias: str) -> Mail:
    """Return a mail that the service could have sent: its buttons are signed with its key."""
    approval = await stored(running)
    person = running.playground.world.people[alias]
    place = next(p for p in approval.places if p.alias == alias)
    assert place.person is not None
    assert place.person.object_id == person.object_id
    tickets = Tickets([running.playground.secret_key], running.clock)
    ends = running.clock() + timedelta(days=30)
    links = TicketLinks(tickets, "http://127.0.0.1", LETTER, place.person.id, ends)
    view = running.house.approvals.view_of(approval, place.seat)
    urls = {action.label: links.act(view, action) for action in view.tenant.actions}
    return Mail(running, alias, urls | {"Refresh": links.refresh(view)})


@pytest.fixture
async def asked(running: Running) -> Running:
    """The wiki's request, put before all three."""
    await running.send("wiki-create")
    await running.asked(*EVERYBODY)
    return running


def said(card: dict[str, Any]) -> str:
    return words(card).replace("**", "")


async def test_a_decision_in_a_mail_shows_on_the_cards_in_teams(asked: Running) -> None:
    mail = await mail_of(asked, "johndoe1")

    card = await mail.press("Approve", "From my mail")
    await converged(asked)

    assert "Approved by Maria Keller" in said(card)
    assert [told.body["ActionDetails"]["Comment"] for told in asked.told()] == ["From my mail"]
    assert asked.told()[0].body["ActionByAlias"] == "johndoe1"
    for alias in EVERYBODY:
        assert "From my mail" in await asked.says(alias, "Approved by", "Maria Keller")


async def test_a_decision_in_teams_shows_in_the_mail_when_it_is_opened(asked: Running) -> None:
    mail = await mail_of(asked, "johndoe1")
    await asked.click("johndoe2", "Reject", "Too dear")

    opened = await mail.press("Refresh")
    late = await mail.press("Approve")

    assert "Rejected by Jonas Berg" in said(opened)
    assert "Jonas Berg was faster" in said(late)
    assert len(asked.told()) == 1


async def test_a_press_and_a_click_at_the_same_instant_decide_once_and_both_say_by_whom(
    asked: Running,
) -> None:
    mail = await mail_of(asked, "johndoe1")

    card, clicked = await at_once(
        mail.press("Approve", "mine"), asked.click("johndoe2", "Reject", "mine too")
    )

    [told] = asked.told()
    won = told.body["ActionByAlias"]
    who = {"johndoe1": "Approved by Maria Keller", "johndoe2": "Rejected by Jonas Berg"}[won]
    assert {"johndoe1": "Maria Keller", "johndoe2": "Jonas Berg"}[won] in said(card)
    assert {"johndoe1": "Maria Keller", "johndoe2": "Jonas Berg"}[won] in card_in(clicked)
    await converged(asked)
    assert who in said(await mail.press("Refresh"))
    for alias in EVERYBODY:
        assert who in (await asked.says(alias, who.split(" by ")[0])).replace("**", "")


@pytest.mark.parametrize(
    ("status", "claims"),
    [
        (200, {}),
        (200, {"version": 1}),
        (200, {"version": 1, "aud": names.OUTLOOK_APP}),
        (401, {"aud": names.OUTLOOK_URI}),
        (401, {"scp": "User.Read"}),
        (401, {"azp": names.BOT_APP}),
        (401, {"version": 1, "aud": names.INTAKE_URI}),
    ],
    ids=str,
)
async def test_the_service_takes_the_tokens_that_its_settings_name(
    asked: Running, status: int, claims: dict[str, Any]
) -> None:
    mail = await mail_of(asked, "johndoe1")

    answered, _headers, _body = await mail.post("Refresh", **claims)

    assert answered == status


async def test_a_forwarded_mail_decides_nothing_whoever_gets_it(asked: Running) -> None:
    mail, before = await mail_of(asked, "johndoe1"), await stored(asked)

    for stranger in ("johndoe2", "johndoe4", "mallory"):
        for button in ("Approve", "Refresh"):
            status, headers, body = await mail.post(button, by=stranger)
            assert status == (401 if stranger == "mallory" else 403)
            assert headers["CARD-ACTION-STATUS"].isascii()
            assert "Title of the request" not in str(body)

    assert (await stored(asked)).places == before.places
    assert asked.told() == []
