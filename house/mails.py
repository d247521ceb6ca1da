"""Mails: how they leave, and what puts cards into them."""

from approvals_core.adapters.card_signing import CardSigner
from approvals_core.adapters.mail import GraphMail, MailPace, SmtpMail, TokenSignIn, trusting
from approvals_core.adapters.small_files import read_small
from approvals_core.ports import MailSender
from bots.outlook.mails import CardMaking, OutlookMails
from config import LARGEST_KEY, MailVia
from house.core import Ground
from house.outlook import make_tickets


def make_mails(ground: Ground) -> OutlookMails | None:
    """Make what sends mails, None if the settings want none to be sent."""
    settings = ground.settings
    if settings.mail_via is None:
        return None
    return OutlookMails(
        sender=_graph(ground) if settings.mail_via is MailVia.GRAPH else _smtp(ground),
        letters=ground.store.letters,
        contact=ground.store.contact,
        now=ground.now,
        public_url=settings.public_url,
        cards=_cards(ground),
        notice_line=ground.notice_line,
    )


def _cards(ground: Ground) -> CardMaking | None:
    settings = ground.settings
    if settings.outlook_originator is None:
        return None
    key = settings.outlook_signing_key
    return CardMaking(
        tickets=make_tickets(ground),
        originator=settings.outlook_originator,
        sender=settings.mail_from,
        signer=CardSigner.from_pem(read_small(key, LARGEST_KEY)) if key else None,
    )


def _graph(ground: Ground) -> MailSender:
    settings = ground.settings
    return GraphMail(
        session=ground.session,
        tokens=ground.tokens,
        clock=ground.now,
        url=settings.graph_url,
        scope=settings.cloud.graph_scope,
        directory=settings.bot_directory,
        sender=settings.mail_from,
        pace=_pace(ground),
    )


def _smtp(ground: Ground) -> MailSender:
    settings = ground.settings
    password = settings.smtp_password
    tokens = TokenSignIn(
        ground.tokens, directory=settings.bot_directory, scope=settings.cloud.mail_scope
    )
    return SmtpMail(
        host=settings.smtp_host,
        port=settings.smtp_port,
        sender=settings.mail_from,
        sender_name=settings.mail_from_name,
        tls=trusting(settings.ca_file),
        pace=_pace(ground),
        clock=ground.now,
        user=settings.smtp_user,
        password=password.get_secret_value() if password else "",
        tokens=None if password else tokens,
    )


def _pace(ground: Ground) -> MailPace:
    settings = ground.settings
    return MailPace(
        ground.allowances,
        mailbox=settings.mail_from,
        at_once=settings.mail_at_once,
        per_minute=settings.mail_per_minute,
    )
