"""A mail on its way into Outlook and back, sent over SMTP or through Graph, signed or not: without a browser."""

from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from playground.actionable import actions_of
from playground.mailboxes import ReceivedMail
from playground.outside import Playground
from playground.reading import words
from tests.running import Running, run_service

MARIA = "johndoe1"


async def asked_by_mail(running: Running) -> ReceivedMail:
    """Post the wiki's CREATE, and return the mail that Maria gets."""
    await running.playground.teams.install(MARIA)
    await running.send("wiki-create")
    mails: list[ReceivedMail] = await running.until(
        lambda: running.playground.world.mailboxes.of(MARIA)
    )
    await running.asked(MARIA)
    return mails[0]


def the_button(card: dict[str, Any], title: str) -> dict[str, Any]:
    return next(one for one in actions_of(card) if one.get("title") == title)


@pytest.mark.parametrize("via", ["smtp", "graph"])
async def test_a_mail_is_decided_in_outlook_whichever_way_it_came(
    playground: Playground, tmp_path: Path, via: str
) -> None:
    store = f"sqlite:///{tmp_path}/store.db"
    async with run_service(playground, store_url=store, folder=tmp_path, mail_via=via) as running:
        mail = await asked_by_mail(running)
        assert mail.via == via
        card = playground.outlook.open(MARIA, mail.id)
        assert card is not None, playground.outlook.verdict(MARIA, mail.id).refusals

        await playground.outlook.press(MARIA, mail.id, the_button(card, "Approve"))

        await running.says(MARIA, "Approved by", "Maria Keller")
        shown = words(playground.outlook.shown(MARIA, mail.id) or {})
        assert "Approved by **Maria Keller**" in shown
        assert [told.body["ActionByAlias"] for told in running.told()] == [MARIA]


async def test_a_signed_card_is_taken_with_the_registered_key_and_no_other(
    playground: Playground, tmp_path: Path
) -> None:
    key, other = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in "ab")
    pem = tmp_path / "key.pem"
    pem.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    pem.chmod(0o600)
    store = f"sqlite:///{tmp_path}/store.db"
    async with run_service(
        playground, store_url=store, folder=tmp_path, outlook_signing_key=pem
    ) as running:
        mail = await asked_by_mail(running)

        registered(playground, key)
        assert playground.outlook.shown(MARIA, mail.id) is not None

        registered(playground, other)
        refusals = playground.outlook.verdict(MARIA, mail.id).refusals
        assert "Failed to validate signature" in refusals[0]


def registered(playground: Playground, key: rsa.RSAPrivateKey) -> None:
    """Register the public half of *key* in the portal."""
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    provider = playground.outlook.provider
    playground.outlook.provider = provider._replace(public_key=public.decode())
