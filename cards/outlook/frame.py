"""What every card in a mail has around its body (outlook-dev-docs, adaptive-card.md)."""

from typing import cast

from cards.elements import SCHEMA_URL, ButtonStyle, Http
from cards.language import LANGUAGE
from cards.outlook.dialect import Element
from cards.text import escape_run

VERSION = "1.0"  # with any other, buttons that post vanish (outlook-dev-docs, FAQ)

# Plain text, so that nothing typed is escaped on its way; and no Authorization of its own: Outlook
# then sends its token as Action-Authorization, which no gateway in front of us takes for its own
# (outlook-dev-docs, security-requirements.md).
_HEADERS = (("Content-Type", "text/plain"), ("Authorization", ""))
_NOTHING_SAID = "refresh"  # a POST needs a body; nobody reads this one


def framed(
    body: list[Element],
    *,
    originator: str,
    correlation: str,
    spoken: str,
    fallback_text: str,
    refresh_url: str,
) -> Element:
    """
    Return the whole card.

    *originator* is our provider's id, *correlation* a UUID that names the mail in both
    sides' logs, *refresh_url* where the newest card comes from when the mail is opened,
    "" if no newer one comes.
    """
    card: Element = {
        "$schema": SCHEMA_URL,
        "type": "AdaptiveCard",
        "version": VERSION,
        "originator": originator,
        "hideOriginalBody": True,
        "correlationId": correlation,
        "lang": LANGUAGE,
        "speak": escape_run(spoken),
        "fallbackText": fallback_text,
    }
    if refresh_url:
        asked = Http(None, refresh_url, body=_NOTHING_SAID, headers=_HEADERS)
        card["autoInvokeAction"] = cast("Element", asked.render())
    return card | {"body": body}


def post(
    title: str, url: str, *, body: str = _NOTHING_SAID, style: ButtonStyle | None = None
) -> Http:
    """Return a button that posts *body* to us."""
    return Http(title, url, body=body, headers=_HEADERS, style=style)
