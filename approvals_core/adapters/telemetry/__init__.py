"""What operators see of us: log lines, metrics and spans. Ids and codes only, no personal text."""

from approvals_core.adapters.telemetry.lines import JsonLines, SeldomAgain, log_as_json
from approvals_core.adapters.telemetry.otlp import export_to
from approvals_core.adapters.telemetry.tenant_calls import ToldTenantApi
from approvals_core.adapters.telemetry.watching import Watching

__all__ = ["JsonLines", "SeldomAgain", "ToldTenantApi", "Watching", "export_to", "log_as_json"]
