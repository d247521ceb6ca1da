"""Entra for many companies at once, each with a directory of its own: over https, its tokens really signed."""

import hmac
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from aiohttp import web

from playground import names
from playground.certificates import CertificateAuthority
from playground.issuer import LIFETIME, Application, Issuer

COMPANIES = 30


class Directories:
    """
    The directories of so many companies, and the one that the bot is registered in.

    An application that *issuer* knows is known in each of them. Keys and claims are *issuer's*.
    """

    def __init__(self, issuer: Issuer, companies: int = COMPANIES) -> None:
        self.companies: Sequence[str] = [
            str(uuid.uuid5(uuid.NAMESPACE_DNS, f"company{number}.example"))
            for number in range(companies)
        ]
        self.url = ""  # known once it is served
        self._issuer = issuer
        self._all = {*self.companies, names.DIRECTORY}

    def application(self) -> web.Application:
        """Return what is asked of Entra: metadata, keys, tokens."""
        app = web.Application()
        app.router.add_get("/{directory}/v2.0/.well-known/openid-configuration", self._metadata)
        app.router.add_get("/{directory}/discovery/v2.0/keys", self._keys)
        app.router.add_post("/{directory}/oauth2/v2.0/token", self._token)
        return app

    def posting(self, directory: str) -> str:
        """Return the token with which the company of *directory* may post payloads."""
        return self._signed(names.PURCHASING_APP, names.INTAKE_APP, directory)

    async def _metadata(self, request: web.Request) -> web.Response:
        directory = self._directory(request)
        here = f"{self.url}/{directory}"
        return web.json_response(
            {
                "issuer": names.ENTRA_ISSUER.format(directory=directory),
                "jwks_uri": f"{here}/discovery/v2.0/keys",
                "token_endpoint": f"{here}/oauth2/v2.0/token",
                "authorization_endpoint": f"{here}/oauth2/v2.0/authorize",
                "id_token_signing_alg_values_supported": ["RS256"],
                "response_types_supported": ["code", "id_token"],
                "subject_types_supported": ["pairwise"],
            }
        )

    async def _keys(self, request: web.Request) -> web.Response:
        self._directory(request)
        return web.json_response(self._issuer.entra.jwks())

    async def _token(self, request: web.Request) -> web.Response:
        """Answer client credentials, which is all that a service without people who sign in asks for."""
        directory, form = self._directory(request), await request.post()
        client = self._issuer.applications.get(str(form.get("client_id")))
        resource = self._issuer.resource(str(form.get("scope")).removesuffix("/.default"))
        given = str(form.get("client_secret"))
        if client is None or resource is None or not _proves(client, given):
            return web.json_response({"error": "invalid_client"}, status=401)
        token = self._signed(client.app_id, resource.app_id, directory)
        answer = {"token_type": "Bearer", "expires_in": LIFETIME, "access_token": token}
        return web.json_response(answer)

    def _signed(self, app: str, resource: str, directory: str) -> str:
        known = self._issuer.applications
        client = known[app].model_copy(update={"directory": directory})
        return self._issuer.app_token(client, known[resource])

    def _directory(self, request: web.Request) -> str:
        directory = request.match_info["directory"].lower()
        if directory not in self._all:
            raise web.HTTPBadRequest(text=f"There is no directory {directory}.")
        return directory


def _proves(client: Application, secret: str) -> bool:
    return bool(client.secret) and hmac.compare_digest(secret.encode(), client.secret.encode())


@asynccontextmanager
async def directories(
    issuer: Issuer, authority: CertificateAuthority
) -> AsyncIterator[Directories]:
    """Serve them until they are needed no more; who trusts *authority* trusts them."""
    served = Directories(issuer)
    runner = web.AppRunner(served.application(), access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=authority.server_context())
        await site.start()
        served.url = f"https://127.0.0.1:{runner.addresses[0][1]}"
        yield served
    finally:
        await runner.cleanup()
