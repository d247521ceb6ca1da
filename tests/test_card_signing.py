"""Signed cards, checked as Outlook would: with nothing but the XML of the public key."""

import asyncio
import base64
import json
import sys
from asyncio.subprocess import PIPE
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers

from approvals_core.adapters.card_signing import BadSigningKey, CardSigner
from bots.cli.outlook_key import NO_KEY, say_public_key
from tests.failing import ROOT

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
AT = datetime(2026, 11, 20, 12, 0, 0, 999_999, tzinfo=UTC)
CARD = {"type": "AdaptiveCard", "version": "1.0", "body": [{"text": "</script> Größe \ud800"}]}


def pem(key: Any, *, password: bytes | None = None) -> bytes:
    encryption = (
        serialization.BestAvailableEncryption(password)
        if password
        else serialization.NoEncryption()
    )
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
    )


def signed(**changed: Any) -> str:
    given: dict[str, Any] = {
        "originator": "88888888-bbbb-4bbb-8bbb-888888888888",
        "sender": "approvals@organization.com",
        "recipients": ["johndoe1@organization.com"],
        "at": AT,
    }
    return CardSigner.from_pem(pem(KEY)).sign(CARD, **(given | changed))


def bytes_of(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def key_of(xml: str) -> rsa.RSAPublicKey:
    """Read the key as the portal does (XML-Signature, RSAKeyValue)."""
    root = ET.fromstring(xml)
    modulus, exponent = (
        int.from_bytes(base64.b64decode(root.findtext(name) or ""), "big")
        for name in ("Modulus", "Exponent")
    )
    return RSAPublicNumbers(exponent, modulus).public_key()


def verify(token: str, key: rsa.RSAPublicKey) -> dict[str, Any]:
    """Check a compact JWS by hand (RFC 7515, 5.2), and return its claims."""
    header, payload, signature = token.split(".")
    key.verify(
        bytes_of(signature), f"{header}.{payload}".encode(), padding.PKCS1v15(), hashes.SHA256()
    )
    assert json.loads(bytes_of(header)) == {"alg": "RS256", "typ": "JWT"}
    return json.loads(bytes_of(payload))


def test_the_portals_key_verifies_what_we_sign() -> None:
    xml = CardSigner.from_pem(pem(KEY)).public_key_xml()

    claims = verify(signed(), key_of(xml))

    assert claims.keys() == {
        "originator",
        "iat",
        "sender",
        "recipientsSerialized",
        "adaptiveCardSerialized",
    }
    assert claims["originator"] == "88888888-bbbb-4bbb-8bbb-888888888888"
    assert claims["sender"] == "approvals@organization.com"
    assert claims["iat"] == 1_795_176_000


def test_card_and_recipients_are_strings_that_hold_json() -> None:
    claims = verify(signed(), KEY.public_key())

    assert json.loads(claims["recipientsSerialized"]) == ["johndoe1@organization.com"]
    assert json.loads(claims["adaptiveCardSerialized"]) == CARD


def test_a_card_that_was_changed_does_not_verify() -> None:
    header, payload, signature = signed().split(".")
    claims = json.loads(bytes_of(payload)) | {"sender": "other@organization.com"}
    changed = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")

    with pytest.raises(InvalidSignature):
        verify(f"{header}.{changed}.{signature}", KEY.public_key())


def test_the_xml_is_as_the_portal_wants_it() -> None:
    xml = CardSigner.from_pem(pem(KEY)).public_key_xml()

    assert xml.startswith("<RSAKeyValue><Modulus>")
    assert xml.endswith("</Modulus><Exponent>AQAB</Exponent></RSAKeyValue>")
    assert "\n" not in xml


def test_a_key_in_the_older_form_is_taken() -> None:
    older = KEY.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )

    assert CardSigner.from_pem(older).public_key_xml() == (
        CardSigner.from_pem(pem(KEY)).public_key_xml()
    )


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (b"", "no private key"),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "no private key"),
        (
            KEY.public_key().public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            ),
            "no private key",
        ),
        (pem(rsa.generate_private_key(public_exponent=65537, key_size=1024)), "has 1024 bits"),
        (pem(ec.generate_private_key(ec.SECP256R1())), "no RSA key"),
        (pem(KEY, password=b"secret"), "has a password"),
    ],
    ids=["empty", "garbage", "public", "short", "elliptic", "locked"],
)
def test_what_cannot_sign_is_refused_with_its_reason(given: bytes, why: str) -> None:
    with pytest.raises(BadSigningKey, match=why):
        CardSigner.from_pem(given)


# -- for the portal -----------------------------------------------------------------


def said_about(path: Path | None) -> tuple[bool, list[str]]:
    said: list[str] = []
    return say_public_key(path, said.append), said


def test_an_operator_is_told_the_public_key_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "signing.pem"
    path.write_bytes(pem(KEY))

    told, [line] = said_about(path)

    assert told
    assert key_of(line).public_numbers() == KEY.public_key().public_numbers()


def test_an_operator_is_told_why_there_is_no_key(tmp_path: Path) -> None:
    short = tmp_path / "short.pem"
    short.write_bytes(pem(rsa.generate_private_key(public_exponent=65537, key_size=1024)))

    assert said_about(None) == (False, [NO_KEY])
    assert said_about(short) == (
        False,
        [f"{short}: the key has 1024 bits: it needs 2048 at least"],
    )
    gone = tmp_path / "gone.pem"
    assert said_about(gone) == (False, [f"{gone} cannot be read: No such file or directory"])


async def test_it_is_a_command_that_needs_no_settings(tmp_path: Path) -> None:
    path = tmp_path / "signing.pem"
    path.write_bytes(pem(KEY))

    command = ("-m", "bots.cli", "outlook-key", "--key", str(path))
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, stdout=PIPE, stderr=PIPE, cwd=ROOT
    )
    out, err = await process.communicate()

    assert (process.returncode, err) == (0, b"")
    assert out.decode().strip() == CardSigner.from_pem(pem(KEY)).public_key_xml()
