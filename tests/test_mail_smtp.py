"""Mail over SMTP, against a real server: what goes over the wire, and what each misbehaviour becomes."""

import asyncio
import email.utils
import logging
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from email import message_from_string
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any

import aiosmtplib
import pytest

from approvals_core.adapters.mail import MailPace, SmtpMail, TokenSignIn, trusting
from approvals_core.adapters.mail.smtp_answers import Step, troubled
from approvals_core.allowances import Allowances
from approvals_core.errors import (
    AnswerLost,
    CardRefused,
    ChannelBusy,
    MailboxBusy,
    RecipientBusy,
    Unreachable,
)
from playground import names
from playground.certificates import CertificateAuthority
from playground.faults import Fault, FaultKind
from playground.mailboxes import ELSEWHERE, ReceivedMail
from playground.outside import Playground
from tests.clock import Clock
from tests.far_sides import eventually, own_tokens
from tests.mail_makers import FIRST, LETTER, a_mail

MARIA = "johndoe1"
SCOPE = f"{names.EXCHANGE}/.default"


@pytest.fixture
def clock() -> Clock:
    return Clock()


def a_pace(clock: Clock, **changed: Any) -> MailPace:
    given = {"at_once": 4, "per_minute": 30, "mailbox": "approvals@contoso.com"}
    return MailPace(Allowances(None, monotonic=clock.monotonic), **(given | changed))


def a_sender(playground: Playground, clock: Clock, **changed: Any) -> SmtpMail:
    """The service's sender, signing in with the password."""
    given: dict[str, Any] = {
        "host": "localhost",
        "port": playground.smtp.port,
        "sender": names.MAIL_FROM,
        "sender_name": "Approvals",
        "tls": trusting(playground.issuer.ca_file),
        "pace": a_pace(clock),
        "clock": clock.now,
        "user": names.MAIL_FROM,
        "password": playground.smtp.password,
    }
    return SmtpMail(**(given | changed))


@asynccontextmanager
async def with_tokens(playground: Playground, clock: Clock) -> AsyncIterator[SmtpMail]:
    async with own_tokens(playground, clock) as tokens:
        sign_in = TokenSignIn(tokens, directory=names.DIRECTORY, scope=SCOPE)
        yield a_sender(playground, clock, password="", tokens=sign_in)


@pytest.fixture
def sender(playground: Playground, clock: Clock) -> SmtpMail:
    return a_sender(playground, clock)


def fail(playground: Playground, kind: FaultKind, **how: Any) -> None:
    playground.world.set_fault("smtp", Fault.model_validate({"kind": kind, "times": 1, **how}))


def inbox(playground: Playground, alias: str = MARIA) -> list[ReceivedMail]:
    return playground.world.mailboxes.of(alias)


def parsed(mail: ReceivedMail) -> EmailMessage:
    """Return the mail as an independent reader sees it."""
    return message_from_string(mail.raw, EmailMessage, policy=SMTP)  # pyright: ignore[reportArgumentType]


# -- what it is for -----------------------------------------------------------------


async def test_a_mail_arrives_as_text_and_html(sender: SmtpMail, playground: Playground) -> None:
    await sender.send(a_mail())

    [mail] = inbox(playground)
    assert mail.subject == "Approve PR-2026-00417: laptops"
    assert "<h1>Laptops</h1>" in mail.html
    assert mail.text.split() == ["Laptops", "For", "the", "design", "team"]
    assert [part.get_content_type() for part in parsed(mail).iter_parts()] == [
        "text/plain",
        "text/html",
    ]


async def test_its_headers_say_who_when_and_that_nobody_wrote_it(
    sender: SmtpMail, playground: Playground, clock: Clock
) -> None:
    await sender.send(a_mail())

    headers = inbox(playground)[0].headers
    assert headers["from"] == f"Approvals <{names.MAIL_FROM}>"
    assert headers["to"] == "johndoe1@organization.com"
    assert headers["message-id"] == f"<{LETTER}@organization.com>"
    assert headers["auto-submitted"] == "auto-generated"
    assert headers["x-approvals-letter"] == LETTER
    at = email.utils.parsedate_to_datetime(headers["date"])
    assert at == clock.now().replace(microsecond=0)


async def test_the_first_of_a_thread_refers_to_nothing(
    sender: SmtpMail, playground: Playground
) -> None:
    await sender.send(a_mail(begins=True))

    assert not {"in-reply-to", "references"} & inbox(playground)[0].headers.keys()


async def test_a_later_mail_refers_to_the_first(sender: SmtpMail, playground: Playground) -> None:
    await sender.send(a_mail(id=FIRST, thread=FIRST))
    await sender.send(a_mail(thread=FIRST, begins=False))

    first, later = inbox(playground)
    assert later.headers["in-reply-to"] == later.headers["references"]
    assert later.headers["references"] == first.headers["message-id"]


async def test_the_same_mail_sent_again_has_the_same_identity(
    sender: SmtpMail, playground: Playground
) -> None:
    await sender.send(a_mail())
    await sender.send(a_mail())

    assert len({mail.headers["message-id"] for mail in inbox(playground)}) == 1


async def test_it_signs_in_with_a_token_of_the_bots_application(
    playground: Playground, clock: Clock
) -> None:
    async with with_tokens(playground, clock) as sender:
        await sender.send(a_mail())

    assert len(inbox(playground)) == 1


async def test_a_token_that_is_refused_is_replaced_once(
    playground: Playground, clock: Clock
) -> None:
    async with with_tokens(playground, clock) as sender:
        await sender.send(a_mail())
        playground.issuer.entra.rotate(keep_old=False)
        await sender.send(a_mail())

    assert len(inbox(playground)) == 2
    assert playground.issuer.tokens_issued == 2


async def test_a_mail_for_nobody_here_is_kept_apart(
    sender: SmtpMail, playground: Playground
) -> None:
    await sender.send(a_mail(to="someone@partner.example"))

    assert [mail.to for mail in inbox(playground, ELSEWHERE)] == ["someone@partner.example"]


# -- hostile text -------------------------------------------------------------------

HOSTILE = [
    "Bcc: x@evil.example\r\nBcc: y@evil.example",
    "one\nX-Injected: yes",
    "one\rX-Injected: yes",
    "one\x0bX-Injected: yes\x00",
    "one\u2028X-Injected: yes\u2029",
    "=?utf-8?q?one=0D=0AX-Injected=3A_yes?=",
    "half \ud800 of a character",
    "Überstunden für 日本 👍🏽 " * 20,
    "x" * 3000,
    '"quoted" <evil@evil.example>, other@evil.example',
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
async def test_no_text_becomes_a_header(text: str, playground: Playground, clock: Clock) -> None:
    sender = a_sender(playground, clock, sender_name=text)

    await sender.send(a_mail(subject=text, html=f"<p>{text}</p>", text=text))

    [mail] = inbox(playground)
    message = parsed(mail)
    assert sorted(message.keys()) == sorted(
        [
            "From",
            "To",
            "Subject",
            "Date",
            "Message-ID",
            "Auto-Submitted",
            "X-Approvals-Letter",
            "Content-Type",
            "MIME-Version",
        ]
    )
    assert [one.addr_spec for one in message["From"].addresses] == [names.MAIL_FROM]
    assert mail.raw.isascii()


@pytest.mark.parametrize(
    "subject", ["Überstunden für 日本 👍🏽", "Grüße " * 40, "plain", "a  b", "= ?utf-8?q?no?="]
)
async def test_a_subject_in_any_language_arrives(
    subject: str, sender: SmtpMail, playground: Playground
) -> None:
    await sender.send(a_mail(subject=subject))

    assert inbox(playground)[0].subject.split() == subject.split()


@pytest.mark.parametrize("line", [".", "..", ".\r\nQUIT", "\r\n.\r\n", "\n.\n", "x" * 5000])
async def test_the_body_arrives_whatever_it_says(
    line: str, sender: SmtpMail, playground: Playground
) -> None:
    html = f"<pre>before\n{line}\nafter — Größe</pre>"

    await sender.send(a_mail(html=html))

    assert inbox(playground)[0].html.split() == html.split()


async def test_a_domain_in_other_letters_goes_out_as_idna(
    sender: SmtpMail, playground: Playground
) -> None:
    await sender.send(a_mail(to="ann@münchen.example"))

    [mail] = inbox(playground, ELSEWHERE)
    assert mail.to == mail.headers["to"] == "ann@xn--mnchen-3ya.example"


@pytest.mark.parametrize(
    "address",
    [
        "",
        "nobody",
        "@organization.com",
        "ann@",
        "ann@@organization.com",
        "jürgen@organization.com",
        "ann@organization.com\r\nRCPT TO:<x@evil.example>",
        "ann@organization.com>\r\nDATA",
        "ann@organization.com, x@evil.example",
        "Ann <ann@organization.com>",
        "ann smith@organization.com",
        '"ann"@organization.com',
        "ann@-.example",
        "ann@[127.0.0.1]",
        "ann@exa..mple",
    ],
)
async def test_what_is_no_address_is_not_sent_to(
    address: str, sender: SmtpMail, playground: Playground
) -> None:
    with pytest.raises(Unreachable) as refused:
        await sender.send(a_mail(to=address))

    assert "organization" not in str(refused.value)
    assert inbox(playground) == inbox(playground, ELSEWHERE) == []


NO_SENDER = "look at APPROVALS_MAIL_FROM: the server does not take it as a sender"


# -- a server that says no ----------------------------------------------------------


async def test_a_greylisted_mail_is_sent_later(sender: SmtpMail, playground: Playground) -> None:
    fail(playground, FaultKind.GREYLISTED)

    with pytest.raises(ChannelBusy) as busy:
        await sender.send(a_mail())
    await sender.send(a_mail())

    assert busy.value.retry_after == 300
    assert len(inbox(playground)) == 1


@pytest.mark.parametrize(
    ("kind", "how", "outcome", "said"),
    [
        (
            FaultKind.NO_RECIPIENT,
            {},
            Unreachable,
            "its answer to the recipient: 550 5.1.1: nobody there has this address",
        ),
        (
            FaultKind.STATUS,
            {"status": 550},
            MailboxBusy,
            f"its answer to the sender: 550 5.0.0: {NO_SENDER}",
        ),
        (FaultKind.STATUS, {"status": 450}, ChannelBusy, "its answer to the sender: 450 4.0.0"),
        (FaultKind.THROTTLED, {}, ChannelBusy, "its answer to DATA: 452 4.3.1"),
        (
            FaultKind.CONTENT_REFUSED,
            {},
            CardRefused,
            "its answer to the mail: 554 5.6.0: it takes no mail as this one",
        ),
    ],
)
async def test_a_no_is_told_without_the_servers_words(  # noqa: PLR0917
    kind: FaultKind,
    how: dict[str, Any],
    outcome: type[Exception],
    said: str,
    sender: SmtpMail,
    playground: Playground,
    caplog: pytest.LogCaptureFixture,
) -> None:
    fail(playground, kind, **how)
    caplog.set_level(logging.INFO, logger="approvals_core")

    with pytest.raises(outcome) as refused:
        await sender.send(a_mail())

    assert str(refused.value) == f"SMTP: {said}"
    [record] = caplog.records
    assert (record.message, record.__dict__["letter"]) == ("mail_not_sent", LETTER)
    assert "johndoe1" not in str(record.__dict__)
    assert inbox(playground) == []


async def test_a_wrong_password_stops_all_mails_for_a_while(
    playground: Playground, clock: Clock
) -> None:
    sender = a_sender(playground, clock, password="wrong")

    with pytest.raises(ChannelBusy, match="signing in: 535") as first:
        await sender.send(a_mail())
    with pytest.raises(MailboxBusy, match="signing in: 535") as second:
        await sender.send(a_mail())

    assert first.value.retry_after == second.value.retry_after == 300


async def test_without_the_right_to_send_no_token_helps(
    playground: Playground, clock: Clock
) -> None:
    playground.issuer.roles[names.BOT_APP, names.EXCHANGE] = []

    async with with_tokens(playground, clock) as sender:
        with pytest.raises(ChannelBusy, match=r"signing in: 535 5\.7\.3"):
            await sender.send(a_mail())

    assert playground.issuer.tokens_issued == 2


async def test_without_a_token_nothing_is_sent(playground: Playground, clock: Clock) -> None:
    playground.issuer.failing["oauth2"] = 503

    async with with_tokens(playground, clock) as sender:
        with pytest.raises(ChannelBusy, match="no token"):
            await sender.send(a_mail())


async def test_another_sender_than_the_mailbox_is_refused(
    playground: Playground, clock: Clock
) -> None:
    sender = a_sender(playground, clock, sender="boss@organization.com")

    with pytest.raises(ChannelBusy, match=r"its answer to the sender: 554 5\.2\.252") as first:
        await sender.send(a_mail())
    with pytest.raises(MailboxBusy, match="send as APPROVALS_MAIL_FROM") as second:
        await sender.send(a_mail())

    assert first.value.retry_after == second.value.retry_after == 300


@pytest.mark.parametrize(
    ("said", "outcome", "advice"),
    [
        (b"554 5.2.252 SendAsDenied", MailboxBusy, "send as APPROVALS_MAIL_FROM"),
        (b"550 5.7.60 no permissions to send as this sender", MailboxBusy, "send as"),
        (b"550 5.1.8 bad outbound sender", MailboxBusy, "an administrator has to release it"),
        (b"552 5.3.4 too big", CardRefused, "larger than the server takes"),
        (b"550 5.7.1 policy", CardRefused, "it takes no mail as this one"),
    ],
    ids=["send as denied", "send as", "blocked", "size", "policy"],
)
def test_what_is_wrong_with_the_sender_is_known_though_it_is_said_after_the_mail(
    said: bytes, outcome: type[Exception], advice: str
) -> None:
    problem = aiosmtplib.SMTPDataError(int(said[:3]), said[4:].decode())

    told = troubled(Step.TAKEN, problem)

    assert type(told) is outcome
    assert advice in str(told)
    assert "SendAsDenied" not in str(told)


@pytest.mark.parametrize("step", list(Step))
@pytest.mark.parametrize(
    "problem",
    [
        aiosmtplib.SMTPConnectError("x"),
        aiosmtplib.SMTPServerDisconnected("x"),
        aiosmtplib.SMTPReadTimeoutError("x"),
        aiosmtplib.SMTPConnectTimeoutError("x"),
        ConnectionResetError("x"),
        TimeoutError(),
        ssl.SSLError("x"),
    ],
    ids=lambda each: type(each).__name__,
)
def test_no_name_of_a_class_stands_for_a_reason(step: Step, problem: Exception) -> None:
    said = str(troubled(step, problem))

    assert "Error" not in said
    assert "Disconnected" not in said


async def test_a_sender_who_is_not_taken_for_a_moment_holds_up_no_other_mail(
    sender: SmtpMail, playground: Playground
) -> None:
    fail(playground, FaultKind.STATUS, status=450)

    with pytest.raises(ChannelBusy, match="its answer to the sender: 450"):
        await sender.send(a_mail())
    await sender.send(a_mail())

    assert len(inbox(playground)) == 1


@pytest.mark.parametrize(
    ("step", "said", "outcome"),
    [
        (Step.RECIPIENT, b"452 4.2.2 full", RecipientBusy),
        (Step.RECIPIENT, b"451 4.7.1 greylisted", RecipientBusy),
        (Step.RECIPIENT, b"450 not now", RecipientBusy),
        (Step.CONTENT, b"451 4.6.0 odd", RecipientBusy),
        (Step.TAKEN, b"451 4.2.0 later", RecipientBusy),
        (Step.RECIPIENT, b"421 4.7.0 closing", ChannelBusy),
        (Step.RECIPIENT, b"452 4.3.1 no room", ChannelBusy),
        (Step.TAKEN, b"432 4.3.2 too many of yours", ChannelBusy),
        (Step.SENDER, b"450 4.2.0 not now", ChannelBusy),
        (Step.CONNECTING, b"421 4.2.0 not now", ChannelBusy),
        (Step.SIGNING_IN, b"454 4.7.0 not now", MailboxBusy),
    ],
)
def test_a_no_that_passes_says_whom_it_is_about(
    step: Step, said: bytes, outcome: type[ChannelBusy]
) -> None:
    """One recipient, the server as it is now, or our mailbox: only the first holds up no other mail."""
    told = troubled(step, aiosmtplib.SMTPResponseException(int(said[:3]), said[4:].decode()))

    assert type(told) is outcome


@pytest.mark.parametrize(
    ("step", "outcome"),
    [
        (Step.CONNECTING, ChannelBusy),
        (Step.SENDER, ChannelBusy),
        (Step.RECIPIENT, RecipientBusy),
        (Step.CONTENT, RecipientBusy),
        (Step.TAKEN, AnswerLost),
    ],
)
def test_a_server_that_hangs_on_one_recipient_holds_up_no_other(
    step: Step, outcome: type[Exception]
) -> None:
    assert type(troubled(step, aiosmtplib.SMTPReadTimeoutError("x"))) is outcome


async def test_no_connection_is_left_open(sender: SmtpMail, playground: Playground) -> None:
    async def closed() -> bool:
        return playground.smtp.connections == 0

    await sender.send(a_mail())
    await eventually(closed)
    fail(playground, FaultKind.NO_RECIPIENT)
    with pytest.raises(Unreachable):
        await sender.send(a_mail())
    await eventually(closed)


# -- a connection that ends ---------------------------------------------------------


async def test_what_was_lost_before_the_mail_was_said_is_sent_later(
    sender: SmtpMail, playground: Playground
) -> None:
    fail(playground, FaultKind.DROPPED)

    with pytest.raises(ChannelBusy, match="its answer to DATA"):
        await sender.send(a_mail())

    assert inbox(playground) == []


async def test_what_was_lost_after_the_mail_was_said_is_in_doubt(
    sender: SmtpMail, playground: Playground
) -> None:
    fail(playground, FaultKind.LOST_ANSWER)

    with pytest.raises(AnswerLost):
        await sender.send(a_mail())

    assert len(inbox(playground)) == 1


async def test_a_server_that_is_not_there_is_busy(playground: Playground, clock: Clock) -> None:
    with socket.socket() as nobody:  # it has the port, and does not listen
        nobody.bind(("127.0.0.1", 0))
        sender = a_sender(playground, clock, host="127.0.0.1", port=nobody.getsockname()[1])

        with pytest.raises(ChannelBusy, match="no connection, it was refused or broke off: see"):
            await sender.send(a_mail())


async def test_a_certificate_of_a_strangers_authority_is_not_trusted(
    playground: Playground, clock: Clock, tmp_path: Any
) -> None:
    strangers = CertificateAuthority(tmp_path).ca_file
    sender = a_sender(playground, clock, tls=trusting(strangers))

    with pytest.raises(ChannelBusy, match="certificate"):
        await sender.send(a_mail())

    assert inbox(playground) == []


def test_certificates_and_names_are_checked_whatever_file_is_added(
    authority: CertificateAuthority,
) -> None:
    for context in (trusting(None), trusting(authority.ca_file)):
        assert context.verify_mode is ssl.CERT_REQUIRED
        assert context.check_hostname


SILENCE = b"250-but never more"
Wire = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def a_server(talk: Wire) -> AsyncIterator[int]:
    """A server that says what the test says; yields its port."""
    done: list[asyncio.StreamWriter] = []

    async def heard(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        done.append(writer)
        await talk(reader, writer)

    server = await asyncio.start_server(heard, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer in done:
            writer.close()


async def test_without_starttls_not_even_the_password_is_told(
    playground: Playground, clock: Clock
) -> None:
    heard, hung_up = list[bytes](), asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 plain.example ESMTP\r\n")
        while line := await reader.readline():
            heard.append(line)
            writer.write(b"250-plain.example\r\n250 AUTH PLAIN LOGIN\r\n")
        hung_up.set()

    async with a_server(talk) as port:
        with pytest.raises(ChannelBusy, match="STARTTLS"):
            await a_sender(playground, clock, port=port).send(a_mail())
        await hung_up.wait()

    assert heard == [b"EHLO localhost\r\n"]


@pytest.mark.parametrize(
    "greeting",
    [b"421 4.3.2 closing\r\n", b"554 5.7.1 no\r\n", b"what\r\n", b"", b"220 x" * 200_000],
    ids=["421", "554", "words", "nothing", "endless"],
)
async def test_a_greeting_that_is_none_is_busy(
    greeting: bytes, playground: Playground, clock: Clock
) -> None:
    async def talk(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting)
        writer.close()

    async with a_server(talk) as port:
        with pytest.raises(ChannelBusy):
            await a_sender(playground, clock, port=port).send(a_mail())


async def test_a_server_that_says_nothing_is_busy(playground: Playground, clock: Clock) -> None:
    async def talk(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with a_server(talk) as port:
        with pytest.raises(ChannelBusy, match="no connection, it took too long"):
            await a_sender(playground, clock, port=port, within=0.2).send(a_mail())


@pytest.mark.parametrize(
    ("last_word", "outcome"),
    [
        (b"250 2.0.0 OK\r\n", None),
        (b"250-2.0.0 queued\r\n250 as 1\r\n", None),
        (b"451 4.3.0 try again\r\n", ChannelBusy),
        (b"552 5.2.2 full\r\n", CardRefused),
        (b"354 go on\r\n", AnswerLost),
        (b"what\r\n", AnswerLost),
        (b"250", AnswerLost),
        (b"", AnswerLost),
        (SILENCE, AnswerLost),
    ],
)
async def test_only_a_clear_word_after_the_mail_counts(
    last_word: bytes,
    outcome: type[Exception] | None,
    playground: Playground,
    authority: CertificateAuthority,
    clock: Clock,
) -> None:
    told, arrived = None, asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 far.example ESMTP\r\n")
        await reader.readline()
        writer.write(b"250-far.example\r\n250 STARTTLS\r\n")
        await reader.readline()
        writer.write(b"220 go\r\n")
        await writer.start_tls(authority.server_context())
        for answer in (b"250 far.example\r\n", b"250 OK\r\n", b"250 OK\r\n", b"354 go\r\n"):
            await reader.readline()
            writer.write(answer)
        with suppress(asyncio.IncompleteReadError):  # too late for whoever gave up before
            await reader.readuntil(b"\r\n.\r\n")
            arrived.set()
        writer.write(last_word)
        if last_word != SILENCE:
            writer.close()

    within = 4.0 if last_word == SILENCE else 30.0
    async with a_server(talk) as port:
        sender = a_sender(playground, clock, port=port, user="", within=within)
        while not arrived.is_set():
            [told] = await asyncio.gather(sender.send(a_mail()), return_exceptions=True)

    assert type(told) is (outcome or type(None))


# -- pace ---------------------------------------------------------------------------


async def test_no_more_mails_at_once_than_the_mailbox_takes(
    playground: Playground, clock: Clock
) -> None:
    sender = a_sender(playground, clock, pace=a_pace(clock, at_once=2))

    outcomes = await asyncio.gather(
        *(sender.send(a_mail()) for _ in range(6)), return_exceptions=True
    )

    assert sum(isinstance(one, ChannelBusy) for one in outcomes) == 4
    assert len(inbox(playground)) == 2
    await sender.send(a_mail())


async def test_a_refused_mail_frees_its_place(playground: Playground, clock: Clock) -> None:
    sender = a_sender(playground, clock, pace=a_pace(clock, at_once=1))
    fail(playground, FaultKind.NO_RECIPIENT)

    with pytest.raises(Unreachable):
        await sender.send(a_mail())
    await sender.send(a_mail())

    assert len(inbox(playground)) == 1
