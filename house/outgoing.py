"""What goes out to others: our own tokens, and the calls of tenants."""

from collections.abc import Callable, Sequence
from datetime import datetime

from aiohttp import TraceConfig

from approvals_core import tracing
from approvals_core.adapters.entra import OwnTokens, TenantSignIn
from approvals_core.adapters.referenced import References
from approvals_core.adapters.tenant_api import HttpTenantApi
from config import Settings


def make_tokens(settings: Settings, now: Callable[[], datetime]) -> OwnTokens:
    """Make what gets the tokens with which others know us."""
    return OwnTokens(
        app_id=settings.bot_app_id,
        secret=settings.bot_secret.get_secret_value(),
        clock=now,
        login_url=settings.entra_login_url,
        ca_file=settings.ca_file,
    )


def make_calls(
    settings: Settings,
    tokens: OwnTokens,
    references: References,
    *,
    now: Callable[[], datetime],
    traces: Sequence[TraceConfig],
) -> HttpTenantApi:
    """Make what calls the tenants' APIs; *references* are the secrets that their files refer to."""
    return HttpTenantApi(
        TenantSignIn(tokens, references),
        clock=now,
        loopback=settings.loopback,
        current_trace=lambda: tracing.current().parent,
        trace_configs=traces,
    )
