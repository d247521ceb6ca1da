"""The files of a request: read at the tenant's as one reads at a stranger's, and handed on as downloads only."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from approvals_core.models import Attachment
from approvals_core.ports import FetchedFile, FetchedKind
from bots.page.downloads import (
    HungUp,
    disposition,
    download,
    safe_name,
    type_of,
    while_there,
    written,
)
from bots.page.files import EACH
from bots.page.turns import Turns
from cards.approval import approval_card
from cards.viewer import Viewer
from playground.certificates import CertificateAuthority
from playground.faults import Fault, FaultKind
from playground.outside import Playground
from playground.records import Received
from tests.card_makers import a_content, a_view
from tests.card_makers import a_tenant as card_tenant
from tests.card_makers import an_approval as card_approval
from tests.failing import Edited
from tests.page_visits import Visitor, paged, served, visiting, with_files
from tests.running import Running
from tests.test_tenant_api import Names, NoTokens, Tokens, a_server, an_api
from tests.test_wire_out import NUMBER, a_tenant, an_approval

PDF = b"%PDF-1.7 and so on"
QUOTE = Attachment(id="9 d/1?f", name="Quote.pdf", size=18)
FILES = "tenant/expenses/attachment"  # where the faults of its Attachment API are switched


def answering(body: bytes = PDF, kind: str = "application/pdf", status: int = 200):
    async def handler(_request: web.Request) -> web.StreamResponse:
        return web.Response(body=body, content_type=kind, status=status)

    return handler


def an_owner(base_url: str, *, limit: int = 1_048_576, **api: Any):
    path = "/files/{AttachmentId}?of={DocumentNumber}"
    tenant = a_tenant(base_url=base_url, **{"attachment": path, "read_within": 60.0, **api})
    limits = tenant.limits.model_copy(update={"attachment_bytes": limit})
    return tenant.model_copy(update={"limits": limits})


async def fetch(
    base_url: str,
    *,
    file: Attachment = QUOTE,
    tokens: Any = None,
    assertion: str | None = None,
    loopback: bool = True,
    resolver: Any = None,
    **more: Any,
) -> FetchedFile:
    async with an_api(tokens, loopback=loopback, resolver=resolver) as api:
        owner = an_owner(base_url, **more)
        return await api.attachment(owner, an_approval(), file, user_assertion=assertion)


class TestReading:
    async def test_a_file_comes_as_it_is(self):
        async with a_server(answering()) as (url, seen):
            found = await fetch(f"{url}/api")

        [request] = seen.requests
        assert found == FetchedFile(
            kind=FetchedKind.FOUND, body=PDF, content_type="application/pdf", status=200
        )
        assert request.raw_path == f"/api/files/9%20d%2F1%3Ff?of={NUMBER}"
        assert request.headers["Authorization"] == "Bearer token-1"
        assert request.headers["Accept"] == "*/*"
        assert request.headers["traceparent"].startswith("00-")

    async def test_the_token_is_the_persons_where_he_has_one(self):
        class Remembering(Tokens):
            def __init__(self) -> None:
                super().__init__()
                self.persons: list[str | None] = []

            async def token(
                self, tenant: Any, *, refused: str = "", user_assertion: str | None = None
            ) -> str:
                self.persons.append(user_assertion)
                return await super().token(tenant, refused=refused)

        tokens = Remembering()
        async with a_server(answering(status=401)) as (url, seen):
            found = await fetch(url, tokens=tokens, assertion="of maria")

        assert tokens.persons == ["of maria", "of maria"]
        assert [r.headers["Authorization"] for r in seen.requests] == [
            "Bearer token-1",
            "Bearer token-2",
        ]
        assert found.kind is FetchedKind.UNAVAILABLE

    async def test_a_401_once_costs_one_more_token(self):
        answers = [answering(status=401), answering()]

        async def in_turn(request: web.Request) -> web.StreamResponse:
            return await answers.pop(0)(request)

        async with a_server(in_turn) as (url, seen):
            found = await fetch(url)

        assert found.body == PDF
        assert len(seen.requests) == 2

    @pytest.mark.parametrize(
        ("file", "api"),
        [(QUOTE, {"attachment": None}), (Attachment(name="Quote.pdf"), {})],
        ids=["no api", "no id"],
    )
    async def test_what_has_no_address_is_not_asked_for(
        self, file: Attachment, api: dict[str, Any]
    ):
        async with a_server(answering()) as (url, seen):
            found = await fetch(url, file=file, **api)

        assert (found.kind, seen.requests) == (FetchedKind.UNUSABLE, [])

    @pytest.mark.parametrize("id_", [".", ".."])
    async def test_an_id_climbs_out_of_no_folder(self, id_: str):
        async with a_server(answering()) as (url, seen):
            found = await fetch(url, file=Attachment(id=id_, name="x"))

        assert (found.kind, seen.requests) == (FetchedKind.REFUSED, [])


class TestFarSide:
    @pytest.mark.parametrize(
        ("status", "kind"),
        [
            (204, FetchedKind.UNUSABLE),
            (206, FetchedKind.UNUSABLE),
            (302, FetchedKind.UNUSABLE),
            (307, FetchedKind.UNUSABLE),
            (403, FetchedKind.REFUSED),
            (404, FetchedKind.REFUSED),
            (429, FetchedKind.UNAVAILABLE),
            (500, FetchedKind.UNAVAILABLE),
        ],
    )
    async def test_any_other_status_brings_no_file(self, status: int, kind: FetchedKind):
        async with a_server(answering(status=status)) as (url, seen):
            found = await fetch(url)

        assert (found.kind, found.status, found.body) == (kind, status, b"")
        assert len(seen.requests) == 1

    async def test_no_redirect_is_followed(self):
        async def leading_on(request: web.Request) -> web.StreamResponse:
            return web.Response(status=302, headers={"Location": "/files/another"})

        async with a_server(leading_on) as (url, seen):
            found = await fetch(url)

        assert found.kind is FetchedKind.UNUSABLE
        assert len(seen.requests) == 1

    @pytest.mark.parametrize("kind", ["text/html", "application/xhtml+xml"])
    async def test_a_page_instead_of_the_file_is_none(self, kind: str):
        async with a_server(answering(b"<h1>Sign in</h1>", kind)) as (url, _seen):
            found = await fetch(url)
            page = await fetch(url, file=Attachment(id="1", name="Terms.HTML"))

        assert found.kind is FetchedKind.UNUSABLE
        assert "page of HTML" in found.reason
        assert page.kind is FetchedKind.FOUND

    async def test_an_empty_file_is_none(self):
        async with a_server(answering(b"")) as (url, _seen):
            assert (await fetch(url)).kind is FetchedKind.UNUSABLE

    @pytest.mark.parametrize(("limit", "kind"), [(1024, "found"), (1023, "unusable")])
    async def test_it_may_be_as_long_as_the_tenants_file_says(self, limit: int, kind: str):
        body = PDF.ljust(1024, b".")
        async with a_server(answering(body)) as (url, _seen):
            found = await fetch(url, limit=limit)

        assert found.kind == kind

    async def test_one_without_an_end_is_left(self):
        left = asyncio.Event()

        async def endless(request: web.Request) -> web.StreamResponse:
            response = web.StreamResponse()
            await response.prepare(request)
            try:
                while True:
                    await response.write(b"." * 65536)
            except (ConnectionError, asyncio.CancelledError):
                left.set()
                raise

        async with a_server(endless) as (url, _seen):
            found = await fetch(url, limit=1_048_576)
            async with asyncio.timeout(30):
                await left.wait()

        assert found.kind is FetchedKind.UNUSABLE
        assert "more than 1048576 bytes" in found.reason

    async def test_one_that_drips_ends_in_time(self):
        async def dripping(request: web.Request) -> web.StreamResponse:
            response = web.StreamResponse()
            await response.prepare(request)
            while True:
                await response.write(b".")
                await asyncio.sleep(0.02)

        async with a_server(dripping) as (url, _seen):
            found = await fetch(url, read_within=4.0)

        assert found.kind is FetchedKind.UNAVAILABLE
        assert "timed out" in found.reason

    async def test_a_connection_that_breaks_off_gives_no_half_file(self):
        async def breaking(request: web.Request) -> web.StreamResponse:
            response = web.StreamResponse(headers={"Content-Length": "1000"})
            await response.prepare(request)
            await response.write(PDF)
            assert request.transport is not None
            request.transport.abort()
            return response

        async with a_server(breaking) as (url, _seen):
            found = await fetch(url)

        assert (found.kind, found.body) == (FetchedKind.UNAVAILABLE, b"")

    @pytest.mark.parametrize(
        "address", ["127.0.0.1", "10.0.0.5", "169.254.169.254", "::1", "fd00::1"]
    )
    async def test_a_name_that_leads_inside_is_not_asked(self, address: str):
        there = Names([address])

        found = await fetch("http://files.example", loopback=False, resolver=there)

        assert found.kind is FetchedKind.UNAVAILABLE
        assert "not called" in found.reason

    async def test_without_a_token_nothing_is_asked(self):
        async with a_server(answering()) as (url, seen):
            found = await fetch(url, tokens=NoTokens())

        assert (found.kind, seen.requests) == (FetchedKind.UNAVAILABLE, [])


class TestDownload:
    @pytest.mark.parametrize(
        ("name", "body", "kind"),
        [
            ("a.pdf", PDF, "application/pdf"),
            ("a.html", PDF, "application/pdf"),
            ("a.pdf", b"<script>alert(1)</script>", "application/octet-stream"),
            ("a.html", b"<script>alert(1)</script>", "application/octet-stream"),
            ("a.svg", b"<svg onload=alert(1)>", "application/octet-stream"),
            ("a.png", b"\x89PNG\r\n\x1a\n...", "image/png"),
            ("a.jpg", b"\xff\xd8\xff...", "image/jpeg"),
            ("a.gif", b"GIF89a...", "image/gif"),
            ("a.txt", "Grüße".encode(), "text/plain; charset=utf-8"),
            ("a.CSV", b"a,b", "text/csv; charset=utf-8"),
            ("a.txt", b"a\x00b", "application/octet-stream"),
            ("a.txt", b"\xff\xfe", "application/octet-stream"),
            ("a.zip", b"PK\x03\x04", "application/zip"),
            ("a.jar", b"PK\x03\x04", "application/octet-stream"),
            ("a", b"a", "application/octet-stream"),
        ],
    )
    def test_its_type_is_what_name_and_bytes_agree_on(self, name: str, body: bytes, kind: str):
        assert type_of(name, body) == kind

    @pytest.mark.parametrize(
        ("name", "safe"),
        [
            ("Quote.pdf", "Quote.pdf"),
            ("../../etc/passwd", "_.._etc_passwd"),
            ("C:\\x\\y.pdf", "C__x_y.pdf"),
            (".htaccess", "htaccess"),
            ("a\r\nSet-Cookie: x.pdf", "a Set-Cookie_ x.pdf"),
            ("fdp.\u202eexe", "fdp.exe"),
            ('a".pdf', "a_.pdf"),
            ("", "attachment"),
            ("...", "attachment"),
        ],
    )
    def test_its_name_is_one_on_every_system(self, name: str, safe: str):
        assert safe_name(name) == safe

    def test_a_name_in_any_script_is_told_twice(self):
        told = disposition("Angebot für 日本.pdf")

        assert told == (
            'attachment; filename="Angebot f_r __.pdf"; '
            "filename*=UTF-8''Angebot%20f%C3%BCr%20%E6%97%A5%E6%9C%AC.pdf"
        )

    def test_it_runs_nowhere(self):
        answer = download("x.html", FetchedFile(kind=FetchedKind.FOUND, body=b"<script>"))

        assert answer.headers["Content-Security-Policy"].startswith("sandbox;")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Disposition"].startswith("attachment;")
        assert answer.content_type == "application/octet-stream"


class TestTurns:
    async def test_who_waits_for_his_own_keeps_nobody_elses(self):
        turns, waiting = Turns(2, 1), asyncio.Event()

        async def one_more() -> None:
            waiting.set()
            async with turns.one("maria", "expenses", within=60):
                pass

        async with turns.one("maria", "pr", within=60):
            queued = asyncio.create_task(one_more())
            await waiting.wait()
            async with turns.one("jonas", "wiki", within=60):
                assert not queued.done()
                with pytest.raises(TimeoutError):
                    async with turns.one("tom", "capex", within=0):
                        pass
            with pytest.raises(TimeoutError):
                async with turns.one("jonas", "pr", within=0):
                    pass
        async with asyncio.timeout(30):
            await queued

    @pytest.mark.parametrize("hangs_up", [True, False])
    async def test_who_reads_too_slowly_holds_his_only_so_long(self, *, hangs_up: bool):
        turns, fetched, over = Turns(1, 1), asyncio.Event(), asyncio.Event()

        async def slowly(request: web.Request) -> web.StreamResponse:
            found = FetchedFile(kind=FetchedKind.FOUND, body=b"." * 67_108_864)
            async with turns.one("maria", within=60):
                fetched.set()
                grace = 60.0 if hangs_up else 0.2
                answer = await written(request, download("x", found), grace=grace, slowest=2**40)
            over.set()
            return answer

        async with a_server(slowly) as (url, _seen), asyncio.timeout(20):
            _reader, writer = await asyncio.open_connection("127.0.0.1", URL(url).port)
            writer.transport.pause_reading()  # pyright: ignore[reportAttributeAccessIssue]
            writer.write(b"GET /x HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            await fetched.wait()
            if hangs_up:
                writer.transport.abort()
            await over.wait()
            writer.transport.abort()

    async def test_who_hangs_up_while_the_tenant_is_slow_gives_his_back(self):
        turns, asked, over = Turns(1, 1), asyncio.Event(), asyncio.Event()
        ended: list[str] = []

        async def slow_tenant() -> None:
            asked.set()
            try:
                await asyncio.Event().wait()
            finally:
                ended.append("asking")

        async def fetching(request: web.Request) -> web.StreamResponse:
            with pytest.raises(HungUp):
                async with turns.one("maria", within=60):
                    await while_there(request, slow_tenant(), every=0.01)
            over.set()
            return web.Response()

        async with a_server(fetching) as (url, _seen), asyncio.timeout(20):
            _reader, writer = await asyncio.open_connection("127.0.0.1", URL(url).port)
            writer.write(b"GET /x HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            await asked.wait()
            writer.close()
            await over.wait()
            async with turns.one("maria", within=0):
                assert ended == ["asking"]

    async def test_who_stays_gets_what_came_and_what_failed(self):
        async def answering(request: web.Request) -> web.StreamResponse:
            async def failing() -> str:
                raise ValueError("no")

            async def late() -> str:
                await asyncio.sleep(0)
                return "there"

            with pytest.raises(ValueError, match="no"):
                await while_there(request, failing(), every=0.01)
            return web.Response(text=await while_there(request, late(), every=0.01))

        async with (
            a_server(answering) as (url, _seen),
            aiohttp.ClientSession() as client,
            client.get(url) as answer,
        ):
            assert await answer.text() == "there"

    async def test_it_is_held_until_the_file_has_left(self):
        held: list[bool] = []
        turns, fetched = Turns(1, 1), asyncio.Event()

        async def handing(request: web.Request) -> web.StreamResponse:
            found = FetchedFile(kind=FetchedKind.FOUND, body=b"." * 67_108_864)
            async with turns.one("maria", within=60):
                fetched.set()
                return await written(request, download("x", found))

        async with a_server(handing) as (url, _seen), asyncio.timeout(20):
            reader, writer = await asyncio.open_connection("127.0.0.1", URL(url).port)
            writer.write(b"GET /x HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
            await fetched.wait()
            with pytest.raises(TimeoutError):
                async with turns.one("jonas", within=0):
                    held.append(False)
            whole = await reader.read(-1)
            async with turns.one("jonas", within=60):
                held.append(True)
            writer.close()

        assert held == [True]
        assert whole.endswith(b"\r\n\r\n" + b"." * 67_108_864)


@pytest.fixture
async def service(playground: Playground, tmp_path: Path) -> AsyncIterator[Running]:
    async with paged(playground, tmp_path) as running:
        yield running


@pytest.fixture
async def visitor(service: Running) -> AsyncIterator[Visitor]:
    async with visiting(service, "johndoe1") as one:
        yield one


def files_asked_of(service: Running) -> list[Received]:
    received = service.playground.tenants["expenses"].book.received
    return [one for one in received if one.api == "attachment"]


class TestPage:
    async def test_it_links_to_what_the_tenants_api_gives(self, service: Running, visitor: Visitor):
        path = await with_files(service)
        page = await visitor.open(path)
        [link] = [each for each in page.links if "/attachments/" in each]

        file = await visitor.get(link)

        assert link == f"{visitor.service}{path}/attachments/1"
        assert file.status == 200
        assert file.body.startswith(b"%PDF-")
        assert file.headers["Content-Type"] == "application/pdf"
        assert 'filename="Ticket-Porto.pdf"' in file.headers["Content-Disposition"]
        assert file.headers["Cache-Control"] == "no-store"

    async def test_the_card_in_teams_leads_there_too(self, service: Running):
        path = await with_files(service)

        card = service.card_of("johndoe1")

        assert card is not None
        assert f"{path}/attachments/1" in str(card.card)

    @pytest.mark.parametrize("number", ["0", "2", "9999", "99999", "x", "-1", "1%2f..", "r1"])
    async def test_only_a_number_of_the_stored_files_is_one(
        self, service: Running, visitor: Visitor, number: str
    ):
        path = await with_files(service)
        await visitor.open(path)

        answer = await visitor.get(f"{path}/attachments/{number}")

        assert answer.status == 404
        assert files_asked_of(service) == []

    async def test_who_was_not_asked_gets_none(self, service: Running):
        path = await with_files(service)
        async with visiting(service, "johndoe2") as stranger:
            answer = await stranger.open(f"{path}/attachments/1")

        assert answer.status == 404
        assert files_asked_of(service) == []

    async def test_who_is_not_signed_in_is_led_there_after_it(
        self, service: Running, visitor: Visitor
    ):
        path = await with_files(service)

        file = await visitor.open(f"{path}/attachments/1")

        assert file.body.startswith(b"%PDF-")

    @pytest.mark.parametrize(
        ("fault", "status", "said"),
        [
            (Fault(kind=FaultKind.STATUS, status=404), 404, "it may be gone"),
            (Fault(kind=FaultKind.STATUS, status=503), 502, "does not answer now"),
            (Fault(kind=FaultKind.GARBAGE), 502, "sent something else"),
            (Fault(kind=FaultKind.REDIRECT), 502, "sent something else"),
            (Fault(kind=FaultKind.HUGE), 502, "or more than we take"),
            (Fault(kind=FaultKind.LOST_ANSWER), 502, "does not answer now"),
        ],
        ids=lambda value: value.kind if isinstance(value, Fault) else "",
    )
    async def test_a_tenant_that_fails_is_told_in_words_and_no_byte_of_it_handed_on(
        self, service: Running, visitor: Visitor, fault: Fault, status: int, said: str
    ):
        path = await with_files(service)
        await visitor.open(path)
        service.playground.world.set_fault(FILES, fault)

        answer = await visitor.get(f"{path}/attachments/1")

        assert (answer.status, answer.headers["Content-Type"]) == (
            status,
            "text/html; charset=utf-8",
        )
        assert said in answer.text
        assert path in answer.links
        assert "Content-Disposition" not in answer.headers

    async def test_who_hung_up_keeps_no_turn_though_the_tenant_still_thinks(
        self, service: Running, visitor: Visitor
    ):
        path = await with_files(service)
        await visitor.open(path)
        dripping = Fault(kind=FaultKind.DRIPPING, seconds=0.5, times=EACH)
        service.playground.world.set_fault(FILES, dripping)
        hung = [asyncio.create_task(visitor.get(f"{path}/attachments/1")) for _ in range(EACH)]
        await service.until(lambda: len(files_asked_of(service)) == EACH)

        for each in hung:
            each.cancel()
        file = await visitor.get(f"{path}/attachments/1")

        assert file.status == 200
        assert file.body.startswith(b"%PDF-")


class _OnBehalf(Edited):
    """A playground whose tenant of expenses gives files to the person alone."""

    def write_tenants(self, folder: Path) -> Path:
        super().write_tenants(folder)
        file = folder / "expenses.toml"
        text = file.read_text(encoding="utf-8")
        file.write_text(
            text.replace("[api.details]", '[api.auth]\nsign_in = "on_behalf_of"\n\n[api.details]'),
            encoding="utf-8",
        )
        return folder


@pytest.fixture
async def on_behalf(authority: CertificateAuthority, tmp_path: Path) -> AsyncIterator[Running]:
    async with _OnBehalf(authority, {}) as playground, paged(playground, tmp_path) as running:
        yield running


class TestOnBehalf:
    async def test_the_tenant_learns_for_whom_it_is(self, on_behalf: Running):
        path = await with_files(on_behalf)
        async with visiting(on_behalf, "johndoe1") as visitor:
            page = await visitor.open(path)
            file = await visitor.get(f"{path}/attachments/1")

        assert page.status == 200
        assert file.body.startswith(b"%PDF-")
        maria = on_behalf.playground.world.people["johndoe1"]
        assert on_behalf.playground.sign_in.acted_for == [maria]

    async def test_a_session_without_a_token_signs_in_again(
        self, on_behalf: Running, tmp_path: Path
    ):
        path = await with_files(on_behalf)
        async with visiting(on_behalf, "johndoe1") as visitor:
            await visitor.open(path)
            cookie = visitor.cookie()
        async with (
            served(on_behalf.playground, tmp_path) as restarted,
            visiting(restarted, "johndoe1") as visitor,
        ):
            visitor.set_cookie("approvals", cookie)
            await restarted.pass_time(120)

            away = await visitor.get(f"{path}/attachments/1")
            file = await visitor.open(f"{path}/attachments/1")

        assert away.location == f"/sign-in?again&next={path}/attachments/1"
        assert file.body.startswith(b"%PDF-")


class TestCard:
    @pytest.mark.parametrize(
        ("url", "id_", "api", "page", "opens"),
        [
            ("", "1", True, "https://approvals.example/requests/x", True),
            ("", "1", True, "", False),
            ("", "1", False, "https://approvals.example/requests/x", False),
            ("", "", True, "https://approvals.example/requests/x", False),
            ("https://files.example/1", "1", True, "https://approvals.example/requests/x", False),
            ("", "1", True, "javascript:alert(1)", False),
        ],
        ids=["ours", "no page", "no api", "no id", "its own", "no address"],
    )
    def test_what_only_the_api_gives_is_opened_on_our_page(
        self, url: str, id_: str, page: str, *, api: bool, opens: bool
    ):
        there = card_tenant().api.model_copy(
            update={"attachment": "/files/{AttachmentId}" if api else None}
        )
        file = Attachment(id=id_, name="Quote.pdf", url=url)
        view = a_view(
            card_approval(content=a_content(attachments=(file,))),
            tenant=card_tenant(api=there),
            details={},
        )

        card = str(approval_card(view, Viewer(), page_url=page).to_dict())

        assert ("/requests/x/attachments/1" in card) == opens
        assert ("can only be opened in" in card) == (not opens and not url)
