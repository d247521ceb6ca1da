"""Killed at any commit and at any request, the service goes on: no decision lost or doubled, no card left old."""

import pytest

from tests.crash.fate import Moment
from tests.crash.runs import Plot, Runs
from tests.crash.telling import Ending

FEW = 15  # of each moment the shortest story has more

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
    await _killed_at_every(moment, Plot.CLICK, runs)


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
    await _killed_at_every(moment, plot, runs_on_sqlite)


async def _killed_at_every(moment: Moment, plot: Plot, runs: Runs) -> None:
    deaths, settled = 0, 0

    async for fate, told in runs.every(moment, plot=plot, honours_keys=False):
        deaths += len(told.deaths)
        if not told.unconfirmed:
            continue
        # Nobody knew whether the tenant had it: what if an operator says, or the tenant tells?
        by_operator = await runs.one(fate, plot=plot, honours_keys=False, ending=Ending.SETTLE)
        by_tenant = await runs.one(fate, plot=plot, honours_keys=True)
        settled += by_operator.unconfirmed
        assert not by_tenant.unconfirmed

    assert deaths > FEW
    assert settled
