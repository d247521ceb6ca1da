"""Signing in on the page: the code flow with each of its checks alone wrong, sessions, and out again."""

import asyncio
import string
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer, make_mocked_request
from yarl import URL

from approvals_core.models import PersonId
from bots.page.answers import Answers
from bots.page.pages import Pages
from bots.page.sealing import Seals
from bots.page.sessions import ENDED, Cookies, PersonTokens, Sessions
from bots.page.signing_in import SignInDoor
from bots.web import correlated
from playground import names
from playground.forgeries import FORGERIES
from playground.outside import Playground
from playground.signing import Claims, SigningKey
from tests.page_visits import Page, Visitor, paged, path_of, served, visiting
from tests.running import Running

KEY = "a secret that is long enough and old by now"
NEWER = "another secret that is long enough and new"
BASE64 = f"{string.ascii_uppercase}{string.ascii_lowercase}{string.digits}-_"
PATH = "/requests/pr-aaaaaaaaaaaaaaaa"  # nobody's: signing in does not ask whose it is


@pytest.fixture
async def service(playground: Playground, tmp_path: Path) -> AsyncIterator[Running]:
    async with served(playground, tmp_path) as running:
        yield running


@pytest.fixture
async def visitor(service: Running) -> AsyncIterator[Visitor]:
    async with visiting(service, "johndoe1") as one:
        yield one


def _now() -> datetime:
    return datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


async def to_issuer(visitor: Visitor) -> URL:
    """Begin a sign-in; return where the issuer is to be asked."""
    begun = await visitor.get(f"/sign-in?next={PATH}")
    return URL(begun.location, encoded=True)


async def way_back(visitor: Visitor) -> URL:
    """Sign in at the issuer; return the address to which it leads back, with its code."""
    asked = await visitor.get(visitor.hinted(str(await to_issuer(visitor))))
    return URL(asked.location, encoded=True)


async def is_signed_in(visitor: Visitor) -> bool:
    """Tell whether signing in says that he is, in place of leading to the issuer."""
    return (await visitor.get("/sign-in")).status == 200


def refused(page: Page) -> bool:
    return page.status in (400, 403) and "Set-Cookie" in page.headers


async def test_a_link_of_a_mail_leads_through_sign_in_to_the_request(
    playground: Playground, tmp_path: Path
):
    async with (
        paged(playground, tmp_path) as service,
        visiting(service, "johndoe1") as visitor,
    ):
        path = await path_of(service)

        page = await visitor.open(path)

    assert (page.status, page.url.path) == (200, path)
    assert "Maria Keller" in page.text
    assert "Title of the request" in page.text


async def test_the_issuer_is_asked_for_a_code_with_pkce_state_and_nonce(
    service: Running, visitor: Visitor
):
    asked = (await to_issuer(visitor)).query

    assert asked["response_type"] == "code"
    assert asked["response_mode"] == "query"
    assert asked["code_challenge_method"] == "S256"
    assert min(len(asked[name]) for name in ("code_challenge", "state", "nonce")) > 10
    assert asked["redirect_uri"] == f"{visitor.service}/signed-in"
    assert sorted(asked["scope"].split()) == ["openid", "profile"]


class TestComingBack:
    async def test_a_state_that_this_browser_did_not_begin(
        self, service: Running, visitor: Visitor
    ):
        back = await way_back(visitor)

        wrong = await visitor.get(str(back.update_query(state="another")))

        assert wrong.status == 400
        assert not await is_signed_in(visitor)

    async def test_a_code_that_somebody_else_was_given_for_his_own_sign_in(
        self, service: Running, visitor: Visitor
    ):
        async with visiting(service, "johndoe2") as mallory:
            theirs = await way_back(mallory)

            lured = await visitor.get(str(theirs))

        assert lured.status == 400
        assert visitor.cookie() == ""

    async def test_his_code_under_our_state_fails_for_the_verifier(
        self, service: Running, visitor: Visitor
    ):
        ours = await way_back(visitor)
        async with visiting(service, "johndoe2") as mallory:
            theirs = await way_back(mallory)

            mixed = await visitor.get(str(ours.update_query(code=theirs.query["code"])))

        assert refused(mixed)
        assert not await is_signed_in(visitor)

    async def test_the_same_answer_again(self, service: Running, visitor: Visitor):
        back = await way_back(visitor)
        kept = {one.key: one.value for one in visitor.session.cookie_jar}
        assert (await visitor.get(str(back))).location == PATH
        visitor.session.cookie_jar.clear()
        for name, value in kept.items():  # a browser that kept what it was to forget
            visitor.set_cookie(name, value)

        again = await visitor.get(str(back))

        assert refused(again)
        assert not await is_signed_in(visitor)

    async def test_an_answer_that_comes_too_late(self, service: Running, visitor: Visitor):
        back = await way_back(visitor)
        await service.pass_time(601)

        late = await visitor.get(str(back))

        assert late.status == 400
        assert "ten minutes" in late.text

    async def test_somebody_who_cancels_is_told_so(self, service: Running, visitor: Visitor):
        state = (await to_issuer(visitor)).query["state"]

        back = await visitor.get(f"/signed-in?error=access_denied&state={state}")

        assert back.status == 403
        assert "You cancelled it" in back.text
        assert f"/sign-in?again&next={PATH}" in back.links

    async def test_nothing_of_what_the_issuer_says_stands_on_the_page(
        self, service: Running, visitor: Visitor
    ):
        state = (await to_issuer(visitor)).query["state"]
        told = "error=%3Cscript%3Ex&error_description=%3Cscript%3Ehello"

        back = await visitor.get(f"/signed-in?{told}&state={state}")

        assert back.status == 403
        assert "hello" not in back.html
        assert "<script" not in back.html

    async def test_two_tabs_sign_in_at_once(self, service: Running, visitor: Visitor):
        first, second = await way_back(visitor), await way_back(visitor)

        answers = [await visitor.get(str(back)) for back in (first, second)]

        assert [page.location for page in answers] == [PATH, PATH]

    async def test_many_sign_ins_begun_do_not_fill_the_browser(
        self, service: Running, visitor: Visitor
    ):
        for _ in range(8):
            await visitor.get("/sign-in")

        assert len(list(visitor.session.cookie_jar)) <= 5


def _with(**changes: Any) -> Callable[[Claims], Claims]:
    return lambda claims: claims | changes


def _without(name: str) -> Callable[[Claims], Claims]:
    return lambda claims: {key: value for key, value in claims.items() if key != name}


class TestIdToken:
    @pytest.mark.parametrize(
        "change",
        [
            _with(nonce="another"),
            _without("nonce"),
            _with(exp=1),
            _with(nbf=4_000_000_000),
            _with(aud=names.INTAKE_APP),
            _with(aud=names.PURCHASING_API),
            _with(iss=names.ENTRA_ISSUER.format(directory=names.OTHER_DIRECTORY)),
            _with(iss="https://login.elsewhere.example/v2.0"),
            _with(tid=names.OTHER_DIRECTORY),
            _without("tid"),
            _without("oid"),
            _with(oid=""),
        ],
        ids=[
            "nonce",
            "no nonce",
            "expired",
            "not yet",
            "audience",
            "api's",
            "other issuer",
            "stranger",
            "other directory",
            "no directory",
            "nobody",
            "blank",
        ],
    )
    async def test_one_claim_alone_is_wrong(
        self, service: Running, visitor: Visitor, change: Callable[[Claims], Claims]
    ):
        issuer, sign_in = service.playground.issuer, service.playground.sign_in
        sign_in.signs = lambda claims: issuer.entra.newest.sign(change(claims))

        page = await visitor.open(PATH)

        assert refused(page)
        assert visitor.cookie() == ""

    @pytest.mark.parametrize("forgery", sorted(FORGERIES))
    async def test_a_signature_that_is_none_of_the_issuer(
        self, service: Running, visitor: Visitor, forgery: str
    ):
        sign_in, ring = service.playground.sign_in, service.playground.issuer.entra
        sign_in.signs = lambda claims: FORGERIES[forgery](ring, claims)

        page = await visitor.open(PATH)

        assert refused(page)
        assert visitor.cookie() == ""

    async def test_a_key_that_the_issuer_does_not_publish(self, service: Running, visitor: Visitor):
        service.playground.sign_in.signs = SigningKey().sign

        assert refused(await visitor.open(PATH))


class TestSession:
    async def test_its_cookie_is_for_us_alone(self, service: Running, visitor: Visitor):
        back = await way_back(visitor)

        page = await visitor.get(str(back))

        [cookie] = [c for c in page.headers.getall("Set-Cookie") if c.startswith("approvals=")]
        said = {part.strip() for part in cookie.split(";")[1:]}
        assert {"HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=3600"} <= said
        assert len(cookie) < 2000
        assert "Domain" not in cookie

    @pytest.mark.parametrize("at", [0, 10, -1])
    async def test_one_letter_of_the_cookie_changed(
        self, service: Running, visitor: Visitor, at: int
    ):
        await visitor.open(PATH)
        sealed = visitor.cookie()
        letters = list(sealed.rstrip("="))
        # Its highest bit: the lowest ones of the last letter count for nothing (RFC 4648, 3.5).
        letters[at] = "A" if BASE64.index(letters[at]) >= len(BASE64) // 2 else "w"

        visitor.set_cookie("approvals", "".join(letters) + "=" * sealed.count("="))

        assert not await is_signed_in(visitor)

    async def test_the_sealed_state_of_a_sign_in_is_no_session(
        self, service: Running, visitor: Visitor
    ):
        await visitor.get(f"/sign-in?next={PATH}")
        [state] = [one.value for one in visitor.session.cookie_jar]

        visitor.set_cookie("approvals", state)

        assert not await is_signed_in(visitor)

    def test_what_was_sealed_for_another_purpose_cannot_be_opened(self):
        sealed = Seals([KEY], purpose="one").seal({"a": 1})

        assert Seals([NEWER, KEY], purpose="one").open(sealed) == {"a": 1}
        assert Seals([KEY], purpose="another").open(sealed) is None

    async def test_who_signs_in_has_another_session_than_the_browser_had(
        self, service: Running, visitor: Visitor
    ):
        await visitor.open(PATH)
        async with visiting(service, "johndoe2") as victim:
            victim.set_cookie("approvals", visitor.cookie())  # planted
            await victim.open(f"/sign-in?again&next={PATH}")
            mine, theirs = visitor.cookie(), victim.cookie()

            page = await victim.get("/sign-in")

        assert mine != theirs
        assert "Jonas Berg" in page.text
        assert "Maria Keller" in (await visitor.get("/sign-in")).text

    async def test_signing_out_ends_it(self, service: Running, visitor: Visitor):
        page = await visitor.open(PATH)

        out = await visitor.press(page, "Sign out")

        assert (out.status, visitor.cookie()) == (200, "")
        assert "You are signed out" in out.text
        assert not await is_signed_in(visitor)

    async def test_a_form_that_was_not_made_in_it_does_not_end_it(
        self, service: Running, visitor: Visitor
    ):
        await visitor.open(PATH)

        out = await visitor.post("/sign-out", {"csrf": "of another session"})

        assert out.status == 403
        assert await is_signed_in(visitor)

    async def test_signing_out_ends_every_copy_of_it(self, service: Running, visitor: Visitor):
        page = await visitor.open(PATH)
        copied = visitor.cookie()
        assert await _takes(service, copied)

        await visitor.press(page, "Sign out")

        assert not await _takes(service, copied)

    async def test_the_token_of_who_signs_out_is_forgotten(self):
        here, nobody = "http://approvals.example.com", cast("Any", None)  # who is not asked
        cookies, pages = Cookies(here), Pages(name="Approvals", notice_line=None)
        sessions = Sessions([KEY], cookies, directories=[names.DIRECTORY], now=_now)
        tokens, begun = PersonTokens(now=_now), web.Response()
        session = sessions.begin(begun, PersonId(names.DIRECTORY, "maria"), "Maria Keller")
        tokens.keep(session, "a token", seconds=3600)
        door = SignInDoor(
            issuer=nobody,
            verifier=nobody,
            directories=[names.DIRECTORY],
            tenants=nobody,
            keys=[KEY],
            public_url=here,
            sessions=sessions,
            cookies=cookies,
            tokens=tokens,
            pages=pages,
            answers=Answers(pages, sessions.of),
            now=_now,
        )
        app = web.Application(middlewares=[correlated])
        app.add_routes(door.routes())
        sent = {"Origin": here, "Cookie": f"approvals={begun.cookies['approvals'].value}"}

        async with TestClient(TestServer(app)) as browser:
            out = await browser.post("/sign-out", data={"csrf": session.csrf}, headers=sent)

        assert out.status == 200
        assert tokens.of(session) is None

    def test_what_is_remembered_of_ended_ones_is_bounded(self):
        sessions = Sessions(
            [KEY], Cookies("http://127.0.0.1"), directories=[names.DIRECTORY], now=_now
        )
        answer = web.Response()
        person = PersonId(names.DIRECTORY, "maria")
        older = sessions.begin(answer, person, "Maria Keller")
        cookie = answer.cookies["approvals"].value
        request = make_mocked_request("GET", "/", headers={"Cookie": f"approvals={cookie}"})

        sessions.end(web.Response(), older)
        assert sessions.of(request) is None
        for number in range(ENDED):
            sessions.end(web.Response(), older.model_copy(update={"id": str(number)}))

        assert sessions.of(request) == older

    async def test_it_ends_by_itself(self, service: Running, visitor: Visitor):
        await visitor.open(PATH)

        await service.pass_time(3601)

        assert not await is_signed_in(visitor)

    async def test_nobody_sends_a_long_form_to_sign_out(self, service: Running, visitor: Visitor):
        await visitor.open(PATH)

        out = await visitor.post("/sign-out", {"csrf": "x" * 4096})

        assert out.status == 413
        assert await is_signed_in(visitor)

    async def test_who_has_several_accounts_chooses_another(self, visitor: Visitor):
        await visitor.open(PATH)

        again, other = await visitor.get("/sign-in?again"), await visitor.get("/sign-in?other")

        assert "prompt" not in URL(again.location).query
        assert URL(other.location).query["prompt"] == "select_account"

    async def test_another_site_signs_nobody_out(self, service: Running, visitor: Visitor):
        page = await visitor.open(PATH)

        out = await visitor.press(page, "Sign out", origin="https://evil.example")

        assert out.status == 403
        assert await is_signed_in(visitor)

    async def test_a_directory_that_is_no_longer_ours_ends_its_sessions(self):
        cookies, person = Cookies("http://127.0.0.1"), PersonId(names.DIRECTORY, "maria")
        before = Sessions([KEY], cookies, directories=[names.DIRECTORY], now=_now)
        after = Sessions([KEY], cookies, directories=[names.OTHER_DIRECTORY], now=_now)
        answer = web.Response()

        before.begin(answer, person, "Maria Keller")

        sealed = {"Cookie": f"approvals={answer.cookies['approvals'].value}"}
        request = make_mocked_request("GET", "/", headers=sealed)
        assert before.of(request) is not None
        assert after.of(request) is None

    async def test_a_replaced_key_still_opens_what_it_sealed(
        self, playground: Playground, tmp_path: Path
    ):
        async with (
            served(playground, tmp_path, secret_keys=KEY) as first,
            visiting(first, "johndoe1") as one,
        ):
            await one.open(PATH)
            cookie = one.cookie()
        async with served(playground, tmp_path, secret_keys=f"{NEWER},{KEY}") as both:
            assert await _takes(both, cookie)
        async with served(playground, tmp_path, secret_keys=NEWER) as newer:
            assert not await _takes(newer, cookie)


async def _takes(service: Running, cookie: str) -> bool:
    async with visiting(service, "johndoe1") as visitor:
        visitor.set_cookie("approvals", cookie)
        return await is_signed_in(visitor)


class TestHead:
    async def test_asking_for_headers_alone_signs_nobody_in(
        self, service: Running, visitor: Visitor
    ):
        back = await way_back(visitor)
        async with visitor.session.head(f"{visitor.service}/sign-in") as begun:
            pass
        async with visitor.session.head(back) as ended:
            pass

        assert [begun.status, ended.status] == [405, 405]
        assert "Set-Cookie" not in begun.headers
        assert visitor.cookie() == ""
        assert (await visitor.get(str(back))).location == PATH


class TestNext:
    @pytest.mark.parametrize(
        "wanted",
        [
            "https://evil.example/requests/pr-aaaa",
            "//evil.example/requests/pr-aaaa",
            "/\\evil.example",
            "/requests/../sign-out",
            "/requests/pr-aaaa?x=//evil.example",
            "/requests/pr-aaaa%0d%0aSet-Cookie:x",
            "/requests/pr-aaaa/attachments/1/x",
            "javascript:alert(1)",
            "/requests/",
            "/api/v1/requests",
        ],
    )
    async def test_it_leads_to_our_own_pages_only(
        self, service: Running, visitor: Visitor, wanted: str
    ):
        begun = await visitor.get(f"/sign-in?next={wanted}")
        asked = await visitor.get(visitor.hinted(begun.location))

        back = await visitor.get(asked.location)

        assert back.location == "/sign-in"

    async def test_who_is_signed_in_is_led_on_at_once(self, service: Running, visitor: Visitor):
        await visitor.open(PATH)

        on = await visitor.get(f"/sign-in?next={PATH}")
        nowhere = await visitor.get("/sign-in?next=//evil.example")

        assert on.location == PATH
        assert (nowhere.status, nowhere.location) == (200, "")
        assert "You are signed in" in nowhere.text


class TestDirectories:
    async def test_with_several_the_requests_own_is_asked(
        self, playground: Playground, tmp_path: Path
    ):
        several = f"{names.OTHER_DIRECTORY},{names.DIRECTORY}"
        async with (
            served(playground, tmp_path, directories=several) as service,
            visiting(service, "johndoe1") as visitor,
        ):
            asked = await visitor.get(f"/sign-in?next={PATH}")
            choice = await visitor.get("/sign-in?next=/requests/unknown-aaaa")

        assert f"/{names.DIRECTORY}/" in asked.location
        assert "Which organization" in choice.text
        assert [link for link in choice.links if link.startswith("/sign-in")] == [
            f"/sign-in?directory={each}&next=/requests/unknown-aaaa" for each in several.split(",")
        ]
        assert "organization.com" in choice.text

    async def test_whoever_comes_from_another_one_than_was_asked_is_not_let_in(
        self, playground: Playground, tmp_path: Path
    ):
        several = f"{names.DIRECTORY},{names.OTHER_DIRECTORY}"
        other = {
            "tid": names.OTHER_DIRECTORY,
            "iss": names.ENTRA_ISSUER.format(directory=names.OTHER_DIRECTORY),
        }
        ring = playground.issuer.entra
        playground.sign_in.signs = lambda claims: ring.newest.sign(claims | other)
        async with (
            served(playground, tmp_path, directories=several) as service,
            visiting(service, "johndoe1") as visitor,
        ):
            back = await visitor.get(str(await way_back(visitor)))

        assert refused(back)
        assert visitor.cookie() == ""

    async def test_one_that_is_not_ours_cannot_be_chosen(self, service: Running, visitor: Visitor):
        asked = await visitor.get(f"/sign-in?directory={names.OTHER_DIRECTORY}")

        assert f"/{names.DIRECTORY}/" in asked.location


class TestIssuerAway:
    @pytest.mark.parametrize(("part", "status"), [("/token", 403), ("openid-configuration", 503)])
    async def test_an_issuer_that_fails_lets_nobody_in(
        self, service: Running, visitor: Visitor, part: str, status: int
    ):
        service.playground.issuer.failing[part] = 503

        page = await visitor.open(PATH)

        assert page.status == status
        assert visitor.cookie() == ""
        assert "ry again" in page.text

    async def test_the_loop_runs_on_while_people_sign_in(self, service: Running, visitor: Visitor):
        turns = 0

        async def turn() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        turning = asyncio.create_task(turn())
        await visitor.open(PATH)
        turning.cancel()

        assert turns > 10


async def test_without_keys_there_is_no_page(playground: Playground, tmp_path: Path):
    none = {"secret_keys": (), "outlook_originator": None, "mail_via": None}
    async with (
        served(playground, tmp_path, **none) as service,
        visiting(service, "johndoe1") as visitor,
    ):
        answers = [await visitor.get("/sign-in"), await visitor.get(PATH)]

    assert [page.status for page in answers] == [404, 404]


async def test_under_https_other_hosts_of_the_domain_cannot_set_the_cookie(
    playground: Playground, tmp_path: Path
):
    public = "https://approvals.contoso.example"
    async with (
        served(playground, tmp_path, public_url=public) as service,
        visiting(service, "johndoe1") as visitor,
    ):
        begun = await visitor.get("/sign-in")

    [cookie] = begun.headers.getall("Set-Cookie")
    assert cookie.startswith("__Host-approvals-sign-in-")
    assert "Secure" in cookie
    assert URL(begun.location).query["redirect_uri"] == f"{public}/signed-in"
