"""Sends spans to a collector by OTLP over HTTP, in a thread of its own that nobody waits for."""

import logging
from collections.abc import Sequence

import requests  # noqa: TID251 (in the processor's own thread, never on the loop)
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

WAITING = 4096  # spans at most; beyond, the oldest are dropped
BATCH = 512  # spans of one request
EVERY = 2.0  # seconds between two requests
TIMEOUT = 3.0  # seconds for each step of one request

log = logging.getLogger(__name__)


class Exporter(SpanExporter):
    """
    Posts spans to *url*, once: what cannot be sent is dropped.

    Of a time without a collector the log has one line at its beginning and one at its end.
    The SDK's own exporter would take address, headers and certificates from the
    environment, and repeat itself in the log.
    """

    def __init__(self, url: str, *, within: float = TIMEOUT) -> None:
        """*within*: seconds for each step of one request."""
        self._url = url
        self._within = within
        self._session = requests.Session()
        self._session.trust_env = False  # no proxy and no password from the environment
        self._fails = False
        self._ending = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        if self._fails and self._ending:
            return SpanExportResult.FAILURE
        failure = self._post(encode_spans(spans).SerializeToString())
        if failure and not self._fails:
            log.warning("spans_not_exported", extra={"why": failure})
        elif self._fails and not failure:
            log.info("spans_exported_again")
        self._fails = bool(failure)
        return SpanExportResult.FAILURE if failure else SpanExportResult.SUCCESS

    def end(self) -> None:
        """Try what is left once; if it cannot be sent, give the rest up."""
        self._ending = True

    def shutdown(self) -> None:
        self._session.close()

    def _post(self, body: bytes) -> str:
        """Return why the spans did not arrive, "" if they did."""
        try:
            with self._session.post(
                self._url,
                data=body,
                headers={"Content-Type": "application/x-protobuf"},
                timeout=self._within,
                allow_redirects=False,
                stream=True,  # what it answers is not read
            ) as answer:
                return "" if answer.ok and not answer.is_redirect else f"HTTP {answer.status_code}"
        except (requests.RequestException, OSError, ValueError) as problem:
            return type(problem).__name__


class Batches(BatchSpanProcessor):
    """Collects what ends and sends it in batches; `shutdown` blocks for about two requests at most."""

    def __init__(self, exporter: Exporter, *, within: float) -> None:
        # Named, all of them: those left out would be taken from the environment.
        super().__init__(
            exporter,
            max_queue_size=WAITING,
            schedule_delay_millis=EVERY * 1000,
            max_export_batch_size=BATCH,
            export_timeout_millis=within * 1000,
            meter_provider=NoOpMeterProvider(),
        )
        self._exporter = exporter

    def shutdown(self) -> None:
        self._exporter.end()
        super().shutdown()


def export_to(endpoint: str, *, within: float = TIMEOUT) -> Batches:
    """
    Return what sends spans to the collector at *endpoint*, an address without /v1/traces.

    *within*: seconds for each step of one request.
    """
    return Batches(Exporter(f"{endpoint.rstrip('/')}/v1/traces", within=within), within=within)
