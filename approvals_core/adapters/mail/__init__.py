"""How mails leave: through Microsoft Graph or over SMTP, one mailbox, at its pace."""

from approvals_core.adapters.mail.graph import GraphMail
from approvals_core.adapters.mail.limits import MailPace
from approvals_core.adapters.mail.smtp import SmtpMail, TokenSignIn, trusting

__all__ = ["GraphMail", "MailPace", "SmtpMail", "TokenSignIn", "trusting"]
