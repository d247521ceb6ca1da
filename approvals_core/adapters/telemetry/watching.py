"""All of one process that others can watch: put together as far as it is asked for."""

import asyncio
import time
from collections.abc import Callable, Mapping
from datetime import datetime

from opentelemetry.sdk.trace import SpanProcessor

from approvals_core.adapters.telemetry.lag import LoopLag
from approvals_core.adapters.telemetry.metrics import Metrics, Seen
from approvals_core.adapters.telemetry.queue_watch import Held, QueueWatch
from approvals_core.adapters.telemetry.recorder import Recorder
from approvals_core.adapters.telemetry.spans import Spans
from approvals_core.ports import Store, Tenants
from approvals_core.telemetry import NO_TELEMETRY, Telemetry

SERVICE = "approvals"  # our name in traces
FLUSHED_WITHIN = 5.0  # seconds at the end; what a collector has not taken by then is lost


class Watching:
    """
    Counts if *metrics*, and makes spans if there is a *processor* that takes them.

    `telemetry` is what the parts are told to tell; without either it costs nothing.
    """

    def __init__(self, *, metrics: bool, processor: SpanProcessor | None) -> None:
        self._metrics = Metrics() if metrics else None
        self._processor = processor
        spans = Spans(processor, service=SERVICE) if processor else None
        self.telemetry: Telemetry = NO_TELEMETRY
        if self._metrics or spans:
            self.telemetry = Recorder(metrics=self._metrics, spans=spans)
        self._tenants: Tenants | None = None
        self._queue: QueueWatch | None = None
        self._lag: asyncio.Task[None] | None = None

    def begin(
        self,
        *,
        store: Store,
        tenants: Tenants,
        now: Callable[[], datetime],
        oldest_card: Callable[[], float],
        held: Held,
        paused: Callable[[], Mapping[str, bool]],
    ) -> None:
        """Watch what is read at the moment of asking, too; see `Seen`."""
        if self._metrics is None:
            return
        seen = Seen(oldest_card=oldest_card, paused=paused)
        self._metrics.watch(seen)
        self._tenants = tenants
        self._queue = QueueWatch(
            seen, store=store, tenants=tenants, held=held, now=now, monotonic=time.monotonic
        )
        self._lag = asyncio.create_task(LoopLag(self._metrics.lagged).run())

    async def look(self) -> None:
        """Bring what is read from tenants and store up to date, within about a second."""
        if self._metrics is not None and self._tenants is not None:
            # At each question, so that a reload's new tenants are there before they are asked for.
            self._metrics.expect(tenant.code for tenant in self._tenants.all())
        if self._queue is not None:
            await self._queue.look()

    def text(self, accept: str) -> tuple[bytes, str]:
        """Return all numbers and their media type; nothing without metrics."""
        return self._metrics.text(accept) if self._metrics else (b"", "text/plain")

    async def end(self) -> None:
        """Stop asking the store, which is about to close."""
        if self._lag is not None:
            self._lag.cancel()
            await asyncio.gather(self._lag, return_exceptions=True)
        if self._queue is not None:
            await self._queue.close()

    async def flush(self) -> None:
        """Give the spans that are left to the collector."""
        if self._processor is not None:
            flushing = asyncio.create_task(asyncio.to_thread(self._processor.shutdown))
            await asyncio.wait({flushing}, timeout=FLUSHED_WITHIN)
