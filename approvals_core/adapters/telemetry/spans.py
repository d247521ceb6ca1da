"""
Spans as OpenTelemetry has them, handed to a processor of its SDK.

Made here, not by the SDK's tracer: that takes its sampler, its limits and whether it works at
all from variables of the environment, and only our settings may say so. It is faster, too.
"""

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, TraceFlags
from opentelemetry.trace.span import TraceState

from approvals_core.models import Trace
from approvals_core.telemetry import Work

LONGEST = 256  # characters of one attribute

_PREFIX = "approvals."
_SCOPE = InstrumentationScope("approvals")
_KINDS = {
    Work.INTAKE: SpanKind.SERVER,
    Work.TENANT_CALL: SpanKind.CLIENT,
    Work.CONNECTOR_CALL: SpanKind.CLIENT,
}


@dataclass(frozen=True)
class Begun:
    """A span that has begun: what it is part of, and what belongs to it from now on."""

    before: Trace
    trace: Trace
    at: int  # nanoseconds since 1970


class Spans:
    """Makes spans, and gives each to *processor* when it ends. *service* is our name there."""

    def __init__(self, processor: SpanProcessor, *, service: str) -> None:
        self._processor = processor
        # Not `Resource.create`: it asks the environment.
        self._resource = Resource({"service.name": service})

    def begin(self, before: Trace) -> Begun:
        """Begin a span below *before*, or one that nothing is above."""
        part = secrets.token_hex(8)
        if before.parent:
            trace = Trace(
                parent=f"{before.parent[:36]}{part}{before.parent[52:]}", state=before.state
            )
        else:
            trace = Trace(parent=f"00-{secrets.token_hex(16)}-{part}-01")
        return Begun(before, trace, time.time_ns())

    def end(self, begun: Begun, work: Work, attributes: Mapping[str, str | int]) -> None:
        """End a span. One whose caller said that nobody records its trace is not recorded."""
        context = _context(begun.trace)
        if not context.trace_flags.sampled:
            return
        self._processor.on_end(
            ReadableSpan(
                name=work.value,
                context=context,
                parent=_context(begun.before) if begun.before.parent else None,
                resource=self._resource,
                attributes={
                    _PREFIX + name: value[:LONGEST] if isinstance(value, str) else value
                    for name, value in attributes.items()
                    if value != ""
                },
                kind=_KINDS.get(work, SpanKind.INTERNAL),
                start_time=begun.at,
                end_time=time.time_ns(),
                instrumentation_scope=_SCOPE,
            )
        )


def _context(trace: Trace) -> SpanContext:
    _version, whole, part, flags = trace.parent.split("-")
    return SpanContext(
        int(whole, 16),
        int(part, 16),
        is_remote=False,
        trace_flags=TraceFlags(int(flags, 16)),
        trace_state=TraceState.from_header([trace.state]) if trace.state else TraceState(),
    )
