"""Somebody with a browser without JavaScript: follows links and redirects, fills in forms, keeps cookies."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
from multidict import CIMultiDictProxy
from yarl import URL

from approvals_core.models import OPEN, tenant_scope
from playground.outside import Playground
from tests.running import Running, run_service

MOST_REDIRECTS = 10


@dataclass
class Form:
    """One form of a page: its fields as they would be sent, and its buttons by their labels."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)
    buttons: dict[str, tuple[str, str]] = field(default_factory=dict)


class _Reader(HTMLParser):
    """Reads title, text, links and forms of a page, as a browser would send them."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.links: list[str] = []
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.title = ""
        self.text: list[str] = []
        self._inside = ""
        self._area = self._select = ""
        self._button: tuple[str, str] | None = None
        self._label = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.elements.append((tag, given))
        self._inside = tag
        if tag == "a":
            self.links.append(given.get("href", ""))
        if tag == "form":
            self.forms.append(Form(given.get("action", "")))
        if tag == "button":
            self._button, self._label = (given.get("name", ""), given.get("value", "")), ""
        if self.forms:
            self._field(tag, given, self.forms[-1].fields)

    def _field(self, tag: str, given: dict[str, str], fields: dict[str, str]) -> None:
        name, value = given.get("name", ""), given.get("value", "")
        if tag in ("textarea", "select"):
            self._area = name if tag == "textarea" else ""
            self._select = name
            fields[name] = ""
        if tag == "option" and "selected" in given:
            fields[self._select] = value
        ticked = given.get("type") not in ("checkbox", "radio") or "checked" in given
        if tag == "input" and ticked:
            fields[name] = value

    def handle_endtag(self, tag: str) -> None:
        if tag == "button" and self._button is not None:
            self.forms[-1].buttons[self._label.strip()] = self._button
            self._button = None
        self._area = "" if tag == "textarea" else self._area
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._area:
            # The first line break of a textarea is none (HTML, "textarea").
            first = not self.forms[-1].fields[self._area]
            self.forms[-1].fields[self._area] += data.removeprefix("\n") if first else data
        if self._button is not None:
            self._label += data
        if self._inside == "title":
            self.title += data
        if self._inside != "style":
            self.text.append(data)


class Page:
    """What came back for one request, read."""

    def __init__(self, status: int, headers: CIMultiDictProxy[str], url: URL, body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.url = url
        self.body = body
        self.html = body.decode(errors="replace")
        self._read = _Reader()
        if headers.get("Content-Type", "").startswith("text/html"):
            self._read.feed(self.html)

    @property
    def location(self) -> str:
        return self.headers.get("Location", "")

    @property
    def title(self) -> str:
        return self._read.title

    @property
    def text(self) -> str:
        return " ".join(" ".join(self._read.text).split())

    @property
    def links(self) -> list[str]:
        return self._read.links

    @property
    def ids(self) -> list[str]:
        return [given["id"] for _tag, given in self._read.elements if "id" in given]

    @property
    def elements(self) -> list[tuple[str, dict[str, str]]]:
        return self._read.elements

    def form_with(self, *buttons: str) -> Form:
        """Return the form that has all of the *buttons*."""
        found = [form for form in self._read.forms if form.buttons.keys() >= {*buttons}]
        assert found, f"no form has {buttons}: {self.status} {self.text}"
        return found[0]

    @property
    def buttons(self) -> list[str]:
        return [label for form in self._read.forms for label in form.buttons]


class Visitor:
    """One browser of one person, who is *alias* whenever he is asked."""

    def __init__(self, session: aiohttp.ClientSession, service: str, alias: str) -> None:
        self.session = session
        self.service = service
        self.alias = alias

    async def get(self, path: str, **headers: str) -> Page:
        """Fetch one address, without following a redirect."""
        return await self._send("GET", path, headers=headers)

    async def open(self, path: str) -> Page:
        """Go to an address and on, signing in if asked to."""
        url = path
        for _ in range(MOST_REDIRECTS):
            page = await self.get(url)
            if not page.location:
                return page
            url = self.hinted(str(page.url.join(URL(page.location, encoded=True))))
        raise AssertionError(f"redirects without an end, to {url}")

    def hinted(self, url: str) -> str:
        """Say at the issuer who we are, instead of choosing from its list."""
        return f"{url}&login_hint={self.alias}" if "/oauth2/v2.0/authorize" in url else url

    async def press(
        self,
        page: Page,
        button: str,
        *,
        beside: str = "",
        origin: str | None = None,
        **typed: str,
    ) -> Page:
        """Fill in the form that has the *button*, *beside* another one if given, and press it."""
        form = page.form_with(*filter(None, (button, beside)))
        fields = form.fields | typed
        name, value = form.buttons[button]
        return await self.post(form.action, fields | ({name: value} if name else {}), origin=origin)

    async def post(
        self, path: str, fields: Mapping[str, str], *, origin: str | None = None, **headers: str
    ) -> Page:
        from_where = {"Origin": self.service if origin is None else origin}
        sent = {name: value for name, value in (from_where | headers).items() if value}
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return await self._send("POST", path, data=urlencode(fields), headers=kind | sent)

    def cookie(self, name: str = "approvals") -> str:
        found = [one.value for one in self.session.cookie_jar if one.key == name]
        return found[0] if found else ""

    def set_cookie(self, name: str, value: str) -> None:
        self.session.cookie_jar.update_cookies({name: value}, URL(self.service))

    async def _send(self, method: str, path: str, **more: Any) -> Page:
        url = URL(path, encoded=True)
        url = url if url.is_absolute() else URL(self.service).join(url)
        async with self.session.request(method, url, allow_redirects=False, **more) as answer:
            return Page(answer.status, answer.headers, url, await answer.read())


@asynccontextmanager
async def visiting(running: Running, alias: str) -> AsyncIterator[Visitor]:
    """A new browser, signed in nowhere."""
    jar = aiohttp.CookieJar(unsafe=True)  # cookies of 127.0.0.1, too
    async with aiohttp.ClientSession(cookie_jar=jar) as session:
        yield Visitor(session, running.playground.teams.bot, alias)


async def path_of(running: Running, number: str = "") -> str:
    """Return the path of a stored request's page, by its display number."""
    store, wanted = running.house.store, number or running.number
    for tenant in running.house.tenants.all():
        listed = await store.page(tenant_scope(tenant.document_type_id), OPEN, limit=100)
        for approval in listed.approvals:
            if wanted == approval.display_number:
                return f"/requests/{approval.id}"
    raise AssertionError(f"there is no open request {wanted}")


def served(
    playground: Playground, folder: Path, **settings: Any
) -> AbstractAsyncContextManager[Running]:
    """The service on one store, as it was left in *folder*."""
    url = f"sqlite:///{folder}/approvals.db"
    return run_service(playground, store_url=url, folder=folder, **settings)


@asynccontextmanager
async def paged(playground: Playground, folder: Path, **settings: Any) -> AsyncIterator[Running]:
    """The service on one store, with the wiki's request asked of three people."""
    async with served(playground, folder, **settings) as running:
        for alias in ("johndoe1", "johndoe2", "johndoe3"):
            await playground.teams.install(alias)
        await running.send("wiki-create")
        await running.asked("johndoe1", "johndoe2", "johndoe3")
        yield running


async def with_files(running: Running) -> str:
    """Let the tenant of expenses ask Maria Keller about a request with a file; return its path."""
    tenant = running.playground.tenants["expenses"]
    sent = await tenant.send(running.playground.sample("expenses-create-train"))
    assert sent.status == 200, sent.answer
    running.number = "EX-2026-03118"
    await running.asked("johndoe1")
    return await path_of(running)
