"""What is only read at a tenant's, over real HTTP: its summary, details, and what became of a decision."""

import asyncio
import gzip
import json
import socket
from ipaddress import ip_network
from typing import Any

import pytest
from aiohttp import web

from approvals_core.models import ApprovalKey
from approvals_core.ports import AnswerKind, Fetched, FetchedKind
from tests.test_tenant_api import (
    TRACE,
    Names,
    NoTokens,
    Tokens,
    a_posted,
    a_server,
    a_socket,
    an_api,
    answering,
    saying,
)
from tests.test_wire_out import (
    NUMBER,
    TENANT,
    a_decision,
    a_refusal,
    a_response,
    a_tenant,
    an_approval,
)

SUMMARY = {"Title": "Ergonomic chairs", "UnitValue": "1.50"}
DEEP = b"[" * 200 + b"]" * 200


def a_reader(base_url, *, answer_bytes=1_048_576, **api):
    paths = {"summary": "/summary/{DocumentNumber}", "details": {"LINE": "/lines"}}
    tenant = a_tenant(base_url=base_url, **paths | {"read_within": 5.0} | api)
    limits = tenant.limits.model_copy(update={"answer_bytes": answer_bytes})
    return tenant.model_copy(update={"limits": limits})


async def read(
    base_url: str, *, tokens: Any = None, loopback=True, resolver: Any = None, **more: Any
) -> Fetched:
    async with an_api(tokens, loopback=loopback, resolver=resolver) as api:
        return await api.summary(a_reader(base_url, **more), an_approval())


async def status_of(
    base_url: str, *, tokens: Any = None, loopback=True, resolver: Any = None, **api: Any
):
    path = "/decisions/{DecisionId}"
    tenant = a_reader(base_url, **{"decision_status": path, **api})
    async with an_api(tokens, loopback=loopback, resolver=resolver) as opened:
        return await opened.decision_status(tenant, a_posted())


class TestRequest:
    async def test_it_carries_a_token_and_whom_to_ask_for_it_by(self):
        async with a_server(answering(SUMMARY)) as (url, seen):
            found = await read(f"{url}/api")

        [request] = seen.requests
        assert found == Fetched(
            kind=FetchedKind.FOUND, body=json.dumps(SUMMARY), status=200, reason=""
        )
        assert (request.method, request.path) == ("GET", f"/api/summary/{NUMBER}")
        assert request.headers["Authorization"] == "Bearer token-1"
        assert request.headers["Xcv"] == "REQ-34562-126"
        assert request.headers["Tcv"]
        assert request.headers["traceparent"].startswith("00-")
        assert request.headers["Accept"] == "application/json"
        assert "Idempotency-Key" not in request.headers
        assert seen.bodies == [b""]

    async def test_it_goes_on_with_the_trace_under_way(self):
        current = an_api(current_trace=lambda: TRACE)
        async with a_server(answering(SUMMARY)) as (url, seen), current as api:
            await api.summary(a_reader(url), an_approval())

        assert seen.requests[0].headers["traceparent"].split("-")[1] == TRACE.split("-")[1]

    async def test_every_placeholder_is_filled_and_encoded(self):
        path = "/x/{DocumentNumber}/{DisplayDocumentNumber}?y={FiscalYear}&t={DocumentTypeId}"
        approval = an_approval(
            key=ApprovalKey(TENANT, "A/../{FiscalYear}", "2 0"), display_number="d&d?#"
        )
        async with a_server(answering(SUMMARY)) as (url, seen), an_api() as api:
            await api.summary(a_reader(url, summary=path), approval)

        filled = f"/x/A%2F..%2F%7BFiscalYear%7D/d%26d%3F%23?y=2%200&t={TENANT}"
        assert seen.requests[0].raw_path == filled

    @pytest.mark.parametrize("key", [("..", ""), (".", ""), ("4711", "..")])
    async def test_what_is_only_dots_climbs_out_of_no_folder(self, key: tuple[str, str]):
        approval = an_approval(key=ApprovalKey(TENANT, *key))
        path = "/a/{DocumentNumber}/{FiscalYear}"
        async with a_server(answering(SUMMARY)) as (url, seen), an_api() as api:
            tenant = a_reader(url, summary=path, decision_status=path, action=path)
            found = await api.summary(tenant, approval)
            status = await api.decision_status(tenant, a_posted(approval))
            answer = await api.post_decision(tenant, a_posted(approval))

        assert found.kind is FetchedKind.REFUSED
        assert status.kind is AnswerKind.UNKNOWN
        assert answer.kind is AnswerKind.NOT_TAKEN
        assert "is only dots" in answer.reason
        assert seen.requests == []

    async def test_each_operation_of_the_details_has_its_own_address(self):
        async with a_server(answering([{"Line": 1}])) as (url, seen), an_api() as api:
            found = await api.details(a_reader(url), an_approval(), "LINE")
            unknown = await api.details(a_reader(url), an_approval(), "HDR")

        assert found.kind is FetchedKind.FOUND
        assert unknown.kind is FetchedKind.UNUSABLE
        assert [request.path for request in seen.requests] == ["/lines"]

    async def test_a_tenant_without_a_summary_is_not_asked(self):
        async with a_server(answering(SUMMARY)) as (url, seen):
            found = await read(url, summary=None)

        assert found.kind is FetchedKind.UNUSABLE
        assert seen.requests == []


class TestMisbehaviour:
    @pytest.mark.parametrize(
        ("status", "kind"),
        [
            (204, FetchedKind.UNUSABLE),
            (301, FetchedKind.UNUSABLE),
            (302, FetchedKind.UNUSABLE),
            (307, FetchedKind.UNUSABLE),
            (308, FetchedKind.UNUSABLE),
            (400, FetchedKind.REFUSED),
            (401, FetchedKind.UNAVAILABLE),
            (403, FetchedKind.REFUSED),
            (404, FetchedKind.REFUSED),
            (408, FetchedKind.UNAVAILABLE),
            (410, FetchedKind.REFUSED),
            (429, FetchedKind.UNAVAILABLE),
            (500, FetchedKind.UNAVAILABLE),
            (503, FetchedKind.UNAVAILABLE),
        ],
    )
    async def test_each_status_has_its_meaning_and_no_redirect_is_followed(self, status, kind):
        elsewhere = {"Location": "http://169.254.169.254/latest"}
        async with a_server(answering(SUMMARY, status, elsewhere)) as (url, seen):
            found = await read(url)

        assert (found.kind, found.status, found.body) == (kind, status, "")
        assert {request.path for request in seen.requests} == {f"/summary/{NUMBER}"}
        assert len(seen.requests) == (2 if status == 401 else 1)

    async def test_a_busy_tenant_says_when(self):
        async with a_server(answering(b"", 503, {"Retry-After": "7"})) as (url, _):
            assert (await read(url)).retry_after == 7.0

    async def test_a_401_is_answered_once_with_another_token(self):
        async def handler(request: web.Request) -> web.StreamResponse:
            good = request.headers["Authorization"] == "Bearer token-2"
            return web.json_response(SUMMARY) if good else web.Response(status=401)

        async with a_server(handler) as (url, seen):
            found = await read(url)

        assert found.kind is FetchedKind.FOUND
        assert len(seen.requests) == 2

    @pytest.mark.parametrize(
        "body",
        [
            b"<html><body>Sign in</body></html>",
            b"",
            b"null",
            b'"a text"',
            b"7",
            b"{",
            b'{"a": NaN}',
            b"\xff\xfe{}",
            DEEP,
            b"[" * 100_000 + b"]" * 100_000,
        ],
    )
    async def test_what_is_no_object_or_array_of_sound_json_is_not_used(self, body):
        async with a_server(answering(body)) as (url, _):
            found = await read(url)

        assert (found.kind, found.body, found.status) == (FetchedKind.UNUSABLE, "", 200)

    async def test_a_byte_order_mark_does_not_matter(self):
        async with a_server(answering(b"\xef\xbb\xbf{}")) as (url, _):
            assert await read(url) == Fetched(kind=FetchedKind.FOUND, body="{}", status=200)

    async def test_more_than_the_tenants_file_allows_is_not_read(self):
        async with a_server(answering({"Text": "x" * 3000})) as (url, _):
            found = await read(url, answer_bytes=2048)

        assert found.kind is FetchedKind.UNUSABLE
        assert found.reason == "no usable answer: more than 2048 bytes"

    @pytest.mark.parametrize("length", [b"Content-Length: 104857600", b"X-Endless: yes"])
    async def test_a_hundred_megabytes_and_a_body_without_end_are_not_read(self, length):
        sent = 0

        async def flood(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal sent
            writer.write(b"HTTP/1.1 200 OK\r\n" + length + b"\r\n\r\n")
            for _ in range(1600):
                writer.write(b" " * 65_536)
                await writer.drain()
                sent += 65_536

        async with a_socket(flood) as url:
            found = await read(url)

        assert found.kind is FetchedKind.UNUSABLE
        assert sent < 20_000_000

    async def test_a_bomb_does_not_go_off(self):
        bomb = gzip.compress(b" " * 50_000_000)
        async with a_server(answering(bomb, headers={"Content-Encoding": "gzip"})) as (url, _):
            assert (await read(url)).kind is FetchedKind.UNUSABLE

    async def test_an_endless_drip_ends_with_the_time(self):
        async def drip(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            while not writer.is_closing():
                writer.write(b"1\r\n \r\n")
                await writer.drain()
                await asyncio.sleep(0.01)

        async with a_socket(drip) as url:
            found = await read(url, read_within=4.0)

        assert found.kind is FetchedKind.UNAVAILABLE
        assert "timed out, at most 4 s" in found.reason

    @pytest.mark.parametrize(
        "said",
        [
            b"",
            b"HTTP/1.1 banana\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{",
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        ],
    )
    async def test_what_is_no_whole_answer_is_asked_for_again(self, said):
        async with a_socket(saying(said)) as url:
            assert (await read(url)).kind is FetchedKind.UNAVAILABLE

    async def test_nobody_listens(self):
        with socket.socket() as nobody:  # bound, and never listening: nobody else takes the port
            nobody.bind(("127.0.0.1", 0))
            found = await read(f"http://127.0.0.1:{nobody.getsockname()[1]}")

        assert found.kind is FetchedKind.UNAVAILABLE
        assert found.reason.startswith("no connection: ")

    async def test_without_a_token_nothing_is_asked(self):
        async with a_server(answering(SUMMARY)) as (url, seen):
            found = await read(url, tokens=NoTokens())

        assert found.kind is FetchedKind.UNAVAILABLE
        assert found.reason == "no token: invalid_client (AADSTS7000215)"
        assert seen.requests == []


class TestStatus:
    @pytest.mark.parametrize(
        ("body", "status", "kind"),
        [
            (a_response(), 200, AnswerKind.ACCEPTED),
            ([a_response()], 200, AnswerKind.ACCEPTED),
            (a_refusal(), 200, AnswerKind.REFUSED),
            (b"", 404, AnswerKind.NOT_TAKEN),
            (a_response(), 404, AnswerKind.NOT_TAKEN),
            (a_refusal(ErrorType=3), 200, AnswerKind.UNKNOWN),
            (a_refusal(), 400, AnswerKind.UNKNOWN),
            (a_response(), 500, AnswerKind.UNKNOWN),
            (a_response(), 202, AnswerKind.UNKNOWN),
            (b"<html>", 200, AnswerKind.UNKNOWN),
            (b"", 200, AnswerKind.UNKNOWN),
            (b"", 403, AnswerKind.UNKNOWN),
            (b"", 401, AnswerKind.UNKNOWN),
            (b"", 410, AnswerKind.UNKNOWN),
            (
                a_response(ApprovalIdentifier={"DocumentNumber": "another"}),
                200,
                AnswerKind.UNKNOWN,
            ),
        ],
    )
    async def test_only_a_clear_answer_says_what_became_of_it(self, body, status, kind):
        async with a_server(answering(body, status)) as (url, seen):
            answer = await status_of(url)

        assert answer.kind is kind
        assert seen.requests[0].path == f"/decisions/{a_decision().id}"
        assert seen.requests[0].headers["Tcv"] == a_decision().id

    async def test_no_answer_says_nothing(self):
        async with a_socket(saying(b"")) as url:
            lost = await status_of(url)
        nobody = await status_of(url)
        no_token = await status_of(url, tokens=NoTokens())
        not_allowed = await status_of("http://10.0.0.5", loopback=False)
        not_there = await status_of(url, decision_status=None)

        answers = (lost, nobody, no_token, not_allowed, not_there)
        assert {answer.kind for answer in answers} == {AnswerKind.UNKNOWN}


class TestAddresses:
    """Whatever is asked: the address is checked where the socket is made."""

    @pytest.mark.parametrize("ask", [read, status_of])
    @pytest.mark.parametrize(
        "address",
        [
            "10.0.0.5",
            "172.16.0.1",
            "192.168.1.1",
            "100.64.0.1",
            "169.254.169.254",
            "168.63.129.16",
            "127.0.0.1",
            "0.0.0.0",
            "::1",
            "::ffff:10.0.0.5",
            "::ffff:127.0.0.1",
            "fe80::1",
            "fd00::1",
            "64:ff9b::a00:5",
        ],
    )
    async def test_a_name_that_leads_inside_is_not_asked(self, ask, address):
        tokens = Tokens()
        answer = await ask(
            "http://purchasing.example", tokens=tokens, loopback=False, resolver=Names([address])
        )

        assert "not called: " in answer.reason

    @pytest.mark.parametrize("ask", [read, status_of])
    async def test_a_name_that_changes_its_mind_is_checked_where_it_connects(self, ask):
        names = Names(["127.0.0.1"], ["10.0.0.5"])
        async with a_server(answering(a_response())) as (url, seen):
            there = f"http://purchasing.example:{url.rpartition(':')[2]}"
            await ask(there, resolver=names)
            second = await ask(there, resolver=names)

        assert "not called: " in second.reason
        assert len(seen.requests) == 1

    @pytest.mark.parametrize("ask", [read, status_of])
    async def test_no_file_opens_loopback(self, ask):
        everything = (ip_network("0.0.0.0/0"), ip_network("::/0"))
        async with a_server(answering(a_response())) as (url, seen):
            answer = await ask(url, loopback=False, networks=everything)

        assert "not called: " in answer.reason
        assert seen.requests == []

    async def test_a_network_in_the_file_does_not_open_its_neighbour(self):
        answer = await read(
            "http://purchasing.example",
            loopback=False,
            resolver=Names(["10.251.0.1"]),
            networks=(ip_network("10.250.0.0/16"),),
        )

        assert "not called: " in answer.reason
