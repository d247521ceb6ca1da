"""Every death in every kind of world, and seeded ones: two deaths in a row, at any instant, in a hurry."""

import random

import pytest

from tests.crash.fate import Fate, Moment
from tests.crash.runs import Runs
from tests.crash.story import Ending
from tests.soak.conftest import SoakClock

pytestmark = pytest.mark.timeout(0)  # the soak has a clock of its own
LONGEST = 1500  # milliseconds: most stories are over by then
MOST = 30  # times that a moment comes in most stories


@pytest.mark.parametrize("kind", ["keys", "no keys"])
@pytest.mark.parametrize("moment", [m for m in Moment if m is not Moment.AFTER_MILLISECONDS])
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


async def test_deaths_by_seed(runs: Runs, soak: SoakClock) -> None:
    for seed in soak.seeds():
        choice = random.Random(seed)
        fates = [a_fate(choice) for _life in range(choice.choice([1, 2, 2, 3]))]
        try:
            await runs.one(
                *fates,
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
