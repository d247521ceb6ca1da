"""Microsoft Graph: looks people up in their Entra directory, and installs our Teams app for them."""

import asyncio
import json
import logging
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, cast
from urllib.parse import quote

import aiohttp
from yarl import URL

from approvals_core.adapters.answers import AnswerTooLong, read_bounded, retry_after
from approvals_core.adapters.entra import OwnTokens
from approvals_core.errors import (
    ChannelBusy,
    DirectoryUnavailable,
    TokenUnavailable,
    Unreachable,
)
from approvals_core.models import Person, PersonId
from approvals_core.ports import NotFound
from approvals_core.tenant import AliasIs, Tenant

PUBLIC_GRAPH = "https://graph.microsoft.com/v1.0"
SCOPE = "https://graph.microsoft.com/.default"
TIMEOUT = aiohttp.ClientTimeout(total=10)
INSTALL_WITHIN = 20.0  # seconds
BODY_LIMIT = 256 * 1024  # bytes
NAMESAKES = 50  # more with one mailNickname are several people whoever they are
ALIAS_LIMIT = 256  # characters
SOON, LATER = 15.0, 300.0  # seconds: a passing failure; one that somebody must mend
FIELDS = "id,displayName,userPrincipalName,mailNickname,accountEnabled,userType"
ALL_NAMES = f"{FIELDS},mail,proxyAddresses"  # User.Read.All lets us read these, too

_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_CODE = re.compile(r"[A-Za-z0-9_.]{1,64}")
_Json = Mapping[str, Any]

log = logging.getLogger(__name__)


class GraphDirectory:
    """The `Directory` of the core: who in the tenant's directory is meant by an alias."""

    def __init__(
        self,
        *,
        session: aiohttp.ClientSession,
        tokens: OwnTokens,
        clock: Callable[[], datetime],
        url: str = PUBLIC_GRAPH,
        scope: str = SCOPE,
    ) -> None:
        self._graph = _Graph(session, tokens, clock=clock, url=url, scope=scope)

    async def find(self, tenant: Tenant, alias: str) -> Person | NotFound:
        """
        Look up the person the tenant calls *alias*, in its own directory only.

        An object id, whose person comes with all his names; else a UPN, the alias itself or with one of the tenant's mail
        domains; else a mailNickname. Who may not act, being disabled or a guest,
        is found only if nobody else is, as the reason why nobody is.

        Raises:
            DirectoryUnavailable: Try again after its `retry_after`.
        """
        alias = alias.strip()
        if not alias or len(alias) > ALIAS_LIMIT:
            return NotFound.UNKNOWN
        if _GUID.fullmatch(alias):
            found = await self._named(tenant, [alias], ALL_NAMES)
        else:
            found = await self._named(tenant, _principal_names(tenant, alias))
            found = found or await self._nicknamed(tenant, alias)
        return _the_one(found, tenant)

    async def find_by_mail(self, tenant: Tenant, address: str) -> Person | NotFound:
        """
        Look up who has the mailbox *address*, in the tenant's own directory only.

        It may be his UPN, his first address (`mail`) or another one (proxyAddresses). If these
        lead to different people, nobody knows whose it is. Each is a look-up of its own:
        what Graph cannot filter by it refuses as a whole. All else is as for `find`.

        Raises:
            DirectoryUnavailable: Try again after its `retry_after`.
        """
        address = address.strip()
        if "@" not in address or len(address) > ALIAS_LIMIT:
            return NotFound.UNKNOWN
        quoted = address.replace("'", "''")
        found = await self._named(tenant, [address], ALL_NAMES)
        for wanted in (f"mail eq '{quoted}'", f"proxyAddresses/any(p:p eq 'smtp:{quoted}')"):
            found += await self._listed(tenant, wanted, ALL_NAMES)
        return _the_one([one for one in found if _is_called(one, address)], tenant)

    async def _named(
        self, tenant: Tenant, names: Iterable[str], fields: str = FIELDS
    ) -> list[_Json]:
        answers = [
            await self._get(tenant, "/users/" + quote(n, safe=""), fields=fields) for n in names
        ]
        return [answer for answer in answers if answer is not None]

    async def _nicknamed(self, tenant: Tenant, alias: str) -> list[_Json]:
        quoted = alias.replace("'", "''")
        return await self._listed(tenant, f"mailNickname eq '{quoted}'")

    async def _listed(self, tenant: Tenant, wanted: str, fields: str = FIELDS) -> list[_Json]:
        filtered = f"&$filter={quote(wanted, safe='')}&$top={NAMESAKES}"
        answer = await self._get(tenant, "/users", filtered, fields=fields) or {}
        found: object = answer.get("value")
        if not isinstance(found, list):
            raise DirectoryUnavailable("an answer without people", retry_after=LATER)
        people = cast("list[object]", found)
        return [cast("_Json", one) for one in people if isinstance(one, dict)]

    async def _get(
        self, tenant: Tenant, path: str, query: str = "", *, fields: str = FIELDS
    ) -> _Json | None:
        """Return what Graph says about *path*; None for nobody (404, or a name it cannot read)."""
        asked = f"{path}?$select={fields}{query}"
        return _read(*await self._graph.call("GET", asked, directory=tenant.people.directory))


class GraphApps:
    """
    Installs our Teams app for people who do not have it.

    Graph lets us if an administrator granted TeamsAppInstallation.ReadWriteSelfForUser.All
    and the app's manifest names our application (msteams-docs,
    graph-proactive-bots-and-messages.md).
    """

    def __init__(
        self,
        *,
        session: aiohttp.ClientSession,
        tokens: OwnTokens,
        clock: Callable[[], datetime],
        app: str,
        url: str = PUBLIC_GRAPH,
        scope: str = SCOPE,
    ) -> None:
        """*app* is the id in the organization's catalogue, which is not the manifest's."""
        self._graph = _Graph(session, tokens, clock=clock, url=url, scope=scope)
        self._bind = {"teamsApp@odata.bind": f"{url.rstrip('/')}/appCatalogs/teamsApps/{app}"}

    async def install(self, person: PersonId) -> None:
        """
        Install the app for the person; who has it already keeps it.

        Raises:
            Unreachable: It may not be installed for him.

            ChannelBusy: Graph did not answer; try again later.
        """
        path = f"/users/{quote(person.object_id, safe='')}/teamwork/installedApps"
        try:
            async with asyncio.timeout(INSTALL_WITHIN):
                status, body = await self._graph.call(
                    "POST", path, directory=person.directory, body=self._bind
                )
        except DirectoryUnavailable as problem:
            raise ChannelBusy(f"Graph: {problem}", retry_after=problem.retry_after) from problem
        except TimeoutError as problem:
            raise ChannelBusy("Graph: no answer", retry_after=SOON) from problem
        if status < 300 or status == 409:  # noqa: PLR2004 (409: he has it)
            return
        why = f"HTTP {status} {_error_code(body)}".rstrip()
        if status >= 500 or status == 401:  # noqa: PLR2004
            raise ChannelBusy(f"Graph: {why}", retry_after=LATER)
        log.warning("app_not_installed", extra={"why": why})
        raise Unreachable(f"the app may not be installed for this person: {why}")


class _Graph:
    """One call to Graph, with our token for the directory that it is about."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        tokens: OwnTokens,
        *,
        clock: Callable[[], datetime],
        url: str,
        scope: str,
    ) -> None:
        self._session = session
        self._tokens = tokens
        self._clock = clock
        self._url = url.rstrip("/")
        self._scope = scope

    async def call(
        self, method: str, path: str, *, directory: str, body: _Json | None = None
    ) -> tuple[int, bytes]:
        """
        Return status and body.

        Raises:
            DirectoryUnavailable: There is no answer, or one that asks for time.
        """
        url = URL(f"{self._url}{path}", encoded=True)
        try:
            token = await self._tokens.token(directory, self._scope)
            status, answer = await self._asked(method, url, token, body)
            if status == 401:  # noqa: PLR2004
                token = await self._tokens.token(directory, self._scope, refused=token)
                status, answer = await self._asked(method, url, token, body)
        except TokenUnavailable as problem:
            raise DirectoryUnavailable(str(problem), retry_after=SOON) from problem
        except (aiohttp.ClientError, TimeoutError, AnswerTooLong) as problem:
            why = type(problem).__name__
            raise DirectoryUnavailable(why, retry_after=SOON) from problem
        return status, answer

    async def _asked(
        self, method: str, url: URL, token: str, body: _Json | None
    ) -> tuple[int, bytes]:
        headers = {"Authorization": f"Bearer {token}"}
        async with self._session.request(
            method, url, headers=headers, json=body, timeout=TIMEOUT, allow_redirects=False
        ) as response:
            if response.status in (429, 503):
                wait = retry_after(response.headers, now=self._clock())
                raise DirectoryUnavailable(
                    f"HTTP {response.status}",
                    retry_after=SOON if wait is None else wait,
                )
            return response.status, await read_bounded(response, BODY_LIMIT)


def _principal_names(tenant: Tenant, alias: str) -> list[str]:
    """Return the UPNs the alias may stand for. A nickname is not a part of a UPN, even if it looks like one."""
    if "@" in alias:
        return [alias]
    if tenant.people.alias_is is AliasIs.MAIL_NICKNAME:
        return []
    return [f"{alias}@{domain}" for domain in tenant.people.mail_domains]


def _read(status: int, body: bytes) -> _Json | None:
    # 400 is what Graph says to a name that cannot be a UPN.
    if status in (400, 404):
        return None
    if status != 200:  # noqa: PLR2004
        wait = SOON if status >= 500 else LATER  # noqa: PLR2004
        log.warning("directory_refused", extra={"status": status})
        raise DirectoryUnavailable(f"HTTP {status}", retry_after=wait)
    try:
        value: object = json.loads(body)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise DirectoryUnavailable("an answer that is no JSON", retry_after=SOON)
    return cast("_Json", value)


def _error_code(body: bytes) -> str:
    """Return Graph's code for what went wrong; its texts are left alone."""
    try:
        code: object = json.loads(body)["error"]["code"]
    except (ValueError, RecursionError, LookupError, TypeError):
        return ""
    return code if isinstance(code, str) and _CODE.fullmatch(code) else ""


def _the_one(found: list[_Json], tenant: Tenant) -> Person | NotFound:
    judged = {_text(one, "id").lower(): _why_not(one, tenant) for one in found}
    able = [one for one in found if judged[_text(one, "id").lower()] is None]
    if len({_text(one, "id").lower() for one in able}) > 1 or len(found) >= NAMESAKES:
        return NotFound.SEVERAL
    if able:
        by_nickname = tenant.people.alias_is is AliasIs.MAIL_NICKNAME
        return Person(
            directory=tenant.people.directory,
            object_id=_text(able[0], "id").lower(),
            name=_text(able[0], "displayName"),
            upn=_text(able[0], "userPrincipalName"),
            nickname=_text(able[0], "mailNickname") if by_nickname else "",
            also=_also(able[0]),
        )
    return next((why for why in judged.values() if why), NotFound.UNKNOWN)


def _also(one: _Json) -> tuple[str, ...]:
    """Return what else somebody is called, where all his names were asked for."""
    if "mail" not in one and "proxyAddresses" not in one:
        return ()
    sent: object = one.get("proxyAddresses")
    # "SMTP:ann@contoso.com" is his first address, "smtp:" are the others; there are "SIP:" and "X500:"
    proxies = [
        address
        for each in (cast("list[object]", sent) if isinstance(sent, list) else [])
        for kind, _colon, address in [str(each).partition(":")]
        if kind.lower() == "smtp"
    ]
    names = (_text(one, "mail"), _text(one, "mailNickname"), *proxies)
    return tuple(dict.fromkeys(name for name in names if name))


def _is_called(one: _Json, address: str) -> bool:
    """Tell whether *address* is somebody's, as he himself says, and not only as the filter was read."""
    names = (_text(one, "userPrincipalName"), _text(one, "mail"), *_also(one))
    return address.casefold() in {name.casefold() for name in names}


def _why_not(one: _Json, tenant: Tenant) -> NotFound | None:
    """Return why this account may not act. Old accounts have no userType; every guest has."""
    if not _GUID.fullmatch(_text(one, "id")):
        return NotFound.UNKNOWN
    if one.get("accountEnabled") is not True:
        return NotFound.DISABLED
    if one.get("userType") not in ("Member", None) and not tenant.people.guests:
        return NotFound.GUEST
    return None


def _text(one: _Json, name: str) -> str:
    value = one.get(name)
    if not isinstance(value, str):
        return ""
    # Halves of characters parse, and then nobody can store them.
    return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
