"""Who of the tenants' applications is calling, and for which tenants it may speak."""

from collections.abc import Sequence

from aiohttp import web

from approvals_core.adapters.tokens import Claims
from approvals_core.ports import Tenants
from approvals_core.tenant import Tenant
from bots.web import refused


def may_speak_for(claims: Claims, tenant: Tenant) -> bool:
    """
    Tell whether the tenant's file names this application, and its token has the role.

    Only for itself: Entra gives every application of a directory a token for us, so
    that nothing but the role makes it a caller; and a token with a person behind it
    says what that person may do, not the tenant.
    """
    return claims.app_only and any(
        (caller.directory, caller.app_id) == (claims.directory, claims.app_id)
        and caller.role in claims.roles
        for caller in tenant.callers
    )


def tenants_of(claims: Claims, tenants: Tenants) -> Sequence[Tenant]:
    """Return the tenants that the caller may speak for; nobody's caller is answered 403."""
    own = [each for each in tenants.all() if may_speak_for(claims, each)]
    if not own:
        raise refused(403, "This application is registered for no tenant.")
    return own


def tenant_asked_for(request: web.Request, claims: Claims, tenants: Tenants) -> Tenant:
    """Return the tenant that ?TenantId= names, if the caller may speak for it."""
    wanted = query(request, "TenantId").strip()
    if not wanted:
        raise refused(
            400,
            "TenantId is required for processing the payload."
            " Please pass the TenantId as query param.",
        )
    tenant = tenants.by_id(wanted)
    if tenant is None:
        raise refused(404, "No tenant has this TenantId.")
    if not may_speak_for(claims, tenant):
        raise refused(403, "This application is not registered for this tenant.")
    return tenant


def query(request: web.Request, name: str) -> str:
    """Return a parameter of the address whatever the case of its name, "" if it is not there."""
    wanted = name.lower()
    found = (value for key, value in request.query.items() if key.lower() == wanted)
    return next(found, "")


def is_given(request: web.Request, name: str) -> bool:
    """Tell whether a parameter is in the address, be it empty."""
    return name.lower() in map(str.lower, request.query)
