"""Every way in which a token can be wrong while the rest of it is right, for tests of a verifier."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable

import jwt

from playground.signing import Claims, KeyRing, SigningKey

Forge = Callable[[KeyRing, Claims], str]


def _part(what: bytes | Claims) -> str:
    raw = what if isinstance(what, bytes) else json.dumps(what).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _hmac_with_public_key(ring: KeyRing, claims: Claims) -> str:
    """The classic confusion: the public key as secret. By hand, PyJWT refuses to make it."""
    head = _part({"alg": "HS256", "typ": "JWT", "kid": ring.newest.kid})
    signed = f"{head}.{_part(claims)}"
    seal = hmac.new(ring.newest.public_pem(), signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{_part(seal)}"


def _unsigned(ring: KeyRing, claims: Claims) -> str:
    head = _part({"alg": "none", "typ": "JWT", "kid": ring.newest.kid})
    return f"{head}.{_part(claims)}."


def _with_own_key_inside(ring: KeyRing, claims: Claims) -> str:
    stranger = SigningKey()
    return stranger.sign(claims, kid=ring.newest.kid, jwk=stranger.jwk())


def _with_key_url(_ring: KeyRing, claims: Claims) -> str:
    return SigningKey().sign(claims, kid="theirs", jku="http://127.0.0.1:9/keys")


def _changed_after_signing(ring: KeyRing, claims: Claims) -> str:
    head, _, seal = ring.newest.sign(claims).split(".")
    return f"{head}.{_part({**claims, 'jti': 'changed'})}.{seal}"


def _claims(**changes: object) -> Forge:
    """Sign well, with claims replaced; None takes one out."""

    def forge(ring: KeyRing, claims: Claims) -> str:
        merged = {**claims, **changes}
        return ring.newest.sign({k: v for k, v in merged.items() if v is not None})

    return forge


def _shifted(seconds: int, *names: str) -> Forge:
    def forge(ring: KeyRing, claims: Claims) -> str:
        times = dict.fromkeys(names, claims["iat"] + seconds)
        return ring.newest.sign({**claims, **times})

    return forge


FORGERIES: dict[str, Forge] = {
    "garbage": lambda _ring, _claims: "not.a.token",
    "empty": lambda _ring, _claims: "",
    "another key": lambda ring, claims: SigningKey().sign(claims, kid=ring.newest.kid),
    "unknown key id": lambda _ring, claims: SigningKey().sign(claims),
    "no key id": lambda ring, claims: ring.newest.sign(claims, kid=None),
    "changed after signing": _changed_after_signing,
    "alg none": _unsigned,
    "HS256 with the public key": _hmac_with_public_key,
    "RS512": lambda ring, claims: jwt.encode(
        claims, ring.newest.private, algorithm="RS512", headers={"kid": ring.newest.kid}
    ),
    "its own key inside": _with_own_key_inside,
    "a key's address inside": _with_key_url,
    "expired": _shifted(-3600, "exp"),
    "not valid yet": _shifted(3600, "nbf"),
    "no expiry": _claims(exp=None),
    "no issuer": _claims(iss=None),
    "another issuer": _claims(iss="https://login.elsewhere.example/v2.0"),
    "no audience": _claims(aud=None),
    "another audience": _claims(aud="77777777-ffff-4fff-8fff-777777777777"),
}
