"""Who looks at a card, as far as it changes what the card says."""

from dataclasses import dataclass

from cards.formats import DEFAULT_LOCALE


@dataclass(frozen=True)
class Viewer:
    """Somebody in Teams. *user_id* is his 29: id, "" until Teams told it to us."""

    user_id: str = ""
    locale: str = DEFAULT_LOCALE
    zone: str = ""  # "Europe/Berlin"; "" if nobody told us, times are in UTC then
