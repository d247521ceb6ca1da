"""Where work belongs in a trace that somebody else may have begun (W3C Trace Context)."""

from approvals_core.models.identity import Record


class Trace(Record):
    """What goes on with the work it began: stored with requests and decisions, sent to tenants."""

    parent: str = ""  # a well-formed traceparent, "" for none
    state: str = ""  # the tracestate beside it, as it came
