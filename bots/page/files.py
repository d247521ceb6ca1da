"""The files of a request: read at the tenant's, and handed on as downloads that run nowhere."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from aiohttp import web

from approvals_core.approvals import Approvals
from approvals_core.errors import UnknownApproval
from approvals_core.models import Attachment
from approvals_core.ports import FetchedFile, FetchedKind, TenantApi, View
from approvals_core.tenant import SignIn
from bots.page.addressed import files_of, public_id_in
from bots.page.answers import Answers
from bots.page.downloads import HungUp, download, while_there, written
from bots.page.origins import path_of
from bots.page.pages import Notice, Pages, Way, led_to
from bots.page.sessions import PersonTokens, Session, Sessions
from bots.page.turns import Turns
from cards import text
from cards.language import _

log = logging.getLogger(__name__)

AT_ONCE = 4  # files in memory at a time; see `limits.attachment_bytes`
EACH = 2  # of them, for one person and from one tenant
TURN = 10.0  # seconds for which a download waits for its turn
WITHIN = 10.0  # seconds for the request itself
# A sign-in younger than this brought no token, and one more will bring none either.
JUST_NOW = timedelta(minutes=1)
_GONE = 499  # nginx's number for a client that hung up; it stands in logs alone


class FileDoor:
    """Hands out the files of a request to those who may see it."""

    def __init__(
        self,
        *,
        approvals: Approvals,
        api: TenantApi,
        sessions: Sessions,
        tokens: PersonTokens,
        pages: Pages,
        answers: Answers,
        now: Callable[[], datetime],
    ) -> None:
        self._approvals = approvals
        self._api = api
        self._sessions = sessions
        self._tokens = tokens
        self._pages = pages
        self._answers = answers
        self._now = now
        self._turns = Turns(AT_ONCE, EACH)

    def routes(self) -> Iterable[web.RouteDef]:
        path = r"/requests/{public_id}/attachments/{number:\d{1,4}}"
        return [web.get(path, self._answers.guarded(self._fetch), allow_head=False)]

    async def _fetch(self, request: web.Request) -> web.StreamResponse:
        public_id = public_id_in(request)
        session = self._sessions.of(request)
        if session is None:
            return led_to(f"/sign-in?next={request.path}")
        async with asyncio.timeout(WITHIN):
            view = await self._approvals.own(public_id, by=session.person_id)
        file = _numbered(view, int(request.match_info["number"]))
        token = self._tokens.of(session)
        if view.tenant.api.auth.sign_in is SignIn.ON_BEHALF_OF and token is None:
            return self._without_token(request, session, view)
        try:
            async with self._turns.one(session.person_id, view.tenant.code, within=TURN):
                return await self._handed_on(request, session, view, file, token)
        except HungUp:
            log.info("download_given_up", extra={"path": request.path})
            return web.Response(status=_GONE)

    async def _handed_on(
        self,
        request: web.Request,
        session: Session,
        view: View,
        file: Attachment,
        token: str | None,
    ) -> web.StreamResponse:
        asking = self._api.attachment(view.tenant, view.approval, file, user_assertion=token)
        given = await while_there(request, asking)
        if given.kind is FetchedKind.FOUND:
            return await written(request, download(file.name, given))
        ids = {"approval": view.approval.id, "tenant": view.tenant.code}
        log.warning("attachment_not_read", extra={**ids, "why": given.reason})
        status = 404 if given.kind is FetchedKind.REFUSED else 502
        return self._pages.notice(_not_given(view, file, given), status=status, session=session)

    def _without_token(
        self, request: web.Request, session: Session, view: View
    ) -> web.StreamResponse:
        """Let him sign in again, which brings the token; once."""
        if self._now() - session.began > JUST_NOW:
            return led_to(f"/sign-in?again&next={request.path}")
        log.warning("no_token_to_act_on_behalf", extra={"tenant": view.tenant.code})
        page = Notice(
            _("This file cannot be opened here"),
            (
                _(
                    "{tenant} gives it to you alone, and your sign-in does not let us ask for you."
                ).format(tenant=_tenant(view)),
                _("Please tell your administrators, or open the file in {tenant}.").format(
                    tenant=_tenant(view)
                ),
            ),
            _ways(view),
        )
        return self._pages.notice(page, status=403, session=session)


def _numbered(view: View, number: int) -> Attachment:
    """Return the file with this number, counted from 1; all else is nobody's business."""
    files = files_of(view)
    api = view.tenant.api.attachment
    if api is None or not 1 <= number <= len(files) or not files[number - 1].id:
        raise UnknownApproval(_("There is no such file."))
    return files[number - 1]


def _not_given(view: View, file: Attachment, given: FetchedFile) -> Notice:
    tenant, name = _tenant(view), text.file_name(file.name) or _("The file")
    match given.kind:
        case FetchedKind.REFUSED:
            said = _("{tenant} does not give it: it may be gone, or not be for you.")
            then = _("Please look for it in {tenant}.")
        case FetchedKind.UNUSABLE:
            said = _("{tenant} sent something else, or more than we take.")
            then = _("Please open it in {tenant}.")
        case _:
            said = _("{tenant} does not answer now.")
            then = _("Please try again in a minute, or open it in {tenant}.")
    return Notice(
        _("{name} could not be opened").format(name=name),
        (said.format(tenant=tenant), then.format(tenant=tenant)),
        _ways(view),
    )


def _ways(view: View) -> tuple[Way, ...]:
    content = view.approval.content
    there = text.safe_url(content.detail_page_url) if content else None
    back = Way(_("Back to the request"), path_of(view.approval.id))
    if not there:
        return (back,)
    return (back, Way(_("Open in {tenant}").format(tenant=_tenant(view)), there))


def _tenant(view: View) -> str:
    return text.one_line(view.tenant.name, text.PERSON)
