"""Tells the story in a world of its own, on an empty store, with processes that die on the way."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import pytest
from redis.asyncio import Redis

from playground.certificates import CertificateAuthority
from playground.signing import KeyRing
from tests.crash.fate import ANYTHING, Fate, Moment
from tests.crash.lives import Lives
from tests.crash.story import Ending, Story
from tests.failing import Edited

FORGETFUL = {"idempotent = true": "idempotent = false"}  # in the tenant's file


class Told(NamedTuple):
    """How a run went that kept every promise."""

    deaths: tuple[str, ...]
    unconfirmed: bool
    met: Mapping[Moment, Mapping[str, int]]  # by the last process


@dataclass(frozen=True)
class Runs:
    """
    Makes runs below *folder*. *redis_url* is None for SQLite.

    An AssertionError carries a note that says which run it was, and where its processes died.
    """

    authority: CertificateAuthority
    folder: Path
    redis_url: str | None
    # Made once: they take longer than a life.
    keys: tuple[KeyRing, KeyRing] = field(
        default_factory=lambda: (KeyRing(), KeyRing(endorsements=["msteams"]))
    )

    async def one(
        self,
        *fates: Fate,
        honours_keys: bool,
        ending: Ending = Ending.ARX,
        hurry: bool = False,
    ) -> Told:
        """Run once, with these fates for the first processes."""
        async with self._world(fates, honours_keys=honours_keys) as lives:
            story = Story(lives, honours_keys=honours_keys, ending=ending)
            try:
                await (story.tell_in_a_hurry() if hurry else story.tell())
                assert "ERROR" not in lives.logged()
            except BaseException as problem:
                problem.add_note(f"{fates}, {honours_keys=}, {ending=}, {hurry=}")
                problem.add_note(f"Died at {lives.deaths} and logged:\n{lives.logged()}")
                raise
            return Told(tuple(lives.deaths), story.unconfirmed, await lives.met())

    async def every(
        self, moment: Moment, *, honours_keys: bool
    ) -> AsyncIterator[tuple[Fate, Told]]:
        """Run once undisturbed, and then with a death at each time that *moment* came."""
        undisturbed = await self.one(honours_keys=honours_keys)
        for what, times in undisturbed.met[moment].items():
            for n in range(1, times + 1) if what != ANYTHING else ():
                fate = Fate(moment, n, what)
                yield fate, await self.one(fate, honours_keys=honours_keys)

    @asynccontextmanager
    async def _world(self, fates: Sequence[Fate], *, honours_keys: bool) -> AsyncIterator[Lives]:
        with TemporaryDirectory(dir=self.folder) as name:
            folder, store_url = Path(name), await self._empty_store(name)
            async with (
                Edited(self.authority, {} if honours_keys else FORGETFUL) as outside,
                Lives(outside, store_url=store_url, folder=folder, fates=fates) as lives,
            ):
                outside.tenant.book.honours_keys = honours_keys
                outside.issuer.entra, outside.issuer.bot = self.keys
                yield lives

    async def _empty_store(self, folder: str) -> str:
        if self.redis_url is None:
            return f"sqlite:///{folder}/store.db"
        async with Redis.from_url(self.redis_url) as client:
            await client.flushall()
        return self.redis_url


@pytest.fixture(params=["sqlite", "redis"])
def runs(request: pytest.FixtureRequest, authority: CertificateAuthority, tmp_path: Path) -> Runs:
    """Runs on each store in turn."""
    on_redis = request.param == "redis"
    url: str | None = request.getfixturevalue("redis_url") if on_redis else None
    return Runs(authority, tmp_path, url)
