"""Signs the card in a mail, so that Outlook shows it whatever a gateway did to DKIM and SPF."""

import base64
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Self

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

LEAST_BITS = 2048  # NIST SP 800-131A: shorter RSA keys must not sign any more


class BadSigningKey(ValueError):
    """What was given as a key for signing cards is none; the message says why."""


class CardSigner:
    """
    Makes SignedAdaptiveCard tokens (outlook-dev-docs, security-requirements.md).

    A signature holds for one card, from one sender to one list of recipients.
    """

    def __init__(self, key: RSAPrivateKey) -> None:
        self._key = key

    @classmethod
    def from_pem(cls, pem: bytes) -> Self:
        """
        Return the signer with the RSA private key in *pem*, PKCS#1 or PKCS#8, without a password.

        Raises:
            BadSigningKey: It is no such key, or has fewer than `LEAST_BITS` bits.
        """
        try:
            key = load_pem_private_key(pem, password=None)
        except TypeError:
            raise BadSigningKey("the key has a password: store it without one") from None
        except (ValueError, UnsupportedAlgorithm):
            raise BadSigningKey("this is no private key in PEM") from None
        if not isinstance(key, RSAPrivateKey):
            raise BadSigningKey("this is no RSA key: Outlook takes no other")
        if key.key_size < LEAST_BITS:
            raise BadSigningKey(f"the key has {key.key_size} bits: it needs {LEAST_BITS} at least")
        return cls(key)

    def sign(
        self,
        card: Mapping[str, object],
        *,
        originator: str,
        sender: str,
        recipients: Sequence[str],
        at: datetime,
    ) -> str:
        """
        Return the compact JWS of *card*, for the signed section of the mail.

        *sender* is the address in From, *recipients* all those in To and Cc. The card and
        the recipients go in as strings of JSON: that is the wire's form.
        """
        claims = {
            "originator": originator,
            "iat": int(at.timestamp()),
            "sender": sender,
            "recipientsSerialized": json.dumps(list(recipients)),
            "adaptiveCardSerialized": json.dumps(card),
        }
        return jwt.encode(claims, self._key, algorithm="RS256", headers={"typ": "JWT"})

    def public_key_xml(self) -> str:
        """Return the public key as the Actionable Messages portal wants it (XML-Signature's RSAKeyValue)."""
        numbers = self._key.public_key().public_numbers()
        modulus, exponent = _base64(numbers.n), _base64(numbers.e)
        return (
            f"<RSAKeyValue><Modulus>{modulus}</Modulus>"
            f"<Exponent>{exponent}</Exponent></RSAKeyValue>"
        )


def _base64(number: int) -> str:
    """Return *number* as XML signatures write it: big-endian, without leading zeros (ds:CryptoBinary)."""
    return base64.b64encode(number.to_bytes((number.bit_length() + 7) // 8, "big")).decode()
