# pyright: standard
"""Signs people in by OpenID Connect: code flow with PKCE through MSAL; pyright standard: msal has no types."""

import re
import warnings
from collections.abc import Mapping
from typing import Any, NamedTuple

import msal
import requests  # noqa: TID251 (MSAL's errors are its errors)

from approvals_core.adapters.entra.sessions import issuer_session
from approvals_core.adapters.entra.sources import (
    FAILURES,
    Application,
    Login,
    confidential_client,
)
from approvals_core.adapters.threads import OwnThreads
from approvals_core.errors import InvalidToken, TokenUnavailable

AT_ONCE = 8  # sign-ins that talk with the issuer; who comes later waits for his turn

# What the issuer may answer with; all else of the query is nobody's business.
_ANSWERED = ("code", "state", "error", "client_info")

# Bound into the cookie and back: what MSAL needs to finish what it began.
_KEPT = ("state", "redirect_uri", "scope", "code_verifier", "nonce")


class Begun(NamedTuple):
    """A sign-in under way: where the browser goes, and what must be kept for its return."""

    url: str
    flow: dict[str, Any]  # JSON; has secrets of this sign-in


class SignedIn(NamedTuple):
    """
    What the issuer gave for a code.

    Nothing of *id_token* is checked but its nonce. *access_token* is for our own API, ""
    if none was asked for or given; *seconds* for which it is good.
    """

    id_token: str
    access_token: str
    seconds: int


class PeopleSignIn:
    """
    The bot's own application as OpenID Connect's client, in threads because MSAL blocks.

    *own_scope*: ask for an access token for our own application, too, to act on behalf of.
    """

    def __init__(self, application: Application, login: Login) -> None:
        self._application = application
        self._login = login
        self._session = issuer_session(login.ca_file)
        self._threads = OwnThreads(AT_ONCE, name="sign-in")
        self._clients: dict[str, msal.ConfidentialClientApplication] = {}  # by directory

    async def begin(
        self, directory: str, *, redirect_uri: str, own_scope: bool, choose: bool
    ) -> Begun:
        """
        Return where to send the browser so that somebody of *directory* signs in.

        *choose*: he is asked with which account, though he may have one there already.

        Raises:
            TokenUnavailable: The issuer did not say where that is.
        """
        scopes = [f"{self._application.app_id}/.default"] if own_scope else []

        def ask() -> dict[str, Any]:
            _be_silent_about_form_post()
            return self._client(directory).initiate_auth_code_flow(
                scopes,
                redirect_uri=redirect_uri,
                response_mode="query",
                prompt="select_account" if choose else None,
            )

        try:
            flow = await self._threads.run(ask)
        except FAILURES as problem:
            raise TokenUnavailable(f"the issuer failed: {type(problem).__name__}") from problem
        return Begun(str(flow["auth_uri"]), {name: flow[name] for name in _KEPT})

    async def finish(
        self, directory: str, flow: Mapping[str, Any], answer: Mapping[str, str]
    ) -> SignedIn:
        """
        Take the tokens for the code in *answer*, the query that the issuer sent back.

        Raises:
            InvalidToken: State, nonce, code or verifier are not those of *flow*, or the
                issuer gives no token for them; the message is OAuth's error code.

            TokenUnavailable: The issuer did not answer.
        """
        given = {name: answer[name] for name in _ANSWERED if name in answer}

        def ask() -> dict[str, Any]:
            client = self._client(directory)
            return client.acquire_token_by_auth_code_flow({**flow}, given) or {}

        try:
            answered = await self._threads.run(ask)
        except requests.RequestException as problem:
            raise TokenUnavailable(f"the issuer failed: {type(problem).__name__}") from problem
        except (
            RuntimeError,
            LookupError,
            *FAILURES,
        ) as problem:  # its texts hold states and nonces
            raise InvalidToken(f"not what we asked for: {type(problem).__name__}") from None
        if not isinstance(answered.get("id_token"), str):
            raise InvalidToken(_code(answered.get("error")))
        return SignedIn(
            answered["id_token"],
            str(answered.get("access_token", "")),
            int(answered.get("expires_in") or 0),
        )

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def _client(self, directory: str) -> msal.ConfidentialClientApplication:
        """Return the client for a directory, whose metadata it reads when it is made."""
        if directory not in self._clients:
            self._clients[directory] = confidential_client(
                self._application,
                self._application.reads(),
                self._login,
                directory,
                self._session,
                # Else everybody would be asked to let us act while he is away.
                exclude_scopes=["offline_access"],
            )
        return self._clients[directory]


def _be_silent_about_form_post() -> None:
    """
    Silence one warning of MSAL: that the answer should come as a POST.

    A POST from the issuer's site brings no SameSite=Lax cookie, and without it nobody
    knows whose sign-in it ends; SameSite=None would give the cookie to every site. The
    code in our query is worth nothing without the verifier and our secret.
    """
    warnings.filterwarnings("ignore", message=re.escape("response_mode='form_post' is recommended"))


def _code(error: object) -> str:
    """Return OAuth's error code (RFC 6749, 4.1.2.1); what is none comes from anybody."""
    known = isinstance(error, str) and re.fullmatch(r"[a-z_]{1,64}", error)
    return str(error) if known else "the issuer gave no id token"
