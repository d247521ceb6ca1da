"""Settings: the only reader of the environment. Names have the prefix APPROVALS_."""

import os
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit
from uuid import UUID, uuid5

from pydantic import (
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from approvals_core.complaints import complaint
from approvals_core.tenant import Guid, Tenant

ENTRA_ISSUER = "https://login.microsoftonline.com/{directory}/v2.0"
ENTRA_LOGIN_URL = "https://login.microsoftonline.com"
BOT_ISSUER = "https://api.botframework.com"
BOT_OPENID_URL = "https://login.botframework.com/v1/.well-known/openidconfiguration"
GRAPH_URL = "https://graph.microsoft.com/v1.0"


class Cloud(StrEnum):
    """Which of Microsoft's clouds the bot is registered in."""

    PUBLIC = "public"
    GCC = "gcc"
    GCCH = "gcch"
    DOD = "dod"

    @property
    def bot_scope(self) -> str:
        """Return the scope of the token that the Bot Connector wants."""
        us = self in (Cloud.GCCH, Cloud.DOD)
        return f"https://api.botframework.{'us' if us else 'com'}/.default"

    @property
    def graph_scope(self) -> str:
        """Return the scope of the token that Graph wants: its own host's, whatever we call."""
        hosts = {Cloud.GCCH: "graph.microsoft.us", Cloud.DOD: "dod-graph.microsoft.us"}
        return f"https://{hosts.get(self, 'graph.microsoft.com')}/.default"


# Entra and Graph of the clouds that have their own (learn.microsoft.com, national clouds;
# bot-docs "Azure Government"). GCC uses the public ones.
_OWN = {
    Cloud.GCCH: (
        "https://login.microsoftonline.us",
        "https://api.botframework.us",
        "https://login.botframework.azure.us/v1/.well-known/openidconfiguration",
        "https://graph.microsoft.us/v1.0",
    ),
    Cloud.DOD: (
        "https://login.microsoftonline.us",
        "https://api.botframework.us",
        "https://login.botframework.azure.us/v1/.well-known/openidconfiguration",
        "https://dod-graph.microsoft.us/v1.0",
    ),
}
_CUSTOM = (
    "entra_issuer",
    "entra_login_url",
    "bot_issuer",
    "bot_openid_url",
    "bot_service_url",
    "graph_url",
    "ca_file",
    "loopback",
)

_SQLITE = "sqlite:///"
PREFIX = "APPROVALS_"
_NEARLY = 0.85  # of two names' letters, in their order; less is a name of somebody else's

_HERE = ("127.0.0.1", "localhost", "::1")

Listed = Annotated[tuple[str, ...], NoDecode]
Directories = Annotated[tuple[Guid, ...], NoDecode]


class Settings(BaseSettings):
    """
    Everything that differs between two installations.

    Whatever must be known to let somebody in has no default: without it the
    service does not start.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore")

    store_url: str = Field(
        min_length=1, description="sqlite:///PATH, redis://HOST:PORT/DB or unix:///PATH"
    )
    host: str = Field(default="127.0.0.1", description="address to listen on")
    port: int = Field(default=3978, ge=0, le=65535, description="port to listen on")
    public_url: str = Field(description="how people and tenants reach us, https outside loopback")
    tenants: Path = Field(description="folder with one TOML file per tenant")
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
    publisher_name: str = Field(default="", description="who publishes the app, for its manifest")
    publisher_url: str = Field(default="", description="https page with support for the app")
    privacy_url: str = Field(default="", description="https page that says what happens to data")
    terms_url: str = Field(default="", description="https page with the terms of use")
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
        for name in ("directories", "intake_audience"):
            listed = given.get(name)
            if isinstance(listed, str):
                given[name] = tuple(part.strip() for part in listed.split(",") if part.strip())
        clouds = {str(cloud): own for cloud, own in _OWN.items()}
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
        """Refuse what no store can be opened at: that would fail with a trace, or not be seen."""
        parts = urlsplit(url)
        match parts.scheme:
            case "sqlite":
                good = url.startswith(_SQLITE) and url != _SQLITE
            case "redis" | "rediss":
                _check_port(url)
                database = parts.path.strip("/")
                good = bool(parts.hostname) and (not database or database.isdecimal())
            case _:
                good = parts.scheme == "unix" and len(parts.path) > 1
        if not good:
            raise ValueError("must be sqlite:///PATH, redis://HOST:PORT/DB or unix:///PATH")
        return url

    @field_validator(
        "public_url", "entra_login_url", "bot_openid_url", "bot_service_url", "graph_url"
    )
    @classmethod
    def _is_address(cls, url: str | None, info: ValidationInfo) -> str | None:
        """Refuse what would send tokens or decisions in the clear beyond this machine."""
        if url is None:
            return url
        parts = urlsplit(url)
        _check_port(url)
        # MSAL takes no authority without https, wherever it is.
        http = parts.hostname in _HERE and info.field_name != "entra_login_url"
        if not parts.hostname or parts.scheme not in (("https", "http") if http else ("https",)):
            raise ValueError("must be an address with https")
        return url

    @field_validator("otlp_endpoint")
    @classmethod
    def _is_collector(cls, url: str | None) -> str | None:
        """Take http, too: a collector stands beside us, and what it gets is no secret."""
        if url is None:
            return url
        parts = urlsplit(url)
        _check_port(url)
        plain = not (parts.username or parts.password or parts.query or parts.fragment)
        if not parts.hostname or parts.scheme not in ("http", "https") or not plain:
            raise ValueError("must be an address as http://HOST:4318, without a password")
        return url

    @model_validator(mode="after")
    def _has_two_ports(self) -> Self:
        if self.metrics_port is not None and self.metrics_port == self.port:
            raise ValueError("APPROVALS_METRICS_PORT must differ from APPROVALS_PORT")
        return self

    @field_validator("entra_issuer")
    @classmethod
    def _names_directory(cls, issuer: str) -> str:
        if "{directory}" not in issuer:
            raise ValueError("must contain {directory}")
        return issuer

    @model_validator(mode="after")
    def _is_safe(self) -> Self:
        if not self.custom_issuers and (named := self._custom_named()):
            names = ", ".join(f"APPROVALS_{name.upper()}" for name in named)
            raise ValueError(f"set APPROVALS_CUSTOM_ISSUERS=yes to use {names}")
        return self

    @property
    def issuers(self) -> tuple[str, ...]:
        """Return whose word this installation takes; a store is stamped with them."""
        return (self.entra_issuer, self.bot_issuer)

    @property
    def metrics_hosts(self) -> frozenset[str]:
        """Return what `own_hosts` does, for /metrics."""
        return frozenset(_HERE if self.metrics_host in _HERE else ())

    @property
    def own_hosts(self) -> frozenset[str]:
        """Return the names under which we are called on loopback; empty if we listen elsewhere."""
        if self.host not in _HERE:
            return frozenset()
        return frozenset((*_HERE, urlsplit(self.public_url).hostname or self.host))

    @property
    def teams_app(self) -> str:
        """Return the id of the Teams app: the same at every build for the same bot."""
        return self.teams_app_id or str(uuid5(UUID(self.bot_app_id), "teams-app"))

    def _custom_named(self) -> list[str]:
        """Return the settings that name other issuers or hosts than the cloud's."""
        login, issuer, openid, graph = _OWN.get(
            self.cloud, (ENTRA_LOGIN_URL, BOT_ISSUER, BOT_OPENID_URL, GRAPH_URL)
        )
        usual: dict[str, object] = {
            "entra_issuer": f"{login}/{{directory}}/v2.0",
            "entra_login_url": login,
            "bot_issuer": issuer,
            "bot_openid_url": openid,
            "bot_service_url": None,
            "graph_url": graph,
            "ca_file": None,
            "loopback": False,
        }
        return [name for name in _CUSTOM if getattr(self, name) != usual[name]]


def _check_port(url: str) -> None:
    try:
        _ = urlsplit(url).port
    except ValueError:  # its message has a part of the address in it, perhaps of a password
        raise ValueError("has a port that is none") from None


def mistakes(problem: ValidationError) -> list[str]:
    """Return a line for each setting that is missing or wrong, without its value: it may be a secret."""
    told: dict[str, str] = {}
    for error in problem.errors(include_input=False):
        field = str(error["loc"][0]) if error["loc"] else ""
        name = f"APPROVALS_{field.upper()}" if field else ""
        told.setdefault(name, f"{name}: {_said(field, error)}" if name else _said(field, error))
    return list(told.values())


def _said(field: str, error: Mapping[str, object]) -> str:
    known = Settings.model_fields.get(field)
    if error["type"] == "missing" and known is not None:
        return f"is missing ({known.description})"
    if str(error["type"]).startswith("bool"):
        return "must be yes or no"
    return complaint(error)


def environment() -> Mapping[str, str]:
    """Return the variables that the tenants' files may refer to for their secrets."""
    return os.environ  # noqa: TID251 (here is where it is read)


def misspelt(environment: Iterable[str]) -> list[str]:
    """Return a line for each name in *environment* that is nearly one of our settings, but none."""
    known = [f"{PREFIX}{name}".upper() for name in Settings.model_fields]
    return [
        f"{name}: there is no such setting; did you mean {nearest}?"
        for name in sorted(environment)
        if name.upper().startswith(PREFIX) and name.upper() not in known
        for nearest in get_close_matches(name.upper(), known, n=1, cutoff=_NEARLY)
    ]


def strangers(directories: Iterable[str], tenants: Iterable[Tenant]) -> list[str]:
    """
    Return a line for each tenant whose people are in none of *directories*.

    Those are the directories whose people may talk to the bot: nobody could ever decide.
    """
    allowed = {directory.strip().lower() for directory in directories}
    return [
        f"tenant {tenant.code}: people.directory: {tenant.people.directory} is not in"
        " APPROVALS_DIRECTORIES, so its people could never talk to the bot"
        for tenant in tenants
        if tenant.people.directory not in allowed
    ]
