"""
Which browser the tests drive: the machine's own Chromium or Chrome.

Run as a script it sees to it that there is one: ``make test`` does so before anything else.
"""

import os
import shutil
import subprocess
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROME_APP = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"

# The fonts are for the pictures: without them a name in Japanese or an emoji is a row of boxes.
PACKAGES = ("chromium", "fonts-noto-core", "fonts-noto-color-emoji", "fonts-noto-cjk")


def find_browser() -> str | None:
    """
    Return the browser's path, or None.

    The setting BROWSER comes last: desktops set it too, and mean Firefox.
    """
    candidates = (*NAMES, CHROME_APP, os.environ.get("BROWSER", ""))
    found = (shutil.which(name) for name in candidates if name)
    return next((path for path in found if path), None)


def install_line() -> str:
    """Return the one line that installs a browser on a machine like this."""
    if sys.platform == "darwin":
        return "brew install --cask google-chrome"
    if shutil.which("apt-get"):
        return f"sudo apt-get install -y {' '.join(PACKAGES)}"
    return "install chromium with your system's packages, or: make test BROWSER=/path/to/chrome"


def main() -> None:
    if not find_browser() and os.geteuid() == 0 and shutil.which("apt-get"):
        print("Installing a browser for the tests", flush=True)
        install()
    if not find_browser():
        sys.exit(
            "The tests drive a real browser and there is none here. "
            f"This installs one:\n  {install_line()}"
        )


def install() -> None:
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update"], ["install", "-y", *PACKAGES]):
        subprocess.run(["apt-get", "-qq", *command], check=True, env=quiet)


if __name__ == "__main__":
    main()
