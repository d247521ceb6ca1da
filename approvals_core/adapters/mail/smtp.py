"""Mail over SMTP submission: STARTTLS always, a certificate that is checked, a password or OAuth."""

import asyncio
import logging
import re
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import aiosmtplib

from approvals_core.adapters.entra import OwnTokens
from approvals_core.adapters.mail.limits import MailPace
from approvals_core.adapters.mail.mime import mime_of, wire_address
from approvals_core.adapters.mail.smtp_answers import SOON, STEP, Step, troubled
from approvals_core.errors import ChannelBusy, MailboxBusy, TokenUnavailable
from approvals_core.ports import Mail

WITHIN = 50.0  # seconds for one mail, below what the worker gives it
START_INPUT = 354  # RFC 5321, 4.2.3
_DOTTED = re.compile(rb"^\.", re.MULTILINE)

log = logging.getLogger(__name__)


class TokenSignIn:
    """
    Signs in with a token of our application (XOAUTH2).

    Exchange wants the application to have SMTP.SendAsApp, and its service principal to be
    registered for the mailbox.
    """

    def __init__(self, tokens: OwnTokens, *, directory: str, scope: str) -> None:
        self._tokens = tokens
        self._directory = directory
        self._scope = scope

    async def token(self, *, refused: str = "") -> str:
        """
        Return a token, another than *refused*.

        Raises:
            ChannelBusy: There is none now.
        """
        try:
            return await self._tokens.token(self._directory, self._scope, refused=refused)
        except TokenUnavailable as problem:
            raise ChannelBusy(str(problem), retry_after=SOON) from problem


@dataclass(frozen=True)
class _Account:
    """Who signs in: with *password*, or with tokens; without a name nobody does."""

    user: str
    password: str
    tokens: TokenSignIn | None


class SmtpMail:
    """
    The `MailSender` over SMTP (RFC 5321, RFC 6409): one connection for each mail.

    A mail is lost to sight only between its final dot and the answer to that.
    """

    def __init__(
        self,
        *,
        host: str,
        port: int,
        sender: str,
        sender_name: str,
        tls: ssl.SSLContext,
        pace: MailPace,
        clock: Callable[[], datetime],
        user: str = "",
        password: str = "",
        tokens: TokenSignIn | None = None,
        within: float = WITHIN,
    ) -> None:
        """
        Without *user* nobody signs in; with *tokens* no password is used.

        *sender* is the address that mails come from. *tls* says whose certificates count.
        *within* is how many seconds one mail may take.
        """
        self._host = host
        self._port = port
        self._sender = wire_address(sender)
        self._sender_name = sender_name
        self._tls = tls
        self._pace = pace
        self._clock = clock
        self._account = _Account(user, password, tokens)
        self._within = within

    async def send(self, mail: Mail) -> None:
        """Hand over *mail* as text and HTML."""
        to = wire_address(mail.to)
        at = self._clock()
        content = mime_of(mail, sender=self._sender, sender_name=self._sender_name, to=to, at=at)
        async with self._pace.turn():
            attempt = _Attempt(self._host, self._port, self._tls, self._account)
            try:
                async with asyncio.timeout(self._within):
                    await attempt.send(self._sender, to, content)
            except (aiosmtplib.SMTPException, OSError, TimeoutError) as problem:
                outcome = troubled(attempt.step, problem)
                told = {"letter": mail.id, "why": str(outcome)}
                log.warning("mail_not_sent", extra=told)
                if isinstance(outcome, MailboxBusy):
                    # A wrong password again and again gets the mailbox locked.
                    await self._pace.hold(outcome.retry_after, because=str(outcome))
                raise outcome from None  # its text repeats what the far side said
            finally:
                attempt.close()

    async def sign_in(self) -> None:
        """
        Go as far as signing in, and send nothing.

        Raises:
            ChannelBusy: That does not work; the message says why.
        """
        attempt = _Attempt(self._host, self._port, self._tls, self._account)
        try:
            async with asyncio.timeout(self._within):
                await attempt.sign_in()
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as problem:
            raise troubled(attempt.step, problem) from None
        finally:
            attempt.close()


class _Attempt:
    """One conversation with the server; *step* says how far it came."""

    def __init__(self, host: str, port: int, tls: ssl.SSLContext, account: _Account) -> None:
        self.step = Step.CONNECTING
        self._account = account
        self._client = aiosmtplib.SMTP(
            hostname=host,
            port=port,
            # Else the machine's own name is looked up, which may take long, and told to everybody.
            local_hostname="localhost",
            start_tls=True,
            tls_context=tls,
            timeout=STEP,
        )

    async def send(self, sender: str, to: str, content: bytes) -> None:
        await self.sign_in()
        self.step = Step.SENDER
        await self._client.mail(sender)
        self.step = Step.RECIPIENT
        await self._client.rcpt(to)
        self.step = Step.CONTENT
        await self._begin()
        self.step = Step.TAKEN
        await self._content(content)

    async def sign_in(self) -> None:
        await self._client.connect()
        self.step = Step.SIGNING_IN
        await self._sign_in()

    def close(self) -> None:
        """Hang up, without waiting for a good-bye: the mail is taken, or it is not."""
        self._client.close()

    async def _sign_in(self) -> None:
        user, password, tokens = self._account.user, self._account.password, self._account.tokens
        if not user:
            return
        if tokens is None:
            await self._client.login(user, password)
            return
        token = await tokens.token()
        try:
            await self._client.auth_xoauth2(user, token)
        except aiosmtplib.SMTPAuthenticationError:
            fresh = await tokens.token(refused=token)
            if fresh == token:
                raise
            await self._client.auth_xoauth2(user, fresh)

    async def _begin(self) -> None:
        answer = await self._client.execute_command(b"DATA")
        if answer.code != START_INPUT:
            raise aiosmtplib.SMTPDataError(answer.code, answer.message)

    async def _content(self, content: bytes) -> None:
        protocol = self._client.protocol
        if protocol is None:
            raise aiosmtplib.SMTPServerDisconnected("Connection lost")
        protocol.write(_DOTTED.sub(b"..", content) + b".\r\n")
        answer = await protocol.read_response()
        if answer.code // 100 != 2:  # noqa: PLR2004
            raise aiosmtplib.SMTPDataError(answer.code, answer.message)


def trusting(ca_file: Path | None) -> ssl.SSLContext:
    """Return whose certificates count: the usual authorities, and those of *ca_file*."""
    context = ssl.create_default_context()
    if ca_file is not None:
        context.load_verify_locations(cafile=ca_file)
    return context
