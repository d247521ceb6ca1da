"""The tenants' wire shapes: lenient in, strict out. No I/O."""

from approvals_core.arx.bulk import approval_requests, read_responses
from approvals_core.arx.names import fold
from approvals_core.arx.parsing import parse_arx
from approvals_core.arx.shapes import Arx, ArxAction, ArxApprover, ArxNotification
from approvals_core.arx.wire_out import approval_request, read_response

__all__ = [
    "Arx",
    "ArxAction",
    "ArxApprover",
    "ArxNotification",
    "approval_request",
    "approval_requests",
    "fold",
    "parse_arx",
    "read_response",
    "read_responses",
]
