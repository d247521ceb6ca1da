"""What settings must be taken together: a line for each thing that does not fit."""

from collections.abc import Iterator
from enum import StrEnum
from typing import TYPE_CHECKING

from config.clouds import (
    BOT_ISSUER,
    BOT_OPENID_URL,
    ENTRA_LOGIN_URL,
    ENTRA_V1_ISSUER,
    GRAPH_URL,
    OWN,
)

if TYPE_CHECKING:
    from config.settings import Settings

_CUSTOM = (
    "entra_issuer",
    "entra_v1_issuer",
    "entra_login_url",
    "bot_issuer",
    "bot_openid_url",
    "bot_service_url",
    "graph_url",
    "ca_file",
    "loopback",
)


class MailVia(StrEnum):
    """How mails leave."""

    GRAPH = "graph"
    SMTP = "smtp"


def clashes(settings: "Settings") -> Iterator[str]:
    """Yield what cannot be both."""
    if settings.metrics_port is not None and settings.metrics_port == settings.port:
        yield "APPROVALS_METRICS_PORT must differ from APPROVALS_PORT"
    if not settings.custom_issuers and (named := _custom_named(settings)):
        names = ", ".join(f"APPROVALS_{name.upper()}" for name in named)
        yield f"set APPROVALS_CUSTOM_ISSUERS=yes to use {names}"


def incomplete(settings: "Settings") -> Iterator[str]:
    """Yield what asks for others: mails whose links lead nowhere, buttons that nobody could press."""
    needs: dict[str, tuple[str, ...]] = {}
    if settings.mail_via is not None:
        needs["mail_via"] = ("mail_from", "secret_keys")
    if settings.mail_via is MailVia.SMTP:
        needs["mail_via=smtp"] = ("smtp_host",)
    if settings.smtp_password is not None:
        needs["smtp_password"] = ("smtp_user",)
    if settings.outlook_originator is not None:
        needs["outlook_originator"] = ("secret_keys", "outlook_audience", "outlook_scope")
    for name, others in needs.items():
        missing = [f"APPROVALS_{o.upper()}" for o in others if not getattr(settings, o)]
        if missing:
            setting, equals, value = name.partition("=")
            used = f"APPROVALS_{setting.upper()}{equals}{value}"
            yield f"set {', '.join(missing)}, too, to use {used}"


def _custom_named(settings: "Settings") -> list[str]:
    """Return the settings that name other issuers or hosts than the cloud's."""
    login, issuer, openid, graph = OWN.get(
        settings.cloud, (ENTRA_LOGIN_URL, BOT_ISSUER, BOT_OPENID_URL, GRAPH_URL)
    )
    usual: dict[str, object] = {
        "entra_issuer": f"{login}/{{directory}}/v2.0",
        "entra_v1_issuer": ENTRA_V1_ISSUER,
        "entra_login_url": login,
        "bot_issuer": issuer,
        "bot_openid_url": openid,
        "bot_service_url": None,
        "graph_url": graph,
        "ca_file": None,
        "loopback": False,
    }
    return [name for name in _CUSTOM if getattr(settings, name) != usual[name]]
