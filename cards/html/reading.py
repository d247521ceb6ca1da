"""Reads from an approval what its HTML says: the same pure functions as the card's, with more room."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from approvals_core.models import Attachment, Person, Place, PlaceState
from approvals_core.ports import View
from cards import text
from cards.approval.arrivals import arrival_words
from cards.approval.blocks import requested_words, submitted_on, title_of
from cards.approval.closed import closed_words
from cards.approval.content import Shown, shown, submitter_of, total_of
from cards.approval.files import link_of
from cards.approval.spoken import sentence
from cards.approval.standing import (
    Phase,
    Standing,
    said_last,
    standing,
)
from cards.formats import day, file_size, humanised, moment
from cards.html.cutting import line, prose
from cards.html.details import details
from cards.html.parts import Box, File, Files, Link, Request, Tone
from cards.html.steps import earlier_steps, once, route_steps, tone_of
from cards.language import LANGUAGE, _, plural
from cards.pieces import links
from cards.viewer import Viewer

FileLinks = Callable[[Attachment], str]

_MOST_FILES = 50


def no_links(_file: Attachment) -> str:
    """Offer no address of our own for a file."""
    return ""


def request_of(
    view: View,
    viewer: Viewer,
    *,
    said: str = "",
    problem: str = "",
    recording: str = "",
    as_sent: bool = False,
    file_links: FileLinks = no_links,
) -> Request:
    """
    Return what is to be said of the request to the one whose place the view has.

    *said* is a sentence above everything, *problem* why a click was not taken; raw texts.
    *recording* is the code of an action whose commit has not answered yet. *as_sent*: it goes
    into a mail, which stays as it is for ever.
    """
    viewer = replace(viewer, on_paper=True)
    now, found = standing(view, viewer, recording=recording), shown(view)
    content = found.content
    url = text.safe_url(content.detail_page_url) or ""
    opens = _("Open in {tenant}").format(tenant=line(view.tenant.name, text.BUTTON))
    decide_by = found.decide_by if now.phase is Phase.ASKING else None
    boxes = tuple(_boxes(view, viewer, now, said, problem))
    return Request(
        lang=LANGUAGE,
        kind=line(view.tenant.request_word),
        number=line(view.approval.display_number, text.FACT_NAME),
        number_url=url,
        title=line(title_of(view), text.TITLE),
        sentence=_sentence(view, viewer, now, found),
        badge=line(now.badge, text.BUTTON),
        tone=tone_of(now.look),
        is_asking=now.phase is Phase.ASKING,
        boxes=boxes,
        total=line(total_of(content, viewer), text.FACT_NAME),
        decide_by=day(decide_by, viewer.locale, viewer.zone) if decide_by else "",
        requested=_requested(found, viewer),
        notes=prose(content.notes),
        parts=details(found, viewer),
        arrivals=tuple(map(text.clean, arrival_words(view, as_sent=as_sent))),
        files=_files(view, found, viewer, file_links),
        route=tuple(once(route_steps(view, viewer), boxes)),
        earlier=tuple(earlier_steps(view, viewer)),
        detail_page=Link(opens, url) if url else None,
    )


def seen_by_nobody(view: View) -> View:
    """Return the view of somebody who is told of the request and is asked for nothing."""
    state = PlaceState.PENDING if view.approval.open else PlaceState.REMOVED
    told = Place(
        seat=-1,
        alias="",
        names=(),
        person=Person(directory="", object_id="", name=""),
        mark=view.place.mark,
        state=state,
        round=view.approval.round,
    )
    return view.model_copy(update={"place": told, "round": view.approval.round})


def _sentence(view: View, viewer: Viewer, now: Standing, found: Shown) -> str:
    if view.place.seat >= 0 or now.phase is not Phase.ASKING:
        return sentence(view, viewer, now, found)
    words = _("{request} waits for a decision.")
    number = line(view.approval.display_number, text.PERSON)
    return words.format(request=f"{line(view.tenant.request_word)} {number}")


# -- what happened -----------------------------------------------------------------


def _boxes(view: View, viewer: Viewer, now: Standing, said: str, problem: str) -> Iterable[Box]:
    if said:
        yield Box(Tone.NOTE, notes=(line(said, text.FREE_TEXT),))
    if now.phase is not Phase.ASKING:
        yield _state_box(now, viewer)
        if now.before is not None:
            yield _state_box(now.before, viewer)
        return
    if view.closed is not None:
        words = closed_words(view.tenant, view.closed, viewer)
        yield Box(Tone.NOTE, notes=tuple(line(each, text.FREE_TEXT) for each in words))
    asked = said_last(view)
    if asked is not None:
        yield _state_box(asked, viewer)
    if problem:
        yield Box(Tone.BAD, notes=(prose(problem),), links=_links([problem]))
    elif view.place.refusal is not None:
        yield _refused(view, viewer)


def _refused(view: View, viewer: Viewer) -> Box:
    """Say why the last decision came back, and what had been written with it."""
    refusal = view.place.refusal
    assert refusal is not None
    action = view.tenant.action(refusal.action)
    when = moment(refusal.at, viewer.locale, viewer.zone)
    label = action.label if action else humanised(refusal.action)
    came_back = (
        _("Your “{action}” came back on {when}.")
        if label
        else _("Your decision came back on {when}.")
    )
    return Box(
        Tone.BAD,
        sign="!",
        notes=(prose(refusal.message),),
        when=came_back.format(action=line(label, text.BUTTON), when=when),
        comment=prose(refusal.comment),
        links=_links([refusal.message]),
    )


def _state_box(now: Standing, viewer: Viewer) -> Box:
    deed = now.deed
    notes = tuple(line(note, text.FREE_TEXT) for note in now.notes)
    opened = _links(now.notes)
    if deed is None:
        return Box(tone_of(now.look), now.look.sign, notes=notes, links=opened)
    did = deed.words.format(what=line(deed.what), who=line(deed.who, text.PERSON))
    return Box(
        tone_of(now.look),
        now.look.sign,
        did=did,
        when=moment(deed.at, viewer.locale, viewer.zone),
        chosen=tuple(map(line, deed.chosen)),
        comment=prose(deed.comment),
        notes=notes,
        links=opened,
    )


def _links(messages: Iterable[str]) -> tuple[Link, ...]:
    return tuple(Link(each.title, each.url) for note in messages for each in links(note))


def _requested(found: Shown, viewer: Viewer) -> str:
    name, when = submitter_of(found.content), submitted_on(found, viewer)
    words = requested_words(name, when)
    return words.format(who=line(name, text.PERSON), when=line(when, text.FACT_NAME))


# -- files -------------------------------------------------------------------------


def _files(view: View, found: Shown, viewer: Viewer, file_links: FileLinks) -> Files | None:
    if not found.attachments:
        return None
    seen = found.attachments[:_MOST_FILES]
    count = len(found.attachments) + found.further_files
    files = tuple(_file(view, each, viewer, file_links) for each in seen)
    elsewhere = _("Files without a link can only be opened in {tenant}")
    return Files(
        _("Attachments ({count})").format(count=count),
        files,
        more_than(count, len(seen)),
        "" if all(file.url for file in files) else elsewhere.format(tenant=line(view.tenant.name)),
    )


def _file(view: View, file: Attachment, viewer: Viewer, file_links: FileLinks) -> File:
    size = "" if file.size is None else file_size(file.size, viewer.locale)
    url = text.safe_url(file_links(file)) or link_of(file, view.tenant)
    return File(text.file_name(file.name) or _("Attachment"), size, url)


def more_than(count: int, seen: int) -> str:
    """Say how many more there are than are seen, "" if none."""
    left = count - seen
    return plural("and {count} more", "and {count} more", left) if left > 0 else ""
