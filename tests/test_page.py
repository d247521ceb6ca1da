"""The page of a request: what it shows, to whom, and what a browser may do with it."""

import base64
import hashlib
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from multidict import CIMultiDictProxy
from yarl import URL

from approvals_core.adapters.stores import open_store
from approvals_core.errors import StoreUnavailable
from approvals_core.models import Approval, Entries, Person, PersonId, Refusal
from approvals_core.ports import Store
from approvals_core.tenant import Action
from bots.page.fields import Search
from bots.page.forms import Try, forms
from bots.page.pages import Pages, RequestPage
from bots.page.sessions import Session
from cards.buttons import OWN_COMMENT
from cards.html import request_html
from cards.viewer import Viewer
from playground.outside import Playground
from tests.card_forms import ADD_APPROVER, CONFIRMED, REASONED, WITH_INPUTS, asks, refused
from tests.card_makers import (
    APPROVE,
    DECIDED_AT,
    REJECT,
    VIEWER,
    a_place,
    a_tenant,
    a_view,
    an_approval,
)
from tests.page_visits import Page, Visitor, paged, path_of, visiting
from tests.running import Running


@pytest.fixture
async def service(playground: Playground, tmp_path: Path) -> AsyncIterator[Running]:
    async with paged(playground, tmp_path) as running:
        yield running


@pytest.fixture
async def visitor(service: Running) -> AsyncIterator[Visitor]:
    async with visiting(service, "johndoe1") as one:
        yield one


async def test_it_shows_the_request_and_a_form_of_its_actions(service: Running, visitor: Visitor):
    page = await visitor.open(await path_of(service))

    assert page.status == 200
    assert page.title == "Title of the request (REQ-34562-126) · Company Approvals"
    assert page.buttons == ["Sign out", "Approve", "Reject", "Need info"]
    for words in ("$19,515.00", "ABC PVT LTD", "Approval route", "is asked now"):
        assert words in page.text
    assert "Test installation: not for real decisions." in page.text


async def test_the_browser_may_do_nothing_else_with_it(service: Running, visitor: Visitor):
    page = await visitor.open(await path_of(service))

    policy = dict(
        part.strip().split(" ", 1) for part in page.headers["Content-Security-Policy"].split(";")
    )
    [style] = re.findall(r"<style>(.*?)</style>", page.html, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy == {
        "default-src": "'none'",
        "style-src": f"'sha256-{digest}'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
        "base-uri": "'none'",
    }
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["Referrer-Policy"] == "same-origin"
    assert page.headers["Cross-Origin-Opener-Policy"] == "same-origin"


async def test_it_needs_nothing_but_html(service: Running, visitor: Visitor):
    page = await visitor.open(await path_of(service))

    tags = {tag for tag, _given in page.elements}
    assert tags.isdisjoint({"script", "img", "link", "iframe", "object", "base"})
    assert not [given for _tag, given in page.elements if "style" in given]
    assert not [name for _tag, given in page.elements for name in given if name.startswith("on")]


async def test_every_field_has_a_label_and_every_id_is_one(service: Running, visitor: Visitor):
    page = await visitor.open(await path_of(service))

    labelled = {given.get("for") for tag, given in page.elements if tag == "label"}
    fields = [
        given["id"]
        for tag, given in page.elements
        if tag in ("input", "textarea", "select") and given.get("type") != "hidden"
    ]
    pointed = [
        each
        for _tag, given in page.elements
        for name in ("aria-describedby", "aria-labelledby")
        for each in given.get(name, "").split()
    ]
    assert fields
    assert set(fields) <= labelled
    assert len(page.ids) == len(set(page.ids))
    assert set(pointed) <= set(page.ids)
    assert [tag for tag, _given in page.elements if tag in ("h1", "main")] == ["main", "h1"]


async def test_who_was_not_asked_sees_what_is_not_there(service: Running):
    path = await path_of(service)
    async with visiting(service, "johndoe4") as stranger:
        theirs = await stranger.open(path)
        nowhere = [
            await stranger.open(each)
            for each in ("/requests/pr-aaaaaaaaaaaaaaaa", "/requests/none", "/requests/%F0%9F")
        ]

    assert theirs.status == 404
    assert "Title of the request" not in theirs.html
    assert "or you are not among those who were asked" in theirs.text
    assert f"You are signed in as {_name_of(service, 'johndoe4')}." in theirs.text
    assert f"/sign-in?other&next={path}" in theirs.links
    assert {page.status for page in nowhere} == {404}
    csrf = re.compile(r'name="csrf" value="[^"]*"|&amp;next=[^"]*')
    assert {csrf.sub("", page.html) for page in nowhere} == {csrf.sub("", theirs.html)}


def _name_of(service: Running, alias: str) -> str:
    return service.playground.world.people[alias].name


@pytest.mark.parametrize("path", ["/requests", "/requests/"])
async def test_an_address_that_names_no_request_is_answered_by_a_page(service: Running, path: str):
    async with visiting(service, "johndoe1") as visitor:
        page = await visitor.get(path)

    assert page.status == 404
    assert page.title.startswith("This request is not available")
    assert "You are signed in" not in page.text


async def test_looking_changes_nothing(service: Running, visitor: Visitor):
    path = await path_of(service)
    await visitor.open(path)
    before = await _standing(service, path)

    for query in ("", "?a=Approve", "?a=Approve&k=x&csrf=x"):
        assert (await visitor.get(path + query)).status == 200

    assert await _standing(service, path) == before
    assert service.told() == []


async def _standing(service: Running, path: str) -> list[Any]:
    """Return where each place stands; what is still being fetched may change all the while."""
    public_id, maria = path.rpartition("/")[2], _maria(service)
    approval = (await service.house.approvals.glance(public_id, 0, by=maria)).approval
    places = [(one.state, one.attempt, one.decision, one.refusal) for one in approval.places]
    return [approval.round, approval.revision, approval.taken, *places]


def _maria(service: Running) -> PersonId:
    maria = service.playground.world.people["johndoe1"]
    return PersonId(maria.directory, maria.object_id)


class AwayStore:
    """A store that does not find requests while it is *away*."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.away = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def approval_by_id(self, scope: str, public_id: str) -> Approval | None:
        if self.away:
            raise StoreUnavailable("away")
        return await self._store.approval_by_id(scope, public_id)


async def test_a_store_that_is_away_is_said_in_words(playground: Playground, tmp_path: Path):
    opened: list[AwayStore] = []

    async def opening(url: str) -> Any:
        opened.append(AwayStore(await open_store(url)))
        return opened[0]

    async with (
        paged(playground, tmp_path, open_store=opening) as service,
        visiting(service, "johndoe1") as visitor,
    ):
        path = await path_of(service)
        form = await visitor.open(path)
        opened[0].away = True

        page = await visitor.get(path)
        sent = await visitor.press(form, "Approve", comment="Good price.")

    assert (page.status, sent.status) == (503, 503)
    assert "may be recorded or not" in sent.text
    assert "Good price." in sent.html
    assert "Please try again in a minute." in page.text
    assert path in page.links


HOSTILE = "</textarea></title></style><script>alert(1)</script>\u202e{{ 7*7 }} \"' onload=x <!--"


def a_session() -> Session:
    began = datetime(2026, 11, 21, tzinfo=UTC)
    return Session(
        id="s",
        directory="d",
        object_id="o",
        name=HOSTILE,
        csrf="c",
        began=began,
        ends=began,
    )


def read(response: web.Response) -> Page:
    assert isinstance(response.body, bytes)
    return Page(response.status, CIMultiDictProxy(response.headers), URL("/"), response.body)


def test_what_people_wrote_is_inert():
    view = asks(Action(code=HOSTILE[:80], label=HOSTILE, past="x", hint=HOSTILE, new_approver=True))
    found = Person(directory="d", object_id="o", name=HOSTILE, upn=HOSTILE)
    tried = Try(
        HOSTILE[:80], HOSTILE, problem=HOSTILE, search=Search(HOSTILE, found, why_not=HOSTILE)
    )
    page = RequestPage(
        title=HOSTILE,
        path="/requests/x",
        request=request_html(view, Viewer(), said=HOSTILE),
        forms=tuple(forms(view, Viewer(), tried)),
        under_way=HOSTILE,
    )

    written = read(Pages(name=HOSTILE, notice_line=HOSTILE).request(page, a_session()))

    tags = {tag for tag, _given in written.elements}
    assert "script" not in tags
    assert not [given for _tag, given in written.elements if "onload" in given]
    assert "{{ 7*7 }}" in written.text
    form = written.form_with("Find")
    assert form.fields[OWN_COMMENT + HOSTILE[:80]].startswith("</textarea></title>")
    assert len(written.ids) == len(set(written.ids))
    assert not [each for each in written.ids if re.search(r"\s", each)]


class TestForms:
    def test_what_needs_a_comment_at_most_shares_one_form(self):
        [first, *others] = forms(asks(APPROVE, REJECT, ADD_APPROVER, CONFIRMED), Viewer(), Try())

        assert [button.code for button in first.buttons] == [APPROVE.code, REJECT.code]
        assert [each.kind for each in first.fields] == ["lines"]
        assert not first.folded
        assert all(form.folded and len(form.buttons) == 1 for form in others)

    @pytest.mark.parametrize(
        ("action", "kinds"),
        [
            (REASONED, {"list", "lines"}),
            (ADD_APPROVER, {"people", "list", "lines"}),
            (WITH_INPUTS, {"line", "lines", "list", "tick", "day"}),
            (CONFIRMED, {"tick", "lines"}),
        ],
        ids=lambda value: getattr(value, "code", ""),
    )
    def test_a_form_asks_for_all_that_its_action_needs(self, action: Action, kinds: set[str]):
        [form] = forms(asks(action), Viewer(), Try())

        assert {each.kind for each in form.fields} <= kinds
        assert form.hidden.keys() == {"k", "r", "v", "t"}

    def test_a_try_stands_in_its_own_form_and_only_its_comment_elsewhere(self):
        tried = Try(REASONED.code, "Because.", problem="A reason is needed.")

        [shared, form] = forms(asks(APPROVE, REASONED), Viewer(), tried)

        assert (form.is_open, form.problem) == (True, "A reason is needed.")
        assert [each.value for each in form.fields if each.kind == "lines"] == ["Because."]
        assert form.first_wrong
        assert (shared.problem, shared.fields[0].value) == ("", "Because.")

    def test_a_refusal_of_the_tenant_stands_in_the_form_with_what_was_typed(self):
        view = asks(APPROVE, REASONED, attempt=2, refusal=refused(REASONED, comment="As agreed."))

        [_shared, form] = forms(view, Viewer(), Try())

        assert form.is_open
        assert form.problem
        assert form.came_back
        assert "As agreed." in [each.value for each in form.fields]

    def test_who_tries_again_confirms_again(self):
        tried = Try(CONFIRMED.code, entries=Entries(confirmed=True), problem="Too late.")

        [form] = forms(asks(CONFIRMED), Viewer(), tried)

        [tick] = [each for each in form.fields if each.kind == "tick"]
        assert tick.value == ""


DELEGATE = Action(code="Delegate", label="Delegate", past="Delegated", confirmation="Really?")


def _values(tried: Try, **place: Any) -> list[str]:
    view = a_view(
        an_approval(a_place(**place)), tenant=a_tenant(actions=(APPROVE, REJECT, DELEGATE))
    )
    shown = forms(view, VIEWER, tried)
    return [field.value for form in shown for field in form.fields if field.kind == "lines"]


@pytest.mark.parametrize("action", ["Reject", "Delegate"])
def test_a_comment_that_came_back_waits_at_every_action(action: str):
    typed = Try(action, "Too dear.", problem="Please say why.")

    assert _values(typed) == ["Too dear.", "Too dear."]


def test_what_the_tenant_sent_back_waits_at_the_action_it_was_written_for():
    refusal = Refusal(message="No.", action="Reject", comment="Too dear.", at=DECIDED_AT)

    assert _values(Try(), refusal=refusal) == ["Too dear.", ""]
