"""Steps of sending mail: the sender, the mailbox behind it, its domain, and what the mails say."""

from collections.abc import AsyncIterator, Iterator

from approvals_core.adapters.mail import MailPace, SmtpMail, TokenSignIn, trusting
from approvals_core.allowances import Allowances
from approvals_core.errors import ChannelError
from approvals_core.tenant import Tenant
from bots.cli.doctor import graph_mailbox
from bots.cli.doctor.finding import Finding, broken, ok, unseen, waits
from bots.cli.doctor.graph_mailbox import MAILBOX
from bots.cli.doctor.tokens import SECRET
from bots.cli.doctor.ward import Ward
from config import MailVia, Settings

SENDER = "the sender"
USUAL = ("PendingApproval", "ApprovalComplete", "Reminder")  # TemplateKeys of Assent's documents


def sender(ward: Ward) -> Finding:
    """See whether mails are sent at all, and as whom."""
    settings = ward.settings
    if settings.mail_via is None:
        how = "Set APPROVALS_MAIL_VIA to graph or smtp, and APPROVALS_MAIL_FROM to the sender."
        return broken(SENDER, "no mail is sent", how)
    if settings.mail_via is MailVia.GRAPH:  # Exchange takes no other name
        return ok(SENDER, f"{settings.mail_from}, by graph, with the name of its mailbox")
    return ok(SENDER, f"{settings.mail_from_name} <{settings.mail_from}>, by smtp")


async def mailbox(ward: Ward, *, able: bool) -> AsyncIterator[Finding]:
    """Go as far towards a mail as one can without sending any."""
    settings = ward.settings
    if settings.mail_via is None:
        yield waits(MAILBOX, SENDER)
    elif not able and (settings.mail_via is MailVia.GRAPH or _smtp_needs_token(settings)):
        yield waits(MAILBOX, SECRET)
    elif settings.mail_via is MailVia.GRAPH:
        async for finding in graph_mailbox.mailbox(ward):
            yield finding
    else:
        yield await _by_smtp(ward)


def _smtp_needs_token(settings: Settings) -> bool:
    return settings.smtp_password is None and bool(settings.smtp_user)


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
            " only: leave the password out, and give the application the role Application"
            " SMTP.SendAsApp for this mailbox in Exchange (README, Going live in Outlook, step 2)."
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
