"""`doctor mail` against the playground: all well, then each step broken in turn, through real HTTP, SMTP and tokens."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from bots.cli.doctor import sign_in
from bots.cli.doctor.finding import Verdict
from bots.cli.doctor.ward import opened
from playground import names
from tests import terminal
from tests.clinic import Clinic, clinic, settings_of
from tests.far_sides import serving
from tests.outside import authority, playground

__all__ = ["authority", "clinic", "playground"]

NOTHING = "1"  # nothing listens on this port


@pytest.fixture
def ward(clinic: Clinic) -> Clinic:
    clinic.of = "mail"
    return clinic


def a_key(folder: Path, bits: int) -> Path:
    key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    path = folder / f"key-{bits}.pem"
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return path


async def test_an_installation_that_works_has_nothing_broken(ward: Clinic) -> None:
    code = await ward.examine()

    assert ward.steps(Verdict.BROKEN) == ward.steps(Verdict.WAITS) == [], ward.lines
    assert code == 0
    assert ward.lines[-1] == "\nNothing is broken, 6 cannot be seen from here."


async def test_what_only_the_cloud_can_show_is_told_with_where_to_look(ward: Clinic) -> None:
    await ward.examine()

    text = "\n".join(ward.lines)
    assert f"{ward.settings['PUBLIC_URL']}/outlook/" in text
    assert "48af08dc-f6d2-435f-b2a7-069abd99c086" in text
    assert f"SPF, DKIM and DMARC of {ward.settings['MAIL_FROM'].rpartition('@')[2]}" in text


async def test_it_sends_no_mail_and_prints_no_secret(ward: Clinic) -> None:
    await ward.examine()

    text = "\n".join(ward.lines)
    boxes = ward.playground.world.mailboxes
    assert [boxes.of(alias) for alias in ward.playground.world.people if boxes.of(alias)] == []
    for name in ("BOT_SECRET", "SECRET_KEYS"):
        assert ward.settings[name] not in text
    assert "eyJ" not in text  # how every signed token begins


async def test_without_mail_settings_it_says_which_to_set(ward: Clinic) -> None:
    ward.settings = {k: v for k, v in ward.settings.items() if not k.startswith(("MAIL_", "SMTP"))}

    assert await ward.examine() == 1
    assert ward.steps(Verdict.BROKEN) == ["the sender"]
    assert "the mailbox" in ward.steps(Verdict.WAITS)
    assert any("Set APPROVALS_MAIL_VIA" in line for line in ward.lines)


async def test_a_server_that_does_not_answer_is_told(ward: Clinic) -> None:
    ward.settings["SMTP_PORT"] = NOTHING

    assert await ward.examine() == 1
    assert ward.steps(Verdict.BROKEN) == ["the mailbox"]


async def test_a_wrong_password_is_told(ward: Clinic) -> None:
    ward.settings["SMTP_PASSWORD"] = "another one"

    assert await ward.examine() == 1
    assert ward.steps(Verdict.BROKEN) == ["the mailbox"]
    assert any("535" in line for line in ward.lines)


async def test_graph_that_refuses_us_the_mailbox_is_told_with_the_role_for_it_alone(
    ward: Clinic,
) -> None:
    ward.settings["MAIL_VIA"] = "graph"
    ward.without_role("Mail.Send")

    assert await ward.examine() == 1
    assert ward.steps(Verdict.BROKEN) == ["the mailbox"]
    [how] = [line for line in ward.lines if "Application Mail.Send" in line]
    assert "for this mailbox alone" in how
    assert "nothing in Entra" in how
    assert "consent" not in "\n".join(ward.lines)


async def test_a_permission_for_every_mailbox_is_warned_of_and_breaks_nothing(ward: Clinic) -> None:
    ward.settings["MAIL_VIA"] = "graph"  # the playground's application has Entra's permission

    assert await ward.examine() == 0, ward.lines
    assert ward.steps(Verdict.WARNS) == ["sending as others"]
    assert any("revoke Mail.Send" in line for line in ward.lines)
    assert ward.lines[-1].startswith("\nNothing is broken, 1 allows too much, ")


async def test_a_role_in_exchange_is_enough_and_its_width_is_said_to_be_unseen(
    ward: Clinic,
) -> None:
    ward.without_role("Mail.Send")
    asked: list[tuple[str, bytes]] = []

    async def by_role(request: web.Request) -> web.Response:
        asked.append((f"{request.method} {request.path}", await request.read()))
        if request.method == "GET":
            return web.json_response({"displayName": "Approvals\u202e"})
        return web.json_response({"error": {"code": "ErrorInvalidRecipients"}}, status=400)

    async with serving(by_role) as graph:
        ward.settings |= {"MAIL_VIA": "graph", "GRAPH_URL": graph}
        assert await ward.examine() == 0, ward.lines

    assert ward.steps(Verdict.WARNS) == []
    assert "sending as others" in ward.steps(Verdict.UNSEEN)
    assert any("Test-ServicePrincipalAuthorization" in line for line in ward.lines)
    assert any(
        r"mails come from 'Approvals\u202e', which is its name" in line for line in ward.lines
    )
    [said] = [body for what, body in asked if what.startswith("POST")]
    assert json.loads(said)["message"]["toRecipients"] == []


@pytest.mark.parametrize("status", [202, 429, 500])
async def test_an_answer_of_graph_that_says_neither_is_no_yes(ward: Clinic, status: int) -> None:
    async def unclear(_request: web.Request) -> web.Response:
        return web.json_response({"error": "busy"}, status=status)

    async with serving(unclear) as graph:
        ward.settings |= {"MAIL_VIA": "graph", "GRAPH_URL": graph}
        assert await ward.examine() == 0, ward.lines

    assert "the mailbox" in ward.steps(Verdict.UNSEEN)
    assert any(f"Graph answers {status}" in line for line in ward.lines)


@pytest.mark.parametrize(
    ("via", "told"),
    [
        ("graph", f"{names.MAIL_FROM}, by graph, with the name of its mailbox"),
        ("smtp", f"Decisions <{names.MAIL_FROM}>, by smtp"),
    ],
)
async def test_the_name_that_mails_come_with_is_told(ward: Clinic, via: str, told: str) -> None:
    ward.settings |= {"MAIL_VIA": via, "MAIL_FROM_NAME": "Decisions"}

    await ward.examine()

    assert f"ok      the sender: {told}" in ward.lines


async def test_graph_must_know_the_sender(ward: Clinic) -> None:
    ward.settings |= {"MAIL_VIA": "graph", "MAIL_FROM": "nobody@organization.com"}

    assert await ward.examine() == 1
    assert ward.steps(Verdict.BROKEN) == ["the mailbox"]


async def test_who_wants_no_cards_has_nothing_broken_and_hears_nothing_more_of_them(
    ward: Clinic,
) -> None:
    ward.settings = {k: v for k, v in ward.settings.items() if not k.startswith("OUTLOOK_")}

    assert await ward.examine() == 0, ward.lines
    assert ward.steps(Verdict.WAITS) == []
    text = "\n".join(ward.lines)
    assert "ok      the provider: none is set: mails have no card, and lead to our page" in text
    for step in ("where the buttons lead", "card of pr", "signature", "the pre-authorized client"):
        assert step not in text


async def test_a_service_that_does_not_serve_the_buttons_is_told(ward: Clinic) -> None:
    ward.settings["PUBLIC_URL"] = ward.playground.url  # something else answers there

    assert await ward.examine() == 1
    assert "our address" in ward.steps(Verdict.BROKEN)
    assert "where the buttons lead" in ward.steps(Verdict.WAITS)


async def test_a_tenant_without_a_mail_domain_is_told(ward: Clinic) -> None:
    file = ward.folder / "tenants" / "purchasing.toml"
    text = file.read_text(encoding="utf-8")
    kept = [line for line in text.splitlines() if not line.startswith("mail_domains")]
    file.write_text("\n".join(kept), encoding="utf-8")

    assert await ward.examine() == 1
    assert ward.steps(Verdict.BROKEN) == ["mail domain of pr"]


async def test_a_key_that_signs_is_told(ward: Clinic) -> None:
    ward.settings["OUTLOOK_SIGNING_KEY"] = str(a_key(ward.folder, 2048))
    assert await ward.examine() == 0, ward.lines
    assert any("signs with RS256" in line for line in ward.lines)


async def test_an_expired_secret_keeps_graph_waiting(ward: Clinic) -> None:
    ward.settings["MAIL_VIA"] = "graph"
    ward.bot(expired=True)

    assert await ward.examine() == 1
    assert ward.steps(Verdict.BROKEN) == ["the bot's secret"]
    assert "the mailbox" in ward.steps(Verdict.WAITS)
    assert ward.playground.issuer.applications[names.BOT_APP].expired


# -- signing in on the page -----------------------------------------------------------


async def test_where_the_page_leads_and_what_entra_must_know_of_it_is_told(ward: Clinic) -> None:
    back = f"{ward.settings['PUBLIC_URL']}/signed-in"

    await ward.examine()

    assert any("signing in on the page: leads to" in line and back in line for line in ward.lines)
    at = next(n for n, line in enumerate(ward.lines) if "the redirect URI in Entra" in line)
    assert ward.lines[at].startswith("unseen")
    assert f"--web-redirect-uris {back}" in ward.lines[at + 1]


async def test_a_service_that_runs_under_another_public_address_is_told(ward: Clinic) -> None:
    running = ward.settings["PUBLIC_URL"]
    ward.settings["PUBLIC_URL"] = running.replace("127.0.0.1", "localhost")

    await ward.examine()

    [told] = [line for line in ward.lines if "signing in on the page" in line]
    assert told.startswith("broken")
    assert f"sent back to {running}/signed-in, by the settings it is http://localhost" in told


async def test_without_secret_keys_there_is_no_page(ward: Clinic) -> None:
    needy = ("MAIL_", "SMTP", "OUTLOOK_", "SECRET_KEYS")
    ward.settings = {k: v for k, v in ward.settings.items() if not k.startswith(needy)}

    assert await ward.examine() == 1
    assert "signing in on the page" in ward.steps(Verdict.BROKEN)
    assert any("Set APPROVALS_SECRET_KEYS" in line for line in ward.lines)


async def test_an_address_without_https_is_none_that_entra_sends_anybody_to() -> None:
    given = settings_of(given_for_real("http://localhost:3978"))
    async with opened(given, (), now=lambda: datetime.now(UTC), package=Path("none.zip")) as ward:
        found = await sign_in.page(ward, able=True)

    assert found.verdict is Verdict.BROKEN
    assert found.saw.startswith("http://localhost:3978/signed-in is not https")


def given_for_real(public_url: str) -> dict[str, str]:
    given = terminal.given("sqlite:///none.db", Path("tenants"))
    return given | {"PUBLIC_URL": public_url, "SECRET_KEYS": "x" * 32}
