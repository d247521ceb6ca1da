"""Signing in and out: OpenID Connect's code flow, its state in a cookie until the browser is back."""

import asyncio
import hashlib
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from aiohttp import web
from pydantic import BaseModel, ConfigDict, ValidationError

from approvals_core.adapters.entra import Begun, SignedIn
from approvals_core.adapters.tokens import Claims, TokenVerifier
from approvals_core.errors import InvalidToken, KeysUnavailable, TokenUnavailable
from approvals_core.models import PersonId
from approvals_core.ports import Tenants
from approvals_core.tenant import SignIn
from bots.page.answers import Answers
from bots.page.form_bodies import read_form
from bots.page.origins import is_from_us, own_path, tenant_code_in
from bots.page.pages import Notice, Pages, Way, led_to
from bots.page.sealing import Seals
from bots.page.sessions import Cookies, PersonTokens, Session, Sessions
from cards import text
from cards.language import _

log = logging.getLogger(__name__)

TAKES = timedelta(minutes=10)  # at most, from our page to the issuer's and back
AT_ONCE = 4  # sign-ins of one browser that are under way, in as many tabs
FORM = 4096  # bytes of the form that signs out
WITHIN = 15.0  # seconds for what the issuer is asked
_UNDER_WAY = "approvals-sign-in-"  # before the state's mark: name of the cookie


class Issuer(Protocol):
    """Who signs people in."""

    async def begin(
        self, directory: str, *, redirect_uri: str, own_scope: bool, choose: bool
    ) -> Begun:
        """Return where to send the browser; raise TokenUnavailable."""
        ...

    async def finish(
        self, directory: str, flow: Mapping[str, Any], answer: Mapping[str, str]
    ) -> SignedIn:
        """Take the tokens for a code; raise InvalidToken or TokenUnavailable."""
        ...


class _Flow(BaseModel):
    """One sign-in under way, as it lies in the browser's cookie."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    msal: dict[str, Any]
    directory: str
    next: str
    ends: datetime


class SignInDoor:
    """
    Leads people to the issuer and back; who comes back well has a session.

    *verifier* checks id tokens: MSAL takes them as they come. *directories* are those whose
    people may sign in.
    """

    def __init__(
        self,
        *,
        issuer: Issuer,
        verifier: TokenVerifier,
        directories: Sequence[str],
        tenants: Tenants,
        keys: Sequence[str],
        public_url: str,
        sessions: Sessions,
        cookies: Cookies,
        tokens: PersonTokens,
        pages: Pages,
        answers: Answers,
        now: Callable[[], datetime],
    ) -> None:
        self._issuer = issuer
        self._verifier = verifier
        self._directories = tuple(directories)
        self._tenants = tenants
        self._public_url = public_url.rstrip("/")
        self._seals = Seals(keys, purpose="page sign-in")
        self._sessions = sessions
        self._cookies = cookies
        self._tokens = tokens
        self._pages = pages
        self._answers = answers
        self._now = now

    def routes(self) -> Iterable[web.RouteDef]:
        guarded = self._answers.guarded
        return [
            web.get("/sign-in", guarded(self._sign_in), allow_head=False),
            web.get("/signed-in", guarded(self._signed_in), allow_head=False),
            web.post("/sign-out", guarded(self._sign_out)),
        ]

    # -- there --------------------------------------------------------------------

    async def _sign_in(self, request: web.Request) -> web.Response:
        """Lead to the issuer; who is signed in stays so, unless it is `again`, or as an `other`."""
        wanted = own_path(request.query.get("next", ""))
        session = self._sessions.of(request)
        if session is not None and not request.query.keys() & {"again", "other"}:
            return led_to(wanted) if wanted else self._is_signed_in(session)
        directory = self._directory(request.query.get("directory", ""), wanted)
        if not directory:
            return self._pages.notice(self._choice(wanted), session=session)
        try:
            async with asyncio.timeout(WITHIN):
                begun = await self._issuer.begin(
                    directory,
                    redirect_uri=f"{self._public_url}/signed-in",
                    own_scope=self._acts_on_behalf(),
                    choose="other" in request.query,
                )
        except TokenUnavailable as problem:
            log.warning("sign_in_not_begun", extra={"why": str(problem)})
            return self._pages.notice(_unreachable(request.path_qs), status=503)
        return self._led_there(request, begun, directory, wanted)

    def _led_there(
        self, request: web.Request, begun: Begun, directory: str, wanted: str
    ) -> web.Response:
        flow = _Flow(msal=begun.flow, directory=directory, next=wanted, ends=self._now() + TAKES)
        answer = led_to(begun.url)
        for name in self._older(request):
            self._cookies.set(answer, name, "", lasts=TAKES)
        sealed = self._seals.seal(flow.model_dump(mode="json"))
        self._cookies.set(answer, _mark(str(begun.flow["state"])), sealed, lasts=TAKES)
        return answer

    def _older(self, request: web.Request) -> list[str]:
        """Return the cookies that must go, so that a header never fills up with them."""
        begins = self._cookies.name(_UNDER_WAY)
        there = [name for name in request.cookies if name.startswith(begins)]
        cut = len(begins) - len(_UNDER_WAY)
        return [name[cut:] for name in there[: max(0, len(there) - AT_ONCE + 1)]]

    def _directory(self, said: str, wanted: str) -> str:
        """Return where to sign in: as said, the only one, or the one of the request's approvers; "" if unknown."""
        if said in self._directories:
            return said
        if len(self._directories) == 1:
            return self._directories[0]
        tenant = self._tenants.by_code(tenant_code_in(wanted))
        known = tenant is not None and tenant.people.directory in self._directories
        return tenant.people.directory if tenant is not None and known else ""

    def _choice(self, wanted: str) -> Notice:
        back = f"&next={wanted}" if wanted else ""
        ways = [
            Way(self._named(each), f"/sign-in?directory={each}{back}") for each in self._directories
        ]
        return Notice(_("Sign in"), (_("Which organization do you belong to?"),), tuple(ways))

    def _named(self, directory: str) -> str:
        """Return what people call a directory: the mail domains of the tenants that ask there."""
        there = (t for t in self._tenants.all() if t.people.directory == directory)
        domains = sorted({domain for tenant in there for domain in tenant.people.mail_domains})
        return text.one_line(", ".join(domains), text.TITLE) or directory

    def _acts_on_behalf(self) -> bool:
        return any(t.api.auth.sign_in is SignIn.ON_BEHALF_OF for t in self._tenants.all())

    def _is_signed_in(self, session: Session) -> web.Response:
        page = Notice(
            _("You are signed in"),
            (_("Open a request from its mail, or from its card in Teams."),),
        )
        return self._pages.notice(page, session=session)

    # -- and back -----------------------------------------------------------------

    async def _signed_in(self, request: web.Request) -> web.Response:
        flow = self._flow_of(request)
        if flow is None:
            return self._pages.notice(_not_ours(), status=400)
        try:
            async with asyncio.timeout(WITHIN):
                given = await self._issuer.finish(flow.directory, flow.msal, request.query)
                claims = await self._checked(given, flow)
        except (TokenUnavailable, KeysUnavailable) as problem:
            log.warning("sign_in_not_finished", extra={"why": str(problem)})
            answer = self._pages.notice(_unreachable(_again(flow.next)), status=503)
        except InvalidToken as problem:
            log.warning("sign_in_refused", extra={"why": str(problem)})
            answer = self._pages.notice(_refused(str(problem), _again(flow.next)), status=403)
        else:
            answer = self._let_in(flow, given, claims)
        self._cookies.set(answer, _mark(str(flow.msal.get("state"))), "", lasts=TAKES)
        return answer

    def _flow_of(self, request: web.Request) -> _Flow | None:
        """Return the sign-in that this browser began under the state that came back, or None."""
        sealed = self._cookies.get(request, _mark(request.query.get("state", "")))
        try:
            flow = _Flow.model_validate(self._seals.open(sealed))
        except ValidationError:  # None is none of them
            return None
        return flow if self._now() < flow.ends else None

    async def _checked(self, given: SignedIn, flow: _Flow) -> Claims:
        claims = await self._verifier.verify(given.id_token)
        if claims.directory != flow.directory:
            raise InvalidToken("of another directory than the one asked")
        if not claims.object_id:
            raise InvalidToken("names nobody")
        return claims

    def _let_in(self, flow: _Flow, given: SignedIn, claims: Claims) -> web.Response:
        answer = led_to(flow.next or "/sign-in")
        person = PersonId(claims.directory, claims.object_id)
        name = claims.text("name") or claims.text("preferred_username")
        session = self._sessions.begin(answer, person, name)
        if given.access_token and self._acts_on_behalf():
            self._tokens.keep(session, given.access_token, seconds=given.seconds)
        log.info("signed_in", extra={"person": str(person)})
        return answer

    # -- and out ------------------------------------------------------------------

    async def _sign_out(self, request: web.Request) -> web.Response:
        if not is_from_us(request, self._public_url):
            return self._answers.foreign(request, "")
        session = self._sessions.of(request)
        if session is not None:
            form = await read_form(request, limit=FORM)
            if not session.holds(form.get("csrf", "")):
                return self._answers.foreign(request, "")
        page = Notice(
            _("You are signed out"),
            (_("You are signed out here. Other pages of your organization keep you signed in."),),
            (Way(_("Sign in again"), "/sign-in?other"),),
        )
        answer = self._pages.notice(page)
        self._sessions.end(answer, session)
        if session is not None:
            self._tokens.forget(session)
        return answer


def _mark(state: str) -> str:
    """Return the name of a sign-in's cookie: each has one of its own, so that tabs do not mix."""
    return _UNDER_WAY + hashlib.sha256(state.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def _again(wanted: str) -> str:
    return f"/sign-in?again&next={wanted}" if wanted else "/sign-in?again"


def _not_ours() -> Notice:
    return Notice(
        _("This sign-in cannot be finished"),
        (
            _("It took longer than ten minutes, was finished before, or began in another browser."),
            _("Please open the request again from its mail or its card."),
        ),
        (Way(_("Sign in"), "/sign-in"),),
    )


def _refused(why: str, again: str) -> Notice:
    asked = _("You cancelled it, or your organization does not let you in here.")
    wrong = _("What came back was not what we asked for, so nobody is signed in.")
    return Notice(
        _("You are not signed in"),
        (asked if why == "access_denied" else wrong, _("Please try again.")),
        (Way(_("Sign in again"), again),),
    )


def _unreachable(again: str) -> Notice:
    return Notice(
        _("You cannot be signed in now"),
        (_("Your organization's sign-in does not answer. Please try again in a minute."),),
        (Way(_("Try again"), again),),
    )
