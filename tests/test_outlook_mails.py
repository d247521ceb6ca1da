"""What becomes of a letter: the mail that is handed over, its card and its thread; and mails that arrive."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from approvals_core.adapters.card_signing import CardSigner
from approvals_core.models import ApprovalKey, Contact, Letter, LetterState, Notification, Occasion
from approvals_core.ports import Mail
from approvals_core.tenant.shown import Mail as OwnMails
from bots.outlook.mails import CardMaking, OutlookMails, first_of_thread
from bots.outlook.tickets import Purpose, Ticket, Tickets
from playground import names
from playground.mailboxes import ReceivedMail, Via, card_in
from playground.outside import Playground
from tests.card_makers import MARIA, a_tenant, a_view
from tests.clock import Clock
from tests.far_sides import eventually
from tests.running import Running, run_service

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
MAIL_FROM = "approvals@contoso.com"
ADDRESS = "maria@contoso.com"
ORIGINATOR = "88888888-bbbb-4bbb-8bbb-888888888888"
PUBLIC_URL = "https://approvals.contoso.com"
LAPTOPS = ApprovalKey(names.DOCUMENT_TYPE, "PR-2026-00417", "2026")
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def a_letter(number: int = 1, **changed: object) -> Letter:
    """A mail to Maria, with a card."""
    given: dict[str, object] = {
        "approval": a_view().approval.key,
        "id": f"{number:032x}",
        "notification": "payload-1",
        "occasion": Occasion.ASKED,
        "address": ADDRESS,
        "round": 1,
        "seat": 0,
        "person": MARIA.id,
        "state": LetterState.SENDING,
        "at": NOON,
    }
    return Letter.model_validate(given | changed)


def sent(number: int, minutes: int, **changed: object) -> Letter:
    at = NOON + timedelta(minutes=minutes)
    return a_letter(number, **{"state": LetterState.SENT, "sent_at": at} | changed)


A_NOTIFICATION = Notification(
    id="payload-1",
    occasion=Occasion.ASKED,
    template="PendingApproval",
    to=(ADDRESS,),
    round=1,
    at=NOON,
)


class Outbox:
    """Takes every mail."""

    def __init__(self) -> None:
        self.mails: list[Mail] = []

    async def send(self, mail: Mail) -> None:
        self.mails.append(mail)


class Making:
    """`OutlookMails` around an outbox, with what the store would say."""

    def __init__(self, **changed: Any) -> None:
        self.clock = Clock(NOON)
        self.tickets = Tickets(["x" * 32], self.clock.now)
        self.outbox = Outbox()
        self.known: list[Letter] = []
        self.contacts: list[Contact] = []
        given: dict[str, Any] = {
            "sender": self.outbox,
            "letters": self._letters,
            "contact": self._contact,
            "now": self.clock.now,
            "public_url": f"{PUBLIC_URL}/",
            "cards": CardMaking(self.tickets, ORIGINATOR, MAIL_FROM),
            "notice_line": None,
        }
        self._mails = OutlookMails(**(given | changed))

    async def _letters(self, _key: object) -> list[Letter]:
        return self.known

    async def _contact(self, person: object) -> Contact | None:
        return next((one for one in self.contacts if one.person == person), None)

    async def send(self, letter: Letter | None = None, **fields: Any) -> Mail:
        await self._mails.send(letter or a_letter(), A_NOTIFICATION, a_view(**fields))
        return self.outbox.mails[-1]


def tickets_in(card: Any) -> list[str]:
    """Return the tickets of everything on a card that posts."""
    if isinstance(card, list):
        return [found for each in card for found in tickets_in(each)]
    if not isinstance(card, dict):
        return []
    mine = [str(card["url"]).rpartition("/")[2]] if card.get("type") == "Action.Http" else []
    return mine + [found for each in card.values() for found in tickets_in(each)]


def read(making: Making, mail: Mail) -> list[Ticket]:
    return [making.tickets.read(each) for each in tickets_in(card_in(mail.html))]


# -- the mail -----------------------------------------------------------------------


async def test_the_letter_gives_the_mail_its_identity_and_its_recipient() -> None:
    mail = await Making().send()

    assert (mail.id, mail.to) == (a_letter().id, ADDRESS)
    assert "PR-2026-00417" in mail.subject
    assert f"{PUBLIC_URL}/requests/pr-9q2f4zt1" in mail.html
    assert f"{PUBLIC_URL}/requests/pr-9q2f4zt1" in mail.text


async def test_whoever_is_asked_gets_a_card_that_is_his() -> None:
    making = Making()

    mail = await making.send()

    card = card_in(mail.html) or {}
    assert card["originator"] == ORIGINATOR
    assert card["correlationId"].replace("-", "") == a_letter().id
    assert {ticket.person for ticket in read(making, mail)} == {MARIA.id}
    assert {ticket.letter for ticket in read(making, mail)} == {a_letter().id}
    assert {ticket.purpose for ticket in read(making, mail)} == {Purpose.ACT, Purpose.REFRESH}


async def test_a_cards_tickets_end_after_thirty_days() -> None:
    making = Making()

    mail = await making.send()

    assert {ticket.expires - NOON for ticket in read(making, mail)} == {timedelta(days=30)}


@pytest.mark.parametrize(
    ("letter", "changed"),
    [
        (a_letter(seat=None, person=None), {}),
        (a_letter(seat=None), {}),
        (a_letter(person=None), {}),
        (a_letter(), {"cards": None}),
    ],
    ids=["told only", "no place", "nobody's", "no provider"],
)
async def test_nobody_else_gets_a_card_or_a_ticket(letter: Letter, changed: dict[str, Any]) -> None:
    mail = await Making(**changed).send(letter)

    assert card_in(mail.html) is None
    assert "/outlook/" not in mail.html
    assert "PR-2026-00417" in mail.html


async def test_the_readers_language_and_zone_count() -> None:
    making = Making()
    making.contacts = [
        Contact(person=MARIA.id, version=1, locale="de-DE", zone="Asia/Tokyo", at=NOON)
    ]

    plain, german = await Making().send(), await making.send()

    assert "12,480.00" in plain.html
    assert "12.480,00" in german.html


async def test_an_onlooker_is_nobody_whose_habits_are_known() -> None:
    making = Making()
    making.contacts = [Contact(person=MARIA.id, version=1, locale="de-DE", at=NOON)]

    mail = await making.send(a_letter(seat=None, person=None))

    assert "12,480.00" in mail.html


async def test_the_tenants_own_template_is_taken() -> None:
    own = "<html><head><title>Ours</title></head><body>By Contoso</body></html>"
    tenant = a_tenant(mail=OwnMails().with_texts({"PendingApproval": own}))

    mail = await Making().send(tenant=tenant)

    assert mail.subject == "Ours"
    assert "By Contoso" in mail.html


async def test_a_made_up_world_says_so_in_its_mails() -> None:
    mail = await Making(notice_line="Not for real decisions.").send()

    assert "Not for real decisions." in mail.html
    assert "Not for real decisions." in str(card_in(mail.html))


# -- signed cards -------------------------------------------------------------------


def a_signer() -> CardSigner:
    return CardSigner.from_pem(
        KEY.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )


async def test_a_card_is_signed_for_its_sender_and_its_only_recipient() -> None:
    cards = CardMaking(Tickets(["x" * 32], lambda: NOON), ORIGINATOR, MAIL_FROM, a_signer())

    mail = await Making(cards=cards).send()

    token = mail.html.partition('itemprop="signedAdaptiveCard"')[2].partition(">")[2]
    claims = jwt.decode(
        token.partition("<")[0].strip(),
        KEY.public_key(),
        algorithms=["RS256"],
        options={"verify_iat": False},
    )
    assert json.loads(claims["recipientsSerialized"]) == [ADDRESS]
    assert json.loads(claims["adaptiveCardSerialized"]) == card_in(mail.html)
    assert (claims["sender"], claims["originator"]) == (MAIL_FROM, ORIGINATOR)
    assert claims["iat"] == int(NOON.timestamp())


async def test_without_a_key_nothing_is_signed() -> None:
    mail = await Making().send()

    assert "signedAdaptiveCard" not in mail.html


# -- threads ------------------------------------------------------------------------


async def test_the_first_mail_begins_a_thread() -> None:
    making = Making()
    making.known = [a_letter()]

    mail = await making.send()

    assert (mail.thread, mail.begins) == (mail.id, True)


async def test_later_mails_to_the_same_address_belong_to_the_first() -> None:
    making = Making()
    making.known = [sent(3, minutes=5), sent(2, minutes=1), a_letter()]

    mail = await making.send()

    assert (mail.thread, mail.begins) == (a_letter(2).id, False)


@pytest.mark.parametrize(
    "other",
    [
        sent(2, minutes=1, address="jonas@contoso.com"),
        a_letter(2, state=LetterState.REFUSED),
        a_letter(2, state=LetterState.DROPPED),
    ],
)
def test_what_never_reached_the_address_begins_no_thread(other: Letter) -> None:
    assert first_of_thread(a_letter(), [other, a_letter()]) == a_letter().id


def test_a_mail_that_is_sent_again_stays_the_first_of_its_thread() -> None:
    again = sent(1, minutes=0)

    assert first_of_thread(again, [again]) == again.id


# -- in the whole service -----------------------------------------------------------


async def mail_to(running: Running, alias: str) -> ReceivedMail:
    """Wait for somebody's mail."""
    inbox = running.playground.world.mailboxes
    await running.until(lambda: inbox.of(alias))
    return inbox.of(alias)[0]


async def test_a_request_reaches_who_is_asked_and_who_is_told(running: Running) -> None:
    await running.send("wiki-create")

    asked = [await mail_to(running, f"johndoe{number}") for number in (1, 2, 3)]
    told = [await mail_to(running, f"johndoe{number}") for number in (4, 5)]

    assert all(mail.card and mail.via is Via.SMTP for mail in asked)
    assert not any(mail.card for mail in told)
    assert len({mail.letter for mail in (*asked, *told)}) == 5


async def test_mails_go_through_graph_where_the_settings_say_so(
    playground: Playground, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path / 'store.db'}"
    service = run_service(playground, store_url=url, folder=tmp_path, mail_via="graph")
    async with service as running:
        await running.send("laptops-create")

        mail = await mail_to(running, "johndoe1")

    assert mail.via is Via.GRAPH
    assert mail.card


async def test_without_a_way_for_mails_the_ledger_says_why_none_was_sent(
    playground: Playground, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path / 'store.db'}"
    service = run_service(playground, store_url=url, folder=tmp_path, mail_via=None)
    async with service as running:
        await running.send("laptops-create")

        async def refused() -> bool:
            letters = await running.house.store.letters(LAPTOPS)
            return [letter.state for letter in letters] == [LetterState.REFUSED]

        await eventually(refused)

    assert playground.world.mailboxes.of("johndoe1") == []
