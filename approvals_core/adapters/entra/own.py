"""The tokens of our own application, by directory and scope."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from approvals_core.adapters.entra.slots import Source, TokenSlot
from approvals_core.adapters.entra.sources import (
    PUBLIC_LOGIN,
    Application,
    Login,
    application_source,
    machine_source,
)

PEOPLE = 500  # persons for whom tokens are kept; of those who act, the latest


class Entra:
    """
    The issuer's tokens for any application, each asked for once however many wait.

    Every token has a thread of its own, so that an issuer which hangs for one of them
    keeps none of the others waiting.
    """

    def __init__(self, login: Login, *, clock: Callable[[], datetime]) -> None:
        self._login = login
        self._clock = clock
        self._slots: dict[Hashable, TokenSlot] = {}
        self._people: OrderedDict[Hashable, TokenSlot] = OrderedDict()

    async def token(
        self, application: Application, directory: str, scope: str, *, refused: str = ""
    ) -> str:
        """
        Return a token of *application*; another than *refused*.

        Raises:
            TokenUnavailable: The issuer gave none; the message says why.
        """
        key = (application, directory, scope)
        if key not in self._slots:
            source = application_source(application, self._login, directory, scope, None)
            self._slots[key] = self._slot(source, scope)
        return await self._slots[key].token(refused)

    async def token_for(
        self, application: Application, directory: str, scope: str, *, person: str, refused: str
    ) -> str:
        """
        Return a token on behalf of the person whose own token for us is *person*.

        Raises:
            TokenUnavailable: As for `token`.
        """
        key = (application, directory, scope, sha256(person.encode()).digest())
        if key not in self._people:
            await self._make_room()
            source = application_source(application, self._login, directory, scope, person)
            self._people[key] = self._slot(source, scope)
        self._people.move_to_end(key)
        return await self._people[key].token(refused)

    async def machine_token(
        self, client_id: str | None, resource: str, *, refused: str = ""
    ) -> str:
        """
        Return a token of the managed identity that this machine has.

        *client_id* names a user-assigned one; None: the system-assigned one.

        Raises:
            TokenUnavailable: There is none here, or it did not answer.
        """
        key = (client_id, resource)
        if key not in self._slots:
            self._slots[key] = self._slot(machine_source(client_id, resource), resource)
        return await self._slots[key].token(refused)

    async def close(self) -> None:
        """Stop waiting for what is under way, and close the connections."""
        for slot in (*self._slots.values(), *self._people.values()):
            await slot.close()

    def _slot(self, source: Source, purpose: str) -> TokenSlot:
        return TokenSlot(source, purpose=purpose, clock=self._clock)

    async def _make_room(self) -> None:
        idle = [key for key, slot in self._people.items() if slot.idle]
        for key in idle[: max(0, len(self._people) - PEOPLE + 1)]:
            await self._people.pop(key).close()


class OwnTokens:
    """
    Access tokens of our own application for other services, by directory and scope.

    *ca_file* names the authorities trusted instead of the usual ones, for a login URL
    of one's own.
    """

    def __init__(
        self,
        *,
        app_id: str,
        secret: str,
        clock: Callable[[], datetime],
        login_url: str = PUBLIC_LOGIN,
        ca_file: Path | None = None,
    ) -> None:
        if not app_id or not secret:
            raise ValueError("an application needs its id and its secret")
        self.application = Application(app_id, "our own", lambda: secret)
        self.entra = Entra(Login(login_url, ca_file), clock=clock)

    async def token(self, directory: str, scope: str, *, refused: str = "") -> str:
        """
        Return a token that is good for half a minute at least.

        *refused* is a token that the far side did not take: another is returned,
        unless that happened a moment ago too.

        Raises:
            TokenUnavailable: The issuer gave none; the message says why.
        """
        return await self.entra.token(self.application, directory, scope, refused=refused)

    async def close(self) -> None:
        """Stop waiting for what is under way, and close the connections."""
        await self.entra.close()
