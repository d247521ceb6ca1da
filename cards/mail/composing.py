"""Composes one mail: what it asks of whom, the request itself, and the card inside."""

from collections.abc import Mapping
from typing import NamedTuple

from approvals_core.models import Letter, Notification
from approvals_core.ports import View
from cards.approval.content import shown
from cards.approval.files import own_links
from cards.html.parts import Request
from cards.html.reading import no_links, request_of, seen_by_nobody
from cards.html.request import written
from cards.mail.document import Parts, closing_html, document, letter_html, own_html
from cards.mail.filling import Unfit
from cards.mail.inert import Inert
from cards.mail.names import Told, values
from cards.mail.saying import first_sentence, foot_of, subject_of, to_do
from cards.mail.templates import Template
from cards.mail.twin import twin
from cards.text import one_line
from cards.viewer import Viewer

_SUBJECT = 200  # characters


class Composed(NamedTuple):
    """
    One mail: *subject* is one line, *html* a whole document, *text* says the same.

    *trouble*, for the log, says why the tenant's template was not taken, "" if it was, or
    there is none. It holds no word of the request.
    """

    subject: str
    html: str
    text: str
    trouble: str = ""


def compose(
    letter: Letter,
    notification: Notification,
    view: View,
    viewer: Viewer,
    *,
    page_url: str,
    card: Mapping[str, object] | None,
    signed: str = "",
    template: Template | None = None,
    notice_line: str | None = None,
) -> Composed:
    """
    Compose the mail of *letter*, as the request stands in *view*.

    A letter without a seat claims nothing of its reader, whoever's place the view has: he
    may be told only, or be asked. *card* goes into the head, None: no card. *signed* is its JWS (compact), "" if it
    is not signed. *template* is the tenant's own (`template_for`), None: ours. *page_url*
    is where we show the request, "" if nowhere; it carries no authority.
    """
    seen = seen_by_nobody(view) if letter.seat is None else view
    links = no_links if letter.seat is None else own_links(seen, shown(seen), page_url)
    found = request_of(seen, viewer, as_sent=True, file_links=links)
    told = Told(
        occasion=letter.occasion,
        action=notification.action,
        subject=subject_of(letter, seen, found),
        first=first_sentence(letter, found),
        to_do=to_do(letter, seen, found, page_url),
        foot=foot_of(letter, seen, notice_line),
    )
    text = twin(told.first, found, told.to_do, told.foot)
    try:
        own = None if template is None else _filled(template, seen, viewer, told, found)
        trouble = ""
    except Unfit as problem:
        own, trouble = None, str(problem)
    subject = one_line(own.title if own else "", _SUBJECT) or one_line(told.subject, _SUBJECT)
    if own is None:
        body = letter_html(told.first, written(found, inline=True), told.to_do, told.foot)
        parts = Parts(subject, card, signed)
    else:
        body = own.body
        parts = Parts(subject, card, signed, own.styles)
    return Composed(subject, document(body, parts), text, trouble)


def _filled(template: Template, view: View, viewer: Viewer, told: Told, found: Request) -> Inert:
    """Fill the tenant's template, and put beneath it what every mail must say."""
    filled = template.filled(values(template.names, view, viewer, told, found), viewer)
    must_say = {"PageURL"} if told.to_do.is_asked else {"PageURL", "ToDo"}
    says_itself = must_say <= template.names
    closing = closing_html(None if says_itself else told.to_do, told.foot)
    return filled._replace(body=own_html(filled.body, filled.attributes) + closing)
