"""Who is signed in: a sealed cookie, and the tokens of those who let us act for them."""

import hmac
import secrets
from collections import OrderedDict
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, ValidationError
from yarl import URL

from approvals_core.models import Person, PersonId
from bots.page.sealing import Seals

LASTS = timedelta(hours=1)  # the issuer knows him longer, and lets him in again unasked
NAME = 200  # characters of a display name that are kept
TOKENS = 1000  # persons whose tokens are kept; of those who sign in, the latest
ENDED = 10_000  # sessions that are remembered as signed out, the latest


class Session(BaseModel):
    """One person in one browser, from sign-in to sign-out. *csrf* stands in every form."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    directory: str
    object_id: str
    name: str
    csrf: str
    began: datetime
    ends: datetime

    @property
    def person(self) -> Person:
        """Return who it is, as a decision names him."""
        return Person(directory=self.directory, object_id=self.object_id, name=self.name)

    @property
    def person_id(self) -> PersonId:
        return PersonId(self.directory, self.object_id)

    def holds(self, csrf: str) -> bool:
        """Tell whether a form was made in this session."""
        return hmac.compare_digest(self.csrf.encode(), csrf.encode("utf-8", "surrogatepass"))


class Cookies:
    """
    Our cookies at *public_url*: for us alone, for no script, and not from other sites' forms.

    Under https their names begin with __Host-, so that no other host of the domain can set them.
    """

    def __init__(self, public_url: str) -> None:
        self._secure = URL(public_url).scheme == "https"

    def name(self, name: str) -> str:
        return f"__Host-{name}" if self._secure else name

    def get(self, request: web.Request, name: str) -> str:
        return request.cookies.get(self.name(name), "")

    def set(self, answer: web.StreamResponse, name: str, value: str, *, lasts: timedelta) -> None:
        """Set a cookie; no value takes it away."""
        answer.set_cookie(
            self.name(name),
            value,
            max_age=int(lasts.total_seconds()) if value else 0,
            path="/",
            secure=self._secure,
            httponly=True,
            samesite=_LAX,
        )


_LAX: Literal["Lax"] = "Lax"  # links in mails must find the session; forms of other sites must not


class Sessions:
    """
    Reads and writes the session's cookie. The server keeps only which ones were signed out.

    It does so in this process: a copy of a cookie that was signed out is good for nothing
    here, but elsewhere, and after a restart, until the session would have ended anyway.
    *directories* are those whose people may be signed in now, whoever was before.
    """

    def __init__(
        self,
        keys: Sequence[str],
        cookies: Cookies,
        *,
        directories: Sequence[str],
        now: Callable[[], datetime],
    ) -> None:
        self._directories = frozenset(directories)
        self._seals = Seals(keys, purpose="page session")
        self._cookies = cookies
        self._now = now
        self._ended: OrderedDict[str, None] = OrderedDict()

    def of(self, request: web.Request) -> Session | None:
        """Return who is signed in, or None: nobody, not any more, or not by us."""
        opened = self._seals.open(self._cookies.get(request, _COOKIE))
        session = _read(opened) if opened is not None else None
        if session is None or session.directory not in self._directories:
            return None
        if session.id in self._ended:
            return None
        return session if self._now() < session.ends else None

    def begin(self, answer: web.StreamResponse, person: PersonId, name: str) -> Session:
        """Let a new session begin, whatever the browser had before."""
        now = self._now()
        session = Session(
            id=secrets.token_urlsafe(16),
            directory=person.directory,
            object_id=person.object_id,
            name=name[:NAME],
            csrf=secrets.token_urlsafe(24),
            began=now,
            ends=now + LASTS,
        )
        sealed = self._seals.seal(session.model_dump(mode="json"))
        self._cookies.set(answer, _COOKIE, sealed, lasts=LASTS)
        return session

    def end(self, answer: web.StreamResponse, session: Session | None) -> None:
        """Take the cookie away, and refuse every copy of it."""
        if session is not None:
            self._ended[session.id] = None
            if len(self._ended) > ENDED:
                self._ended.popitem(last=False)
        self._cookies.set(answer, _COOKIE, "", lasts=LASTS)


_COOKIE = "approvals"


class PersonTokens:
    """
    Access tokens of those who signed in, by session, to act on their behalf.

    They live in this process only: in a cookie they would not fit, and a lost one is
    replaced by signing in again, which asks nothing of who is signed in at Entra.
    """

    def __init__(self, *, now: Callable[[], datetime]) -> None:
        self._now = now
        self._kept: OrderedDict[str, tuple[str, datetime]] = OrderedDict()

    def keep(self, session: Session, token: str, *, seconds: int) -> None:
        """Keep a token that is good for *seconds*."""
        self._kept[session.id] = (token, self._now() + timedelta(seconds=seconds))
        if len(self._kept) > TOKENS:
            self._kept.popitem(last=False)

    def of(self, session: Session) -> str | None:
        """Return the person's token, or None if there is none that is good."""
        token, ends = self._kept.get(session.id, ("", self._now()))
        return token if self._now() < ends else None

    def forget(self, session: Session) -> None:
        self._kept.pop(session.id, None)


def _read(opened: dict[str, Any]) -> Session | None:
    try:
        return Session.model_validate(opened, extra="ignore")  # a newer release may say more
    except ValidationError:  # of an older one
        return None
