"""What a mail server's no means: for this mail, or for all of ours, and what somebody can do about it."""

import re
import socket
import ssl
from enum import IntEnum

import aiosmtplib

from approvals_core.errors import (
    AnswerLost,
    CardRefused,
    ChannelBusy,
    ChannelError,
    MailboxBusy,
    RecipientBusy,
    Unreachable,
)

STEP = 20.0  # seconds for one answer, but the last: that may take all that is left
SOON = 15.0  # seconds: a passing failure
LATER = 300.0  # seconds: one that somebody must mend, or greylisting, which wants some minutes
_ENHANCED = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")  # RFC 3463


class Step(IntEnum):
    """How far a mail has come."""

    CONNECTING = 0
    SIGNING_IN = 1
    SENDER = 2
    RECIPIENT = 3
    CONTENT = 4  # DATA was said
    TAKEN = 5  # the final dot was sent: whatever happens now, it may have been taken


_ANSWERS = {
    Step.CONNECTING: "its greeting",
    Step.SIGNING_IN: "signing in",
    Step.SENDER: "its answer to the sender",
    Step.RECIPIENT: "its answer to the recipient",
    Step.CONTENT: "its answer to DATA",
    Step.TAKEN: "its answer to the mail",
}

_SEND_AS = "let the mailbox of APPROVALS_SMTP_USER send as APPROVALS_MAIL_FROM"
_BLOCKED = "the sender is blocked: an administrator has to release it"
_SIGN_IN = "look at APPROVALS_SMTP_USER and the password, or the application's SMTP.SendAsApp"
# What is wrong with our own mailbox, whenever the server says so: Exchange says some of it only
# after the whole mail
# (https://learn.microsoft.com/en-us/exchange/mail-flow-best-practices/non-delivery-reports-in-exchange-online).
_ABOUT_US = {
    "5.1.8": _BLOCKED,
    "5.1.90": "the mailbox reached its limit of recipients for today",
    "5.2.252": _SEND_AS,
    "5.7.3": _SIGN_IN,
    "5.7.57": "the server wants us to sign in: set APPROVALS_SMTP_USER",
    "5.7.60": _SEND_AS,
    "5.7.139": "the password is wrong, or the server takes none: then leave it out, to sign in by OAuth",
    "5.7.501": _BLOCKED,
    "5.7.502": _BLOCKED,
    "5.7.503": _BLOCKED,
    "5.7.705": "the organization sends more than it may: an administrator has to look",
    "5.7.708": "the server takes no mail from this machine's address",
    "5.7.750": "the sender's domain is not one of the organization's",
}
_ABOUT_A_MAIL = {
    "4.2.2": "the mailbox is full",
    "5.1.1": "nobody there has this address",
    "5.1.10": "nobody there has this address",
    "5.2.2": "the mailbox is full",
    "5.2.3": "the mail is larger than the mailbox takes",
    "5.3.4": "the mail is larger than the server takes",
}
_AT = {
    Step.SIGNING_IN: _SIGN_IN,
    Step.SENDER: "look at APPROVALS_MAIL_FROM: the server does not take it as a sender",
    Step.RECIPIENT: "it takes no mail for this address",
    Step.CONTENT: "it takes no mail as this one",
    Step.TAKEN: "it takes no mail as this one",
}


def troubled(step: Step, problem: Exception) -> ChannelError:
    """Return our word for what went wrong at *step*; the server's own words may name people."""
    if isinstance(problem, aiosmtplib.SMTPResponseException):
        return _answered(step, problem.code, problem.message)
    if step is Step.TAKEN:
        return AnswerLost(f"SMTP: no answer to the mail: {_how(problem)}")
    if isinstance(problem, ssl.SSLCertVerificationError):
        why = "the certificate of APPROVALS_SMTP_HOST is not trusted, or is for another name"
        return MailboxBusy(f"SMTP: {why}", retry_after=LATER)
    if isinstance(problem, (aiosmtplib.SMTPServerDisconnected, TimeoutError, OSError)):
        # A server that looks whether a recipient is there may hang on his.
        kind = RecipientBusy if step >= Step.RECIPIENT else ChannelBusy
        return kind(f"SMTP: {_unanswered(step, problem)}", retry_after=SOON)
    # What aiosmtplib raises by itself: no STARTTLS, no AUTH, nothing of what we can sign in with.
    why = "APPROVALS_SMTP_HOST offers no STARTTLS, or no way to sign in that we have"
    return MailboxBusy(f"SMTP: {why}", retry_after=LATER)


def _unanswered(step: Step, problem: Exception) -> str:
    if step is Step.CONNECTING:
        where = "see that this machine reaches APPROVALS_SMTP_HOST at APPROVALS_SMTP_PORT"
        return f"no connection, {_how(problem)}: {where}"
    return f"{_ANSWERS[step]}: {_how(problem)}"


def _how(problem: Exception) -> str:
    if isinstance(problem, TimeoutError):
        return "it took too long"
    if isinstance(problem.__cause__ or problem, socket.gaierror):
        return "nobody knows a host of this name"
    ended = isinstance(problem, aiosmtplib.SMTPServerDisconnected)
    return "the connection ended" if ended else "it was refused or broke off"


def _answered(step: Step, code: int, said: str) -> ChannelError:
    found = _ENHANCED.match(said)
    detailed = found[0] if found else ""
    why = f"SMTP: {_ANSWERS[step]}: {code} {detailed}".rstrip()
    if step is Step.TAKEN and not 400 <= code < 600:  # noqa: PLR2004 (neither a yes nor a no)
        return AnswerLost(why)
    if code < 500 or code >= 600:  # noqa: PLR2004 (4yz, and codes that are none)
        kind = _whose(step, code, detailed)
        advice = _ABOUT_A_MAIL.get(detailed, "")
        return kind(f"{why}{_for(advice)}", retry_after=LATER)
    if step <= Step.SENDER or detailed in _ABOUT_US:
        advice = _ABOUT_US.get(detailed) or _AT.get(step, "")
        return MailboxBusy(f"{why}{_for(advice)}", retry_after=LATER)
    refused = Unreachable if step is Step.RECIPIENT else CardRefused
    return refused(f"{why}{_for(_ABOUT_A_MAIL.get(detailed) or _AT[step])}")


def _whose(step: Step, code: int, detailed: str) -> type[ChannelBusy]:
    """Return whom a no that passes is about: our mailbox, the server for now, or this mail alone."""
    if step is Step.SIGNING_IN:
        return MailboxBusy
    # 421 ends the session (RFC 5321, 4.2.3), and X.3.Y is about the mail system (RFC 3463, 3.4).
    about_server = code == 421 or detailed.startswith("4.3.")  # noqa: PLR2004
    return ChannelBusy if step <= Step.SENDER or about_server else RecipientBusy


def _for(advice: str) -> str:
    return f": {advice}" if advice else ""
