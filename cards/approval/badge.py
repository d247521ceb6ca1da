"""What the badge of a card says where one person's decision is not all that the request needs."""

from cards.language import _
from cards.text import clean

# Beside it a number of usual length stays whole on a phone of 320 pixels.
MOST = 18  # characters


def badge_words(past: str, who: str, *, mine: bool, is_verdict: bool) -> str:
    """
    Say whose decision it was; *past* alone would read as how the whole request stands.

    *is_verdict*: it approves or rejects, so that without a name it misleads, however long it is.
    """
    others = _("{what} by others")
    # A name that is none, or is what the reader is called here, would say something else.
    named = others if clean(who).strip().casefold() in ("", _("you")) else _("{what} by {who}")
    words = [_("{what} by you")] if mine else [named, others]
    said = (each.format(what=past, who=who) for each in words)
    if fits := next((each for each in said if len(each) <= MOST), ""):
        return fits
    if not is_verdict:
        return past
    return _("Decided by you") if mine else _("Decided by others")
