"""Every death in every kind of world, and seeded ones: two deaths in a row, at any instant, in a hurry."""

import random

import pytest

from tests.crash.fate import Fate, Moment
from tests.crash.runs import Plot, Runs
from tests.crash.telling import Ending
from tests.soak.conftest import SoakClock

pytestmark = pytest.mark.timeout(0)  # the soak has a clock of its own
LONGEST = 1500  # milliseconds: most stories are over by then
MOMENTS = [moment for moment in Moment if moment is not Moment.AFTER_MILLISECONDS]
OTHER_PLOTS = [plot for plot in Plot if plot is not Plot.CLICK]
MOST = 30  # times that a moment comes in most stories


@pytest.mark.parametrize("kind", ["keys", "no keys"])
@pytest.mark.parametrize("moment", MOMENTS)
async def test_every_death_in_every_kind_of_world(
    runs: Runs, soak: SoakClock, moment: Moment, kind: str
) -> None:
    deaths, honours_keys = 0, kind == "keys"

    async for fate, told in runs.every(moment, honours_keys=honours_keys):
        soak.check(fate)
        deaths += len(told.deaths)
        if told.unconfirmed:
            await runs.one(fate, honours_keys=honours_keys, ending=Ending.SETTLE)

    assert deaths


async def test_every_death_however_it_is_decided(runs: Runs, soak: SoakClock) -> None:
    """Every one, if there is time for that; else as many as there is, in the seed's order."""
    all_deaths = [
        (fate, plot, honours_keys)
        for plot in OTHER_PLOTS
        for honours_keys in (True, False)
        for fate in await runs.fates(*MOMENTS, plot=plot, honours_keys=honours_keys)
    ]
    random.Random(soak.first_seed).shuffle(all_deaths)
    deaths = 0

    for _, (fate, plot, honours_keys) in zip(soak.seeds(), all_deaths, strict=False):
        told = await runs.one(fate, plot=plot, honours_keys=honours_keys)
        deaths += len(told.deaths)
        if told.unconfirmed:
            await runs.one(fate, plot=plot, honours_keys=honours_keys, ending=Ending.SETTLE)

    assert deaths


async def test_deaths_by_seed(runs: Runs, soak: SoakClock) -> None:
    for seed in soak.seeds():
        choice = random.Random(seed)
        fates = [a_fate(choice) for _life in range(choice.choice([1, 2, 2, 3]))]
        try:
            await runs.one(
                *fates,
                plot=choice.choice(list(Plot)),
                honours_keys=choice.random() < 0.5,
                ending=choice.choice(list(Ending)),
                hurry=choice.random() < 0.5,
            )
        except BaseException as problem:
            problem.add_note(f"To repeat it: make soak SEED={seed}")
            raise


def a_fate(choice: random.Random) -> Fate:
    moment = choice.choice(list(Moment))
    most = LONGEST if moment is Moment.AFTER_MILLISECONDS else MOST
    return Fate(moment, choice.randint(1, most))
