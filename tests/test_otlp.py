"""Spans on their way to a collector: what arrives, and that one which is away or hangs costs nobody anything."""

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from approvals_core import tracing
from approvals_core.adapters.telemetry.otlp import BATCH, WAITING, Exporter, export_to
from approvals_core.adapters.telemetry.recorder import Recorder
from approvals_core.adapters.telemetry.spans import LONGEST, Spans
from approvals_core.models import Trace
from approvals_core.telemetry import Work
from playground.outside import Playground
from tests.far_sides import eventually
from tests.ports import free_port
from tests.running import PATIENCE, run_service
from tests.test_config import settings, wrong_in
from tests.watched import Kept, told


class Collector:
    """Takes what is posted; answers with *status*, or never while it hangs."""

    def __init__(self) -> None:
        self.status = 200
        self.posts: list[tuple[str, ExportTraceServiceRequest]] = []
        self.hangs: asyncio.Event | None = None

    async def take(self, request: web.Request) -> web.Response:
        if self.hangs is not None:
            await self.hangs.wait()
        sent = ExportTraceServiceRequest()
        sent.ParseFromString(await request.read())
        self.posts.append((request.path, sent))
        return web.Response(status=self.status)

    @property
    def spans(self) -> list[Any]:
        return [
            span
            for _path, sent in self.posts
            for resource in sent.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]


@pytest.fixture
async def collector() -> Collector:
    return Collector()


@pytest.fixture
async def url(collector: Collector) -> AsyncIterator[str]:
    app = web.Application(client_max_size=10**8)
    app.router.add_post("/{path:.*}", collector.take)
    async with TestServer(app, host="127.0.0.1") as server:
        yield str(server.make_url("")).rstrip("/")


def record(recorder: Recorder, count: int = 1) -> None:
    for number in range(count):
        with recorder.span(Work.COMMIT, approval=f"pr-{number}"):
            pass


async def test_spans_arrive_at_the_collector(collector: Collector, url: str) -> None:
    processor = export_to(url, within=PATIENCE)
    recorder = Recorder(metrics=None, spans=Spans(processor, service="approvals"))

    with (
        tracing.within(Trace(parent=f"00-{'a' * 32}-{'b' * 16}-01", state="k=v")),
        recorder.span(Work.TENANT_CALL, tenant="pr", attempt=2) as span,
    ):
        span.tell(outcome="accepted")
    await asyncio.to_thread(processor.shutdown)

    [(path, sent)] = collector.posts
    [made] = collector.spans
    attributes = {a.key: a.value.string_value or a.value.int_value for a in made.attributes}
    assert path == "/v1/traces"
    assert sent.resource_spans[0].resource.attributes[0].value.string_value == "approvals"
    assert (made.name, made.trace_id.hex(), made.parent_span_id.hex()) == (
        "tenant call",
        "a" * 32,
        "b" * 16,
    )
    assert made.trace_state == "k=v"
    assert attributes == {
        "approvals.tenant": "pr",
        "approvals.attempt": 2,
        "approvals.outcome": "accepted",
    }
    assert made.end_time_unix_nano >= made.start_time_unix_nano > 0


async def test_what_is_left_at_the_end_is_sent_in_batches(collector: Collector, url: str) -> None:
    processor = export_to(url, within=PATIENCE)
    recorder = Recorder(metrics=None, spans=Spans(processor, service="approvals"))

    record(recorder, BATCH + 10)
    await asyncio.to_thread(processor.shutdown)

    assert len(collector.spans) == BATCH + 10


async def test_of_a_time_without_a_collector_the_log_has_a_line_at_each_end(
    collector: Collector, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    exporter, spans = Exporter(f"{url}/v1/traces", within=PATIENCE), Kept()
    record(Recorder(metrics=None, spans=Spans(spans.processor, service="a")))
    caplog.set_level(logging.INFO)

    for status in (200, 503, 503, 404, 200, 200):
        collector.status = status
        await asyncio.to_thread(exporter.export, spans.spans)

    said = [(r.getMessage(), r.__dict__.get("why")) for r in caplog.records if "spans" in r.msg]
    assert said == [("spans_not_exported", "HTTP 503"), ("spans_exported_again", None)]
    exporter.shutdown()


async def test_a_collector_that_hangs_holds_up_nobody_and_the_queue_is_bounded(
    collector: Collector, url: str
) -> None:
    collector.hangs = asyncio.Event()
    processor = export_to(url, within=PATIENCE)
    recorder = Recorder(metrics=None, spans=Spans(processor, service="approvals"))

    record(recorder, WAITING * 2)  # returns: nothing of it waits

    collector.hangs.set()
    await asyncio.to_thread(processor.shutdown)
    assert 0 < len(collector.spans) <= WAITING + 2 * BATCH


async def test_a_dead_collector_changes_nothing(
    playground: Playground, store_url: str, tmp_path: Path
) -> None:
    dead = f"http://127.0.0.1:{free_port()}"
    async with run_service(
        playground, store_url=store_url, folder=tmp_path, otlp_endpoint=dead
    ) as service:
        await playground.teams.install("johndoe1")
        await service.send("wiki-create")
        await service.asked("johndoe1")

        await service.click("johndoe1", "Approve")

        await service.says("johndoe1", "Approved")


async def test_what_is_left_is_sent_when_the_service_ends(
    playground: Playground, tmp_path: Path, collector: Collector, url: str
) -> None:
    store, processor = f"sqlite:///{tmp_path}/store.db", export_to(url, within=PATIENCE)
    async with run_service(
        playground, store_url=store, folder=tmp_path, spans=processor
    ) as service:
        await service.send("wiki-create")

    assert {"intake", "commit"} <= {span.name for span in collector.spans}


async def test_the_spans_of_a_service_go_where_its_settings_say(
    playground: Playground, tmp_path: Path, collector: Collector, url: str
) -> None:
    store = f"sqlite:///{tmp_path}/store.db"
    async with run_service(
        playground, store_url=store, folder=tmp_path, otlp_endpoint=url
    ) as service:

        async def arrived() -> bool:
            await service.send("wiki-create")  # what came to a slow collector in vain is dropped
            return "intake" in {span.name for span in collector.spans}

        await eventually(arrived)


async def test_a_service_ends_though_its_collector_hangs(
    playground: Playground, tmp_path: Path, collector: Collector, url: str
) -> None:
    collector.hangs = asyncio.Event()
    store = f"sqlite:///{tmp_path}/store.db"
    async with run_service(
        playground, store_url=store, folder=tmp_path, otlp_endpoint=url
    ) as service:
        sent = await service.send("wiki-create")

    assert sent["Disposition"] == "applied"
    assert collector.spans == []
    collector.hangs.set()


async def test_variables_of_opentelemetry_change_nothing(
    collector: Collector, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The one place where a test writes to the environment: to prove that nobody reads it.
    for name, value in {
        "OTEL_SDK_DISABLED": "true",
        "OTEL_TRACES_SAMPLER": "always_off",
        "OTEL_SERVICE_NAME": "another",
        "OTEL_RESOURCE_ATTRIBUTES": "secret=1",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1",
        "OTEL_EXPORTER_OTLP_HEADERS": "authorization=x",
        "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "0",
        "OTEL_BSP_MAX_QUEUE_SIZE": "1",
        "HTTP_PROXY": "http://127.0.0.1:1",
    }.items():
        monkeypatch.setenv(name, value)
    processor = export_to(url, within=PATIENCE)
    record(Recorder(metrics=None, spans=Spans(processor, service="approvals")), 3)
    await asyncio.to_thread(processor.shutdown)

    resource = collector.posts[0][1].resource_spans[0].resource
    assert len(collector.spans) == 3
    assert [(a.key, a.value.string_value) for a in resource.attributes] == [
        ("service.name", "approvals")
    ]
    assert all(span.attributes for span in collector.spans)


# -- how a span is made ---------------------------------------------------------------


def test_a_trace_that_nobody_records_is_not_recorded_and_goes_on() -> None:
    kept = Kept()
    recorder = Recorder(metrics=None, spans=Spans(kept.processor, service="a"))
    unsampled = f"00-{'a' * 32}-{'b' * 16}-00"

    with tracing.within(Trace(parent=unsampled)), recorder.span(Work.ACT):
        during = tracing.current().parent

    assert kept.spans == []
    assert during.startswith(f"00-{'a' * 32}-")
    assert during.endswith("-00")


def test_what_fails_is_told_by_the_name_of_its_error_alone() -> None:
    kept = Kept()
    recorder = Recorder(metrics=None, spans=Spans(kept.processor, service="a"))

    with pytest.raises(KeyError), recorder.span(Work.COMMIT, approval="x" * 1000):
        raise KeyError("Maria Keller")

    [span] = kept.spans
    assert told(span) == {"approval": "x" * LONGEST, "outcome": "KeyError"}
    assert tracing.current() == Trace()


# -- settings ---------------------------------------------------------------------------


@pytest.mark.parametrize("url", ["http://collector:4318", "https://otlp.example.com/one"])
def test_a_collector_is_any_address_of_http(url: str) -> None:
    assert settings(otlp_endpoint=url).otlp_endpoint == url


@pytest.mark.parametrize(
    "url",
    [
        "collector:4318",
        "grpc://collector:4317",
        "http://",
        "http://me:secret@collector",
        "http://collector:99999",
        "http://collector?key=secret",
    ],
)
def test_what_is_no_such_address_is_refused(url: str) -> None:
    assert wrong_in(otlp_endpoint=url) == {"otlp_endpoint"}
