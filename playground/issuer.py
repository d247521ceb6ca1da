"""The token issuer: Entra for any directory, and the Bot Connector's, with really signed tokens over https."""

import hmac
import secrets
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler
from pydantic import BaseModel

from playground import names
from playground.actions_tokens import actions_claims
from playground.certificates import CertificateAuthority
from playground.people import Person
from playground.signing import Claims, KeyRing

LIFETIME = 3600  # seconds


class Application(BaseModel, frozen=True):
    """An application as registered in a directory. *uri* is its App ID URI; *version* that of tokens for it."""

    app_id: str
    uri: str = ""
    secret: str = ""  # empty: it can ask for no token
    directory: str = names.DIRECTORY
    everywhere: bool = False  # other directories know it, too: each gives it tokens of its own
    version: int = 2
    expired: bool = False  # its secret is
    enabled: bool = True

    @property
    def object_id(self) -> str:
        """The id of its service principal."""
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{self.directory}/{self.app_id}"))


def _registered() -> list[Application]:
    """Return the playground's applications; the secrets are new each time."""
    return [
        Application(app_id=names.BOT_APP, secret=secrets.token_urlsafe(24)),
        *(Application(app_id=one.app, secret=secrets.token_urlsafe(24)) for one in names.TENANTS),
        Application(app_id=names.STRANGER_APP, secret=secrets.token_urlsafe(24)),
        Application(app_id=names.INTAKE_APP, uri=names.INTAKE_URI),
        *(Application(app_id=one.api, uri=one.uri) for one in names.TENANTS),
        Application(app_id=names.BOT_FRAMEWORK, uri=names.BOT_FRAMEWORK, version=1),
        Application(app_id=names.GRAPH, uri=names.GRAPH, version=1),
        Application(app_id=names.OUTLOOK_APP, uri=names.OUTLOOK_URI),
        Application(app_id=names.EXCHANGE, uri=names.EXCHANGE, version=1),
    ]


Grant = Callable[[Mapping[str, str], Application], web.Response]


class Issuer:
    """Serves metadata, keys and tokens; `url` is known after `start`."""

    def __init__(self, authority: CertificateAuthority) -> None:
        self._authority = authority
        self.entra = KeyRing()
        self.bot = KeyRing(endorsements=["msteams"])
        self.directories = set(names.DIRECTORIES)
        self.applications = {one.app_id: one for one in _registered()}
        self.roles = {
            **{(one.app, names.INTAKE_APP): [names.SEND_ROLE] for one in names.TENANTS},
            (names.BOT_APP, names.GRAPH): list(names.GRAPH_ROLES),
            (names.BOT_APP, names.EXCHANGE): list(names.EXCHANGE_ROLES),
        }
        self.bot_issuer = names.BOT_ISSUER  # what the metadata say
        self.entra_issuer = names.ENTRA_ISSUER
        self.failing: dict[str, int] = {}  # part of a path -> status answered there
        self.tokens_issued = 0
        self.grants: dict[str, Grant] = {}  # by grant_type, beside client credentials
        self.url = ""
        self.browser_url = ""  # where people sign in: http, for no browser trusts our certificates
        self._runner: web.AppRunner | None = None

    @property
    def ca_file(self) -> Path:
        return self._authority.ca_file

    async def start(self, port: int = 0) -> None:
        app = web.Application(middlewares=[self._may_fail])
        app.add_routes(self._routes())
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        context = self._authority.server_context()
        await web.TCPSite(self._runner, "127.0.0.1", port, ssl_context=context).start()
        self.url = f"https://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    def _routes(self) -> Iterable[web.RouteDef]:
        return [
            web.get("/botframework/.well-known/openidconfiguration", self._bot_metadata),
            web.get("/botframework/keys", self._bot_keys),
            web.get("/{directory}/v2.0/.well-known/openid-configuration", self._metadata),
            web.get("/{directory}/discovery/v2.0/keys", self._keys),
            web.post("/{directory}/oauth2/v2.0/token", self._token),
        ]

    # -- what it answers ------------------------------------------------------

    @web.middleware
    async def _may_fail(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        status = next((self.failing[part] for part in self.failing if part in request.path), None)
        return await handler(request) if status is None else web.Response(status=status)

    async def _metadata(self, request: web.Request) -> web.Response:
        directory = request.match_info["directory"]
        if directory.lower() not in self.directories:
            return _no_directory(directory)
        here = f"{self.url}/{directory}"
        return web.json_response(
            {
                "issuer": self.entra_issuer.format(directory=directory),
                "jwks_uri": f"{here}/discovery/v2.0/keys",
                "token_endpoint": f"{here}/oauth2/v2.0/token",
                "authorization_endpoint": f"{self.browser_url}/entra/{directory}/oauth2/v2.0/authorize",
                "id_token_signing_alg_values_supported": ["RS256"],
                "response_types_supported": ["code", "id_token"],
                "subject_types_supported": ["pairwise"],
            }
        )

    async def _keys(self, _request: web.Request) -> web.Response:
        return web.json_response(self.entra.jwks())

    async def _bot_metadata(self, _request: web.Request) -> web.Response:
        return web.json_response(
            {
                "issuer": self.bot_issuer,
                "jwks_uri": f"{self.url}/botframework/keys",
                "authorization_endpoint": f"{self.url}/botframework/invalid",
                "id_token_signing_alg_values_supported": ["RS256"],
            }
        )

    async def _bot_keys(self, _request: web.Request) -> web.Response:
        return web.json_response(self.bot.jwks())

    async def _token(self, request: web.Request) -> web.Response:
        """Client credentials (v2-oauth2-client-creds-grant-flow.md of MicrosoftDocs/entra-docs), or a grant of `grants`."""
        form = {name: str(value) for name, value in (await request.post()).items()}
        client = self._proven(request.match_info["directory"].lower(), form)
        if isinstance(client, web.Response):
            return client
        grant = form.get("grant_type", "")
        if grant in self.grants:
            return self.grants[grant](form, client)
        if grant != "client_credentials":
            return no_token(400, "unsupported_grant_type", 70003, "There is no such grant.")
        name = form.get("scope", "").removesuffix("/.default")
        resource = self.resource(name)
        if resource is None:
            why = f"The resource principal named {name} was not found in the tenant."
            return no_token(400, "invalid_resource", 500011, why)
        self.tokens_issued += 1
        answer = {
            "token_type": "Bearer",
            "expires_in": LIFETIME,
            "ext_expires_in": LIFETIME,
        }
        return web.json_response({**answer, "access_token": self.app_token(client, resource)})

    def _proven(self, directory: str, form: Mapping[str, str]) -> Application | web.Response:
        """
        Return the application that *form* proves to be, or a refusal in Entra's codes.

        MicrosoftDocs/entra-docs, reference-error-codes.md; the texts are ours.
        """
        if directory not in self.directories:
            return _no_directory(directory)
        client = self.application(form.get("client_id", "").lower(), directory)
        if client is None:
            why = "The application was not found in this directory."
            return no_token(400, "unauthorized_client", 700016, why)
        if not client.enabled:
            return no_token(400, "unauthorized_client", 7000112, "The application is disabled.")
        given = form.get("client_secret", "")
        if not client.secret or not hmac.compare_digest(given.encode(), client.secret.encode()):
            return no_token(401, "invalid_client", 7000215, "Invalid client secret provided.")
        if client.expired:
            return no_token(401, "invalid_client", 7000222, "The client secret has expired.")
        return client

    # -- tokens ---------------------------------------------------------------

    def application(self, app_id: str, directory: str) -> Application | None:
        """Return an application as *directory* knows it, or None."""
        found = self.applications.get(app_id)
        if found is not None and found.everywhere:
            return found.model_copy(update={"directory": directory})
        return found if found is not None and found.directory == directory else None

    def resource(self, name: str) -> Application | None:
        """Return the application that has this App ID URI or client id, or None."""
        wanted = name.rstrip("/")
        found = (one for one in self.applications.values() if wanted in (one.uri, one.app_id))
        return next(found, None)

    def app_token(self, client: Application, resource: Application) -> str:
        return self.entra.newest.sign(self.app_claims(client, resource))

    def app_claims(self, client: Application, resource: Application) -> Claims:
        """Return the claims of an app-only token; the version is the resource's choice, as at Entra."""
        roles = self.roles.get((client.app_id, resource.app_id), [])
        claims = {
            **times(),
            "tid": client.directory,
            "oid": client.object_id,
            "sub": client.object_id,
            "ver": f"{resource.version}.0",
            **({"roles": roles} if roles else {}),
        }
        if resource.version == 1:
            issuer = names.ENTRA_V1_ISSUER.format(directory=client.directory)
            return {
                **claims,
                "iss": issuer,
                "aud": resource.uri,
                "appid": client.app_id,
                "appidacr": "1",
            }
        issuer = names.ENTRA_ISSUER.format(directory=client.directory)
        return {
            **claims,
            "iss": issuer,
            "aud": resource.app_id,
            "azp": client.app_id,
            "azpacr": "1",
        }

    def tenant_claims(self) -> Claims:
        """Return the claims with which the sample tenant may post to us."""
        client = self.applications[names.PURCHASING_APP]
        return self.app_claims(client, self.applications[names.INTAKE_APP])

    def bot_claims(self, service_url: str) -> Claims:
        """Return the claims of what Teams sends to the bot."""
        who = {"iss": names.BOT_ISSUER, "aud": names.BOT_APP, "serviceurl": service_url}
        return {**times(), **who}

    def outlook_claims(self, person: Person, *, version: int = 2) -> Claims:
        """Return the claims of what Outlook sends along when *person* presses a button in a mail."""
        return {**times(), **actions_claims(person, version=version)}

    def outlook_token(self, person: Person, *, version: int = 2) -> str:
        return self.entra.newest.sign(self.outlook_claims(person, version=version))

    def bot_token(self, service_url: str) -> str:
        return self.bot.newest.sign(self.bot_claims(service_url))

    def read(self, token: str, *, audience: str) -> Claims:
        """
        Return the claims of a token of ours for a resource of the organization.

        Raises:
            jwt.InvalidTokenError: It is none, or is not for *audience*.
        """
        resource = self.applications[audience]
        name = names.ENTRA_V1_ISSUER if resource.version == 1 else names.ENTRA_ISSUER
        issuer = name.format(directory=names.DIRECTORY)
        return self.entra.read(token, audience=audience, issuer=issuer)


def times() -> Claims:
    """Return when a token begins and ends, and its own id."""
    now = int(time.time())
    return {
        "iat": now,
        "nbf": now - 60,
        "exp": now + LIFETIME,
        "jti": secrets.token_urlsafe(8),
    }


def _no_directory(directory: str) -> web.Response:
    return no_token(400, "invalid_tenant", 90002, f"Tenant '{directory}' not found.")


def no_token(status: int, error: str, code: int, why: str) -> web.Response:
    """Answer that there is no token, in Entra's shape."""
    answer: dict[str, Any] = {
        "error": error,
        "error_description": f"AADSTS{code}: {why}",
        "error_codes": [code],
    }
    return web.json_response(answer, status=status)
