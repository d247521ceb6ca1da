"""
One headless Chromium for all tests of a process: to start one takes longer than many a look at a page.

``python -m tests.shared_browser CONFIG`` starts it, writes where to connect to, and stops it
once its own input ends: that happens, too, when the starter is killed.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest
from playwright.async_api import expect

from tests.browser import find_browser, install_line

__all__ = ["CHROMIUM_ARGUMENTS", "PATIENCE", "browser_url"]

PATIENCE = 30_000  # milliseconds: a busy machine is slow; where all goes well, nobody waits
expect.set_options(timeout=PATIENCE)

# The pages behind the address bar's popups: with each window they take as long to load as a page of ours.
_UNSEEN = ("WebUIOmniboxPopup", "WebUIOmniboxFullPopup", "WebUIOmniboxAimPopup")
# What Playwright switches off itself (its chromiumSwitches.ts): of two lists Chromium takes the last.
_BY_PLAYWRIGHT = (
    "AvoidUnnecessaryBeforeUnloadCheckSync",
    "DestroyProfileOnBrowserClose",
    "HttpsUpgrades",
    "HttpsFirstBalancedModeAutoEnable",
    "LensOverlay",
    "MediaRouter",
    "PaintHolding",
    "ThirdPartyStoragePartitioning",
    "AvoidCorsURLLoaderRestartOnRedirect",
    "OptimizationHints",
    "NetworkTimeServiceQuerying",
    "AimEnabled",
    "PreconnectToSearch",
)
# As root Chromium has no sandbox; the rest keeps it from calling home, and from asking.
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    f"--disable-features={','.join((*_BY_PLAYWRIGHT, *_UNSEEN))}",
]


@pytest.fixture(scope="session")
def browser_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where a test connects to it. What a test opens there is closed with its connection."""
    config = tmp_path_factory.mktemp("browser") / "config.json"
    config.write_text(json.dumps(_launching()), encoding="utf-8")
    with subprocess.Popen(
        [sys.executable, "-m", __name__, str(config)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # whoever kills all of us at once does not kill who tidies up
    ) as keeper:
        assert keeper.stdout is not None
        url = keeper.stdout.readline().strip()
        assert url.startswith("ws://127.0.0.1:"), url
        yield url
        # Leaving the block closes the keeper's input and waits for it.


def _launching() -> dict[str, object]:
    executable = find_browser()
    assert executable, f"no browser here: {install_line()}"
    return {"executablePath": executable, "args": CHROMIUM_ARGUMENTS, "host": "127.0.0.1"}


def _keep(config: str) -> None:
    command = [sys.executable, "-m", "playwright", "launch-server", "--browser", "chromium"]
    with subprocess.Popen([*command, "--config", config], stdin=subprocess.DEVNULL):
        sys.stdin.read()
        # The command waits for the node that it started: the signal is for both.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.killpg(0, signal.SIGTERM)


if __name__ == "__main__":
    _keep(sys.argv[1])
