"""What the tests of telemetry share: a service whose spans and numbers can be looked at."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp.test_utils import TestClient, TestServer
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanContext
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as open_metrics_of,
)
from prometheus_client.parser import text_string_to_metric_families

from app import House
from tests.running import Running

OPEN_METRICS = "application/openmetrics-text; version=1.0.0"


@dataclass
class Kept:
    """Spans, kept instead of sent."""

    exporter: InMemorySpanExporter = field(default_factory=InMemorySpanExporter)

    def __post_init__(self) -> None:
        self.processor = SimpleSpanProcessor(self.exporter)

    @property
    def spans(self) -> list[ReadableSpan]:
        return list(self.exporter.get_finished_spans())

    def named(self, name: str) -> list[ReadableSpan]:
        return [span for span in self.spans if span.name == name]


def ids(span: ReadableSpan) -> SpanContext:
    """Return the ids of a span."""
    assert span.context is not None
    return span.context


def told(span: ReadableSpan) -> dict[str, Any]:
    """Return a span's attributes by their names without ours in front."""
    return {
        name.removeprefix("approvals."): value for name, value in (span.attributes or {}).items()
    }


class Numbers:
    """What one scrape said."""

    def __init__(self, text: str, *, open_metrics: bool = False) -> None:
        families = open_metrics_of(text) if open_metrics else text_string_to_metric_families(text)
        self.samples = [sample for family in families for sample in family.samples]
        self.text = text

    def of(self, name: str, **labels: str) -> float | None:
        """Return the number with all of *labels*, or None; several are added up."""
        found = [s.value for s in self._named(name) if labels.items() <= s.labels.items()]
        return sum(found) if found else None

    @property
    def series(self) -> set[tuple[Any, ...]]:
        return {(s.name, *sorted(s.labels.items())) for s in self.samples}

    def _named(self, name: str) -> Iterator[Any]:
        return (s for s in self.samples if s.name == f"approvals_{name}")


@asynccontextmanager
async def metrics_of(house: House) -> AsyncIterator[TestClient[Any, Any]]:
    """Serve /metrics of *house*."""
    async with TestClient(TestServer(house.metrics_application(), host="127.0.0.1")) as client:
        yield client


async def scraped(client: TestClient[Any, Any], accept: str = "*/*") -> Numbers:
    async with client.get("/metrics", headers={"Accept": accept}) as response:
        assert response.status == 200
        text = await response.text()
        return Numbers(text, open_metrics=response.content_type.endswith("openmetrics-text"))


async def post_as_tenant(running: Running, body: str, **headers: str) -> aiohttp.ClientResponse:
    """Post an ARX with more headers than the playground sends."""
    async with aiohttp.ClientSession() as session:
        return await post_through(session, running, body, **headers)


async def post_through(
    session: aiohttp.ClientSession, running: Running, body: str, **headers: str
) -> aiohttp.ClientResponse:
    """Do what `post_as_tenant` does, through a connection that stays open."""
    tenant = running.playground.tenant
    given = {"Authorization": f"Bearer {await tenant.token()}", "Content-Type": "application/json"}
    async with session.post(
        tenant.intake_url, data=body.encode(), headers=given | headers
    ) as response:
        await response.read()
        return response
