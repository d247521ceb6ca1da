"""The far side of SMTP: a submission server as Exchange's, whose mails land in people's inboxes."""

import asyncio
import base64
import binascii
import hmac
import logging
import secrets
from collections import defaultdict
from email.message import EmailMessage
from email.parser import BytesHeaderParser
from email.policy import default
from typing import Any

import jwt
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from playground import names
from playground.certificates import CertificateAuthority
from playground.faults import Fault, FaultKind
from playground.issuer import Issuer
from playground.world import World

PLACE = "smtp"  # of its faults
HOST = f"smtp.{names.DOMAIN}"
LONGEST_LINE = 1000  # octets with CRLF (RFC 5321, 4.5.3.1.6)
LONGEST_AUTH = 12_288  # octets; a token is longer than other commands may be (RFC 4954, 4)

logging.getLogger("mail.log").setLevel(logging.ERROR)  # aiosmtpd writes down every mail


class SmtpServer:
    """
    Takes mail at 127.0.0.1, after STARTTLS and AUTH only; faults at "smtp".

    `port` is known after `start`. One may sign in as `names.MAIL_FROM` with `password`,
    or with a token of the bot's application.
    """

    def __init__(self, world: World, issuer: Issuer, authority: CertificateAuthority) -> None:
        self.port = 0
        self.user = names.MAIL_FROM
        self.password = secrets.token_urlsafe(24)
        self._world = world
        self._issuer = issuer
        self._authority = authority
        self._server: asyncio.Server | None = None
        self._sessions: set[_Submission] = set()

    async def start(self, port: int = 0) -> None:
        loop = asyncio.get_running_loop()
        tls = self._authority.server_context()
        handler = _Handler(self._world, self._issuer)

        def session() -> _Submission:
            return _Submission(
                handler,
                sessions=self._sessions,
                world=self._world,
                hostname=HOST,
                ident="Playground",
                tls_context=tls,
                require_starttls=True,
                auth_required=True,
                authenticator=self._password_is_right,
                loop=loop,
            )

        self._server = await loop.create_server(session, "127.0.0.1", port)
        self.port = self._server.sockets[0].getsockname()[1]

    @property
    def connections(self) -> int:
        """Return how many are open."""
        return len(self._sessions)

    async def stop(self) -> None:
        if self._server is None:
            return
        self._server.close()
        for each in list(self._sessions):
            each.hang_up()
        await self._server.wait_closed()

    def _password_is_right(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _how: str, given: Any
    ) -> AuthResult:
        right = isinstance(given, LoginPassword) and hmac.compare_digest(
            given.login + b"\0" + given.password, f"{self.user}\0{self.password}".encode()
        )
        return AuthResult(success=right, handled=False)


class _Submission(SMTP):
    """One connection; what a handler of aiosmtpd cannot do."""

    line_length_limit = LONGEST_AUTH  # of what is read; the mail's own lines are measured below

    def __init__(
        self, handler: object, *, sessions: set["_Submission"], world: World, **how: Any
    ) -> None:
        super().__init__(handler, **how)
        self.command_size_limits = defaultdict(lambda: SMTP.command_size_limit, AUTH=LONGEST_AUTH)
        self._sessions = sessions
        self._world = world

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._sessions.add(self)

    def connection_lost(self, error: Exception | None) -> None:
        self._sessions.discard(self)
        super().connection_lost(error)

    def hang_up(self) -> None:
        """Cut the connection, without a word."""
        if isinstance(self.transport, asyncio.Transport):
            self.transport.abort()

    # aiosmtpd has no hook between DATA and what follows it.
    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802 (aiosmtpd's)
        if self._world.take_fault(PLACE, FaultKind.DROPPED):
            self.hang_up()
        elif self._world.take_fault(PLACE, FaultKind.THROTTLED):
            await self.push("452 4.3.1 insufficient system storage")
        else:
            await super().smtp_DATA(arg)


class _Handler:
    """What is asked at each command of a mail."""

    def __init__(self, world: World, issuer: Issuer) -> None:
        self._world = world
        self._issuer = issuer

    async def auth_XOAUTH2(self, server: SMTP, args: list[str]) -> AuthResult:  # noqa: N802 (aiosmtpd's)
        """Take a token of the bot's application for its mailbox, as Exchange does."""
        if self._is_token_of_bot(args[1] if len(args) > 1 else ""):
            return AuthResult(success=True, auth_data=LoginPassword(names.MAIL_FROM.encode(), b""))
        await server.push("535 5.7.3 Authentication unsuccessful")
        return AuthResult(success=False, handled=True)

    async def handle_MAIL(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        fault = self._fault(FaultKind.STATUS)
        if fault is not None:
            return f"{fault.status} {_detailed(fault.status)} told to fail"
        if address.casefold() != names.MAIL_FROM:
            return "554 5.2.252 SendAsDenied; not allowed to send as this address"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 Sender OK"

    async def handle_RCPT(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self._fault(FaultKind.GREYLISTED):
            return f"451 4.7.1 {address} greylisted, try again later"
        if self._fault(FaultKind.NO_RECIPIENT):
            return f"550 5.1.1 {address} unknown"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 Recipient OK"

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        refusal = self._refusal(envelope)
        if refusal is not None:
            return refusal
        slow = self._fault(FaultKind.SLOW)
        await asyncio.sleep(slow.seconds if slow else 0)
        raw = bytes(envelope.original_content or b"")
        for address in envelope.rcpt_tos:
            self._world.mailboxes.deliver_mime(raw, sender=str(envelope.mail_from), to=address)
        if self._fault(FaultKind.LOST_ANSWER) and isinstance(server, _Submission):
            server.hang_up()
            await asyncio.Event().wait()  # the lost connection ends us
        return "250 2.0.0 OK"

    def _refusal(self, envelope: Envelope) -> str | None:
        raw = bytes(envelope.original_content or b"")
        if any(len(line) > LONGEST_LINE for line in raw.splitlines(keepends=True)):
            return "500 5.5.2 line too long"
        if self._fault(FaultKind.CONTENT_REFUSED):
            return "554 5.6.0 this mail is refused"
        sender = BytesHeaderParser(EmailMessage, policy=default).parsebytes(raw)["From"]
        if sender is None or [one.addr_spec for one in sender.addresses] != [names.MAIL_FROM]:
            return "554 5.2.252 SendAsDenied; not allowed to send as this address"
        return None

    def _fault(self, kind: FaultKind) -> Fault | None:
        return self._world.take_fault(PLACE, kind)

    def _is_token_of_bot(self, given: str) -> bool:
        """Read `user=…^Aauth=Bearer …^A^A` (learn.microsoft.com, SASL XOAUTH2)."""
        try:
            user, auth, *_ = base64.b64decode(given, validate=True).decode().split("\x01")
            token = auth.removeprefix("auth=Bearer ")
            claims = self._issuer.read(token, audience=names.EXCHANGE)
        except (binascii.Error, ValueError, jwt.InvalidTokenError):
            return False
        is_granted = set(names.EXCHANGE_ROLES) <= set(claims.get("roles", []))
        is_bot = claims.get("appid") == names.BOT_APP
        return is_bot and is_granted and user == f"user={names.MAIL_FROM}"


def _detailed(status: int) -> str:
    return f"{status // 100}.0.0"
