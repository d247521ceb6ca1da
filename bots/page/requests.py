"""The page of one request: GET shows it, POST decides; both by the rules that cards have."""

import asyncio
import logging
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Protocol

from aiohttp import web

from approvals_core.approvals import Approvals, Outcome
from approvals_core.errors import ApprovalError, StoreError, UnknownApproval
from approvals_core.models import Contact, PersonId, PlaceState
from approvals_core.ports import View
from approvals_core.rules.deciding import Click
from approvals_core.rules.standing import holder
from bots.page import notices
from bots.page.addressed import click_in, public_id_in, title_of
from bots.page.answers import Answers
from bots.page.fields import SEARCH, Search
from bots.page.form_bodies import read_form, typed_by_nobody
from bots.page.forms import Try, forms
from bots.page.looking_up import LookUp
from bots.page.origins import is_from_us, path_of
from bots.page.pages import Pages, RequestPage, led_to
from bots.page.sessions import Session, Sessions
from bots.web import elapsed
from cards.approval.content import shown
from cards.approval.files import own_links
from cards.approval.refused import MENDABLE
from cards.approval.standing import Phase, standing
from cards.buttons import NEW_APPROVER, read_comment, read_entries
from cards.html import request_html
from cards.language import _
from cards.viewer import Viewer, viewer_of

log = logging.getLogger(__name__)

WITHIN = 10.0  # seconds for a page that is only shown
RELOADS = 4  # seconds after which a page looks again what became of a decision
AS_LONG_AS = timedelta(
    minutes=1
)  # since the attempt: a tenant that takes longer is looked at by hand

_LOCALE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*", re.ASCII)


class Contacts(Protocol):
    """Where is known how people read."""

    async def contact(self, person: PersonId) -> Contact | None:
        """Return how the person is reached, or None if never heard of."""
        ...


class RequestDoor:
    """Shows a request to those who may see it, and takes what they decide."""

    def __init__(
        self,
        *,
        approvals: Approvals,
        contacts: Contacts,
        look_up: LookUp,
        public_url: str,
        sessions: Sessions,
        pages: Pages,
        answers: Answers,
        now: Callable[[], datetime],
    ) -> None:
        self._approvals = approvals
        self._contacts = contacts
        self._look_up = look_up
        self._public_url = public_url.rstrip("/")
        self._sessions = sessions
        self._pages = pages
        self._answers = answers
        self._now = now

    def routes(self) -> Iterable[web.RouteDef]:
        guarded = self._answers.guarded
        return [
            web.get("/requests", guarded(_none)),
            web.get("/requests/", guarded(_none)),
            web.get("/requests/{public_id}", guarded(self._show)),
            web.post("/requests/{public_id}", guarded(self._take)),
        ]

    # -- showing ------------------------------------------------------------------

    async def _show(self, request: web.Request) -> web.Response:
        public_id = public_id_in(request)
        session = self._sessions.of(request)
        if session is None:
            return led_to(f"/sign-in?next={path_of(public_id)}")
        async with asyncio.timeout(WITHIN):
            view = await self._approvals.own(public_id, by=session.person_id)
            return await self._page(request, session, view)

    async def _page(
        self,
        request: web.Request,
        session: Session,
        view: View,
        tried: Try | None = None,
        *,
        said: str = "",
        recording: str = "",
        status: int = 200,
    ) -> web.Response:
        viewer = await self._viewer(request, session)
        now = standing(view, viewer, recording=recording)
        asked = now.phase is Phase.ASKING
        is_going_on = bool(recording) or self._is_under_way(view)
        here = f"{self._public_url}{path_of(view.approval.id)}"
        links = own_links(view, shown(view), here)
        title = title_of(view)
        page = RequestPage(
            title=_("Not sent: {title}").format(title=title) if tried and tried.problem else title,
            path=path_of(view.approval.id),
            request=request_html(view, viewer, said=said, recording=recording, file_links=links),
            forms=tuple(forms(view, viewer, tried or Try())) if asked else (),
            under_way=notices.going_on(recording) if is_going_on else "",
            reload_after=RELOADS if is_going_on else 0,
            pictures=f"{self._public_url}/icons/" if view.tenant.icons else "",
        )
        return self._pages.request(page, session, status=status)

    async def _viewer(self, request: web.Request, session: Session) -> Viewer:
        """Return how the person reads: as Teams told us, else as his browser says."""
        known = viewer_of(await self._contacts.contact(session.person_id))
        first = request.headers.get("Accept-Language", "").partition(",")[0].partition(";")[0]
        if known.zone or not _LOCALE.fullmatch(first.strip()):
            return known
        return Viewer(user_id=known.user_id, locale=first.strip())

    def _is_under_way(self, view: View) -> bool:
        """Tell whether a decision is on its way that the tenant may answer any moment."""
        held_by = holder(view.approval, view.place, view.tenant)
        sending = (p for p in (view.place, held_by) if p and p.state is PlaceState.SUBMITTING)
        tries = (place.decision.attempted_at for place in sending if place.decision)
        return any(self._now() - at < AS_LONG_AS for at in tries)

    # -- deciding -----------------------------------------------------------------

    async def _take(self, request: web.Request) -> web.Response:
        public_id = public_id_in(request)
        if not is_from_us(request, self._public_url):
            return self._answers.foreign(request, path_of(public_id))
        session = self._sessions.of(request)
        if session is None:
            typed = await typed_by_nobody(request)
            return self._pages.notice(notices.signed_out(public_id, typed), status=401)
        form = await read_form(request)
        if not session.holds(form.get("csrf", "")):
            return self._answers.foreign(request, path_of(public_id))
        return await self._taken(request, session, public_id, form)

    async def _taken(
        self, request: web.Request, session: Session, public_id: str, form: Mapping[str, str]
    ) -> web.Response:
        """Do what a form of this session asks for: look somebody up, or decide."""
        if "find" in form:
            return await self._find(request, session, public_id, form, form["find"])
        click = click_in(public_id, form)
        if click is None:
            return self._answers.foreign(request, path_of(public_id))
        if form.get(SEARCH + click.action, "").strip() and not click.entries.new_approver:
            return await self._find(request, session, public_id, form, click.action)
        return await self._act(request, session, public_id, click)

    async def _act(
        self, request: web.Request, session: Session, public_id: str, click: Click
    ) -> web.Response:
        try:
            outcome = await self._approvals.act(
                public_id, click, by=session.person, elapsed=elapsed()
            )
        except UnknownApproval:
            raise
        except ApprovalError as problem:
            return await self._refused(request, session, public_id, click, problem)
        except StoreError as problem:
            log.warning("decision_not_known", extra={"why": type(problem).__name__})
            return self._pages.notice(
                notices.not_known(public_id, click.comment), status=503, session=session
            )
        return await self._outcome(request, session, public_id, click, outcome)

    async def _outcome(
        self, request: web.Request, session: Session, public_id: str, click: Click, outcome: Outcome
    ) -> web.Response:
        """Lead to the page of what is stored; while nobody knows yet, say that it is recorded."""
        if not outcome.recording:
            # A fragment of its own: else the browser keeps the form's (Fetch, "HTTP-redirect fetch").
            return led_to(f"{path_of(public_id)}#main")
        if outcome.view is None:
            return self._pages.notice(notices.recording(public_id), status=202, session=session)
        return await self._page(
            request,
            session,
            outcome.view,
            said=_("Recording your decision…"),
            recording=click.action,
            status=202,
        )

    async def _refused(
        self,
        request: web.Request,
        session: Session,
        public_id: str,
        click: Click,
        problem: ApprovalError,
    ) -> web.Response:
        async with asyncio.timeout(WITHIN):
            view = await self._approvals.own(public_id, by=session.person_id)
            mendable = isinstance(problem, MENDABLE)
            tried = Try(
                action=click.action,
                comment=click.comment,
                entries=click.entries,
                problem=str(problem) if mendable else "",
                search=await self._chosen(view, click),
            )
            said = "" if mendable else str(problem)
            status = 422 if mendable else 409
            return await self._page(request, session, view, tried, said=said, status=status)

    async def _chosen(self, view: View, click: Click) -> Search:
        """Return who was chosen as new approver, as he is shown again."""
        if not _asks_for_people(view, click.action):
            return Search()
        return await self._look_up.again(view.tenant, click.entries.new_approver)

    async def _find(
        self,
        request: web.Request,
        session: Session,
        public_id: str,
        form: Mapping[str, str],
        code: str,
    ) -> web.Response:
        """Show who was found as new approver, to be chosen; nothing is decided by that."""
        async with asyncio.timeout(WITHIN):
            view = await self._approvals.own(public_id, by=session.person_id)
            words = form.get(SEARCH + code, "")
            asks = _asks_for_people(view, code)
            search = await self._look_up.find(view.tenant, words) if asks else Search()
            chosen = search.found.object_id if search.found else ""
            entries = read_entries({**form, NEW_APPROVER + code: chosen}, code)
            tried = Try(code, read_comment(form, code), entries, search=search)
            return await self._page(request, session, view, tried)


async def _none(_request: web.Request) -> web.StreamResponse:
    """Answer an address that names no request: there is no list of them."""
    raise UnknownApproval(_("This request is not available to you."))


def _asks_for_people(view: View, code: str) -> bool:
    action = view.tenant.action(code)
    return action is not None and action.new_approver
