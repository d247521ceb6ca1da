"""
Which tests run: by hand all that are named, in `make test` those that may tell something of their own.

``--which chosen``: `make test`. On Redis a test that is told in many cases runs in its first
alone, unless its cases are about what a store keeps; what stands before the store, and what looks
at a page in a browser, runs on SQLite alone; how all looks there is left out.
``--which left-out``: the rest, which `make soak` runs.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from enum import StrEnum

import pytest

__all__ = ["Which", "pytest_addoption", "select"]

# Files whose cases differ in what is stored, or in who gets there first: a store promises each of them.
EACH_CASE_ON_REDIS = frozenset(
    {
        "test_acting",
        "test_acting_together",
        "test_allowances",
        "test_archive_and_erasing",
        "test_archiving",
        "test_closed_stores",
        "test_copying",
        "test_copying_many",
        "test_crash",
        "test_crossing",
        "test_erasing",
        "test_erasing_others",
        "test_failures_process",
        "test_failures_store",
        "test_leases",
        "test_quota",
        "test_reconcile_jobs",
        "test_rolling_upgrade",
        "test_store",
        "test_store_at_once",
        "test_store_budgets",
        "test_store_depth",
        "test_store_hints",
        "test_store_holdings",
        "test_store_jobs",
        "test_store_leasing",
        "test_store_lists",
        "test_store_processes",
        "test_store_queue",
        "test_store_room",
        "test_tombstones",
        "test_worker_ending",
        "test_writers",
    }
)
# Files about what comes in or goes out: a token, a payload, an answer, a command's words. What of it is
# kept is kept by the same commits as everything else.
BEFORE_THE_STORE = frozenset(
    {
        "test_cli_explain",
        "test_cli_payloads",
        "test_cli_tenants",
        "test_failures_forged",
        "test_log",
        "test_metrics",
        "test_misbehaviour",
        "test_misbehaviour_arrays",
        "test_misbehaviour_reads",
        "test_outlook_bound",
        "test_outlook_door",
        "test_outlook_forged",
        "test_page_front",
        "test_security",
        "test_telemetry",
        "test_template_shown",
        "test_tenants_door",
    }
)

# In a browser: how all looks, and what the playground's own page does, beyond the ways that a decision takes through it.
LOOKS = frozenset(
    {
        "test_browser_faces",
        "test_browser_forms",
        "test_browser_mailbox",
        "test_browser_outlook_faces",
        "test_browser_tenants",
        "test_playground_page",
    }
)
Wanted = Callable[[pytest.Item], bool]


class Which(StrEnum):
    """What of the tests that were named is run."""

    ALL = "all"
    CHOSEN = "chosen"
    LEFT_OUT = "left-out"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--which", type=Which, default=Which.ALL, choices=list(Which), help="see tests/selection.py"
    )


def select(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Take from *items* what is not to run."""
    wanted = _wanted(config.option.which, items)
    kept = [item for item in items if wanted(item)]
    gone = [item for item in items if not wanted(item)]
    if gone:
        config.hook.pytest_deselected(items=gone)
        items[:] = kept


def _wanted(which: Which, items: Sequence[pytest.Item]) -> Wanted:
    if which is Which.ALL:
        return lambda _item: True
    chosen = _chosen(items)
    return chosen if which is Which.CHOSEN else lambda item: not chosen(item)


def _chosen(items: Sequence[pytest.Item]) -> Wanted:
    """Return whether an item may tell something of its own."""
    firsts = _firsts(item for item in items if _on_redis(item))

    def chosen(item: pytest.Item) -> bool:
        file, in_a_browser = item.path.stem, item.get_closest_marker("browser") is not None
        if not _on_redis(item):
            return not (in_a_browser and file in LOOKS)
        if file in EACH_CASE_ON_REDIS:
            return True
        return item in firsts and not in_a_browser and file not in BEFORE_THE_STORE

    return chosen


def _firsts(items: Iterable[pytest.Item]) -> Collection[pytest.Item]:
    """Return the first case of each test."""
    first: dict[str, pytest.Item] = {}
    for item in items:
        first.setdefault(_test_of(item), item)
    return frozenset(first.values())


def _test_of(item: pytest.Item) -> str:
    return item.nodeid.partition("[")[0]


def _on_redis(item: pytest.Item) -> bool:
    """Return whether a parameter of the test says so; a cluster of them is another matter."""
    case = getattr(item, "callspec", None)
    return case is not None and "redis" in [
        one for one in case.params.values() if isinstance(one, str)
    ]
