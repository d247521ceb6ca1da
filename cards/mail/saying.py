"""What a mail says beside the request: subject, first sentence, what to do, and why one gets it."""

from approvals_core.models import Letter, Occasion, Place, PlaceState
from approvals_core.ports import View
from approvals_core.rules.standing import ended_by, holder, offered
from cards import text
from cards.approval.standing import decider, past_of
from cards.html.parts import Request
from cards.language import _
from cards.mail.document import Foot, ToDo
from cards.mail.readers import place_of_address

_MOST_NAMED = 12  # actions


def subject_of(letter: Letter, view: View, found: Request) -> str:
    """
    Return the subject: one line.

    With a card in it, it is the same whenever the mail is sent: the card changes, so that a
    subject that tells more than the occasion would be untrue soon, and mail programs that
    thread by subject would part the repeats of one mail. A mail without a card never
    changes once it is there: its subject tells what its text does, as of the same moment.
    """
    what = _named(found)
    match letter.occasion:
        case Occasion.REMINDER:
            return _("Reminder: approval needed: {what}").format(what=what)
        case Occasion.ENDED:
            return _about_the_end(view, what)
        case Occasion.ASKED if letter.seat is None:
            return _decided_already(view, what) or _("Approval requested: {what}").format(what=what)
        case Occasion.ASKED:
            return _("Approval needed: {what}").format(what=what)


def _decided_already(view: View, what: str) -> str:
    """Say what was decided, and by whom, before the tenant moved the request on, "" if nothing is."""
    held_by = holder(view.approval, view.place, view.tenant)
    if held_by is None or held_by.state is not PlaceState.ACCEPTED or held_by.decision is None:
        return ""
    decision = held_by.decision
    past, who = past_of(view, decision.action)[0], decider(held_by, decision)
    did = _("{what} by {who}").format(what=past, who=who)
    return _("{past}: {what}").format(past=text.one_line(did, text.PERSON), what=what)


def _past(view: View, code: str, what: str) -> str:
    past = text.one_line(past_of(view, code)[0], text.BUTTON)
    return _("{past}: {what}").format(past=past, what=what)


def _about_the_end(view: View, what: str) -> str:
    """Say how the request ended, as far as somebody's decision ended it."""
    approval = view.approval
    if approval.open:
        return _("Update: {what}").format(what=what)
    taken = ended_by(approval, view.tenant)
    if taken is None:
        return _("Completed: {what}").format(what=what)
    return _past(view, taken.action, what)


def _named(found: Request) -> str:
    return found.title if found.title == found.number else f"{found.title} ({found.number})"


def first_sentence(letter: Letter, found: Request) -> str:
    """Return what stands first, and what inboxes show beside the subject."""
    if letter.occasion is Occasion.REMINDER and found.is_asking:
        return _("Reminder: {sentence}").format(sentence=found.sentence)
    return found.sentence


def to_do(letter: Letter, view: View, found: Request, page_url: str) -> ToDo:
    """Say what the reader is to do, and where."""
    url = text.safe_url(page_url) or ""
    opens = _("Open the request")
    signs_in = _(
        "You sign in there first. The link alone gives nobody the right to see or decide anything."
    )
    if letter.seat is None:
        return _to_do_without_card(letter, view, found, url, signs_in)
    if not found.is_asking:
        said = _("There is nothing for you to decide now.")
        return ToDo(_("What to do"), (said,), opens, url, signs_in)
    return ToDo(
        _("What to do"), tuple(_asked(view, found, url)), opens, url, signs_in, is_asked=True
    )


def _to_do_without_card(
    letter: Letter, view: View, found: Request, url: str, signs_in: str
) -> ToDo:
    """
    Say what holds for a reader who has no card.

    Who is known by the address and asked, as one in Cc may be, finds the request on our page.
    For all others the page stays shut: no link leads there, and the mail says all there is.
    """
    place = place_of_address(view, letter.address)
    title, opens = _("What to do"), _("Open the request")
    if place is None or not url:
        return ToDo(title, (_for_information(view),), opens, "", "")
    return ToDo(title, (_known_reader(view, place, found),), opens, url, signs_in)


def _for_information(view: View) -> str:
    if not view.approval.open:
        return _("This mail is for your information: the request is closed.")
    where = _(
        "This mail is for your information. If you are asked to decide, please look in Teams, or"
        " in {tenant}."
    )
    return where.format(tenant=text.one_line(view.tenant.name, text.PERSON))


def _known_reader(view: View, place: Place, found: Request) -> str:
    if not view.approval.open or _is_over_for(view, place):
        return _("There is nothing for you to decide now.")
    if not found.is_asking:
        return _(
            "If you are asked to decide, open the request: it shows whether something waits for"
            " you."
        )
    return _("If you are asked to decide, open the request: after signing in you can do it there.")


def _is_over_for(view: View, place: Place) -> bool:
    return place.state is PlaceState.REMOVED or place.round != view.approval.round


def _asked(view: View, found: Request, url: str) -> list[str]:
    labels = [text.one_line(a.label, text.BUTTON) for a in offered(view.approval, view.tenant)]
    choices = ", ".join(labels[:_MOST_NAMED])
    said = [_("Your decision is needed. You can choose: {choices}.").format(choices=choices)]
    if found.decide_by:
        said.append(_("Please decide by {day}.").format(day=found.decide_by))
    if not url:
        where = _("Please decide in Teams, or in {tenant}.")
        said.append(where.format(tenant=text.one_line(view.tenant.name, text.PERSON)))
    return said


def foot_of(letter: Letter, view: View, notice_line: str | None) -> Foot:
    """Say why he gets the mail, and what is not as usual in this service."""
    tenant = text.one_line(view.tenant.name, text.PERSON)
    if letter.seat is None and not _was_asked(letter, view):
        why = _("You get this mail because {tenant} named your address for this request.")
    elif letter.seat is None or letter.occasion is Occasion.ENDED:
        why = _("You get this mail because {tenant} asked you to decide.")
    else:
        why = _("You get this mail because {tenant} asks you to decide.")
    as_sent = _("It shows the request as it stood when it was sent.")
    return Foot(
        f"{why.format(tenant=tenant)} {as_sent}", text.one_line(notice_line or "", text.FREE_TEXT)
    )


def _was_asked(letter: Letter, view: View) -> bool:
    """Tell whether the reader is known by the address, and was asked and is no longer."""
    place = place_of_address(view, letter.address)
    return place is not None and (not view.approval.open or _is_over_for(view, place))
