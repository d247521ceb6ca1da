"""Where a tenant's APIs are, and the headers that every call of ours carries."""

import hashlib
import re
from collections.abc import Mapping
from urllib.parse import quote

from yarl import URL

from approvals_core import tracing
from approvals_core.adapters.tenant_api.bulkhead import NotMade
from approvals_core.models import Approval, Decision
from approvals_core.tenant import Tenant

PLACEHOLDERS = ("DocumentNumber", "DisplayDocumentNumber", "FiscalYear", "DocumentTypeId")

_TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}", re.ASCII)
_PLACEHOLDER = re.compile(r"\{(\w+)\}", re.ASCII)
_PRINTABLE = "".join(chr(code) for code in range(0x20, 0x7F) if chr(code) != "%")


class NoPath(NotMade):
    """A value of the document would lead to another path than the file's."""


def fill(template: str, approval: Approval, more: Mapping[str, str] | None = None) -> str:
    """
    Fill a path of the tenant's file; every value is encoded, slashes too.

    *more* holds the values of placeholders that only some endpoints have.

    Raises:
        NoPath: A value is only dots. Servers may take them, encoded or not, for a step up.
    """
    key = approval.key
    own = (key.number, approval.display_number, key.year, key.tenant)
    values = dict(zip(PLACEHOLDERS, own, strict=True)) | dict(more or {})

    def filled(found: re.Match[str]) -> str:
        return _encoded(found[1], values[found[1]]) if found[1] in values else found[0]

    return _PLACEHOLDER.sub(filled, template)


def url_of(tenant: Tenant, path: str) -> URL:
    """Return the address of a filled path, which is not encoded once more."""
    return URL(tenant.api.base_url.rstrip("/") + path, encoded=True)


def headers(approval: Approval, *, tcv: str, trace: str) -> dict[str, str]:
    """Return what every call carries: who asks for what, and in which trace."""
    traced = tracing.current()
    state = {"tracestate": traced.state} if traced.state and traced.parent == trace else {}
    return {
        "Accept": "application/json",
        "Accept-Encoding": "identity",
        "Xcv": header(approval.xcv or approval.display_number),
        "Tcv": header(tcv),
        "traceparent": trace,
        **state,
    }


def header(text: str) -> str:
    """Return text fit for a header: anything but printable ASCII is percent-encoded."""
    return quote(text.strip(), safe=_PRINTABLE)


def traceparent(decision: Decision, current: str | None = None) -> str:
    """
    Return the W3C traceparent of an attempt.

    Every attempt of a decision has the same trace, also after a restart: that of
    *current*, or one made from the decision's id.
    """
    return trace_of(decision.id, f"{decision.id}/{decision.attempts}", current)


def trace_of(whole: str, part: str, current: str | None) -> str:
    """Return *current*, or, if there is none, the traceparent of *part* of *whole*."""
    if current and _TRACEPARENT.fullmatch(current):
        return current  # the span of this very call, or what the caller's trace is to go on from
    trace = hashlib.sha256(whole.encode()).hexdigest()[:32]
    return f"00-{trace}-{hashlib.sha256(part.encode()).hexdigest()[:16]}-01"


def _encoded(name: str, value: str) -> str:
    if value and not value.strip("."):
        raise NoPath(f"not called: {name} is only dots, which stand for another path")
    return quote(value, safe="")
