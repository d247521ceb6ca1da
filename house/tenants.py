"""The tenants: their files, their door, and whose tokens it takes."""

from collections.abc import Iterable, Mapping

from approvals_core.adapters.referenced import References
from approvals_core.adapters.tenant_files import BadTenantFiles, read_tenants
from approvals_core.adapters.tokens import Issuer, TokenVerifier
from approvals_core.tenant import Tenant
from bots.tenants import TenantsDoor
from bots.tenants.quota import Quota
from cards.mail import mistakes_in
from config import Settings, strangers
from house.core import Core, Ground
from house.keys import Keys


def read_files(settings: Settings, references: References) -> Mapping[str, Tenant]:
    """
    Read all tenants' files; *references* are the secrets that they refer to.

    Raises:
        BadTenantFiles: They cannot be used; every mistake at once.
    """
    files = read_tenants(settings.tenants, references, check=mistakes_in)
    if lost := strangers(settings.directories, files.values()):
        raise BadTenantFiles(lost)
    return {name: _with_icons_at(settings.public_url, each) for name, each in files.items()}


def _with_icons_at(public_url: str, tenant: Tenant) -> Tenant:
    if tenant.icons is None:
        return tenant
    return tenant.model_copy(update={"icons": tenant.icons.served_at(public_url)})


class Intake:
    """The door, and what follows the tenants' files: *trust* takes the issuers that they name."""

    def __init__(self, ground: Ground, core: Core, keys: Keys) -> None:
        self._keys = keys
        self._verifier = TokenVerifier(
            issuers=self._issuers(ground.tenants.all()),
            audiences=ground.settings.intake_audience,
            clock=ground.now,
        )
        self.door = TenantsDoor(
            approvals=core.approvals,
            store=ground.store,
            tenants=ground.tenants,
            verifier=self._verifier,
            clock=ground.now,
            quota=Quota(ground.allowances),
            telemetry=ground.telemetry,
        )

    def trust(self, tenants: Iterable[Tenant]) -> None:
        """Take the tokens of these tenants' applications from now on."""
        self._verifier.trust(self._issuers(tenants))

    def _issuers(self, tenants: Iterable[Tenant]) -> list[Issuer]:
        return self._keys.of_entra(c.directory for tenant in tenants for c in tenant.callers)
