"""What every page of ours is made of: the frame, its style, and headers that let it do nothing else."""

import base64
import hashlib
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web
from markupsafe import Markup

from bots.page.forms import Form
from bots.page.sessions import Session
from cards import text
from cards.html import STYLESHEET, environment
from cards.language import LANGUAGE, _

HERE = Path(__file__).parent
_CSS = (HERE / "page.css").read_text(encoding="utf-8") + STYLESHEET
_HASH = base64.b64encode(hashlib.sha256(_CSS.encode()).digest()).decode()

# No script, nothing of others, in no frame, and forms to us alone. `same-origin`: with
# `no-referrer` browsers would not say where a form comes from.
HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_HASH}'; form-action 'self';"
        " frame-ancestors 'none'; base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Robots-Tag": "noindex",
}

_TEMPLATES = environment(HERE / "templates", {"_": _, "lang": LANGUAGE, "css": Markup(_CSS)})  # noqa: S704 (ours)


@dataclass(frozen=True)
class Way:
    """A link to where one can go on."""

    words: str
    url: str


@dataclass(frozen=True)
class Notice:
    """A page that says something. *typed* is what its reader wrote, to be copied; raw."""

    title: str
    sentences: tuple[str, ...] = ()
    ways: tuple[Way, ...] = ()
    typed: str = ""
    reload_after: int = 0


@dataclass(frozen=True)
class RequestPage:
    """
    A request and what can be done; *reload_after* in seconds, 0: never.

    *pictures* is the address beneath which the page may load some, "" for none.
    """

    title: str
    path: str
    request: Markup
    forms: tuple[Form, ...] = ()
    under_way: str = ""
    reload_after: int = 0
    pictures: str = ""


class Pages:
    """Writes pages. *name* is what we are called, *notice_line* stands under each of them."""

    def __init__(self, *, name: str, notice_line: str | None) -> None:
        self._name = name
        self._notice_line = notice_line or ""

    def notice(
        self, page: Notice, *, status: int = 200, session: Session | None = None
    ) -> web.Response:
        """Return a page that says something."""
        return self._written("notice.html", page, status, session)

    def request(self, page: RequestPage, session: Session, *, status: int = 200) -> web.Response:
        """Return the page of a request, for the one who is signed in."""
        answer = self._written("request_page.html", page, status, session)
        if page.pictures:  # not 'self': browsers would ask for /favicon.ico, too
            answer.headers["Content-Security-Policy"] += f"; img-src {page.pictures}"
        return answer

    def _written(
        self, template: str, page: Notice | RequestPage, status: int, session: Session | None
    ) -> web.Response:
        body = _TEMPLATES.get_template(template).render(
            page=page,
            session=session,
            who=text.one_line(session.name, text.PERSON) if session else "",
            name=text.one_line(self._name, text.PERSON),
            notice_line=self._notice_line,
        )
        return web.Response(text=body, content_type="text/html", status=status, headers=HEADERS)


def led_to(url: str) -> web.Response:
    """Lead the browser on with a GET, whatever it came with (RFC 9110, 303)."""
    return web.Response(status=303, headers={**HEADERS, "Location": url})
