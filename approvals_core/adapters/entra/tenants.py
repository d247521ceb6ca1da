"""The tokens for the tenants' own APIs, as each tenant's file asks for them."""

from approvals_core.adapters.entra.own import OwnTokens
from approvals_core.adapters.entra.sources import Application
from approvals_core.adapters.referenced import References
from approvals_core.tenant import Auth, SignIn, Tenant


class TenantSignIn:
    """
    Gets tokens for the tenants' APIs. *own* is our application, *references* reads the secrets of others.

    On behalf of a person only where his own token is at hand: he opens a file on our page. A
    decision is posted by a job, maybe later and elsewhere, with the application's token.
    """

    def __init__(self, own: OwnTokens, references: References) -> None:
        self._own = own
        self._references = references

    async def token(
        self, tenant: Tenant, *, refused: str = "", user_assertion: str | None = None
    ) -> str:
        """
        Return a token for the tenant's resource; another than *refused*.

        *user_assertion* is the token of the person who acts, issued for us.

        Raises:
            TokenUnavailable: There is none now; the message says why.
        """
        auth, entra = tenant.api.auth, self._own.entra
        if auth.sign_in is SignIn.MANAGED_IDENTITY:
            return await entra.machine_token(auth.app_id, tenant.api.resource, refused=refused)
        application = self._application(auth)
        directory = auth.directory or tenant.people.directory
        scope = f"{tenant.api.resource}/.default"
        if auth.sign_in is SignIn.ON_BEHALF_OF and user_assertion:
            return await entra.token_for(
                application, directory, scope, person=user_assertion, refused=refused
            )
        return await entra.token(application, directory, scope, refused=refused)

    def _application(self, auth: Auth) -> Application:
        reference = auth.certificate or auth.secret
        if auth.app_id is None or reference is None:
            return self._own.application
        return Application(
            auth.app_id,
            reference,
            lambda: self._references.read(reference),
            with_certificate=auth.certificate is not None,
        )
