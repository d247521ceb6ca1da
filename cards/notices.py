"""The small cards: welcome, help, what is pending, and when something cannot be shown."""

from collections.abc import Sequence
from dataclasses import dataclass

from approvals_core.models import Approval, Content, Place
from approvals_core.tenant import Closed, Tenant, WhileClosed
from cards import text
from cards.approval.content import decide_by_of, submitter_of, total_of
from cards.approval.spoken import spoken
from cards.buttons import PENDING, REFRESH, SEVERAL, SHOW, card_key, several_data
from cards.elements import (
    Actions,
    Card,
    Column,
    Columns,
    Container,
    Execute,
    Piece,
    Refresh,
    TextBlock,
)
from cards.formats import day
from cards.language import LANGUAGE, _
from cards.pieces import joined, kind_of, small, small_print
from cards.viewer import Viewer

MOST_ROWS = 10  # of one page of the list
_MOST_TENANTS = 4  # with a button of their own beneath it
_PRESSABLE = "\u203a"  # a small chevron: the row opens its request


@dataclass(frozen=True)
class Waiting:
    """One request that waits for the viewer's decision; *closed* is why none is taken now."""

    tenant: Tenant
    approval: Approval
    place: Place
    closed: Closed | None = None

    @property
    def is_refused(self) -> bool:
        """Tell whether the tenant refuses every decision now."""
        return self.closed is not None and self.closed.decisions is WhileClosed.REFUSE


def welcome(*, notice_line: str | None = None) -> Card:
    """Greet somebody who has just installed the app."""
    return _notice(
        _("Approvals come to you here"),
        _("When one of your systems needs your approval, its request appears in this chat."),
        _("Decide on the card itself; it changes when anybody decides, and when all is done."),
        *_commands(),
        notice_line=notice_line,
    )


def help_card(*, notice_line: str | None = None) -> Card:
    """Say what can be written to us."""
    title = _("What you can write here")
    return _notice(title, *_commands(), notice_line=notice_line)


def out_of_date(*, notice_line: str | None = None) -> Card:
    """Answer a click on a card that we no longer know."""
    return _notice(
        _("This card is out of date"),
        _("Nothing was decided. Write **pending** to see what waits for you."),
        notice_line=notice_line,
    )


def nothing_together(*, notice_line: str | None = None) -> Card:
    """Answer where nothing waits that could be ticked."""
    return _notice(
        _("Nothing waits here to be decided together"),
        _("Write **pending** to see what waits for you."),
        notice_line=notice_line,
    )


def cannot_be_shown(*, notice_line: str | None = None) -> Card:
    """Stand in the place of a card that was refused: what it showed before is no longer true."""
    return _notice(
        _("This request cannot be shown here any more"),
        _("It changed since this card was sent. Write **pending** to see what waits for you."),
        notice_line=notice_line,
    )


def not_available(*, number: str = "", notice_line: str | None = None) -> Card:
    """
    Answer for what is not there and for what is not the asker's: both look the same.

    *number* is what he asked for, as he wrote it, "" if he wrote none.
    """
    asked = text.one_line(number, text.FACT_NAME)
    title = (
        _("“{number}” is not available to you")
        if asked
        else _("This request is not available to you")
    )
    return _notice(
        title.format(number=asked),
        _(
            "It may have been closed, it was never sent to you, or its system is not set up here just now."
        ),
        _("Write **pending** to see what waits for you."),
        notice_line=notice_line,
    )


def recording(viewer: Viewer, *, key: str = "", notice_line: str | None = None) -> Card:
    """
    Answer a click whose commit is under way and whose request is not even read yet.

    *key* is the clicked card's, which then looks for itself what became of it.
    """
    return _notice(
        _("Recording your decision…"),
        _("This takes longer than usual. The card changes as soon as it is done."),
        key=key,
        viewer=viewer,
        notice_line=notice_line,
    )


def cannot_be_reached(viewer: Viewer, *, key: str = "", notice_line: str | None = None) -> Card:
    """Answer when our own store or the directory does not; *key* is the card's that was clicked."""
    return _notice(
        _("Approvals cannot be reached at the moment"),
        _("Please try again in a minute. Your requests are safe, and so is what you decided."),
        key=key,
        viewer=viewer,
        notice_line=notice_line,
    )


def pending_list(
    waiting: Sequence[Waiting],
    viewer: Viewer,
    *,
    after: str | None = None,
    together: Sequence[Tenant] = (),
    notice_line: str | None = None,
) -> Card:
    """
    List one page of what waits for the viewer, oldest first; a row opens its request.

    *after* is opaque and says where the next page begins; None if this was the last.
    *together* are the tenants of which several requests can be decided together.
    """
    if not waiting:
        return _notice(
            _("Nothing waits for you"),
            _("New requests appear here by themselves."),
            notice_line=notice_line,
        )
    listed = waiting[:MOST_ROWS]
    senders = {each.tenant.code: each.tenant for each in listed}
    of_one = len(senders) == 1
    rows = [_row(each, viewer, of_one=of_one) for each in listed]
    # Said once for all rows, or in each.
    whose = [small(text.block(t.name, text.PERSON)) for t in senders.values() if of_one]
    further = [_show_more(after)] if after is not None else []
    several = [_decide_several(tenant) for tenant in together[:_MOST_TENANTS]]
    beneath = [Actions(*several, *further, spacing="Medium")] if several or further else []
    return _card(_("Waiting for you"), [*whose, Container(*rows), *beneath], notice_line)


def _row(each: Waiting, viewer: Viewer, *, of_one: bool) -> Columns:
    content = each.approval.content or Content()
    title = text.block(content.title, text.TITLE) or text.block(each.approval.display_number)
    left = [
        TextBlock(title, weight="Bolder", color="Accent", lines=2),
        # First on its line: a number breaks at its hyphens where it does not fit.
        small(_from(each, content)),
        small(_kind(each, viewer, of_one=of_one)),
    ]
    amount = text.block(total_of(content, viewer), text.FACT_NAME)
    right = [Column(TextBlock(amount, align="Right"), width="auto")] if amount else []
    opened = _("Open {number}").format(number=text.one_line(each.approval.display_number, 60))
    sign = TextBlock(_PRESSABLE, wrap=False, size="Large", color="Accent")
    return Columns(
        Column(*left, width="stretch"),
        *right,
        Column(sign, width="auto", vertical="Center", spacing="Small"),
        spacing="Small",
        separator=True,
        on_select=Execute(opened, verb=SHOW, data={"k": card_key(each.approval, each.place)}),
    )


def _from(each: Waiting, content: Content) -> str:
    number = text.block(each.approval.display_number, text.FACT_NAME)
    return joined(number, text.block(submitter_of(content), text.PERSON))


def _kind(each: Waiting, viewer: Viewer, *, of_one: bool) -> str:
    when = text.block(when_of(each, viewer))
    closed = _("Takes no decisions now") if each.is_refused else ""
    kind = text.block(each.tenant.request_word) if of_one else kind_of(each.tenant)
    return joined(kind, when, closed)


def when_of(each: Waiting, viewer: Viewer) -> str:
    """Return by when the request is to be decided, where it says so, else since when it waits."""
    content, since = each.approval.content or Content(), each.place.asked_at
    if (by := decide_by_of(each.tenant, content)) is not None:
        return _("Decide by {day}").format(day=day(by, viewer.locale, viewer.zone))
    if since is None:
        return ""
    return _("Waits since {day}").format(day=day(since, viewer.locale, viewer.zone))


def _show_more(after: str) -> Execute:
    return Execute(_("Show more"), verb=PENDING, data={"c": after})


def _decide_several(tenant: Tenant) -> Execute:
    title = _("Decide several: {tenant}").format(tenant=text.one_line(tenant.name, text.BUTTON))
    return Execute(title, verb=SEVERAL, data=several_data(tenant.code))


def _commands() -> tuple[str, ...]:
    return (
        _("**pending** lists what waits for you."),
        _("**show** and a number, as in “show REQ-1234”, shows one request."),
        _("**help** shows this."),
    )


def _notice(
    title: str,
    *sentences: str,
    key: str = "",
    viewer: Viewer | None = None,
    notice_line: str | None,
) -> Card:
    """Say *sentences*; with the *key* of a card, it can be shown again, or shows itself."""
    said: list[Piece] = [TextBlock(each, spacing="Small") for each in sentences]
    if not key:
        return _card(title, said, notice_line)
    button = Execute(_("Show the request"), verb=SHOW, data={"k": key})
    itself = Execute(_("Refresh"), verb=REFRESH, data={"k": key}, submit_instead=False)
    users = [viewer.user_id] if viewer and viewer.user_id else []
    said.append(Actions(button, spacing="Medium"))
    return _card(title, said, notice_line, refresh=Refresh(itself, users))


def _card(
    title: str, body: Sequence[Piece], notice_line: str | None, *, refresh: Refresh | None = None
) -> Card:
    inert = text.escape_markdown(text.break_runs(title))
    return Card(
        TextBlock(inert, size="Large", weight="Bolder", heading=True),
        *body,
        *([small_print(notice_line)] if notice_line else []),
        speak=spoken(title),
        fallback_text=inert,
        lang=LANGUAGE,
        refresh=refresh,
    )
