"""What the service logs while a test runs, as it writes it."""

import io
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from approvals_core.adapters.telemetry import JsonLines
from bots.web import CorrelationOnRecords

__all__ = ["Log", "log"]


@dataclass
class Log:
    """What was logged since the test began."""

    stream: io.StringIO = field(default_factory=io.StringIO)

    @property
    def text(self) -> str:
        return self.stream.getvalue()

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]

    def of(self, event: str) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["event"] == event]


@pytest.fixture
def log() -> Iterator[Log]:
    """Everything from DEBUG up that ours say, and from INFO up what others do, as the service writes it."""
    kept = Log()
    handler = logging.StreamHandler(kept.stream)
    handler.setFormatter(JsonLines())
    handler.addFilter(CorrelationOnRecords())
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield kept
    root.setLevel(before)
    root.removeHandler(handler)
