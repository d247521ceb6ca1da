"""What reaches a tenant over real HTTP, and what is made of everything it may do in return."""

import asyncio
import gzip
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from ipaddress import ip_network

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult
from hypothesis import given
from hypothesis import strategies as st

from approvals_core.adapters.outgoing import may_call
from approvals_core.adapters.tenant_api import HttpTenantApi, fill, traceparent
from approvals_core.errors import TokenUnavailable
from approvals_core.models import ApprovalKey
from approvals_core.ports import Answer, AnswerKind, Posted
from approvals_core.tenant import Submission, Tenant
from tests.test_wire_out import (
    TENANT,
    a_decision,
    a_place,
    a_refusal,
    a_response,
    a_tenant,
    an_approval,
)

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Tokens:
    """Hands out token-1, token-2 ... a new one whenever the last was refused."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.count = 1
        self.renewable = True

    async def token(
        self, tenant: Tenant, *, refused: str = "", user_assertion: str | None = None
    ) -> str:
        self.asked.append((tenant.code, refused))
        if refused and self.renewable:
            self.count += 1
        return f"token-{self.count}"


class NoTokens:
    async def token(
        self, tenant: Tenant, *, refused: str = "", user_assertion: str | None = None
    ) -> str:
        raise TokenUnavailable("invalid_client (AADSTS7000215)")


class Names(AbstractResolver):
    """Resolves every name to the next of *answers*, the last of them for ever."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = self.answers[0]
        self.answers = self.answers[1:] or self.answers
        if not found:
            raise OSError("no such name")
        return [self._result(host, address, port) for address in found]

    def _result(self, host: str, address: str, port: int) -> ResolveResult:
        return {
            "hostname": host,
            "host": address,
            "port": port,
            "family": socket.AF_INET6 if ":" in address else socket.AF_INET,
            "proto": 0,
            "flags": socket.AI_NUMERICHOST,
        }

    async def close(self) -> None:
        pass


@dataclass
class Seen:
    """What arrived at a far side."""

    requests: list[web.Request] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)


@asynccontextmanager
async def a_server(handler: Handler) -> AsyncIterator[tuple[str, Seen]]:
    seen = Seen()

    async def remember(request: web.Request) -> web.StreamResponse:
        seen.requests.append(request)
        seen.bodies.append(await request.read())
        return await handler(request)

    app = web.Application()
    app.add_routes([web.route("*", "/{path:.*}", remember)])
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}", seen
    finally:
        await runner.cleanup()


@asynccontextmanager
async def a_socket(talk: Talk) -> AsyncIterator[str]:
    """Serve one raw conversation per connection."""

    async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            await talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(served, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


@asynccontextmanager
async def an_api(tokens=None, *, loopback=True, **more) -> AsyncIterator[HttpTenantApi]:
    api = HttpTenantApi(tokens or Tokens(), clock=lambda: NOW, loopback=loopback, **more)
    try:
        yield api
    finally:
        await api.close()


async def post(base_url, *, tokens=None, loopback=True, decision=None, resolver=None, **tenant):
    tenant = a_tenant(base_url=base_url, **{"action": "/act", "answer_within": 5.0} | tenant)
    async with an_api(tokens, loopback=loopback, resolver=resolver) as api:
        return await api.post_decision(tenant, a_posted(decision=decision or a_decision()))


def a_posted(approval=None, decision=None) -> Posted:
    return Posted(
        approval=approval or an_approval(), place=a_place(), decision=decision or a_decision()
    )


def answering(body=None, status=200, headers=None) -> Handler:
    async def handler(_request: web.Request) -> web.StreamResponse:
        sent = body if isinstance(body, bytes) else json.dumps(body or a_response()).encode()
        return web.Response(body=sent, status=status, headers=headers)

    return handler


def saying(*parts: bytes) -> Talk:
    async def talk(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for part in parts:
            writer.write(part)
            await writer.drain()

    return talk


class TestRequest:
    async def test_it_arrives_with_the_documented_body_and_headers(self):
        tokens = Tokens()
        async with a_server(answering()) as (url, seen):
            answer = await post(f"{url}/tenants/pr", tokens=tokens)

        [request], [body] = seen.requests, seen.bodies
        sent = json.loads(body)
        assert answer.kind is AnswerKind.ACCEPTED
        assert (request.method, request.path) == ("POST", "/tenants/pr/act")
        assert sent["Telemetry"]["Tcv"] == a_decision().id
        assert sent["ApprovalIdentifier"]["DocumentNumber"] == an_approval().key.number
        assert request.headers["Authorization"] == "Bearer token-1"
        assert request.headers["Content-Type"] == "application/json"
        assert request.headers["Xcv"] == "REQ-34562-126"
        assert request.headers["Tcv"] == a_decision().id
        assert request.headers["Idempotency-Key"] == a_decision().id
        assert request.headers["traceparent"] == traceparent(a_decision())
        assert tokens.asked == [(a_tenant().code, "")]

    async def test_a_bulk_tenant_gets_an_array(self):
        async with a_server(answering([a_response()])) as (url, seen):
            answer = await post(url, submission=Submission.BULK)

        [sent] = json.loads(seen.bodies[0])
        assert answer.kind is AnswerKind.ACCEPTED
        assert sent["Action"] == "Approve"

    async def test_decisions_taken_together_go_out_as_one_array(self):
        """Answered in another order, one of them missing: each counts for its own document."""
        posted = [
            Posted(
                approval=an_approval(key=ApprovalKey(TENANT, f"N-{n}", "2020")),
                place=a_place(),
                decision=a_decision(id=f"decision-{n}"),
            )
            for n in range(3)
        ]
        sent_back = [
            a_response(ApprovalIdentifier={"DocumentNumber": "N-2"}),
            a_response(ApprovalIdentifier={"DocumentNumber": "N-0"}),
        ]
        async with a_server(answering(sent_back)) as (url, seen), an_api() as api:
            tenant = a_tenant(base_url=url, action="/act")
            answers = await api.post_decisions(tenant, posted)
            await api.post_decisions(tenant, posted[:2])

        assert [answer.kind for answer in answers] == [
            AnswerKind.ACCEPTED,
            AnswerKind.UNKNOWN,
            AnswerKind.ACCEPTED,
        ]
        numbers = [
            each["ApprovalIdentifier"]["DocumentNumber"] for each in json.loads(seen.bodies[0])
        ]
        assert numbers == ["N-0", "N-1", "N-2"]
        keys = [request.headers["Idempotency-Key"] for request in seen.requests]
        assert len(set(keys)) == 2  # another set of decisions is not the same post

    async def test_an_array_without_an_answer_is_unknown_for_each(self):
        posted = [a_posted(), a_posted(an_approval(key=ApprovalKey(TENANT, "N-1", "")))]
        async with a_socket(saying(b"")) as url, an_api() as api:
            lost = await api.post_decisions(a_tenant(base_url=url, action="/act"), posted)
        async with a_server(answering(b"", 401)) as (url, seen), an_api() as api:
            refused = await api.post_decisions(a_tenant(base_url=url, action="/act"), posted)

        assert [answer.kind for answer in lost] == [AnswerKind.UNKNOWN] * 2
        assert [answer.kind for answer in refused] == [AnswerKind.AGAIN] * 2
        assert len(seen.requests) == 2

    async def test_a_401_that_refuses_in_words_is_not_asked_again(self):
        async with a_server(answering(a_refusal(), 401)) as (url, seen):
            answer = await post(url)

        assert answer.kind is AnswerKind.REFUSED
        assert len(seen.requests) == 1

    async def test_header_values_cannot_break_out(self):
        async with a_server(answering()) as (url, seen), an_api() as api:
            await api.post_decision(
                a_tenant(base_url=url, action="/act"),
                a_posted(an_approval(xcv="REQ\r\nX-Evil: 1 é")),
            )

        assert seen.requests[0].headers["Xcv"] == "REQ%0D%0AX-Evil: 1 %C3%A9"
        assert "X-Evil" not in seen.requests[0].headers

    async def test_a_path_is_filled_and_encoded(self):
        approval = an_approval(key=ApprovalKey(TENANT, "A/B ?#", "20"), display_number="d&d")
        response = a_response(ApprovalIdentifier=None)
        path = "/x/{DocumentNumber}/{DisplayDocumentNumber}?y={FiscalYear}&t={DocumentTypeId}"
        async with a_server(answering(response)) as (url, seen), an_api() as api:
            await api.post_decision(a_tenant(base_url=url, action=path), a_posted(approval))

        assert fill(path, approval) == f"/x/A%2FB%20%3F%23/d%26d?y=20&t={TENANT}"
        assert seen.requests[0].raw_path == fill(path, approval)

    async def test_the_trace_goes_on_from_the_one_under_way(self):
        tenant = a_tenant(action="/act")
        async with a_server(answering()) as (url, seen):
            tenant = a_tenant(base_url=url, action="/act")
            async with an_api(current_trace=lambda: TRACE) as api:
                await api.post_decision(tenant, a_posted())

        assert seen.requests[0].headers["traceparent"].split("-")[1] == TRACE.split("-")[1]


class TestTraceparent:
    def test_attempts_share_a_trace_and_have_their_own_span(self):
        first = traceparent(a_decision()).split("-")
        second = traceparent(a_decision(attempts=2)).split("-")

        assert (first[0], first[3]) == ("00", "01")
        assert (len(first[1]), len(first[2])) == (32, 16)
        assert first[1] == second[1]
        assert first[2] != second[2]

    @pytest.mark.parametrize("current", ["", "nonsense", TRACE.upper(), TRACE[:-1]])
    def test_a_broken_one_is_not_gone_on_with(self, current):
        assert traceparent(a_decision(), current) == traceparent(a_decision())


class TestAnswers:
    async def test_a_refusal(self):
        async with a_server(answering(a_refusal(), 400)) as (url, _):
            answer = await post(url)

        assert (answer.kind, answer.message) == (
            AnswerKind.REFUSED,
            "You do not have Safe Limits",
        )

    @pytest.mark.parametrize("status", [301, 302, 307, 308])
    async def test_a_redirect_is_not_followed(self, status):
        async with a_server(answering(b"", status, {"Location": "/elsewhere"})) as (url, seen):
            answer = await post(url)

        assert answer.kind is AnswerKind.UNKNOWN
        assert [request.path for request in seen.requests] == ["/act"]

    async def test_a_sign_in_page_is_no_answer(self):
        page = b"<html><body>Sign in</body></html>"
        async with a_server(answering(page, headers={"Content-Type": "text/html"})) as (url, _):
            answer = await post(url)

        assert answer == Answer(kind=AnswerKind.UNKNOWN, reason="HTTP 200, no usable answer")

    async def test_the_media_type_does_not_matter(self):
        plain = {"Content-Type": "text/plain"}
        async with a_server(answering(a_response(), headers=plain)) as (url, _):
            assert (await post(url)).kind is AnswerKind.ACCEPTED

    @pytest.mark.parametrize(
        ("header", "after"),
        [({"Retry-After": "7"}, 7.0), ({}, None), ({"Retry-After": "soon"}, None)],
    )
    async def test_too_many_requests_say_when(self, header, after):
        async with a_server(answering(b"busy", 429, header)) as (url, _):
            answer = await post(url)

        assert (answer.kind, answer.retry_after) == (AnswerKind.AGAIN, after)

    async def test_the_tenants_interval_wins_over_the_header(self):
        refusal = a_refusal(ErrorType=3, RetryInterval=2)
        async with a_server(answering(refusal, 429, {"Retry-After": "7"})) as (url, _):
            assert (await post(url)).retry_after == 120

    async def test_cookies_are_not_kept(self):
        async with a_server(answering(headers={"Set-Cookie": "a=b"})) as (url, seen):
            tenant = a_tenant(base_url=url, action="/act")
            async with an_api() as api:
                for _ in range(2):
                    await api.post_decision(tenant, a_posted())

        assert "Cookie" not in seen.requests[1].headers


class TestTokens:
    async def test_no_token_is_nothing_sent(self):
        async with a_server(answering()) as (url, seen):
            answer = await post(url, tokens=NoTokens())

        assert answer.kind is AnswerKind.AGAIN
        assert answer.reason == "no token: invalid_client (AADSTS7000215)"
        assert seen.requests == []

    async def test_a_401_is_answered_once_with_another_token(self):
        async def handler(request: web.Request) -> web.StreamResponse:
            good = request.headers["Authorization"] == "Bearer token-2"
            return web.json_response(a_response()) if good else web.Response(status=401)

        async with a_server(handler) as (url, seen):
            answer = await post(url)

        assert answer.kind is AnswerKind.ACCEPTED
        assert len(seen.requests) == 2
        assert len({r.headers["Idempotency-Key"] for r in seen.requests}) == 1

    async def test_a_second_401_is_not_taken(self):
        async with a_server(answering(b"", 401)) as (url, seen):
            answer = await post(url)

        assert (answer.kind, answer.reason) == (AnswerKind.AGAIN, "HTTP 401")
        assert len(seen.requests) == 2

    async def test_without_another_token_it_is_not_tried(self):
        tokens = Tokens()
        tokens.renewable = False
        async with a_server(answering(b"", 401)) as (url, seen):
            answer = await post(url, tokens=tokens)

        assert answer.kind is AnswerKind.AGAIN
        assert len(seen.requests) == 1

    async def test_the_second_post_can_get_lost_as_well(self):
        async def handler(request: web.Request) -> web.StreamResponse:
            if request.headers["Authorization"] == "Bearer token-1":
                return web.Response(status=401)
            assert request.transport is not None
            request.transport.abort()
            return web.Response()

        async with a_server(handler) as (url, _):
            assert (await post(url)).kind is AnswerKind.UNKNOWN

    async def test_waiting_for_a_token_counts_as_time(self):
        class SlowTokens:
            async def token(
                self, tenant: Tenant, *, refused: str = "", user_assertion: str | None = None
            ) -> str:
                await asyncio.Event().wait()
                return ""

        async with a_server(answering()) as (url, seen):
            answer = await post(url, tokens=SlowTokens(), answer_within=0.05)

        assert answer.kind is AnswerKind.AGAIN
        assert seen.requests == []

    async def test_a_time_out_after_a_401_is_not_taken(self):
        class SecondTokenNeverComes(Tokens):
            async def token(
                self, tenant: Tenant, *, refused: str = "", user_assertion: str | None = None
            ) -> str:
                if refused:
                    await asyncio.Event().wait()
                return await super().token(tenant)

        async with a_server(answering(b"", 401)) as (url, seen):
            answer = await post(url, tokens=SecondTokenNeverComes(), answer_within=4.0)

        assert answer.kind is AnswerKind.AGAIN
        assert len(seen.requests) == 1


class TestFailures:
    async def test_nobody_listens(self):
        with socket.socket() as nobody:  # bound, and never listening: nobody else takes the port
            nobody.bind(("127.0.0.1", 0))
            answer = await post(f"http://127.0.0.1:{nobody.getsockname()[1]}")

        assert answer.kind is AnswerKind.AGAIN
        assert answer.reason.startswith("no connection: ")

    async def test_no_such_name(self):
        answer = await post("http://purchasing.example", resolver=Names([]))

        assert answer.kind is AnswerKind.AGAIN

    async def test_no_tls_there(self):
        async with a_server(answering()) as (url, seen):
            answer = await post(url.replace("http:", "https:"))

        assert answer.kind is AnswerKind.AGAIN
        assert seen.requests == []

    async def test_applied_and_then_the_connection_is_cut(self):
        async def cut(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.transport.abort()

        async with a_socket(cut) as url:
            answer = await post(url)

        assert answer.kind is AnswerKind.UNKNOWN
        assert answer.reason.startswith("no usable answer: ")

    async def test_no_decision_goes_over_a_connection_that_was_kept(self):
        """The far side may close it in that instant, and who knows then what it read."""

        async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            body = json.dumps(a_response()).encode()
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
            await reader.readuntil(b"\r\n\r\n")

        async with a_socket(once) as url, an_api() as api:
            tenant = a_tenant(base_url=url, action="/act")
            answers = [await api.post_decision(tenant, a_posted()) for _ in range(3)]

        assert {answer.kind for answer in answers} == {AnswerKind.ACCEPTED}

    async def test_cut_in_the_middle_of_the_body(self):
        head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{"
        async with a_socket(saying(head)) as url:
            assert (await post(url)).kind is AnswerKind.UNKNOWN

    async def test_it_never_answers(self):
        async def wait(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
            await reader.read()
            await asyncio.Event().wait()

        async with a_socket(wait) as url:
            answer = await post(url, answer_within=4.0)

        assert answer.kind is AnswerKind.UNKNOWN
        assert answer.reason == "no usable answer: timed out, at most 4 s"

    async def test_an_endless_drip_ends_with_the_time(self):
        async def drip(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            while not writer.is_closing():
                writer.write(b"1\r\n \r\n")
                await writer.drain()
                await asyncio.sleep(0.01)

        async with a_socket(drip) as url:
            answer = await post(url, answer_within=4.0)

        assert answer.kind is AnswerKind.UNKNOWN
        assert "timed out" in answer.reason

    async def test_a_hundred_megabytes_are_not_read(self):
        sent = 0

        async def flood(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal sent
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 104857600\r\n\r\n")
            for _ in range(1600):
                writer.write(b" " * 65_536)
                await writer.drain()
                sent += 65_536

        async with a_socket(flood) as url:
            answer = await post(url)

        assert answer.kind is AnswerKind.UNKNOWN
        assert answer.reason == "no usable answer: more than 1048576 bytes"
        assert sent < 20_000_000

    async def test_a_bomb_does_not_go_off(self):
        bomb = gzip.compress(b" " * 50_000_000)
        headers = {"Content-Encoding": "gzip"}
        async with a_server(answering(bomb, headers=headers)) as (url, _):
            answer = await post(url)

        assert answer.reason == "no usable answer: more than 1048576 bytes"

    async def test_a_gateway_that_compresses_is_understood(self):
        packed = gzip.compress(json.dumps(a_response()).encode())
        async with a_server(answering(packed, headers={"Content-Encoding": "gzip"})) as (url, _):
            assert (await post(url)).kind is AnswerKind.ACCEPTED

    @pytest.mark.parametrize(
        "said",
        [
            b"",
            b"hello\r\n\r\n",
            b"HTTP/1.1 banana\r\n\r\n",
            b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * 100_000 + b"\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: minus\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 4\r\n\r\nnope",
        ],
    )
    async def test_what_is_no_http_is_no_usable_answer(self, said):
        async with a_socket(saying(said)) as url:
            assert (await post(url)).kind is AnswerKind.UNKNOWN


class TestAddresses:
    @pytest.mark.parametrize(
        "url",
        [
            "http://127.0.0.1:{port}",
            "http://localhost:{port}",
            "http://[::1]:{port}",
            "http://0.0.0.0:{port}",
            "http://[::ffff:127.0.0.1]:{port}",
            "http://2130706433:{port}",
            "http://127.1:{port}",
        ],
    )
    async def test_loopback_is_never_called_where_it_is_not_allowed(self, url):
        async with a_server(answering()) as (real, seen):
            port = real.rpartition(":")[2]
            answer = await post(
                url.format(port=port),
                loopback=False,
                networks=(ip_network("0.0.0.0/0"), ip_network("::/0")),
            )

        assert answer.kind in {AnswerKind.NOT_TAKEN, AnswerKind.AGAIN}
        assert seen.requests == []

    async def test_a_name_that_leads_inside_is_not_called(self):
        for address in ("10.0.0.5", "169.254.169.254", "127.0.0.1", "::ffff:10.0.0.5"):
            answer = await post(
                "http://purchasing.example", loopback=False, resolver=Names([address])
            )

            assert answer.kind is AnswerKind.NOT_TAKEN
            assert answer.reason.startswith("not called: ")

    async def test_several_addresses_inside_are_not_called(self):
        answer = await post(
            "http://purchasing.example",
            loopback=False,
            resolver=Names(["10.0.0.5", "10.0.0.6", "fd00::1"]),
        )

        assert answer.kind is AnswerKind.NOT_TAKEN

    async def test_a_name_that_changes_its_mind_is_checked_where_it_connects(self):
        """The first look-up allows it, the second leads inside: DNS rebinding."""
        names = Names(["127.0.0.1"], ["10.0.0.5"])
        async with a_server(answering()) as (url, seen):
            there = f"http://purchasing.example:{url.rpartition(':')[2]}"
            first = await post(there, resolver=names)
            second = await post(there, resolver=names)

        assert (first.kind, second.kind) == (AnswerKind.ACCEPTED, AnswerKind.NOT_TAKEN)
        assert len(seen.requests) == 1

    @pytest.mark.parametrize(
        ("address", "allowed"),
        [
            ("20.50.2.1", True),
            ("2603:1030::1", True),
            ("10.1.2.3", False),
            ("172.16.0.1", False),
            ("192.168.1.1", False),
            ("100.64.0.1", False),
            ("192.0.2.1", False),
            ("240.0.0.1", False),
            ("255.255.255.255", False),
            ("168.63.129.16", False),
            ("fd00::1", False),
            ("fe80::1%eth0", False),
            ("ff02::1", False),
            ("224.0.0.1", False),
            ("0.0.0.0", False),
            ("::", False),
            ("::ffff:10.1.2.3", False),
            ("::ffff:20.50.2.1", True),
            ("64:ff9b::a01:203", False),
            ("2002:a01:203::1", False),
            ("::10.1.2.3", False),
            ("::20.50.2.1", False),
            ("::ffff:0:10.1.2.3", False),
            ("64:ff9b:1::a01:203", False),
            ("fec0::1", False),
            ("192.0.0.9", False),
            ("192.0.0.200", False),
            ("192.88.99.1", False),
            ("3fff::1", False),
            ("5f00::1", False),
            ("169.254.169.254", False),
            ("127.0.0.1", False),
            ("::1", False),
        ],
    )
    def test_only_public_addresses(self, address, allowed):
        assert may_call(address, (), loopback=False) is allowed

    @pytest.mark.parametrize("address", ["127.0.0.1", "::1", "::ffff:127.0.0.1"])
    def test_loopback_where_it_is_allowed(self, address: str):
        assert may_call(address, (), loopback=True)

    def test_a_private_network_that_the_tenants_file_names(self):
        networks = (ip_network("10.1.0.0/16"), ip_network("fd00:1::/32"))

        assert may_call("10.1.2.3", networks, loopback=False)
        assert may_call("::ffff:10.1.2.3", networks, loopback=False)
        assert may_call("fd00:1::5", networks, loopback=False)
        assert not may_call("10.2.0.1", networks, loopback=False)

    @pytest.mark.parametrize("address", ["127.0.0.1", "169.254.169.254", "fe80::1", "0.0.0.0"])
    def test_no_file_opens_loopback_or_link_local(self, address):
        everything = (ip_network("0.0.0.0/0"), ip_network("::/0"))

        assert not may_call(address, everything, loopback=False)

    @given(st.ip_addresses(v=4))
    def test_an_address_written_in_ipv6_is_the_same_address(self, address):
        plain = may_call(str(address), (), loopback=False)

        assert may_call(f"::ffff:{address}", (), loopback=False) is plain
