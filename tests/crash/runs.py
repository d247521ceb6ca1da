"""Tells a story in a world of its own, on an empty store, with processes that die on the way."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import pytest
from redis.asyncio import Redis

from playground.certificates import CertificateAuthority
from playground.signing import KeyRing
from tests.crash.fate import ANYTHING, Fate, Moment
from tests.crash.lives import Lives
from tests.crash.several import Several
from tests.crash.story import InTheMail, Story
from tests.crash.telling import Ending, Telling
from tests.failing import Edited


class Plot(StrEnum):
    """How Maria decides, and on what."""

    CLICK = "a click in Teams"
    MAIL = "a press in Outlook"
    EACH = "several from the list, told one by one"
    ARRAY = "several from the list, told in one array"


class Scene(NamedTuple):
    """Where a story is told: the tenant's *file*, how it differs from the playground's, and where it forgets."""

    tell: type[Telling]
    file: str
    edits: Mapping[str, str]
    forgetful: Mapping[str, str]


FORGETFUL = {"idempotent = true": "idempotent = false"}
UNASKED = {'decision_status = "/decisions/{DecisionId}"\n': ""}  # nobody to ask after a decision
LATER = {
    "after = 60 ": "after = 3600 "
}  # seconds: nothing is overdue before the story has told what follows
ONE_BY_ONE = {'submission = "bulk"': 'submission = "each"'}
SCENES = {
    Plot.CLICK: Scene(Story, "purchasing.toml", {}, FORGETFUL),
    Plot.MAIL: Scene(InTheMail, "purchasing.toml", {}, FORGETFUL),
    Plot.EACH: Scene(Several, "expenses.toml", LATER | ONE_BY_ONE, FORGETFUL | UNASKED),
    Plot.ARRAY: Scene(Several, "expenses.toml", LATER, FORGETFUL | UNASKED),
}


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
        plot: Plot = Plot.CLICK,
        honours_keys: bool,
        ending: Ending = Ending.ARX,
        hurry: bool = False,
    ) -> Told:
        """Run once, with these fates for the first processes."""
        scene = SCENES[plot]
        async with self._world(scene, fates, honours_keys=honours_keys) as lives:
            story = scene.tell(lives, honours_keys=honours_keys, ending=ending)
            try:
                await (story.tell_in_a_hurry() if hurry else story.tell())
                assert "ERROR" not in lives.logged()
            except BaseException as problem:
                problem.add_note(f"{plot}: {fates}, {honours_keys=}, {ending=}, {hurry=}")
                problem.add_note(f"Died at {lives.deaths} and logged:\n{lives.logged()}")
                raise
            return Told(tuple(lives.deaths), story.unconfirmed, await lives.met())

    async def every(
        self, moment: Moment, *, plot: Plot = Plot.CLICK, honours_keys: bool
    ) -> AsyncIterator[tuple[Fate, Told]]:
        """Run once undisturbed, and then with a death at each time that *moment* came."""
        for fate in await self.fates(moment, plot=plot, honours_keys=honours_keys):
            yield fate, await self.one(fate, plot=plot, honours_keys=honours_keys)

    async def one_of_each_kind(
        self, moment: Moment, *, plot: Plot, honours_keys: bool
    ) -> Sequence[Fate]:
        """Run once undisturbed; return a death of each kind: the first on SQLite, the last on Redis."""
        fates = await self.fates(moment, plot=plot, honours_keys=honours_keys)
        later_wins = reversed(fates) if self.redis_url is None else fates
        return list({fate.what: fate for fate in later_wins}.values())

    async def fates(self, *moments: Moment, plot: Plot, honours_keys: bool) -> list[Fate]:
        """Run once undisturbed; return a death for each time that one of *moments* came."""
        met = (await self.one(plot=plot, honours_keys=honours_keys)).met
        return [
            Fate(moment, n, what)
            for moment in moments
            for what, times in met[moment].items()
            if what != ANYTHING
            for n in range(1, times + 1)
        ]

    @asynccontextmanager
    async def _world(
        self, scene: Scene, fates: Sequence[Fate], *, honours_keys: bool
    ) -> AsyncIterator[Lives]:
        with TemporaryDirectory(dir=self.folder) as name:
            folder, store_url = Path(name), await self._empty_store(name)
            edits = scene.edits if honours_keys else {**scene.edits, **scene.forgetful}
            async with (
                Edited(self.authority, edits, scene.file) as outside,
                Lives(outside, store_url=store_url, folder=folder, fates=fates) as lives,
            ):
                for tenant in outside.tenants.values():
                    tenant.book.honours_keys = honours_keys
                    tenant.book.by_itself = False  # the story says what comes next
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


@pytest.fixture
def runs_on_sqlite(authority: CertificateAuthority, tmp_path: Path) -> Runs:
    """Runs on SQLite alone."""
    return Runs(authority, tmp_path, None)
