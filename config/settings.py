"""Everything that differs between two installations."""

from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit
from uuid import UUID, uuid5

from pydantic import Field, SecretStr, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from approvals_core.tenant import Guid
from config import forms
from config.clouds import (
    BOT_ISSUER,
    BOT_OPENID_URL,
    ENTRA_ISSUER,
    ENTRA_LOGIN_URL,
    ENTRA_V1_ISSUER,
    GRAPH_URL,
    OWN,
    Cloud,
)
from config.fitting import MailVia, clashes, incomplete
from config.forms import HERE
from config.roles import Role

PREFIX = "APPROVALS_"
SHORTEST_SECRET = 32  # characters

Listed = Annotated[tuple[str, ...], NoDecode]
Secrets = Annotated[tuple[SecretStr, ...], NoDecode]
Directories = Annotated[tuple[Guid, ...], NoDecode]


class Settings(BaseSettings):
    """
    Everything that differs between two installations.

    Whatever must be known to let somebody in has no default: without it the
    service does not start.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore")

    store_url: str = Field(
        min_length=1,
        description="sqlite:///PATH, redis://:PASSWORD@HOST:PORT/DB (without :PASSWORD@ if it has"
        " none; rediss:// with TLS), redis+sentinel://HOST,HOST/NAME,"
        " redis+cluster://HOST,HOST or unix:///PATH",
    )
    host: str = Field(default="127.0.0.1", description="address to listen on")
    port: int = Field(default=3978, ge=0, le=65535, description="port to listen on")
    role: Role = Field(
        default=Role.ALL,
        description="web takes calls, worker does the jobs, all does both; any number of each"
        " may share a store",
    )
    drain_after: float = Field(
        default=0.0,
        ge=0,
        le=300,
        description="seconds for which calls are still taken once we are asked to end, while"
        " /readyz says 503: what a load balancer needs to notice",
    )
    drain_within: float = Field(
        default=10.0,
        ge=1,
        le=300,
        description="seconds after that for what was taken; what takes longer is given back",
    )
    public_url: str = Field(description="how people and tenants reach us, https outside loopback")
    tenants: Path = Field(description="folder with one TOML file per tenant")
    archive_folder: Path | None = Field(
        default=None,
        description="folder, shared by all machines, for requests closed long ago; None: they stay",
    )
    cloud: Cloud = Field(default=Cloud.PUBLIC, description="public, gcc, gcch or dod")
    bot_app_id: Guid = Field(description="client id of the bot's Entra application")
    bot_directory: Guid = Field(description="directory in which that application is registered")
    bot_secret: SecretStr = Field(min_length=1, description="its client secret")
    directories: Directories = Field(
        min_length=1, description="directories whose people may talk to the bot, by comma"
    )
    intake_audience: Listed = Field(
        min_length=1, description="audiences of the tenants' tokens: client id and App ID URI"
    )
    teams_app_id: Guid | None = Field(
        default=None, description="id of the Teams app; None: one derived from the bot's"
    )
    teams_catalog_app_id: Guid | None = Field(
        default=None,
        description="id of the app in the organization's catalogue; None: it is installed for nobody",
    )
    teams_app_name: str = Field(
        default="Company Approvals", description="the app's name in Teams, which has an Approvals"
    )
    teams_app_version: str = Field(
        default="1.0.0", description="raise it when the package changes: Teams takes higher only"
    )
    teams_per_second: int = Field(
        default=50,
        ge=1,
        le=100_000,
        description="calls to Teams in any second, for each directory and of all processes"
        " together (Teams: 50)",
    )
    publisher_name: str = Field(default="", description="who publishes the app, for its manifest")
    publisher_url: str = Field(default="", description="https page with support for the app")
    privacy_url: str = Field(default="", description="https page that says what happens to data")
    terms_url: str = Field(default="", description="https page with the terms of use")
    secret_keys: Secrets = Field(
        default=(),
        description="what tickets in mails and the page's sessions are made with, by comma, 32"
        " characters or more: the first signs, all are taken; none: no page and no mail",
    )
    mail_via: MailVia | None = Field(
        default=None, description="graph or smtp; None: no mail is sent"
    )
    mail_from: str = Field(default="", description="the address that mails come from, always one")
    mail_from_name: str = Field(
        default="Approvals",
        description="the name beside it, by smtp; by graph it is the mailbox's own",
    )
    mail_per_minute: int = Field(
        default=30,
        ge=1,
        le=10_000,
        description="mails of that mailbox, of all processes together (Exchange: 30)",
    )
    mail_at_once: int = Field(
        default=4,
        ge=1,
        le=100,
        description="requests to that mailbox at once, of each process that sends mails (Graph: 4)",
    )
    smtp_host: str = Field(default="smtp.office365.com", description="where mail goes over SMTP")
    smtp_port: int = Field(default=587, ge=1, le=65535, description="its port, with STARTTLS")
    smtp_user: str = Field(default="", description="who signs in there; none: nobody does")
    smtp_password: SecretStr | None = Field(
        default=None, description="his password; None: OAuth, with a token of the bot's application"
    )
    outlook_originator: Guid | None = Field(
        default=None,
        description="provider id of the Actionable Messages portal; None: mails have no card",
    )
    outlook_audience: Listed = Field(
        default=(), description="audiences of Outlook's tokens: App ID URI and client id"
    )
    outlook_scope: str = Field(
        default="", description="the scope that those tokens must have, as the application says it"
    )
    outlook_signing_key: Path | None = Field(
        default=None, description="PEM of an RSA key that signs the cards; None: DKIM must do"
    )
    metrics_host: str = Field(default="127.0.0.1", description="address of /metrics")
    metrics_port: int | None = Field(
        default=None, ge=1, le=65535, description="port of /metrics; None: nobody is told"
    )
    otlp_endpoint: str | None = Field(
        default=None,
        description="OpenTelemetry collector, OTLP over HTTP, as http://HOST:4318; None: no spans",
    )
    custom_issuers: bool = Field(
        default=False, description="yes: the settings below may name other issuers and hosts"
    )
    entra_issuer: str = Field(default=ENTRA_ISSUER, description="issuer of Entra's v2 tokens")
    entra_v1_issuer: str = Field(
        default=ENTRA_V1_ISSUER, description="issuer of Entra's v1 tokens, which Outlook may send"
    )
    entra_login_url: str = Field(default=ENTRA_LOGIN_URL, description="where MSAL goes, https")
    bot_issuer: str = Field(default=BOT_ISSUER, description="issuer of Bot Connector tokens")
    bot_openid_url: str = Field(default=BOT_OPENID_URL, description="metadata of that issuer")
    bot_service_url: str | None = Field(
        default=None, description="first contact with Teams; None: the cloud's own"
    )
    graph_url: str = Field(default=GRAPH_URL, description="Microsoft Graph")
    ca_file: Path | None = Field(
        default=None, description="PEM of the authority behind entra_login_url"
    )
    loopback: bool = Field(default=False, description="yes: tenants may be on loopback")

    @model_validator(mode="before")
    @classmethod
    def _split_and_place(cls, values: dict[str, object]) -> dict[str, object]:
        """Split lists at commas, and take issuers and hosts from the cloud."""
        given = dict(values)
        for name in ("directories", "intake_audience", "outlook_audience", "secret_keys"):
            listed = given.get(name)
            if isinstance(listed, str):
                given[name] = tuple(part.strip() for part in listed.split(",") if part.strip())
        clouds = {str(cloud): own for cloud, own in OWN.items()}
        own = clouds.get(str(given.get("cloud", Cloud.PUBLIC)))
        if own is not None:
            login, issuer, openid, graph = own
            given.setdefault("entra_login_url", login)
            given.setdefault("entra_issuer", f"{login}/{{directory}}/v2.0")
            given.setdefault("bot_issuer", issuer)
            given.setdefault("bot_openid_url", openid)
            given.setdefault("graph_url", graph)
        return given

    @field_validator("store_url")
    @classmethod
    def _is_readable(cls, url: str) -> str:
        return forms.readable_store(url)

    @field_validator(
        "public_url", "entra_login_url", "bot_openid_url", "bot_service_url", "graph_url"
    )
    @classmethod
    def _is_address(cls, url: str | None, info: ValidationInfo) -> str | None:
        # MSAL takes no authority without https, wherever it is.
        return forms.safe_address(url, always_https=info.field_name == "entra_login_url")

    @field_validator("otlp_endpoint")
    @classmethod
    def _is_collector(cls, url: str | None) -> str | None:
        return forms.collector(url)

    @field_validator("entra_issuer", "entra_v1_issuer")
    @classmethod
    def _names_directory(cls, issuer: str) -> str:
        if "{directory}" not in issuer:
            raise ValueError("must contain {directory}")
        return issuer

    @field_validator("secret_keys")
    @classmethod
    def _are_long(cls, keys: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        if any(len(key.get_secret_value()) < SHORTEST_SECRET for key in keys):
            raise ValueError(f"each must have {SHORTEST_SECRET} characters or more")
        return keys

    @field_validator("archive_folder")
    @classmethod
    def _is_there(cls, folder: Path | None) -> Path | None:
        """Refuse a folder that is not there: it would be noticed only once something is to go there."""
        if folder is not None and not folder.is_dir():
            raise ValueError("must be a folder that is there: make it, or mount it")
        return folder

    @field_validator("mail_from")
    @classmethod
    def _is_one_address(cls, address: str) -> str:
        return forms.mail_address(address)

    @field_validator("outlook_signing_key")
    @classmethod
    def _can_sign(cls, path: Path | None) -> Path | None:
        return forms.signing_key(path)

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        """Refuse what is wrong with several settings taken together; all of it at once, a line each."""
        if wrong := [*clashes(self), *incomplete(self)]:
            raise ValueError("\n".join(wrong))
        return self

    @property
    def issuers(self) -> tuple[str, ...]:
        """Return whose word this installation takes; a store is stamped with them."""
        return (self.entra_issuer, self.bot_issuer)

    @property
    def metrics_hosts(self) -> frozenset[str]:
        """Return what `own_hosts` does, for /metrics."""
        return frozenset(HERE if self.metrics_host in HERE else ())

    @property
    def own_hosts(self) -> frozenset[str]:
        """Return the names under which we are called on loopback; empty if we listen elsewhere."""
        if self.host not in HERE:
            return frozenset()
        return frozenset((*HERE, urlsplit(self.public_url).hostname or self.host))

    @property
    def teams_app(self) -> str:
        """Return the id of the Teams app: the same at every build for the same bot."""
        return self.teams_app_id or str(uuid5(UUID(self.bot_app_id), "teams-app"))
