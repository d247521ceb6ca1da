"""What we hand to a browser and want back untouched and unread: sealed JSON."""

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


class Seals:
    """
    Seals for one *purpose*: what was sealed for another cannot be opened.

    The first of the *secrets* seals, all of them open: so they are replaced without
    signing anybody out.
    """

    def __init__(self, secrets: Sequence[str], *, purpose: str) -> None:
        if not secrets:
            raise ValueError("nothing can be sealed without a secret")
        self._fernet = MultiFernet([_keyed(secret, purpose) for secret in secrets])

    def seal(self, content: Mapping[str, Any]) -> str:
        """Return *content*, which is JSON, as letters fit for a cookie."""
        return self._fernet.encrypt(json.dumps(content).encode()).decode()

    def open(self, sealed: str) -> dict[str, Any] | None:
        """Return what was sealed, or None if we did not seal it, whoever sent it. It has no age."""
        try:
            return json.loads(self._fernet.decrypt(sealed.encode()))
        except (InvalidToken, UnicodeEncodeError):
            return None


def _keyed(secret: str, purpose: str) -> Fernet:
    derived = HKDF(SHA256(), length=32, salt=None, info=f"approvals {purpose}".encode())
    return Fernet(base64.urlsafe_b64encode(derived.derive(secret.encode())))
