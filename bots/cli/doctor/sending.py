"""Steps of sending mail: the sender, the mailbox behind it, its domain, and what the mails say."""

from collections.abc import Iterator
from urllib.parse import quote

from approvals_core.adapters.mail import MailPace, SmtpMail, TokenSignIn, trusting
from approvals_core.allowances import Allowances
from approvals_core.errors import ChannelError, TokenUnavailable
from approvals_core.tenant import Tenant
from bots.cli.doctor.finding import Finding, broken, ok, unseen, waits
from bots.cli.doctor.tokens import SECRET
from bots.cli.doctor.ward import NoAnswer, Ward, claims_in
from config import MailVia, Settings

SENDER = "the sender"
MAILBOX = "the mailbox"
USUAL = ("PendingApproval", "ApprovalComplete", "Reminder")  # TemplateKeys of Assent's documents
_CONSENT = (
    "In Entra, App registrations, application {app}, API permissions: add the application"
    " permission Mail.Send of Microsoft Graph, and grant an administrator's consent. Then let it"
    " use this mailbox alone, by RBAC for Applications in Exchange Online."
)
_NO_MAILBOX = "Set APPROVALS_MAIL_FROM to the address of a mailbox of directory {directory}."
_UNREACHED = "Let this machine reach {url}, and try again."


def sender(ward: Ward) -> Finding:
    """See whether mails are sent at all, and as whom."""
    settings = ward.settings
    if settings.mail_via is None:
        how = "Set APPROVALS_MAIL_VIA to graph or smtp, and APPROVALS_MAIL_FROM to the sender."
        return broken(SENDER, "no mail is sent", how)
    named = settings.mail_from_name
    return ok(SENDER, f"{named} <{settings.mail_from}>, by {settings.mail_via.value}")


async def mailbox(ward: Ward, *, able: bool) -> Finding:
    """Go as far towards a mail as one can without sending any."""
    settings = ward.settings
    if settings.mail_via is None:
        return waits(MAILBOX, SENDER)
    if settings.mail_via is MailVia.GRAPH:
        return await _by_graph(ward) if able else waits(MAILBOX, SECRET)
    if settings.smtp_password is None and settings.smtp_user and not able:
        return waits(MAILBOX, SECRET)
    return await _by_smtp(ward)


async def _by_graph(ward: Ward) -> Finding:
    settings = ward.settings
    try:
        token = await ward.tokens.token(settings.bot_directory, settings.cloud.graph_scope)
    except TokenUnavailable as problem:
        return broken(MAILBOX, f"no token for Graph: {problem}", "Mend the bot's secret first.")
    if "Mail.Send" not in (claims_in(token).get("roles") or ()):
        how = _CONSENT.format(app=settings.bot_app_id)
        return broken(MAILBOX, "the application has no permission Mail.Send", how)
    url = f"{settings.graph_url}/users/{quote(settings.mail_from, safe='')}"
    try:
        status, _ = await ward.ask("GET", url, headers={"Authorization": f"Bearer {token}"})
    except NoAnswer as problem:
        return broken(MAILBOX, f"Graph: {problem}", _UNREACHED.format(url=settings.graph_url))
    if status == 404:  # noqa: PLR2004
        how = _NO_MAILBOX.format(directory=settings.bot_directory)
        return broken(MAILBOX, f"Graph knows no {settings.mail_from}", how)
    return ok(MAILBOX, "the application may send mail, and Graph knows the sender")


def _no_pace(mailbox: str) -> MailPace:
    alone = Allowances(None, monotonic=lambda: 0.0)
    return MailPace(alone, mailbox=mailbox, at_once=1, per_minute=1)


async def _by_smtp(ward: Ward) -> Finding:
    settings = ward.settings
    password = settings.smtp_password
    tokens = TokenSignIn(
        ward.tokens, directory=settings.bot_directory, scope=settings.cloud.mail_scope
    )
    mail = SmtpMail(
        host=settings.smtp_host,
        port=settings.smtp_port,
        sender=settings.mail_from,
        sender_name=settings.mail_from_name,
        tls=trusting(settings.ca_file),
        pace=_no_pace(settings.mail_from),
        clock=ward.now,
        user=settings.smtp_user,
        password=password.get_secret_value() if password else "",
        tokens=None if password else tokens,
    )
    where = f"{settings.smtp_host}:{settings.smtp_port}"
    try:
        await mail.sign_in()
    except ChannelError as problem:
        how = (
            "Look at APPROVALS_SMTP_HOST, _PORT, _USER and _PASSWORD. Exchange Online takes OAuth"
            " only: leave the password out, and give the application SMTP.SendAsApp."
        )
        return broken(MAILBOX, f"{where}: {problem}", how)
    who = f"takes {settings.smtp_user}" if settings.smtp_user else "wants nobody to sign in"
    return ok(MAILBOX, f"{where} speaks TLS and {who}")


def templates(ward: Ward) -> Iterator[Finding]:
    """Say whose words stand in each tenant's mails. Their files were checked with the tenants'."""
    for tenant in ward.tenants:
        if "outlook" in tenant.channels:
            yield _words(tenant)
            yield _domain(tenant)


def _words(tenant: Tenant) -> Finding:
    own = sorted(tenant.mail.templates)
    ours = [key for key in USUAL if key not in {name.partition("|")[0] for name in own}]
    says = [f"its own {', '.join(own)}"] if own else ["ours for all"]
    says += [f"ours: {', '.join(ours)}"] if own and ours else []
    return ok(f"mails of {tenant.code}", "; ".join(says))


def _domain(tenant: Tenant) -> Finding:
    step = f"mail domain of {tenant.code}"
    if tenant.people.mail_domains:
        return ok(step, f"{tenant.people.mail_domains[0]} completes bare aliases")
    how = f'Name it in {tenant.code}\'s file: people.mail_domains = ["contoso.com"].'
    return broken(step, "recipients named by a bare alias get no mail", how)


def beyond(settings: Settings) -> Iterator[Finding]:
    """Say what of a mail's way only the outside shows."""
    domain = settings.mail_from.rpartition("@")[2] or "the sender's domain"
    yield unseen(
        f"SPF, DKIM and DMARC of {domain}",
        f"nslookup -type=TXT {domain} shows SPF; selector1._domainkey.{domain} DKIM. A mail that"
        " arrived says dkim=pass in its Authentication-Results. Else sign the cards.",
    )
    yield unseen("whether mails arrive", "Exchange admin center, Mail flow, Message trace.")
