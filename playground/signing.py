"""Signing keys: made new at each start, published as JWKS, rotated on demand."""

import json
import secrets
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

Claims = dict[str, Any]


class SigningKey:
    """One RSA key and its id."""

    def __init__(self) -> None:
        self.kid = secrets.token_urlsafe(12)
        self.private = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def sign(self, claims: Claims, **header: Any) -> str:
        """Return a token of *claims* under RS256. A *header* field of None is left out."""
        fields = {"kid": self.kid, **header}
        fields = {name: value for name, value in fields.items() if value is not None}
        return jwt.encode(claims, self.private, algorithm="RS256", headers=fields)

    def public_pem(self) -> bytes:
        return self.private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    def jwk(self) -> Claims:
        public = json.loads(RSAAlgorithm.to_jwk(self.private.public_key()))
        return {**public, "kid": self.kid, "use": "sig"}


class KeyRing:
    """
    The keys of one issuer; the newest signs, *extra* stands in every published key.

    Without a *first* key one is made when it is needed: it takes a while.
    """

    def __init__(self, first: SigningKey | None = None, **extra: Any) -> None:
        self._extra = extra
        self._keys = [first] if first is not None else []

    @property
    def newest(self) -> SigningKey:
        return self._keys[-1] if self._keys else self.rotate()

    def rotate(self, *, keep_old: bool = True) -> SigningKey:
        """Sign with a new key from now on; the old ones stay published or vanish."""
        self._keys = [*(self._keys if keep_old else []), SigningKey()]
        return self._keys[-1]

    def jwks(self) -> Claims:
        if not self._keys:
            self.rotate()
        return {"keys": [{**key.jwk(), **self._extra} for key in self._keys]}

    def read(self, token: str, *, audience: str, issuer: str) -> Claims:
        """
        Return the claims of a token that one of our keys signed for *audience*.

        Raises:
            jwt.InvalidTokenError: It is not such a token.
        """
        kid = jwt.get_unverified_header(token).get("kid")
        key = next((one for one in self._keys if one.kid == kid), None)
        if key is None:
            raise jwt.InvalidTokenError("unknown key")
        return jwt.decode(
            token,
            key.private.public_key(),
            algorithms=["RS256"],
            audience=audience,
            issuer=issuer,
            options={"require": ["exp", "iss", "aud"]},
        )
