"""Mails about a request: subject, HTML that says everything, the card inside, and a plain-text twin."""

from cards.mail.allowed import left_out
from cards.mail.composing import Composed, compose
from cards.mail.templates import BadTemplate, Template, mistakes_in, parse, template_for

__all__ = [
    "BadTemplate",
    "Composed",
    "Template",
    "compose",
    "left_out",
    "mistakes_in",
    "parse",
    "template_for",
]
