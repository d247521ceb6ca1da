"""All far sides around one world, on ports of their own: what `python -m playground` and the tests start alike."""

import secrets
import shutil
from pathlib import Path
from typing import Self

from aiohttp import web
from pydantic import BaseModel

from playground import names
from playground.actionable import Provider
from playground.certificates import CertificateAuthority
from playground.connector import Connector
from playground.doors import loopback_only
from playground.graph import Graph
from playground.graph_mail import SendMail
from playground.issuer import Issuer
from playground.keeping import Keep
from playground.mailboxes import Via
from playground.outlook import Outlook
from playground.page import Page
from playground.sign_in import SignIn
from playground.smtp import SmtpServer
from playground.teams import Teams
from playground.tenant import SampleTenant
from playground.world import World

HERE = Path(__file__).parent
SAMPLES = HERE / "samples"
TENANTS = HERE / "tenants"
ADDRESS_IN_FILES = "http://127.0.0.1:3979"  # stands in tenants/*.toml for where we really are


class Playground:
    """
    The world outside. Started on port 0 it takes free ones; without *folder* it keeps nothing.
    Tenants that go on by themselves think for *pace* seconds before each step.

    After `start`: hand `settings` to the service, start it, then tell `meet` where it listens.
    """

    def __init__(
        self, authority: CertificateAuthority, folder: Path | None = None, *, pace: float = 0.0
    ) -> None:
        self.world = World(folder)
        self.issuer = Issuer(authority)
        self.teams = Teams(self.world, self.issuer)
        self.tenants = {
            one.code: SampleTenant(self.world, self.issuer, one, pace=pace) for one in names.TENANTS
        }
        self.tenant = self.tenants[names.PURCHASING.code]
        self.url = ""
        self.secret_key = _secret_key(Keep(folder))
        self._connector = Connector(self.world, self.issuer)
        self.sign_in = SignIn(self.world.people, self.issuer)
        self._graph = Graph(self.world, self.issuer, self.teams.install)
        self.outlook = Outlook(self.world, Keep(folder), token=self.outlook_token)
        self.smtp = SmtpServer(self.world, self.issuer, authority)
        self._send_mail = SendMail(self.world, self.issuer)
        self._page = Page(self.world, self.teams, self.outlook, self.tenants, pause=pace)
        self._runner: web.AppRunner | None = None

    async def start(self, *, port: int = 0, issuer_port: int = 0, smtp_port: int = 0) -> None:
        await self.issuer.start(issuer_port)
        await self.smtp.start(smtp_port)
        app = web.Application(middlewares=[loopback_only])
        for part in (
            self._connector,
            self._graph,
            self._send_mail,
            self.sign_in,
            *self.tenants.values(),
            self._page,
        ):
            app.add_routes(part.routes())
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", port).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        self.issuer.browser_url = self.url
        self.teams.service_url = f"{self.url}/connector/"
        await self.teams.start()
        await self.outlook.start()
        for tenant in self.tenants.values():
            await tenant.start()

    async def stop(self) -> None:
        await self._page.stop()
        await self._graph.stop()
        await self.teams.stop()
        await self.outlook.stop()
        for tenant in self.tenants.values():
            await tenant.stop()
        if self._runner is not None:
            await self._runner.cleanup()
        await self.smtp.stop()
        await self.issuer.stop()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def outlook_token(self, alias: str) -> str:
        """Return what the Actions service sends for this person."""
        return self.issuer.outlook_token(self.world.people[alias])

    def meet(self, service: str) -> None:
        """Let Teams, Outlook and the tenants call the service at this URL, which has no slash at its end."""
        self.teams.bot = service
        self.sign_in.redirects[names.BOT_APP] = {f"{service}/signed-in"}
        self.outlook.provider = Provider(
            names.ORIGINATOR, names.MAIL_FROM, targets=(f"{service}/outlook/",)
        )
        for tenant in self.tenants.values():
            tenant.service = service
            tenant.settle()

    def sample(self, name: str) -> str:
        """Return the text of samples/{name}.json."""
        return (SAMPLES / f"{name}.json").read_text(encoding="utf-8")

    def write_tenants(self, folder: Path) -> Path:
        """Write the tenants' files with our present address into *folder*, and return it."""
        shutil.copytree(TENANTS / "icons", folder / "icons", dirs_exist_ok=True)
        for file in TENANTS.glob("*.html"):  # templates of mails
            shutil.copy(file, folder / file.name)
        for file in TENANTS.glob("*.toml"):
            text = file.read_text(encoding="utf-8").replace(ADDRESS_IN_FILES, self.url)
            (folder / file.name).write_text(text, encoding="utf-8")
        return folder

    def settings(self, *, store_url: str, tenants: Path, port: int) -> dict[str, str]:
        """Return everything the service has to be told, by the names of its settings without prefix."""
        return {
            "STORE_URL": store_url,
            "HOST": "127.0.0.1",
            "PORT": str(port),
            "PUBLIC_URL": f"http://127.0.0.1:{port}",
            "TENANTS": str(tenants),
            "CLOUD": "public",
            "BOT_APP_ID": names.BOT_APP,
            "BOT_DIRECTORY": names.DIRECTORY,
            "BOT_SECRET": self.issuer.applications[names.BOT_APP].secret,
            "DIRECTORIES": names.DIRECTORY,
            "INTAKE_AUDIENCE": f"{names.INTAKE_APP},{names.INTAKE_URI}",
            "TEAMS_CATALOG_APP_ID": names.CATALOG_APP,
            "SECRET_KEYS": self.secret_key,
            "MAIL_VIA": Via.SMTP.value,
            "MAIL_FROM": names.MAIL_FROM,
            "SMTP_HOST": "127.0.0.1",
            "SMTP_PORT": str(self.smtp.port),
            "SMTP_USER": self.smtp.user,  # without a password: by a token, as Exchange wants it
            "OUTLOOK_ORIGINATOR": names.ORIGINATOR,
            "OUTLOOK_AUDIENCE": f"{names.OUTLOOK_APP},{names.OUTLOOK_URI}",
            "OUTLOOK_SCOPE": names.OUTLOOK_SCOPE,
            "CUSTOM_ISSUERS": "yes",
            "ENTRA_ISSUER": names.ENTRA_ISSUER,
            "ENTRA_V1_ISSUER": names.ENTRA_V1_ISSUER,
            "ENTRA_LOGIN_URL": self.issuer.url,
            "BOT_ISSUER": names.BOT_ISSUER,
            "BOT_OPENID_URL": f"{self.issuer.url}/botframework/.well-known/openidconfiguration",
            "BOT_SERVICE_URL": self.teams.service_url,
            "GRAPH_URL": f"{self.url}/graph/v1.0",
            "CA_FILE": str(self.issuer.ca_file),
            "LOOPBACK": "yes",
        }


class _Secret(BaseModel):
    """What the service signs the buttons of its mails with: those in the inboxes outlive a restart."""

    key: str


def _secret_key(keep: Keep) -> str:
    kept = keep.load("secret", _Secret)
    if kept is None:
        kept = _Secret(key=secrets.token_urlsafe(32))
        keep.save("secret", kept)
    return kept.key
