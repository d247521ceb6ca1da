"""Sends mails: each once, to whom it is still needed, with the card of whoever is asked."""

from approvals_core.worker.mails.mailing import Mailing
from approvals_core.worker.mails.sending import AT_ONCE, PAUSE, SEND_WITHIN
from approvals_core.worker.mails.turns import Turns

__all__ = ["AT_ONCE", "PAUSE", "SEND_WITHIN", "Mailing", "Turns"]
