"""Figures of an earlier run, kept so that the table can say what became of them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

FILE = Path(__file__).with_name("before.json")


@dataclass(frozen=True)
class Before:
    """
    What was measured once.

    *times* by the names of benchmarks: how often our side fits into the other, as in the table.
    *found* by the names of findings, in words. *measured* says when, and on what.
    """

    measured: str = ""
    times: Mapping[str, float] = field(default_factory=dict[str, float])
    found: Mapping[str, str] = field(default_factory=dict[str, str])


def before() -> Before:
    """Return the figures that are kept beside the benchmarks."""
    return Before(**json.loads(FILE.read_text(encoding="utf-8")))
