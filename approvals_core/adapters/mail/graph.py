"""Mail through Microsoft Graph: `sendMail` of one mailbox, with our application's token."""

import json
import logging
import re
from collections.abc import Callable
from datetime import datetime
from http import HTTPStatus
from typing import NamedTuple
from urllib.parse import quote

import aiohttp
from yarl import URL

from approvals_core.adapters.answers import AnswerTooLong, read_bounded, retry_after
from approvals_core.adapters.entra import OwnTokens
from approvals_core.adapters.mail.limits import MailPace
from approvals_core.adapters.mail.mime import one_line
from approvals_core.errors import (
    AnswerLost,
    CardRefused,
    ChannelBusy,
    ChannelError,
    MailboxBusy,
    TokenUnavailable,
    Unreachable,
)
from approvals_core.ports import Mail

WITHIN = 30.0  # seconds for one answer
BODY_LIMIT = 64 * 1024  # bytes of an answer: an error is a few hundred
SOON, LATER = 15.0, 300.0  # seconds: a passing failure; one that somebody must mend
# Headers of our own begin with x-, and there are five at most (microsoft-graph-docs,
# resources/internetmessageheader.md): who wants In-Reply-To gets it over SMTP only.
LETTER_HEADER = "x-approvals-letter"
THREAD_HEADER = "x-approvals-thread"

# Codes of Exchange behind Graph (office-developer-exchange-docs, responsecode.md): those about
# the recipient, and those that end by themselves whatever the status says.
ABOUT_RECIPIENT = frozenset(
    {
        "ErrorInvalidRecipients",
        "ErrorInvalidSmtpAddress",
        "ErrorMissingRecipients",
        "ErrorRecipientNotFound",
    }
)
PASSING = frozenset(
    {
        "ApplicationThrottled",
        "ErrorConnectionFailed",
        "ErrorExceededMessageLimit",
        "ErrorInternalServerTransientError",
        "ErrorMailboxMoveInProgress",
        "ErrorMailboxStoreUnavailable",
        "ErrorServerBusy",
        "ErrorTimeoutExpired",
        "ErrorTooManyObjectsOpened",
    }
)
# What is wrong with our own mailbox, whatever the mail: somebody mends it, and all of them go.
_ABOUT_US = {
    "ErrorAccessDenied": "grant the application Mail.Send for this mailbox, by a role in Exchange",
    "Authorization_RequestDenied": "grant the application Mail.Send for this mailbox, by a role in Exchange",
    "ErrorSendAsDenied": "the application may not send as APPROVALS_MAIL_FROM",
    "ErrorInvalidUser": "APPROVALS_MAIL_FROM is no mailbox of the bot's directory",
    "ErrorMailboxNotFound": "APPROVALS_MAIL_FROM has no mailbox",
    "ErrorNonExistentMailbox": "APPROVALS_MAIL_FROM has no mailbox",
    "MailboxNotEnabledForRESTAPI": "APPROVALS_MAIL_FROM has no mailbox in Exchange Online",
    "Request_ResourceNotFound": "APPROVALS_MAIL_FROM is nobody in the bot's directory",
    "ResourceNotFound": "APPROVALS_MAIL_FROM is no mailbox of the bot's directory",
}
_ADVICE = _ABOUT_US | {"ErrorMessageSizeExceeded": "the mail is larger than the mailbox may send"}
_CODE = re.compile(r"[A-Za-z0-9_.]{1,64}")

log = logging.getLogger(__name__)


class _Answer(NamedTuple):
    status: int
    code: str  # Graph's word for what went wrong, "" if there is none
    wait: float | None  # seconds, as Retry-After asks for

    def __str__(self) -> str:
        advice = _ADVICE.get(self.code, "")
        said = f"Graph: HTTP {self.status} {self.code}".rstrip()
        return f"{said}: {advice}" if advice else said


class GraphMail:
    """
    The `MailSender` over Graph: POST /users/{sender}/sendMail (microsoft-graph-docs, user-sendmail.md).

    Its 202 means accepted, not delivered. The name beside the sender's address is the
    mailbox's own: Exchange takes no other.
    """

    def __init__(
        self,
        *,
        session: aiohttp.ClientSession,
        tokens: OwnTokens,
        clock: Callable[[], datetime],
        url: str,
        scope: str,
        directory: str,
        sender: str,
        pace: MailPace,
        within: float = WITHIN,
    ) -> None:
        """
        *directory* is the one in which *sender*, an address or UPN, has a mailbox.

        *within* is how many seconds Graph has for one answer.
        """
        self._session = session
        self._tokens = tokens
        self._clock = clock
        self._url = URL(f"{url.rstrip('/')}/users/{quote(sender, safe='')}/sendMail", encoded=True)
        self._scope = scope
        self._directory = directory
        self._pace = pace
        self._timeout = aiohttp.ClientTimeout(total=within, sock_connect=within / 3)

    async def send(self, mail: Mail) -> None:
        """Hand over *mail*, with HTML only; a refused token is replaced once."""
        async with self._pace.turn():
            token = await self._token()
            answer = await self._posted(mail, token)
            if answer.status == HTTPStatus.UNAUTHORIZED:
                fresh = await self._token(refused=token)
                answer = answer if fresh == token else await self._posted(mail, fresh)
        if answer.status != HTTPStatus.ACCEPTED:
            log.warning("mail_refused", extra={"letter": mail.id, "why": str(answer)})
            raise await self._problem(answer)

    async def _problem(self, answer: _Answer) -> ChannelError:
        """Return our word for what Graph said."""
        status = answer.status
        busy = status in (429, 503) or (status == 504 and answer.wait is not None)  # noqa: PLR2004
        if busy or answer.code in PASSING:
            wait = SOON if answer.wait is None else answer.wait
            if status == HTTPStatus.TOO_MANY_REQUESTS:
                return await self._held(f"{answer}: Graph lets the mailbox send no more now", wait)
            return ChannelBusy(str(answer), retry_after=wait)
        if answer.code in _ABOUT_US or status == HTTPStatus.UNAUTHORIZED:
            return await self._held(str(answer), LATER)
        if status >= 500 or status < 400:  # noqa: PLR2004 (neither a yes nor a no)
            return AnswerLost(str(answer))
        return (Unreachable if answer.code in ABOUT_RECIPIENT else CardRefused)(str(answer))

    async def _held(self, why: str, wait: float) -> MailboxBusy:
        """Hold all mails for *wait* seconds: the next one would be told the same."""
        await self._pace.hold(wait, because=why)
        return MailboxBusy(why, retry_after=wait)

    async def _token(self, *, refused: str = "") -> str:
        try:
            return await self._tokens.token(self._directory, self._scope, refused=refused)
        except TokenUnavailable as problem:
            raise ChannelBusy(str(problem), retry_after=SOON) from problem

    async def _posted(self, mail: Mail, token: str) -> _Answer:
        try:
            async with self._session.post(
                self._url,
                json=_body(mail),
                headers={"Authorization": f"Bearer {token}"},
                timeout=self._timeout,
                allow_redirects=False,
            ) as response:
                wait = retry_after(response.headers, now=self._clock())
                return _Answer(response.status, await _code(response), wait)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as problem:
            # Nothing left this machine.
            why = "Graph: no connection: see that this machine reaches it"
            raise ChannelBusy(why, retry_after=SOON) from problem
        except TimeoutError as problem:
            raise AnswerLost("Graph: no answer in time") from problem
        except aiohttp.ClientError as problem:
            raise AnswerLost("Graph: the connection ended before the answer") from problem


def _body(mail: Mail) -> dict[str, object]:
    headers = {LETTER_HEADER: mail.id, THREAD_HEADER: mail.thread}
    return {
        "message": {
            "subject": one_line(mail.subject),
            "body": {"contentType": "HTML", "content": mail.html},
            "toRecipients": [{"emailAddress": {"address": mail.to}}],
            "internetMessageHeaders": [{"name": n, "value": v} for n, v in headers.items()],
        },
        "saveToSentItems": False,
    }


async def _code(response: aiohttp.ClientResponse) -> str:
    """Return Graph's code for what went wrong, "" if it says none; its texts name people."""
    if response.status == HTTPStatus.ACCEPTED:
        return ""
    try:
        code: object = json.loads(await read_bounded(response, BODY_LIMIT))["error"]["code"]
    except (AnswerTooLong, ValueError, RecursionError, LookupError, TypeError):
        return ""
    return code if isinstance(code, str) and _CODE.fullmatch(code) else ""
