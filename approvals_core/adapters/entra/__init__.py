"""Our own tokens for other services, from Entra through MSAL."""

from approvals_core.adapters.entra.own import OwnTokens
from approvals_core.adapters.entra.people import Begun, PeopleSignIn, SignedIn
from approvals_core.adapters.entra.sources import PUBLIC_LOGIN, Login
from approvals_core.adapters.entra.tenants import TenantSignIn

__all__ = [
    "PUBLIC_LOGIN",
    "Begun",
    "Login",
    "OwnTokens",
    "PeopleSignIn",
    "SignedIn",
    "TenantSignIn",
]
