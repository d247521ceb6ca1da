"""What every test may need: how hypothesis searches, and a real browser."""

import gc
import os
from collections.abc import AsyncIterator, Generator

import pytest
from hypothesis import HealthCheck, settings
from playwright.async_api import Browser, async_playwright

from tests.logged import log
from tests.outside import authority, first_keys, playground
from tests.running import running
from tests.selection import pytest_addoption, select
from tests.shared_browser import CHROMIUM_ARGUMENTS, browser_url
from tests.store_fixtures import (
    lasting_redis_url,
    pytest_generate_tests,
    redis_cluster_url,
    redis_url,
    store,
    store_url,
)

__all__ = [
    "CHROMIUM_ARGUMENTS",
    "authority",
    "browser",
    "browser_url",
    "first_keys",
    "lasting_redis_url",
    "log",
    "playground",
    "pytest_addoption",
    "pytest_generate_tests",
    "redis_cluster_url",
    "redis_url",
    "running",
    "store",
    "store_url",
]

# Nobody here trusts what the machine trusts, only the playground's own authority: to read the
# machine's hundred certificates, twice for each service, takes as long as many a test.
os.environ["SSL_CERT_FILE"] = os.devnull

# A slow machine is no failure. The blob printed with a failure repeats it: @reproduce_failure(...).
settings.register_profile(
    "ours", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("ours")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """
    Read the tests without looking for garbage among them.

    That is a sixth of the time it takes to read ten thousand.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what needs the world around; `test_flow.py` goes the whole way on every Python. Then choose."""
    for item in items:
        if "playground" in getattr(item, "fixturenames", ()) and item.path.name != "test_flow.py":
            item.add_marker("world")
    select(config, items)


@pytest.fixture
async def browser(browser_url: str) -> AsyncIterator[Browser]:
    """
    A headless Chromium with nothing open; mark the test with ``@pytest.mark.browser``.

    A connection per test: it lives in the test's own event loop, beside the playground that it
    looks at, and what is opened through it no other test sees.
    """
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.connect(browser_url)
        yield chromium
        await chromium.close()
