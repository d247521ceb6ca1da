"""Answers of the page for whatever goes wrong, as HTML that says what to do."""

import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus

from aiohttp import web

from approvals_core.errors import StoreError, UnknownApproval
from bots.page.origins import own_path
from bots.page.pages import Notice, Pages, Way
from bots.page.sessions import Session
from cards import text
from cards.language import _

log = logging.getLogger(__name__)

Answering = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Answers:
    """Makes a page of every failure. *session_of* tells who is signed in, for the page's head."""

    def __init__(self, pages: Pages, session_of: Callable[[web.Request], Session | None]) -> None:
        self._pages = pages
        self._session_of = session_of

    def guarded(self, answering: Answering) -> Answering:
        """Return *answering*, which never raises any more. The one broad except of the page."""

        async def answered(request: web.Request) -> web.StreamResponse:
            try:
                return await answering(request)
            except UnknownApproval:
                return self.not_here(request)
            except (StoreError, TimeoutError) as problem:
                told = {"path": request.path, "why": type(problem).__name__}
                log.warning("page_not_answered", extra=told)
                return self._told(request, 503, _NOT_NOW)
            except web.HTTPException as known:
                return self._told(request, known.status, _REFUSED.get(known.status, _NOT_OURS))
            except Exception:
                log.exception("page_failed", extra={"path": request.path})
                return self._told(request, 500, _FAILED)

        return answered

    def not_here(self, request: web.Request) -> web.Response:
        """Answer alike for what there is not, and for what he may not see."""
        session, path = self._session_of(request), own_path(request.path)
        other = f"/sign-in?other&next={path}" if path else "/sign-in?other"
        page = _NOT_HERE if session is None else _not_for(session, other)
        return self._pages.notice(page, status=404, session=session)

    def foreign(self, request: web.Request, path: str) -> web.Response:
        """Answer a form that this session did not make; *path* is where to begin again."""
        log.warning("page_form_refused", extra={"path": request.path})
        page = Notice(
            _("This form cannot be taken"),
            (
                _("It was not sent by a page of ours that belongs to your present sign-in."),
                _("Nothing was decided. Please open the request again."),
            ),
            (Way(_("Open the request"), path),) if path else (),
        )
        return self._pages.notice(page, status=403, session=self._session_of(request))

    def _told(self, request: web.Request, status: int, page: Notice) -> web.Response:
        again = (Way(_("Try again"), request.path),) if _is_worth_it(request, status) else ()
        shown = Notice(page.title, page.sentences, again)
        return self._pages.notice(shown, status=status, session=self._session_of(request))


def _is_worth_it(request: web.Request, status: int) -> bool:
    return status >= HTTPStatus.INTERNAL_SERVER_ERROR and request.path.startswith("/requests/")


_NOT_HERE = Notice(
    _("This request is not available"),
    (_("There is no such request, or you are not among those who were asked to decide it."),),
)


def _not_for(session: Session, other: str) -> Notice:
    """Say who is signed in: of two accounts it may be the wrong one, or somebody else's."""
    who = text.one_line(session.name, text.PERSON)
    signed_in = _("You are signed in as {who}.").format(who=who)
    asked = _("If another account was asked, yours or somebody else's, sign in with that one.")
    return Notice(
        _NOT_HERE.title,
        (*_NOT_HERE.sentences, f"{signed_in} {asked}" if who else asked),
        (Way(_("Sign in as somebody else"), other),),
    )


_NOT_NOW = Notice(
    _("This cannot be shown now"),
    (_("Something that we need does not answer. Please try again in a minute."),),
)
_FAILED = Notice(
    _("Something went wrong"),
    (_("It went wrong on our side. Please try again, and tell your administrators if it stays."),),
)
_NOT_OURS = Notice(
    _("This cannot be taken"), (_("What your browser sent cannot be read. Please go back."),)
)
_REFUSED = {
    413: Notice(
        _("This is too long"),
        (_("Please go back and shorten what you wrote. Nothing was decided."),),
    ),
    408: Notice(_("This did not arrive in time"), (_("Please go back and send it again."),)),
}
