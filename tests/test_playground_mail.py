"""The playground's inboxes, SMTP and sendMail: as strict as what they stand for, and kept over a restart."""

import base64
from pathlib import Path
from typing import Any

import aiohttp
import aiosmtplib
import pytest

from approvals_core.adapters.mail import trusting
from approvals_core.models import Occasion
from cards.mail import parse
from playground import names
from playground.certificates import CertificateAuthority
from playground.mailboxes import ELSEWHERE, Via, card_in
from playground.outside import Playground
from playground.world import World
from tests.card_faces import views
from tests.mail_faces import EXPENSES, a_mail

CARD = '<script type="application/adaptivecard+json">{"type": "AdaptiveCard"}</script>'
TO = "johndoe1@organization.com"


def message(**changed: Any) -> dict[str, Any]:
    given: dict[str, Any] = {
        "subject": "Hello",
        "body": {"contentType": "HTML", "content": "<p>Hello</p>"},
        "toRecipients": [{"emailAddress": {"address": TO}}],
    }
    return given | changed


async def post(
    playground: Playground,
    body: Any,
    *,
    token: str | None = None,
    mailbox: str = names.MAIL_FROM,
) -> tuple[int, str]:
    """Return status and Graph's code of a sendMail."""
    applications = playground.issuer.applications
    granted = playground.issuer.app_token(applications[names.BOT_APP], applications[names.GRAPH])
    headers = {"Authorization": f"Bearer {token or granted}"}
    url = f"{playground.url}/graph/v1.0/users/{mailbox}/sendMail"
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, json=body, headers=headers) as response,
    ):
        code = "" if response.status == 202 else (await response.json())["error"]["code"]
        return response.status, code


# -- inboxes ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "alias"),
    [
        (TO, "johndoe1"),
        (" JohnDoe1@Organization.COM ", "johndoe1"),
        ("gil_partner.example#ext#@organization.com", "guest1"),
        ("johndoe1@elsewhere.example", "mallory"),
        ("mallory@organization.com", ELSEWHERE),
        ("nobody@organization.com", ELSEWHERE),
        ("", ELSEWHERE),
    ],
)
def test_an_address_belongs_to_one_person(address: str, alias: str) -> None:
    assert World().mailboxes.owner(address) == alias


def test_inboxes_outlive_a_restart(tmp_path: Path) -> None:
    before = World(tmp_path).mailboxes.deliver_graph(message(), sender=names.MAIL_FROM, to=TO)

    after = World(tmp_path).mailboxes

    assert after.of("johndoe1") == [before]
    assert after.find("johndoe1", before.id) == before


def test_what_signs_the_buttons_in_mails_outlives_a_restart_too(
    authority: CertificateAuthority, tmp_path: Path
) -> None:
    first, second = Playground(authority, tmp_path), Playground(authority, tmp_path)

    assert first.secret_key == second.secret_key
    assert first.secret_key != Playground(authority).secret_key


@pytest.mark.parametrize(
    ("html", "found"),
    [
        (CARD, True),
        (f"<head>{CARD.upper().replace('TYPE', 'type')}</head>", False),
        (CARD.replace("adaptivecard+json", "ld+json"), False),
        ('<script type="application/adaptivecard+json">{"a": </script>', False),
        ('<script type="application/adaptivecard+json">[]</script>', False),
        (f"<!-- {CARD} -->", False),
        ("<p>none</p>", False),
    ],
)
def test_a_card_is_found_where_outlook_looks_for_it(html: str, *, found: bool) -> None:
    assert (card_in(html) is not None) is found


# -- sendMail -----------------------------------------------------------------------


async def test_a_message_that_graph_takes_is_in_the_inbox(playground: Playground) -> None:
    assert await post(playground, {"message": message()}) == (202, "")

    [mail] = playground.world.mailboxes.of("johndoe1")
    assert (mail.via, mail.subject, mail.html) == (Via.GRAPH, "Hello", "<p>Hello</p>")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ([], "RequestBodyRead"),
        ({"message": message(), "saveToSent": False}, "RequestBodyRead"),
        ({}, "ErrorInvalidRequest"),
        ({"message": message(body={"contentType": "MIME"})}, "ErrorInvalidRequest"),
        ({"message": message(toRecipients=[])}, "ErrorInvalidRecipients"),
        (
            {"message": message(toRecipients=[{"emailAddress": {"address": "Maria"}}])},
            "ErrorInvalidRecipients",
        ),
        (
            {"message": message(internetMessageHeaders=[{"name": "In-Reply-To", "value": "x"}])},
            "InvalidInternetMessageHeader",
        ),
        (
            {"message": message(internetMessageHeaders=[{"name": "x-a", "value": "x"}] * 6)},
            "InvalidInternetMessageHeaderCollection",
        ),
    ],
)
async def test_what_graph_would_refuse_is_refused(
    body: Any, code: str, playground: Playground
) -> None:
    assert await post(playground, body) == (400, code)

    assert playground.world.mailboxes.of("johndoe1") == []


async def test_only_the_bots_application_may_send_and_only_from_its_mailbox(
    playground: Playground,
) -> None:
    issuer = playground.issuer
    bot, graph = (issuer.applications[one] for one in (names.BOT_APP, names.GRAPH))
    exchange = issuer.applications[names.EXCHANGE]
    stranger = issuer.applications[names.STRANGER_APP]
    body = {"message": message()}

    for token in (issuer.app_token(bot, exchange), issuer.app_token(stranger, graph), "x"):
        assert (await post(playground, body, token=token))[0] == 401
    assert await post(playground, body, mailbox="boss@organization.com") == (
        404,
        "ErrorInvalidUser",
    )
    issuer.roles[names.BOT_APP, names.GRAPH] = ["User.Read.All"]
    assert await post(playground, body) == (403, "ErrorAccessDenied")


# -- SMTP ---------------------------------------------------------------------------


async def test_nobody_sends_without_tls_and_signing_in(playground: Playground) -> None:
    plain = aiosmtplib.SMTP(hostname="127.0.0.1", port=playground.smtp.port, start_tls=False)
    async with plain:
        with pytest.raises(aiosmtplib.SMTPSenderRefused, match="530"):
            await plain.mail(names.MAIL_FROM)

    safe = aiosmtplib.SMTP(
        hostname="127.0.0.1",
        port=playground.smtp.port,
        start_tls=True,
        tls_context=trusting(playground.issuer.ca_file),
    )
    async with safe:
        with pytest.raises(aiosmtplib.SMTPSenderRefused, match="530"):
            await safe.mail(names.MAIL_FROM)


@pytest.mark.parametrize("audience", [names.GRAPH, names.INTAKE_APP])
async def test_a_token_for_another_service_does_not_sign_in(
    audience: str, playground: Playground
) -> None:
    issuer = playground.issuer
    token = issuer.app_token(issuer.applications[names.BOT_APP], issuer.applications[audience])
    client = aiosmtplib.SMTP(
        hostname="127.0.0.1",
        port=playground.smtp.port,
        start_tls=True,
        tls_context=trusting(issuer.ca_file),
    )

    async with client:
        for given in (token, "", base64.b64encode(b"x").decode()):
            with pytest.raises(aiosmtplib.SMTPAuthenticationError, match="535"):
                await client.auth_xoauth2(names.MAIL_FROM, given)


# -- a sample tenant's own mails ------------------------------------------------------


@pytest.mark.parametrize(
    ("occasion", "subject"),
    [
        (Occasion.ASKED, "Contoso Purchasing: Laptops for the Lisbon design team, "),
        (Occasion.REMINDER, "Reminder: approval needed: Laptops for the Lisbon design team ("),
        (Occasion.ENDED, "Approved: Laptops for the Lisbon design team ("),
    ],
)
def test_the_sample_template_says_in_the_subject_what_the_mail_is_about(
    occasion: Occasion, subject: str
) -> None:
    name = "done" if occasion is Occasion.ENDED else "pending"
    template = parse(EXPENSES.read_text(encoding="utf-8"))

    mail = a_mail(views()[name], seat=None, occasion=occasion, template=template)

    assert mail.trouble == ""
    assert mail.subject.startswith(subject)
