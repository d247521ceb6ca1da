"""The keys by which other people's tokens are checked, of every issuer that we trust."""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack
from datetime import datetime

from aiohttp import ClientSession

from approvals_core.adapters.signing_keys import SigningKeys
from approvals_core.adapters.tokens import Issuer, entra_issuers
from approvals_core.deadlines import PROMISED, Deadlines
from bots.health import Missing
from config import Settings

WITHIN = 1.5  # seconds that /readyz waits for keys that are missing


class Keys:
    """Fetches and keeps them; those of a directory that stays are kept over a reload."""

    def __init__(
        self,
        settings: Settings,
        *,
        session: ClientSession,
        now: Callable[[], datetime],
        deadlines: Deadlines = PROMISED,
    ) -> None:
        self._settings = settings
        self._answered_within = deadlines.keys
        self._session = session
        self._now = now
        self._all: list[SigningKeys] = []
        self._entra: dict[str, SigningKeys] = {}  # by issuer

    def warm(self, stack: AsyncExitStack) -> None:
        """Begin to fetch them, so that the first click need not wait; *stack* ends it."""
        warming = asyncio.gather(*(keys.keep_asking() for keys in self._all))

        async def forget() -> None:
            await asyncio.gather(*(keys.close() for keys in self._all))
            warming.cancel()
            await asyncio.gather(warming, return_exceptions=True)

        stack.push_async_callback(forget)

    def of_connector(self) -> Issuer:
        """Return the Bot Connector as an issuer."""
        settings = self._settings
        return Issuer(settings.bot_issuer, self._made(settings.bot_issuer, settings.bot_openid_url))

    def of_entra(self, directories: Iterable[str]) -> list[Issuer]:
        """Return Entra as the issuer of each of the *directories*."""
        return entra_issuers(
            sorted(set(directories)), name=self._settings.entra_issuer, keys=self._of_directory
        )

    async def missing(self) -> Missing:
        """Say whose keys are missing, after a try to get them."""
        asking = [asyncio.create_task(k.key("")) for k in self._all if not k.fresh]
        if asking:
            await asyncio.wait(asking, timeout=WITHIN)
        there = {keys.name for keys in self._all if keys.fresh}
        entra = {keys.name for keys in self._entra.values()}
        return Missing(
            issuers=sorted({keys.name for keys in self._all} - there),
            never=sorted(keys.name for keys in self._all if keys.never_fetched),
            # Of the directories one will do: the others' tenants alone are not known.
            bearable=self._settings.bot_issuer in there and (not entra or bool(entra & there)),
        )

    def _of_directory(self, name: str, directory: str) -> SigningKeys:
        if name not in self._entra:
            login = self._settings.entra_login_url
            url = f"{login}/{directory}/v2.0/.well-known/openid-configuration"
            self._entra[name] = self._made(name, url)
        return self._entra[name]

    def _made(self, name: str, metadata_url: str) -> SigningKeys:
        keys = SigningKeys(
            name,
            metadata_url=metadata_url,
            session=self._session,
            clock=self._now,
            within=self._answered_within,
        )
        self._all.append(keys)
        return keys
