"""Who presses a button in a mail: the token that Outlook's Actions service sends along, checked."""

import logging
from collections.abc import Iterable

from aiohttp import web

from approvals_core.adapters.tokens import (
    Claims,
    Clock,
    Issuer,
    TokenVerifier,
    claimed_issuer,
)
from approvals_core.errors import InvalidToken, KeysUnavailable
from approvals_core.models import PersonId
from bots.outlook.answers import failed
from cards.language import _

# The Actions service of Outlook (outlook-dev-docs, enable-entra-token-for-actionable-messages.md).
ACTIONS_APP = "48af08dc-f6d2-435f-b2a7-069abd99c086"
# Exchange's own tokens, which ended in June 2026 (outlook-dev-docs, legacy-token-deprecation.md).
RETIRED_ISSUER = "https://substrate.office.com/sts/"
# In this order: with an empty Authorization on the card, Outlook moves the token
# (outlook-dev-docs, security-requirements.md).
HEADERS = ("Action-Authorization", "Authorization")

log = logging.getLogger(__name__)


def actions_verifier(
    *, issuers: Iterable[Issuer], audiences: Iterable[str], scope: str, clock: Clock
) -> TokenVerifier:
    """
    Return what checks Outlook's tokens: people's, for the *scope* of our application.

    *audiences* are that application's: its App ID URI, and its client id.
    """
    if not scope:
        raise ValueError("without a scope any of the application's tokens would do")
    needed = {"azp": [ACTIONS_APP], "scp": [scope], "oid": (), "tid": ()}
    return TokenVerifier(issuers=issuers, audiences=audiences, clock=clock, required=needed)


async def caller(request: web.Request, verifier: TokenVerifier) -> PersonId:
    """Return whose token came with *request*, or answer 401."""
    token = _token(request)
    try:
        claims = await verifier.verify(token)
        _check_is_a_persons(claims)
    except InvalidToken as problem:
        raise _refusal(token, problem) from None
    return PersonId(claims.directory, claims.object_id)


def _token(request: web.Request) -> str:
    """Return the bearer token. Where the first header is there, the other one does not count."""
    name = next((name for name in HEADERS if name in request.headers), HEADERS[-1])
    given = request.headers.getall(name, [])
    scheme, _space, token = given[0].partition(" ") if len(given) == 1 else ("", "", "")
    if scheme.lower() != "bearer" or not token.strip():
        log.warning("outlook_token_rejected", extra={"why": "no bearer token"})
        raise failed(401, _("Outlook did not say who you are. Nothing was decided."))
    return token.strip()


def _check_is_a_persons(claims: Claims) -> None:
    if claims.app_id != ACTIONS_APP:  # as a list it would pass, and Entra sends none
        raise InvalidToken("from another application")
    if claims.app_only or claims.text("idtyp") == "app":
        raise InvalidToken("an application's own")


def _refusal(token: str, problem: InvalidToken) -> web.HTTPException:
    if claimed_issuer(token) == RETIRED_ISSUER:
        why = f"a retired token of {RETIRED_ISSUER}: move the provider to Entra tokens"
        log.warning("outlook_token_rejected", extra={"why": why})
        return failed(
            401, _("Outlook sent a retired kind of token. Please tell your administrator.")
        )
    log.warning("outlook_token_rejected", extra={"why": str(problem)})
    if isinstance(problem, KeysUnavailable):
        return failed(
            401, _("We cannot check who you are just now. Nothing was decided. Try in a minute.")
        )
    return failed(401, _("We could not verify who you are. Nothing was decided."))
