"""Who looks at a card, as far as it changes what the card says."""

from dataclasses import dataclass

from approvals_core.models import Contact
from cards.formats import DEFAULT_LOCALE


@dataclass(frozen=True)
class Viewer:
    """Somebody in Teams. *user_id* is his 29: id, "" until Teams told it to us."""

    user_id: str = ""
    locale: str = DEFAULT_LOCALE
    zone: str = ""  # "Europe/Berlin"; "" if nobody told us, times are in UTC then
    on_paper: bool = False  # what he looks at never changes by itself: the HTML of a mail


def viewer_of(contact: Contact | None) -> Viewer:
    """Return who will look at what is sent to the person of *contact*; None: nobody is known."""
    if contact is None:
        return Viewer()
    locale = contact.locale or DEFAULT_LOCALE
    return Viewer(user_id=contact.user_id, locale=locale, zone=contact.zone)
