# pyright: standard
"""What MSAL does for us, all of it in threads because it blocks; pyright standard: msal has no types."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msal
import requests  # noqa: TID251 (MSAL's errors are its errors)
from msal.authority import WELL_KNOWN_AUTHORITY_HOSTS
from msal.exceptions import MsalError

from approvals_core.adapters.entra.sessions import issuer_session, machine_session
from approvals_core.adapters.entra.slots import Granted, Source
from approvals_core.adapters.referenced import SecretMissing
from approvals_core.errors import TokenUnavailable

PUBLIC_LOGIN = "https://login.microsoftonline.com"

# What MSAL raises when a far side or a key is not what it should be.
FAILURES = (requests.RequestException, MsalError, ValueError, KeyError, TypeError, AttributeError)


@dataclass(frozen=True)
class Application:
    """
    An app registration, and how its secret or PEM is read.

    *reads* is called for each token: what was replaced is taken up by itself. It raises
    SecretMissing. *with_certificate*: it reads a PEM with private key and certificate.
    """

    app_id: str
    name: str  # of the secret's place, tells two applications apart
    reads: Callable[[], str] = field(compare=False, repr=False)
    with_certificate: bool = False


@dataclass(frozen=True)
class Login:
    """Whose tokens we ask for; *ca_file* names the authorities trusted instead of the usual ones."""

    url: str = PUBLIC_LOGIN
    ca_file: Path | None = None


class _Forgets(msal.TokenCache):
    """Keeps nothing. The cache is ours: MSAL's would hand out a token that was refused."""

    def add(self, event, now=None) -> None:
        return None


def application_source(
    application: Application, login: Login, directory: str, scope: str, assertion: str | None
) -> Source:
    """Return where an application's token comes from; with *assertion* it acts for that person."""
    session = issuer_session(login.ca_file)
    made: dict[str, msal.ConfidentialClientApplication] = {}

    def acquire() -> dict[str, Any] | None:
        secret = application.reads()
        if secret not in made:
            made.clear()
            made[secret] = confidential_client(application, secret, login, directory, session)
        if assertion is not None:
            return made[secret].acquire_token_on_behalf_of(assertion, [scope])
        return made[secret].acquire_token_for_client([scope])

    return Source(lambda: _granted(acquire, "the issuer failed"), session.close)


def machine_source(client_id: str | None, resource: str) -> Source:
    """Return where the token of this machine's identity comes from; None: the system-assigned one."""
    session = machine_session()
    identity = (
        msal.UserAssignedManagedIdentity(client_id=client_id)
        if client_id
        else msal.SystemAssignedManagedIdentity()
    )

    def acquire() -> dict[str, Any] | None:
        client = msal.ManagedIdentityClient(identity, http_client=session)  # with an empty cache
        return client.acquire_token_for_client(resource=resource)

    why = "this machine has no managed identity, or it did not answer"
    return Source(lambda: _granted(acquire, why), session.close)


def confidential_client(
    application: Application,
    secret: str,
    login: Login,
    directory: str,
    session: requests.Session,
    *,
    exclude_scopes: list[str] | None = None,
) -> msal.ConfidentialClientApplication:
    """Return MSAL's client for one directory; it keeps no tokens. It reads the issuer's metadata: it blocks."""
    url = login.url.rstrip("/")
    pem = {"private_key": secret, "public_certificate": secret}
    return msal.ConfidentialClientApplication(
        application.app_id,
        client_credential=pem if application.with_certificate else secret,
        authority=f"{url}/{directory}",
        # Microsoft's list of authorities knows Microsoft's only; asked about ours, it says no.
        instance_discovery=None if urlsplit(url).hostname in WELL_KNOWN_AUTHORITY_HOSTS else False,
        http_client=session,
        token_cache=_Forgets(),
        exclude_scopes=exclude_scopes,
    )


def _granted(acquire: Callable[[], dict[str, Any] | None], why: str) -> Granted:
    try:
        answer = acquire() or {}
        if "access_token" in answer and "expires_in" in answer:
            return Granted(str(answer["access_token"]), int(answer["expires_in"]))
        refusal = str(answer.get("error", "no answer"))
        codes = ", ".join(f"AADSTS{code}" for code in answer.get("error_codes") or ())
    except SecretMissing as problem:
        raise TokenUnavailable(str(problem)) from None
    except FAILURES as problem:
        # Their texts hold addresses, pool objects and pieces of keys: the type says enough.
        raise TokenUnavailable(f"{why}: {type(problem).__name__}") from problem
    raise TokenUnavailable(f"{refusal} ({codes})" if codes else refusal)
