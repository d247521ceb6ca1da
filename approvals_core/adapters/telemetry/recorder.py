"""Makes metrics and spans of the work that the core tells of."""

import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Self

from approvals_core import tracing
from approvals_core.adapters.telemetry.metrics import Metrics
from approvals_core.adapters.telemetry.spans import Begun, Spans
from approvals_core.log_context import noted
from approvals_core.models import Change
from approvals_core.telemetry import Span, Work

DONE = "done"  # the outcome of what ended well and did not say how

Attributes = Mapping[str, str | int]


class Recorder:
    """`Telemetry` with somebody who listens. *metrics* or *spans* None: not those."""

    def __init__(self, *, metrics: Metrics | None, spans: Spans | None) -> None:
        self._metrics = metrics
        self._spans = spans

    def span(self, work: Work, **attributes: str | int) -> AbstractContextManager[Span]:
        return _Recording(work, attributes, self._metrics, self._spans)

    def committed(self, change: Change) -> None:
        if self._metrics is not None:
            self._metrics.committed(change)


class _Recording:
    """One piece of work, from its beginning to its end."""

    def __init__(
        self,
        work: Work,
        attributes: dict[str, str | int],
        metrics: Metrics | None,
        spans: Spans | None,
    ) -> None:
        self._work = work
        self._attributes = attributes
        self._metrics = metrics
        self._spans = spans
        self._begun: Begun | None = None
        self._started = 0.0

    def tell(self, **attributes: str | int) -> None:
        self._attributes.update(attributes)

    def __enter__(self) -> Self:
        self._started = time.perf_counter()
        if self._spans is not None:
            self._begun = self._spans.begin(tracing.current())
            tracing.follow(self._begun.trace)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        failure: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        seconds = time.perf_counter() - self._started
        self._attributes.setdefault("outcome", DONE if kind is None else kind.__name__)
        if self._metrics is not None:
            self._metrics.ended(self._work, self._attributes, seconds)
        if self._spans is not None and self._begun is not None:
            tracing.follow(self._begun.before)
            self._spans.end(self._begun, self._work, {**self._attributes, **noted()})
