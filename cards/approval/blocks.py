"""The upper parts of the approval card. Every text of others becomes inert here."""

from functools import lru_cache

from approvals_core.ports import View
from cards import text
from cards.approval.content import Shown, submitter_of, total_of
from cards.approval.room import Room
from cards.approval.standing import Deed, Look, Standing
from cards.elements import (
    Actions,
    Badge,
    Column,
    Columns,
    Container,
    Image,
    OpenUrl,
    Piece,
    Prose,
    TextBlock,
)
from cards.formats import day, moment, time_as_sent
from cards.language import _
from cards.pieces import beside_kind, bold, links, small
from cards.viewer import Viewer

# Characters of an amount on a phone of 320 pixels, in the largest size.
_MOST_BESIDE_A_DATE = 13
_MOST_EXTRA_LARGE = 16
_ICON = 20  # pixels, of a picture that has more: sharp screens show them


def header(view: View, standing: Standing) -> Container:
    icon = view.tenant.icons.url if view.tenant.icons else ""
    kind = text.block(view.tenant.request_word)
    # A line of its own: beside other words a number breaks at its hyphens on a phone.
    reference = text.link(view.approval.display_number, _detail_page(view), text.FACT_NAME)
    named = Column(small(kind), small(reference), width="stretch", vertical="Center")
    badge = _badge(text.one_line(standing.badge, text.BUTTON), standing.look)
    title = TextBlock(
        text.block(title_of(view), text.TITLE),
        size="Large",
        weight="Bolder",
        heading=True,
        spacing="Small",
        lines=3,
    )
    sender = _sender(icon, view.tenant.name if icon else beside_kind(view.tenant))
    row = Columns(named, badge, spacing="Small" if sender else None)
    return Container(*sender, row, title, style="emphasis", bleed=True)


@lru_cache(256)  # a tenant's requests have the same one; finished, so nobody may change it
def _sender(icon: str, tenant: str) -> tuple[Piece, ...]:
    """Say whose request it is, beside the icon if there is one; on a line of its own, for there is no room beside others on a phone."""
    name = small(text.block(tenant, text.PERSON))
    if not icon:
        return (name,) if tenant else ()
    image = Image(icon, width=_ICON)
    row = Columns(
        Column(image, width="auto", vertical="Center"),
        Column(name, width="stretch", vertical="Center", spacing="Small"),
    )
    return (row,)


def title_of(view: View) -> str:
    """Return the request's title, or its number if it has none."""
    content = view.approval.content
    named = text.clean(content.title) if content else ""
    return named or view.approval.display_number


@lru_cache(256)  # a tenant's requests have the same ones; finished, so nobody may change them
def _badge(words: str, look: Look) -> Column:
    # Green as words is too pale in Teams, and to wait is no alarm: red is for what went wrong.
    seen = None if look.badge in {"Good", "Warning"} else look.color
    instead = TextBlock(
        text.escape_markdown(words), wrap=False, weight="Bolder", color=seen, align="Right"
    )
    badge = Badge(words, style=look.badge, icon=look.icon, instead=instead)
    return Column(badge, width="auto", vertical="Center")


def banner(sentence: str) -> Container:
    """Say something above everything else, such as who was faster."""
    said = TextBlock(text.block(sentence), weight="Bolder")
    return Container(said, style="accent", spacing="Medium", rounded=True)


def state_box(standing: Standing, viewer: Viewer, room: Room) -> Container:
    """Say what happened, in the state's colour and with its sign."""
    look, deed = standing.look, standing.deed
    said = _deed(deed, viewer, room) if deed else []
    said += [_note(note, first=not said and i == 0) for i, note in enumerate(standing.notes)]
    sign = TextBlock(look.sign, wrap=False, size="Large", weight="Bolder", color=look.color)
    row = Columns(
        Column(sign, width="auto", vertical="Top"),
        Column(*said, width="stretch", spacing="Small"),
    )
    opened = [link for note in standing.notes for link in links(note)]
    return Container(row, *_link_row(opened), style=look.box, spacing="Medium", rounded=True)


def _deed(deed: Deed, viewer: Viewer, room: Room) -> list[Piece]:
    sentence = deed.words.format(what=text.block(deed.what), who=bold(deed.who))
    when = text.block(moment(deed.at, viewer.locale, viewer.zone))
    said: list[Piece] = [TextBlock(sentence, spacing="None"), small(when)]
    said += [TextBlock(text.block(each), spacing="Small") for each in deed.chosen]
    if text.clean(deed.comment):
        said.append(Prose(text.run(deed.comment, room.prose), spacing="Small"))
    return said


def _note(note: str, *, first: bool) -> TextBlock:
    return TextBlock(text.block(note, text.FREE_TEXT), spacing="None" if first else "Small")


def hero(shown: Shown, viewer: Viewer, *, with_deadline: bool) -> list[Piece]:
    """Show the total, large and never broken inside the number, and by when to decide."""
    total = text.block(total_of(shown.content, viewer), text.FACT_NAME)
    due = shown.decide_by if with_deadline else None
    by = text.block(day(due, viewer.locale, viewer.zone)) if due else ""
    if not total or (by and len(total) > _MOST_BESIDE_A_DATE):
        amount = [Columns(_amount(total), spacing="Medium")] if total else []
        return [*amount, *([Columns(_deadline(by, right=False), spacing="Medium")] if by else [])]
    deadline = [_deadline(by, right=True)] if by else []
    return [Columns(_amount(total), *deadline, spacing="Medium")]


@lru_cache(1024)  # the cards of a request have the same one; finished, so nobody may change it
def _amount(total: str) -> Column:
    size = "ExtraLarge" if len(total) <= _MOST_EXTRA_LARGE else "Large"
    large = TextBlock(total, size=size, weight="Bolder", spacing="None")
    return Column(small(_("Total")), large, width="auto")


def _deadline(by: str, *, right: bool) -> Column:
    """Show by when to decide; beside an amount it is the date that wraps, between its words."""
    date = TextBlock(by, weight="Bolder", spacing="None", align="Right" if right else None)
    return Column(small(_("Decide by"), right=right), date, width="stretch", vertical="Bottom")


def requested_by(shown: Shown, viewer: Viewer) -> list[Piece]:
    name, when = submitter_of(shown.content), submitted_on(shown, viewer)
    sentence = requested_words(name, when)
    inert = text.block(when, text.FACT_NAME)
    return [small(sentence.format(who=bold(name), when=inert), "Small")] if sentence else []


def requested_words(name: str, when: str) -> str:
    """Return the sentence for what is known of {who} asked, and {when}; "" for nothing."""
    if name and when:
        return _("Requested by {who}, {when}")
    if name:
        return _("Requested by {who}")
    return _("Requested {when}") if when else ""


def submitted_on(shown: Shown, viewer: Viewer) -> str:
    """Return when it was asked for, as a raw text, or ""."""
    sent = shown.content.submitted
    at = time_as_sent(sent)
    return day(at, viewer.locale, viewer.zone) if at else text.clean(sent)


def reason(shown: Shown, room: Room) -> list[Piece]:
    notes = text.run(shown.content.notes, room.prose)
    return [Prose(notes, spacing="Medium")] if notes else []


def problem_box(message: str, came_back: str = "") -> Container:
    """
    Say why a decision came back; web addresses in it show as text and as buttons.

    *came_back* says which and when, if it is not the one just pressed.
    """
    said = TextBlock(text.block(message, text.FREE_TEXT), color="Attention", weight="Bolder")
    which = [small(text.block(came_back), "Small")] if came_back else []
    opened = _link_row(links(message))
    return Container(said, *which, *opened, style="attention", spacing="Large", rounded=True)


def detail_page(view: View, page_url: str) -> list[OpenUrl]:
    """Return the link to the request in the tenant's system, else to our own page of it."""
    url = text.safe_url(_detail_page(view))
    if url:
        title = _("Open in {tenant}").format(tenant=text.one_line(view.tenant.name, text.BUTTON))
        return [OpenUrl(title, url)]
    ours = text.safe_url(page_url)
    return [OpenUrl(_("Open the request"), ours)] if ours else []


def _detail_page(view: View) -> str:
    return view.approval.content.detail_page_url if view.approval.content else ""


def _link_row(opened: list[OpenUrl]) -> list[Piece]:
    return [Actions(*opened, spacing="Small")] if opened else []
