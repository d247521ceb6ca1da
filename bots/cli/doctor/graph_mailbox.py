"""Steps of the sender's mailbox at Graph: whether we may send from it, and as whom besides."""

from collections.abc import AsyncIterator
from typing import cast
from urllib.parse import quote

from approvals_core.adapters.mail.graph import ABOUT_RECIPIENT
from approvals_core.errors import TokenUnavailable
from bots.cli.doctor.finding import Finding, broken, ok, unseen, warns
from bots.cli.doctor.tokens import graph_roles
from bots.cli.doctor.ward import Json, NoAnswer, Ward

MAILBOX = "the mailbox"
OTHERS = "sending as others"
# Entra's permission holds for every mailbox of the directory. The role in Exchange adds to it, and
# does not narrow it (learn.microsoft.com, exchange/permissions-exo/application-rbac, FAQ).
FOR_ALL = "Mail.Send"
_ROLE = (
    "In Exchange Online, give application {app} the role Application Mail.Send for this mailbox"
    " alone (README, Going live in Outlook, step 2), and nothing in Entra. A new role counts after"
    " half an hour to two hours."
)
_TAKE_AWAY = (
    "Give the application the role Application Mail.Send for this mailbox in Exchange first. Then"
    " in Entra, Enterprise applications, application {app}, Permissions: revoke Mail.Send of"
    " Microsoft Graph; and take it off the list in App registrations, API permissions."
)
_TEST = (
    "Test-ServicePrincipalAuthorization -Identity {app} -Resource SOMEBODY_ELSE, in Exchange Online"
    " PowerShell: InScope must be False for every role."
)
_NO_MAILBOX = "Set APPROVALS_MAIL_FROM to the address of a mailbox of directory {directory}."
_UNREACHED = "Let this machine reach {url}, and try again."
# Nobody can be sent this: Graph says whether we may send before it says that nobody is named.
_TO_NOBODY = {
    "message": {
        "subject": "",
        "body": {"contentType": "HTML", "content": ""},
        "toRecipients": [],
    },
    "saveToSentItems": False,
}


async def mailbox(ward: Ward) -> AsyncIterator[Finding]:
    """See whether the application may send from the mailbox, and from more than that."""
    settings = ward.settings
    try:
        roles = await graph_roles(ward, settings.bot_directory)
        token = await ward.tokens.token(settings.bot_directory, settings.cloud.graph_scope)
    except TokenUnavailable as problem:
        yield broken(MAILBOX, f"no token for Graph: {problem}", "Mend the bot's secret first.")
        return
    yield await _own(ward, token)
    yield _others(settings.bot_app_id, roles)


async def _own(ward: Ward, token: str) -> Finding:
    settings = ward.settings
    url = f"{settings.graph_url}/users/{quote(settings.mail_from, safe='')}"
    auth = {"Authorization": f"Bearer {token}"}
    try:
        known, user = await ward.ask("GET", url, headers=auth)
        status, said = await ward.ask("POST", f"{url}/sendMail", headers=auth, json=_TO_NOBODY)
    except NoAnswer as problem:
        return broken(MAILBOX, f"Graph: {problem}", _UNREACHED.format(url=settings.graph_url))
    if 404 in (known, status):  # noqa: PLR2004
        how = _NO_MAILBOX.format(directory=settings.bot_directory)
        return broken(MAILBOX, f"Graph knows no mailbox {settings.mail_from}", how)
    how, code = _ROLE.format(app=settings.bot_app_id), _code(said)
    if status == 403:  # noqa: PLR2004
        return broken(MAILBOX, "the application may not send from it", how)
    if code not in ABOUT_RECIPIENT:
        return unseen(MAILBOX, how, why=f"Graph answers {status} {code}".rstrip())
    named = user.get("displayName")
    shows = f"; mails come from {named!r}, which is its name" if isinstance(named, str) else ""
    return ok(MAILBOX, f"the application may send from it{shows}")


def _others(app: str, roles: frozenset[str] | None) -> Finding:
    if roles is not None and FOR_ALL in roles:
        saw = "Entra's permission Mail.Send lets the application send as everybody in the directory"
        return warns(OTHERS, saw, _TAKE_AWAY.format(app=app))
    return unseen(OTHERS, _TEST.format(app=app))


def _code(said: Json) -> str:
    error: object = said.get("error")
    code: object = cast("Json", error).get("code") if isinstance(error, dict) else None
    return code if isinstance(code, str) else ""
