"""HTML that says what a card says: for mails, and for the page of a request."""

from cards.html.environment import environment
from cards.html.parts import Request
from cards.html.reading import FileLinks, no_links, request_of, seen_by_nobody
from cards.html.request import request_html, steps_html
from cards.html.styles import STYLESHEET

__all__ = [
    "STYLESHEET",
    "FileLinks",
    "Request",
    "environment",
    "no_links",
    "request_html",
    "request_of",
    "seen_by_nobody",
    "steps_html",
]
