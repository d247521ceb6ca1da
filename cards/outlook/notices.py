"""The small cards in a mail: when the request itself cannot be shown, or may not be."""

from typing import NamedTuple

from cards import text
from cards.approval.spoken import spoken
from cards.elements import Action, Actions, OpenUrl, TextBlock
from cards.language import _
from cards.outlook.dialect import in_outlook
from cards.outlook.frame import framed, post
from cards.pieces import small_print


class Around(NamedTuple):
    """
    What every card of one mail has around it.

    *originator* is our provider's id, *correlation* a UUID. *page_url* is where the page
    of the request is, *refresh* where its card comes from, "" if it comes no more.
    """

    originator: str
    correlation: str
    page_url: str
    refresh: str = ""
    notice_line: str | None = None


def recording(around: Around) -> dict[str, object]:
    """Answer a click whose commit is under way and whose request is not even read yet."""
    return _notice(
        around,
        _("Recording your decision…"),
        _(
            "This takes longer than usual. Open this mail again in a minute to see what became of it."
        ),
    )


def cannot_be_reached(around: Around) -> dict[str, object]:
    """Answer when our own store does not."""
    return _notice(
        around,
        _("Approvals cannot be reached at the moment"),
        _("Please try again in a minute. Your requests are safe, and so is what you decided."),
    )


def not_available(around: Around) -> dict[str, object]:
    """Answer for what is not there and for what the reader may no longer see: both look the same."""
    return _notice(
        around,
        _("This request is not available to you"),
        _("It may have been closed, or it is asked of somebody else now."),
    )


def too_old(around: Around) -> dict[str, object]:
    """Answer for a mail that lay too long: its buttons decide nothing any more."""
    return _notice(
        around,
        _("This mail is too old"),
        _("Nothing can be decided here any more. Open the request to see how it stands."),
    )


def _notice(around: Around, title: str, sentence: str) -> dict[str, object]:
    inert = text.escape_markdown(text.break_runs(title))
    body = [
        TextBlock(inert, size="Large", weight="Bolder"),
        TextBlock(sentence),
        *([small_print(around.notice_line)] if around.notice_line else []),
        Actions(*_actions(around), spacing="Medium"),
    ]
    return framed(
        in_outlook(body),
        originator=around.originator,
        correlation=around.correlation,
        spoken=spoken(title),
        fallback_text=inert,
        refresh_url=around.refresh,
    )


def _actions(around: Around) -> list[Action]:
    again = [post(_("Show the request"), around.refresh)] if around.refresh else []
    return [*again, OpenUrl(_("Open the request"), around.page_url)]
