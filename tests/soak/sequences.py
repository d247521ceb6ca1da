"""The core's state machine of the property tests, for as long as there is time."""

import pytest
from hypothesis import seed as seeded
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from tests.soak.conftest import SoakClock
from tests.test_properties import SLOW, WholeCore

pytestmark = pytest.mark.timeout(0)  # the soak has a clock of its own
EXAMPLES = 20  # for one seed
STEPS = 50


def search(soak: SoakClock, redis_url: str) -> None:
    """Try one seed after another."""
    for number in soak.seeds():

        @seeded(number)
        class Seeded(WholeCore):
            pass

        Seeded.redis_url = redis_url
        try:
            run_state_machine_as_test(
                Seeded,
                settings=settings(
                    max_examples=EXAMPLES,
                    stateful_step_count=STEPS,
                    suppress_health_check=SLOW,
                    database=None,  # a seed alone repeats it
                ),
            )
        except BaseException as problem:
            problem.add_note(f"To repeat it: make soak SEED={number}")
            raise


def test_no_sequence_of_events_breaks_a_promise_on_sqlite(soak: SoakClock) -> None:
    search(soak, "")


def test_no_sequence_of_events_breaks_a_promise_on_redis(soak: SoakClock, redis_url: str) -> None:
    search(soak, redis_url)
