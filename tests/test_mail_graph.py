"""Mail through Graph, against the playground's sendMail and far sides that misbehave."""

import asyncio
import json
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from approvals_core.adapters.mail import GraphMail, MailPace
from approvals_core.adapters.mail.graph import WITHIN
from approvals_core.allowances import Allowances
from approvals_core.errors import AnswerLost, CardRefused, ChannelBusy, MailboxBusy, Unreachable
from playground import names
from playground.faults import Fault, FaultKind
from playground.mailboxes import ReceivedMail, Via
from playground.outside import Playground
from tests.clock import Clock
from tests.far_sides import own_tokens, serving
from tests.mail_makers import FIRST, LETTER, a_mail


@pytest.fixture
def clock() -> Clock:
    return Clock()


@asynccontextmanager
async def a_sender(
    playground: Playground,
    clock: Clock,
    url: str = "",
    *,
    at_once: int = 4,
    mailbox: str = names.MAIL_FROM,
    within: float = WITHIN,
    **changes: Any,
) -> AsyncIterator[GraphMail]:
    async with (
        aiohttp.ClientSession() as session,
        own_tokens(playground, clock, **changes) as tokens,
    ):
        yield GraphMail(
            session=session,
            tokens=tokens,
            clock=clock.now,
            url=url or f"{playground.url}/graph/v1.0/",
            scope=f"{names.GRAPH}/.default",
            directory=names.DIRECTORY,
            sender=mailbox,
            pace=MailPace(
                Allowances(None, monotonic=clock.monotonic),
                mailbox=mailbox,
                at_once=at_once,
                per_minute=30,
            ),
            within=within,
        )


@pytest.fixture
async def sender(playground: Playground, clock: Clock) -> AsyncIterator[GraphMail]:
    async with a_sender(playground, clock) as sender:
        yield sender


def fail(playground: Playground, kind: FaultKind, **how: Any) -> None:
    fault = Fault.model_validate({"kind": kind, "times": 1, **how})
    playground.world.set_fault("graph/mail", fault)


def inbox(playground: Playground) -> list[ReceivedMail]:
    return playground.world.mailboxes.of("johndoe1")


def answering(
    status: int, code: str = "", headers: dict[str, str] | None = None
) -> Callable[[web.Request], Awaitable[web.Response]]:
    """Return a far side that always gives this answer, with somebody's address in its text."""

    async def answer(_request: web.Request) -> web.Response:
        error = {"code": code, "message": "johndoe1@organization.com is not to be told"}
        return web.json_response({"error": error}, status=status, headers=headers)

    return answer


# -- what it is for -----------------------------------------------------------------


async def test_a_mail_arrives_with_its_identity(sender: GraphMail, playground: Playground) -> None:
    await sender.send(a_mail(thread=FIRST, begins=False))

    [mail] = inbox(playground)
    assert (mail.via, mail.subject) == (Via.GRAPH, "Approve PR-2026-00417: laptops")
    assert "<h1>Laptops</h1>" in mail.html
    assert mail.headers == {"x-approvals-letter": LETTER, "x-approvals-thread": FIRST}


async def test_what_is_posted_is_what_graph_documents(playground: Playground, clock: Clock) -> None:
    asked: list[tuple[str, Any]] = []

    async def remember(request: web.Request) -> web.Response:
        asked.append((request.path, await request.json()))
        return web.Response(status=202)

    async with serving(remember) as url, a_sender(playground, clock, url) as sender:
        await sender.send(a_mail())

    [(path, body)] = asked
    assert path == f"/users/{names.MAIL_FROM}/sendMail"
    assert body["saveToSentItems"] is False
    assert body["message"]["toRecipients"] == [
        {"emailAddress": {"address": "johndoe1@organization.com"}}
    ]
    assert body["message"]["body"]["contentType"] == "HTML"
    assert not {"ccRecipients", "bccRecipients", "from"} & body["message"].keys()


@pytest.mark.parametrize("mailbox", ["a/b@organization.com", "a?b#c@organization.com", "../me"])
async def test_the_mailbox_is_one_part_of_the_path(
    mailbox: str, playground: Playground, clock: Clock
) -> None:
    asked: list[str] = []

    async def remember(request: web.Request) -> web.Response:
        asked.append(request.raw_path)
        return web.Response(status=202)

    async with serving(remember) as url, a_sender(playground, clock, url, mailbox=mailbox) as mails:
        await mails.send(a_mail())

    assert [path.count("/") for path in asked] == [3]
    assert "?" not in asked[0]


async def test_a_hostile_subject_stays_one_line(sender: GraphMail, playground: Playground) -> None:
    await sender.send(a_mail(subject="one\r\nBcc: x@evil.example\u2028" + "x" * 500))

    [mail] = inbox(playground)
    assert mail.subject.startswith("one Bcc: x@evil.example x")
    assert len(mail.subject) == 255


# -- an answer that is no yes -------------------------------------------------------


async def test_a_refused_token_is_replaced_once(sender: GraphMail, playground: Playground) -> None:
    await sender.send(a_mail())
    playground.issuer.entra.rotate(keep_old=False)

    await sender.send(a_mail())

    assert len(inbox(playground)) == 2
    assert playground.issuer.tokens_issued == 2


async def test_a_token_that_is_never_taken_is_told_to_be_mended(
    playground: Playground, clock: Clock
) -> None:
    calls: list[str] = []

    async def refuse(request: web.Request) -> web.Response:
        calls.append(request.headers["Authorization"])
        return web.Response(status=401)

    async with serving(refuse) as url, a_sender(playground, clock, url) as sender:
        with pytest.raises(ChannelBusy, match="HTTP 401") as busy:
            await sender.send(a_mail())

    assert busy.value.retry_after == 300
    assert len(set(calls)) == len(calls) == 2


async def test_too_fast_for_graph_holds_every_mail_of_the_mailbox(
    sender: GraphMail, playground: Playground, clock: Clock
) -> None:
    fail(playground, FaultKind.THROTTLED, seconds=40)

    with pytest.raises(ChannelBusy, match="429 ApplicationThrottled") as first:
        await sender.send(a_mail())
    with pytest.raises(MailboxBusy, match="429 ApplicationThrottled") as second:
        await sender.send(a_mail())
    clock.advance(40)
    await sender.send(a_mail())

    assert first.value.retry_after == second.value.retry_after == 40
    assert len(inbox(playground)) == 1


RETRY = {"Retry-After": "7"}


@pytest.mark.parametrize(
    ("status", "code", "headers", "outcome", "seconds"),
    [
        (429, "", RETRY, ChannelBusy, 7),
        (429, "", {}, ChannelBusy, 15),
        (503, "", RETRY, ChannelBusy, 7),
        (503, "", {}, ChannelBusy, 15),
        (504, "", RETRY, ChannelBusy, 7),
        (504, "", {"Retry-After": "0"}, ChannelBusy, 0),
        (504, "", {}, AnswerLost, None),
        (500, "", {}, AnswerLost, None),
        (502, "", RETRY, AnswerLost, None),
        (500, "ErrorServerBusy", RETRY, ChannelBusy, 7),
        (409, "ErrorMailboxMoveInProgress", {}, ChannelBusy, 15),
        (200, "", {}, AnswerLost, None),
        (302, "", {"Location": "/"}, AnswerLost, None),
        (400, "ErrorInvalidRecipients", {}, Unreachable, None),
        (404, "ErrorRecipientNotFound", {}, Unreachable, None),
        (400, "ErrorInvalidRequest", {}, CardRefused, None),
        (400, "", {}, CardRefused, None),
        (403, "ErrorSendAsDenied", {}, ChannelBusy, 300),
        (403, "ErrorAccessDenied", {}, ChannelBusy, 300),
        (403, "Authorization_RequestDenied", {}, ChannelBusy, 300),
        (404, "ErrorInvalidUser", {}, ChannelBusy, 300),
        (404, "ErrorMailboxNotFound", {}, ChannelBusy, 300),
        (404, "ErrorNonExistentMailbox", {}, ChannelBusy, 300),
        (404, "MailboxNotEnabledForRESTAPI", {}, ChannelBusy, 300),
        (404, "Request_ResourceNotFound", {}, ChannelBusy, 300),
        (404, "ResourceNotFound", {}, ChannelBusy, 300),
        (500, "ErrorAccessDenied", {}, ChannelBusy, 300),
        (413, "ErrorMessageSizeExceeded", {}, CardRefused, None),
    ],
)
async def test_every_answer_has_its_outcome(  # noqa: PLR0917
    status: int,
    code: str,
    headers: dict[str, str],
    outcome: type[Exception],
    seconds: float | None,
    playground: Playground,
    clock: Clock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, logger="approvals_core")
    answer = answering(status, code, headers)

    async with serving(answer) as url, a_sender(playground, clock, url) as sender:
        with pytest.raises(outcome) as told:
            await sender.send(a_mail())

    assert getattr(told.value, "retry_after", None) == seconds
    assert f"HTTP {status} {code}".strip() in str(told.value)
    [record] = caplog.records
    assert (record.message, record.__dict__["letter"]) == ("mail_refused", LETTER)
    assert "johndoe1" not in f"{told.value} {record.__dict__}"


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b'{"error": 7}', b'{"error": {"code": "a b"}}', b"[" * 50_000, b"x" * 99_000],
)
async def test_an_error_that_nobody_understands_is_a_refusal_all_the_same(
    body: bytes, playground: Playground, clock: Clock
) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(body=body, status=400)

    async with serving(answer) as url, a_sender(playground, clock, url) as sender:
        with pytest.raises(CardRefused) as told:
            await sender.send(a_mail())

    assert str(told.value) == "Graph: HTTP 400"


async def test_what_somebody_has_to_mend_is_said(playground: Playground, clock: Clock) -> None:
    playground.issuer.roles[names.BOT_APP, names.GRAPH] = ["User.Read.All"]

    async with a_sender(playground, clock) as sender:
        with pytest.raises(ChannelBusy, match=r"grant the application Mail\.Send"):
            await sender.send(a_mail())


async def test_what_is_wrong_with_the_mailbox_holds_its_mails_until_somebody_mends_it(
    playground: Playground, clock: Clock
) -> None:
    calls: list[int] = []
    said = [web.json_response({"error": {"code": "ErrorAccessDenied"}}, status=403)]

    async def answer(_request: web.Request) -> web.Response:
        calls.append(1)
        return said.pop() if said else web.Response(status=202)

    async with serving(answer) as url, a_sender(playground, clock, url) as sender:
        with pytest.raises(ChannelBusy, match="ErrorAccessDenied") as first:
            await sender.send(a_mail())
        with pytest.raises(MailboxBusy, match="ErrorAccessDenied") as second:
            await sender.send(a_mail())
        asked = len(calls)
        clock.advance(300)
        await sender.send(a_mail())

    assert first.value.retry_after == second.value.retry_after == 300
    assert (asked, len(calls)) == (1, 2)


async def test_a_mail_that_is_too_large_holds_up_no_other(
    playground: Playground, clock: Clock
) -> None:
    answer = answering(413, "ErrorMessageSizeExceeded")

    async with serving(answer) as url, a_sender(playground, clock, url) as sender:
        for _ in range(2):
            with pytest.raises(CardRefused, match="larger than the mailbox may send"):
                await sender.send(a_mail())


async def test_somebody_elses_mailbox_is_told_to_be_wrong(
    playground: Playground, clock: Clock
) -> None:
    async with a_sender(playground, clock, mailbox="boss@organization.com") as sender:
        with pytest.raises(ChannelBusy, match="APPROVALS_MAIL_FROM is no mailbox"):
            await sender.send(a_mail())


async def test_an_address_that_graph_does_not_take_cannot_be_reached(
    sender: GraphMail, playground: Playground
) -> None:
    with pytest.raises(Unreachable, match="ErrorInvalidRecipients"):
        await sender.send(a_mail(to="nobody at all"))


# -- no answer ----------------------------------------------------------------------


async def test_an_answer_that_was_lost_leaves_a_doubt(
    sender: GraphMail, playground: Playground
) -> None:
    fail(playground, FaultKind.LOST_ANSWER)

    with pytest.raises(AnswerLost):
        await sender.send(a_mail())

    assert len(inbox(playground)) == 1


async def test_an_answer_that_does_not_come_in_time_leaves_a_doubt(
    playground: Playground, clock: Clock
) -> None:
    arrived, outcomes = asyncio.Event(), [None]

    async def never(_request: web.Request) -> web.Response:
        arrived.set()
        await asyncio.Event().wait()
        return web.Response()

    async with serving(never) as url, a_sender(playground, clock, url, within=1.0) as sender:
        while not arrived.is_set():
            outcomes = await asyncio.gather(sender.send(a_mail()), return_exceptions=True)

    assert [type(outcome) for outcome in outcomes] == [AnswerLost]


async def test_what_never_left_is_busy_not_lost(playground: Playground, clock: Clock) -> None:
    with socket.socket() as nobody:  # it has the port, and does not listen
        nobody.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        async with a_sender(playground, clock, url) as sender:
            with pytest.raises(ChannelBusy, match="no connection: see that this machine reaches"):
                await sender.send(a_mail())


async def test_without_a_token_nothing_is_posted(playground: Playground, clock: Clock) -> None:
    async with a_sender(playground, clock, secret="wrong") as sender:
        with pytest.raises(ChannelBusy, match="no token"):
            await sender.send(a_mail())

    assert inbox(playground) == []


# -- pace ---------------------------------------------------------------------------


async def test_never_more_at_once_than_the_mailbox_takes(
    playground: Playground, clock: Clock
) -> None:
    there: list[str] = []
    go = asyncio.Event()
    full = asyncio.Event()

    async def hold(request: web.Request) -> web.Response:
        there.append(json.loads(await request.text())["message"]["subject"])
        if len(there) == 3:
            full.set()
        await go.wait()
        return web.Response(status=202)

    async with serving(hold) as url, a_sender(playground, clock, url, at_once=3) as sender:
        under_way = [asyncio.create_task(sender.send(a_mail())) for _ in range(3)]
        await full.wait()
        with pytest.raises(ChannelBusy, match="at once"):
            await sender.send(a_mail())
        go.set()
        await asyncio.gather(*under_way)
        await sender.send(a_mail())

    assert len(there) == 4
