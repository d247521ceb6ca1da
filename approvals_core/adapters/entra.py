# pyright: standard
"""Our own tokens for other services, from Entra through MSAL; pyright standard: msal has no types."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msal
import requests  # noqa: TID251 (MSAL speaks nothing else; it runs in a thread, see `_Session`)
from msal.authority import WELL_KNOWN_AUTHORITY_HOSTS
from msal.exceptions import MsalError
from requests.adapters import HTTPAdapter  # noqa: TID251 (the same)

from approvals_core.errors import TokenUnavailable

AHEAD = timedelta(seconds=300)  # renewed in the background from here on
LAST_MOMENT = timedelta(seconds=30)  # not handed out any more from here on
PAUSE = timedelta(seconds=5)  # between two attempts after a failure
REJECTIONS = timedelta(seconds=10)  # between two renewals because a token was refused
CALL_TIMEOUT = 5.0  # seconds to connect, and between two bytes
TOTAL_TIMEOUT = 15.0  # seconds for discovery and token together
PUBLIC_LOGIN = "https://login.microsoftonline.com"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Token:
    value: str
    expires_at: datetime


class OwnTokens:
    """
    Access tokens of one application for other services, by directory and scope.

    One request is under way per directory and scope, whoever waits. *ca_file*
    names the authorities trusted instead of the usual ones, for a login URL of
    one's own.
    """

    def __init__(
        self,
        *,
        app_id: str,
        secret: str,
        clock: Callable[[], datetime],
        login_url: str = PUBLIC_LOGIN,
        ca_file: Path | None = None,
    ) -> None:
        if not app_id or not secret:
            raise ValueError("an application needs its id and its secret")
        self._clock = clock
        self._application = _Application(app_id, secret, login_url, ca_file)
        self._slots: dict[tuple[str, str], _Slot] = {}

    async def token(self, directory: str, scope: str, *, refused: str = "") -> str:
        """
        Return a token that is good for half a minute at least.

        *refused* is a token that the far side did not take: another is returned,
        unless that happened a moment ago too.

        Raises:
            TokenUnavailable: The issuer gave none; the message says why.
        """
        key = (directory, scope)
        if key not in self._slots:
            acquire = self._application.acquirer(directory, scope)
            self._slots[key] = _Slot(acquire, scope=scope, clock=self._clock)
        return await self._slots[key].token(refused)

    async def close(self) -> None:
        """Stop waiting for what is under way, and close the connections."""
        for slot in self._slots.values():
            await slot.close()
        self._application.close()


class _Slot:
    """The token for one directory and scope."""

    def __init__(
        self,
        acquire: Callable[[], dict[str, Any]],
        *,
        scope: str,
        clock: Callable[[], datetime],
    ) -> None:
        self._acquire = acquire
        self._scope = scope
        self._clock = clock
        self._token: _Token | None = None
        self._failure = ""
        self._failed_at: datetime | None = None
        self._renewed_at: datetime | None = None
        self._renewing: asyncio.Task[None] | None = None

    async def token(self, refused: str) -> str:
        if self._token is not None and self._token.value == refused:
            self._give_up_refused()
        if not self._good_for(LAST_MOMENT):
            await asyncio.shield(self._renew())
        elif not self._good_for(AHEAD):
            self._renew()
        if self._token is None or not self._good_for(LAST_MOMENT):
            raise TokenUnavailable(f"no token for {self._scope}: {self._failure}")
        return self._token.value

    async def close(self) -> None:
        if self._renewing is not None:
            self._renewing.cancel()
            await asyncio.gather(self._renewing, return_exceptions=True)

    def _good_for(self, time: timedelta) -> bool:
        return self._token is not None and self._clock() + time < self._token.expires_at

    def _give_up_refused(self) -> None:
        """Forget a token that was refused; a far side that refuses all must not cost one each time."""
        if _passed(self._renewed_at, REJECTIONS, self._clock()):
            self._renewed_at = self._clock()
            self._token = None

    def _renew(self) -> asyncio.Task[None]:
        if self._renewing is None or self._renewing.done():
            self._renewing = asyncio.create_task(self._renewed())
        return self._renewing

    async def _renewed(self) -> None:
        if not _passed(self._failed_at, PAUSE, self._clock()):
            return
        try:
            async with asyncio.timeout(TOTAL_TIMEOUT):
                answer = await asyncio.to_thread(self._acquire)
            self._token = _Token(
                answer["access_token"],
                self._clock() + timedelta(seconds=int(answer["expires_in"])),
            )
        except (TokenUnavailable, TimeoutError) as problem:
            self._failure = str(problem) or "the issuer did not answer in time"
            self._failed_at = self._clock()
            log.warning(
                "token_unavailable",
                extra={"scope": self._scope, "why": self._failure},
            )


class _Application:
    """The application as MSAL knows it. All of it blocks, so it runs in threads."""

    def __init__(self, app_id: str, secret: str, login_url: str, ca_file: Path | None) -> None:
        self._app_id = app_id
        self._secret = secret
        self._login_url = login_url.rstrip("/")
        self._ca_file = ca_file
        self._sessions: list[requests.Session] = []

    def close(self) -> None:
        for session in self._sessions:
            session.close()

    def acquirer(self, directory: str, scope: str) -> Callable[[], dict[str, Any]]:
        """Return the blocking call that gets one new token; it raises TokenUnavailable."""
        made: list[msal.ConfidentialClientApplication] = []
        session = _session(self._ca_file)
        self._sessions.append(session)

        def acquire() -> dict[str, Any]:
            try:
                if not made:
                    made.append(self._made(directory, session))
                # The cache is ours: MSAL's would hand out a token that was refused.
                made[0].remove_tokens_for_client()
                return _granted(made[0].acquire_token_for_client([scope]))
            except (requests.RequestException, MsalError, ValueError, KeyError) as problem:
                # The texts of requests hold addresses and pool objects: the type says enough.
                why = f"the issuer failed: {type(problem).__name__}"
                raise TokenUnavailable(why) from problem

        return acquire

    def _made(
        self, directory: str, session: requests.Session
    ) -> msal.ConfidentialClientApplication:
        host = urlsplit(self._login_url).hostname
        return msal.ConfidentialClientApplication(
            self._app_id,
            client_credential=self._secret,
            authority=f"{self._login_url}/{directory}",
            # Microsoft's list of authorities knows Microsoft's only; asked about ours, it says no.
            instance_discovery=None if host in WELL_KNOWN_AUTHORITY_HOSTS else False,
            http_client=session,
        )


class _TimedAdapter(HTTPAdapter):
    """MSAL passes no time-out, and requests has none of its own."""

    def send(self, request, *args, **kwargs):
        return super().send(request, *args, **{**kwargs, "timeout": CALL_TIMEOUT})

    def close(self) -> None:
        # urllib3 closes a pool's connections once nobody refers to it, and its errors do.
        pools = self.poolmanager.pools
        for key in pools.keys():  # noqa: SIM118 (no mapping: it cannot be iterated)
            pools[key].close()
        super().close()


def _session(ca_file: Path | None) -> requests.Session:
    session = requests.Session()
    # REQUESTS_CA_BUNDLE and the proxies' variables would win over `verify`.
    session.trust_env = False
    session.verify = str(ca_file) if ca_file is not None else True
    session.max_redirects = 0
    session.adapters.clear()  # https only
    session.mount("https://", _TimedAdapter())
    return session


def _granted(answer: dict[str, Any] | None) -> dict[str, Any]:
    if answer and "access_token" in answer and "expires_in" in answer:
        return answer
    refusal = answer or {}
    codes = ", ".join(f"AADSTS{code}" for code in refusal.get("error_codes") or ())
    why = str(refusal.get("error", "no answer"))
    raise TokenUnavailable(f"{why} ({codes})" if codes else why)


def _passed(since: datetime | None, time: timedelta, now: datetime) -> bool:
    return since is None or now - since >= time
