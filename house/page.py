"""The page of a request: its doors, made where there are keys to seal sessions with."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from aiohttp import web

from approvals_core.adapters.entra import Login, PeopleSignIn
from approvals_core.adapters.tokens import TokenVerifier
from approvals_core.ports import TenantApi, Tenants
from bots.page.answers import Answers
from bots.page.files import FileDoor
from bots.page.front import FrontDoor
from bots.page.icons import IconDoor
from bots.page.looking_up import LookUp
from bots.page.pages import Pages
from bots.page.requests import RequestDoor
from bots.page.sessions import Cookies, PersonTokens, Sessions
from bots.page.signing_in import SignInDoor
from config import Settings
from house.core import Core, Ground
from house.keys import Keys


class Page(NamedTuple):
    """What the house needs of it."""

    routes: tuple[web.RouteDef, ...]
    close: Callable[[], None]


class _Shared(NamedTuple):
    """What the doors have in common."""

    keys: tuple[str, ...]
    cookies: Cookies
    sessions: Sessions
    tokens: PersonTokens
    pages: Pages
    answers: Answers


def make_page(ground: Ground, core: Core, keys: Keys, *, api: TenantApi) -> Page | None:
    """Make the page's parts, None where no secret keys are set."""
    if not ground.settings.secret_keys:
        return None
    shared, settings = _shared(ground), ground.settings
    login = Login(settings.entra_login_url, settings.ca_file)
    issuer = PeopleSignIn(ground.tokens.application, login)
    doors = (
        _sign_in(ground, keys, shared, issuer),
        _requests(ground, core, shared),
        _files(ground, core, shared, api),
    )
    return Page(tuple(_all_routes(doors)), issuer.close)


def front_routes(
    settings: Settings, tenants: Tenants, notice_line: str | None
) -> Iterable[web.RouteDef]:
    """Return the routes for everybody: what we are, and the tenants' icons; there are requests' pages or not."""
    front = FrontDoor(Pages(name=settings.teams_app_name, notice_line=notice_line))
    return [*front.routes(), *IconDoor(tenants).routes()]


def page_base(settings: Settings) -> str:
    """Return the address under which requests have pages, "" where they have none."""
    return f"{settings.public_url.rstrip('/')}/requests/" if settings.secret_keys else ""


def _shared(ground: Ground) -> _Shared:
    settings = ground.settings
    secrets = tuple(key.get_secret_value() for key in settings.secret_keys)
    cookies = Cookies(settings.public_url)
    sessions = Sessions(secrets, cookies, directories=settings.directories, now=ground.now)
    pages = Pages(name=settings.teams_app_name, notice_line=ground.notice_line)
    return _Shared(
        keys=secrets,
        cookies=cookies,
        sessions=sessions,
        tokens=PersonTokens(now=ground.now),
        pages=pages,
        answers=Answers(pages, sessions.of),
    )


def _sign_in(ground: Ground, keys: Keys, shared: _Shared, issuer: PeopleSignIn) -> SignInDoor:
    settings = ground.settings
    verifier = TokenVerifier(
        issuers=keys.of_entra(settings.directories),
        audiences=[settings.bot_app_id],
        clock=ground.now,
    )
    return SignInDoor(
        issuer=issuer,
        verifier=verifier,
        directories=settings.directories,
        tenants=ground.tenants,
        keys=shared.keys,
        public_url=settings.public_url,
        sessions=shared.sessions,
        cookies=shared.cookies,
        tokens=shared.tokens,
        pages=shared.pages,
        answers=shared.answers,
        now=ground.now,
    )


def _requests(ground: Ground, core: Core, shared: _Shared) -> RequestDoor:
    return RequestDoor(
        approvals=core.approvals,
        contacts=ground.store,
        look_up=LookUp(core.directory),
        public_url=ground.settings.public_url,
        sessions=shared.sessions,
        pages=shared.pages,
        answers=shared.answers,
        now=ground.now,
    )


def _files(ground: Ground, core: Core, shared: _Shared, api: TenantApi) -> FileDoor:
    return FileDoor(
        approvals=core.approvals,
        api=api,
        sessions=shared.sessions,
        tokens=shared.tokens,
        pages=shared.pages,
        answers=shared.answers,
        now=ground.now,
    )


def _all_routes(doors: Iterable[SignInDoor | RequestDoor | FileDoor]) -> Iterable[web.RouteDef]:
    for door in doors:
        yield from door.routes()
