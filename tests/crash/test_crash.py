"""
Killed at a commit or a request of each kind, the service goes on: no decision lost or doubled, no card left old.

The soak has it die at every single one, on both stores.
"""

from collections.abc import Sequence

import pytest

from tests.crash.fate import Fate, Moment
from tests.crash.runs import Plot, Runs
from tests.crash.telling import Ending

FEW = 5  # kinds of each moment the shortest story has more

# What kills here is the same under every Python: one of them is enough.
pytestmark = [pytest.mark.crash, pytest.mark.timeout(600)]


@pytest.mark.parametrize(
    "moment",
    [Moment.BEFORE_COMMIT, Moment.AFTER_COMMIT, Moment.BEFORE_REQUEST, Moment.AFTER_ANSWER],
    ids=lambda moment: moment.name.lower(),
)
async def test_killed_wherever_it_may_be_it_goes_on_and_decides_once(
    runs: Runs, moment: Moment
) -> None:
    await _killed_at_each_kind(moment, Plot.CLICK, runs)


# The moments that tell most of each; the soak has all of them, on both stores.
@pytest.mark.parametrize(
    ("plot", "moment"),
    [
        (Plot.MAIL, Moment.AFTER_COMMIT),
        (Plot.MAIL, Moment.BEFORE_REQUEST),
        (Plot.EACH, Moment.BEFORE_REQUEST),
        (Plot.ARRAY, Moment.AFTER_COMMIT),
    ],
    ids=lambda named: named.name.lower(),
)
async def test_nor_does_it_matter_how_it_is_decided(
    runs_on_sqlite: Runs, moment: Moment, plot: Plot
) -> None:
    await _killed_at_each_kind(moment, plot, runs_on_sqlite)


async def _killed_at_each_kind(moment: Moment, plot: Plot, runs: Runs) -> None:
    deaths, doubted = 0, list[Fate]()

    for fate in await runs.one_of_each_kind(moment, plot=plot, honours_keys=False):
        told = await runs.one(fate, plot=plot, honours_keys=False)
        deaths += len(told.deaths)
        doubted += [fate] * told.unconfirmed

    assert deaths > FEW
    await _settled_either_way(doubted, plot, runs)


async def _settled_either_way(doubted: Sequence[Fate], plot: Plot, runs: Runs) -> None:
    """Nobody knew whether the tenant had it: what if an operator says, or the tenant tells?"""
    for fate in doubted:
        by_tenant = await runs.one(fate, plot=plot, honours_keys=True)
        assert not by_tenant.unconfirmed
        by_operator = await runs.one(fate, plot=plot, honours_keys=False, ending=Ending.SETTLE)
        if by_operator.unconfirmed:
            return  # once is enough here; the soak settles each
    pytest.fail("no operator had anything to settle")
