"""Where the playground's people sign in: Entra's authorize endpoint, and the grants that go with it."""

import base64
import hashlib
import hmac
import html
import secrets
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple
from urllib.parse import urlencode

import jwt
from aiohttp import web

from playground import names
from playground.issuer import LIFETIME, Application, Issuer, no_token, times
from playground.people import Person
from playground.signing import Claims

CODE_LASTS = 300  # seconds
OWN_SCOPE = "access_as_user"  # of the bot's application, as its registration exposes it
_ON_BEHALF = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_PATH = "/entra/{directory}/oauth2/v2.0/authorize"

Form = Mapping[str, str]


class _Code(NamedTuple):
    """What a code stands for, until it is redeemed."""

    client_id: str
    redirect_uri: str
    challenge: str
    nonce: str
    scope: str
    person: Person
    ends: float


class SignIn:
    """
    Asks the browser who somebody is, and gives codes for it (RFC 6749, 7636; OpenID Connect Core).

    It has no passwords: whoever sits there may be anybody of the directory. *redirects*
    are the addresses registered for each application. *signs* makes id tokens of claims: a
    test may put something else there.
    """

    def __init__(self, people: Mapping[str, Person], issuer: Issuer) -> None:
        self.redirects: dict[str, set[str]] = {}
        self.signs: Callable[[Claims], str] = self._signed
        self.acted_for: list[Person] = []  # by an application with a token on their behalf
        self._people = people
        self._issuer = issuer
        self._codes: dict[str, _Code] = {}
        self._redeemed: set[str] = set()
        issuer.grants["authorization_code"] = self._redeem
        issuer.grants[_ON_BEHALF] = self._exchange

    def routes(self) -> Iterable[web.RouteDef]:
        return [web.get(_PATH, self._ask), web.post(_PATH, self._told)]

    # -- in the browser -----------------------------------------------------------

    async def _ask(self, request: web.Request) -> web.Response:
        asked = dict(request.query)
        refusal = self._refusal(request, asked)
        if refusal is not None:
            return refusal
        hinted = asked.get("login_hint", "").lower()
        for person in self._there(request):
            if hinted in (person.alias, person.user_principal_name.lower()):
                return self._signed_in(asked, person)
        return web.Response(text=_page(asked, self._there(request)), content_type="text/html")

    async def _told(self, request: web.Request) -> web.Response:
        asked = {name: str(value) for name, value in (await request.post()).items()}
        refusal = self._refusal(request, asked)
        if refusal is not None:
            return refusal
        alias = asked.pop("alias", "")
        person = next((one for one in self._there(request) if one.alias == alias), None)
        if person is None:
            return _back(asked, error="access_denied", error_description="AADSTS65004: declined.")
        return self._signed_in(asked, person)

    def _there(self, request: web.Request) -> list[Person]:
        directory = request.match_info["directory"].lower()
        return [one for one in self._people.values() if one.directory == directory and one.enabled]

    def _refusal(self, request: web.Request, asked: Form) -> web.Response | None:
        """Refuse what Entra would: here if nobody knows where back is, else there."""
        client = self._issuer.applications.get(asked.get("client_id", ""))
        directory = request.match_info["directory"].lower()
        if client is None or client.directory != directory:
            return _stop("AADSTS700016: The application was not found in this directory.")
        if asked.get("redirect_uri") not in self.redirects.get(client.app_id, set()):
            return _stop("AADSTS50011: The redirect URI is not one of the application's.")
        if asked.get("response_type") != "code" or asked.get("response_mode", "query") != "query":
            return _back(asked, error="unsupported_response_type")
        if "openid" not in asked.get("scope", "").split():
            return _back(asked, error="invalid_scope")
        if asked.get("code_challenge_method") != "S256" or not asked.get("code_challenge"):
            return _back(asked, error="invalid_request")
        return None

    def _signed_in(self, asked: Form, person: Person) -> web.Response:
        code = secrets.token_urlsafe(24)
        self._codes[code] = _Code(
            client_id=asked["client_id"],
            redirect_uri=asked["redirect_uri"],
            challenge=asked["code_challenge"],
            nonce=asked.get("nonce", ""),
            scope=asked["scope"],
            person=person,
            ends=time.time() + CODE_LASTS,
        )
        return _back(asked, code=code)

    # -- at the token endpoint ----------------------------------------------------

    def _redeem(self, form: Form, client: Application) -> web.Response:
        """Give the tokens for a code, once (v2-oauth2-auth-code-flow.md of MicrosoftDocs/entra-docs)."""
        given = form.get("code", "")
        if given in self._redeemed:
            return no_token(400, "invalid_grant", 54005, "The code was already redeemed.")
        code = self._codes.get(given)
        if code is None or code.client_id != client.app_id or code.ends < time.time():
            return no_token(400, "invalid_grant", 70008, "The code is expired or none of ours.")
        if code.redirect_uri != form.get("redirect_uri"):
            return no_token(400, "invalid_grant", 500112, "The reply address does not match.")
        if not hmac.compare_digest(_challenge(form.get("code_verifier", "")), code.challenge):
            return no_token(400, "invalid_grant", 501481, "The code verifier does not match.")
        self._redeemed.add(given)
        del self._codes[given]
        return web.json_response(self._tokens(code, client))

    def _tokens(self, code: _Code, client: Application) -> Claims:
        said = {
            "aud": client.app_id,
            **_who(code.person, client),
            **({"nonce": code.nonce} if code.nonce else {}),
        }
        own = f"{client.app_id}/.default" in code.scope.split()
        access = self._access_token(code.person, client, client, OWN_SCOPE) if own else "opaque"
        return {
            "token_type": "Bearer",
            "expires_in": LIFETIME,
            "scope": code.scope,
            "id_token": self.signs(said),
            "access_token": access,
        }

    def _exchange(self, form: Form, client: Application) -> web.Response:
        """Give a token on behalf of whose token is handed in (v2-oauth2-on-behalf-of-flow.md)."""
        issuer = names.ENTRA_ISSUER.format(directory=client.directory)
        try:
            claims = self._issuer.entra.read(
                form.get("assertion", ""), audience=client.app_id, issuer=issuer
            )
        except jwt.InvalidTokenError:
            return no_token(400, "invalid_grant", 50013, "The assertion is no token for you.")
        people = {one.object_id: one for one in self._people.values()}
        person = people.get(str(claims.get("oid")))
        name = next(iter(form.get("scope", "").split()), "").removesuffix("/.default")
        resource = self._issuer.resource(name)
        if person is None or resource is None or "scp" not in claims:
            return no_token(400, "invalid_grant", 65001, "Nobody consented to that.")
        self.acted_for.append(person)
        token = self._access_token(person, client, resource, "user_impersonation")
        answer = {"token_type": "Bearer", "expires_in": LIFETIME, "access_token": token}
        return web.json_response(answer)

    def _signed(self, claims: Claims) -> str:
        return self._issuer.entra.newest.sign(claims)

    def _access_token(
        self, person: Person, client: Application, resource: Application, scope: str
    ) -> str:
        claims = {"aud": resource.app_id, "azp": client.app_id, "azpacr": "1", "scp": scope}
        return self._issuer.entra.newest.sign({**claims, **_who(person, client)})


def _who(person: Person, client: Application) -> Claims:
    """Return what all tokens of version 2 say of a person; `sub` is another one for each application."""
    return {
        **times(),
        "iss": names.ENTRA_ISSUER.format(directory=person.directory),
        "ver": "2.0",
        "tid": person.directory,
        "oid": person.object_id,
        "sub": str(uuid.uuid5(uuid.UUID(client.app_id), person.object_id)),
        "name": person.name,
        "preferred_username": person.user_principal_name,
    }


def _challenge(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _back(asked: Form, **answer: str) -> web.Response:
    query = urlencode({**answer, "state": asked.get("state", "")})
    return web.Response(status=303, headers={"Location": f"{asked['redirect_uri']}?{query}"})


def _stop(why: str) -> web.Response:
    return web.Response(status=400, text=why)


def _page(asked: Form, people: Iterable[Person]) -> str:
    hidden = "".join(
        f'<input type="hidden" name="{html.escape(name)}" value="{html.escape(value)}">'
        for name, value in asked.items()
    )
    buttons = "".join(
        f'<button name="alias" value="{one.alias}"><b>{html.escape(one.name)}</b>'
        f"<span>{html.escape(one.user_principal_name)}</span></button>"
        for one in people
    )
    return _PAGE.format(hidden=hidden, buttons=buttons)


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Sign in as …</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><link rel="icon" href="data:,">
<style>
body{{font:15px/22px "Segoe UI",system-ui,sans-serif;max-width:420px;margin:32px auto;padding:0 16px}}
h1{{font-size:22px;line-height:28px}}
button{{display:block;width:100%;font:inherit;text-align:left;margin:0 0 8px;padding:8px 12px;cursor:pointer}}
button span{{display:block;font-size:13px;opacity:.75;overflow-wrap:anywhere}}
</style></head><body><main>
<h1>Sign in as …</h1>
<p>This is the playground's directory: nobody has a password.</p>
<form method="post">{hidden}{buttons}<button name="alias" value="">Cancel</button></form>
</main></body></html>
"""
