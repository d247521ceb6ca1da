"""Python looks seldom for objects that hold only each other, but it still finds them."""

import gc
import weakref

from house.collector import THRESHOLDS, looking_seldom


class Ring:
    """Something that holds itself."""

    def __init__(self) -> None:
        self.itself = self


def test_while_the_service_runs_python_looks_seldom_and_then_as_before() -> None:
    before = gc.get_threshold()

    with looking_seldom():
        within, set_aside = gc.get_threshold(), gc.get_freeze_count()

    assert (within, set_aside > 0) == (THRESHOLDS, True)
    assert (gc.get_threshold(), gc.get_freeze_count()) == (before, 0)


def test_what_only_holds_itself_still_goes() -> None:
    with looking_seldom():
        left = weakref.ref(Ring())
        gc.collect()

        assert left() is None


def test_python_looks_again_before_many_rings_are_left() -> None:
    with looking_seldom():
        left = [weakref.ref(Ring()) for _ in range(THRESHOLDS[0])]

        assert any(each() is None for each in left)
