"""What a mail says beside the request: subject, first sentence, what to do, and why one gets it."""

from approvals_core.models import Letter, Occasion
from approvals_core.ports import View
from approvals_core.rules.standing import offered
from cards import text
from cards.approval.standing import past_of
from cards.html.parts import Request
from cards.language import _
from cards.mail.document import Foot, ToDo

_MOST_NAMED = 12  # actions


def subject_of(letter: Letter, view: View, found: Request) -> str:
    """Return the subject: one line, and the same for every attempt to send the letter."""
    what = _named(found)
    match letter.occasion:
        case Occasion.REMINDER:
            return _("Reminder: approval needed: {what}").format(what=what)
        case Occasion.ENDED:
            return _about_the_end(view, what)
        case Occasion.ASKED if letter.seat is None:
            return _("Approval requested: {what}").format(what=what)
        case Occasion.ASKED:
            return _("Approval needed: {what}").format(what=what)


def _about_the_end(view: View, what: str) -> str:
    """Say how the request ended, as far as somebody's decision tells that."""
    approval = view.approval
    if approval.open:
        return _("Update: {what}").format(what=what)
    done = [each for each in approval.taken if each.round == approval.round and not each.failed]
    action = view.tenant.action(done[-1].action) if done else None
    if not done or (action is not None and not action.holds):  # a question ends nothing
        return _("Completed: {what}").format(what=what)
    past = text.one_line(past_of(view, done[-1].action)[0], text.BUTTON)
    return _("{past}: {what}").format(past=past, what=what)


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
        said_to_all = tuple(_unclaimed(view, found, url))
        return ToDo(_("What to do"), said_to_all, opens, url, signs_in)
    if not found.is_asking:
        said = _("There is nothing for you to decide now.")
        return ToDo(_("What to do"), (said,), opens, url, signs_in)
    return ToDo(
        _("What to do"), tuple(_asked(view, found, url)), opens, url, signs_in, is_asked=True
    )


def _unclaimed(view: View, found: Request, url: str) -> list[str]:
    """
    Say what holds for a reader who is asked, and for one who is told only.

    A letter without a seat has no card in it, and that is all: who is asked may stand in
    Cc, or be found for the request after it was sent.
    """
    if not view.approval.open:
        said = [_("This mail is for your information: the request is closed.")]
        only = _("Only those who were asked can open the request.")
    else:
        said = [_if_asked(view, found, url), _("Otherwise this mail is for your information.")]
        only = _("Only those who are or were asked can open the request.")
    return [" ".join(said), *([only] if url else [])]


def _if_asked(view: View, found: Request, url: str) -> str:
    if not url:
        where = _("If you are asked to decide, please look in Teams, or in {tenant}.")
        return where.format(tenant=text.one_line(view.tenant.name, text.PERSON))
    if not found.is_asking:
        return _(
            "If you are asked to decide, open the request: it shows whether something waits for"
            " you."
        )
    return _("If you are asked to decide, open the request: after signing in you can do it there.")


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
    if letter.seat is None:
        why = _("You get this mail because {tenant} named your address for this request.")
    elif letter.occasion is Occasion.ENDED:
        why = _("You get this mail because {tenant} asked you to decide.")
    else:
        why = _("You get this mail because {tenant} asks you to decide.")
    as_sent = _("It shows the request as it stood when it was sent.")
    return Foot(
        f"{why.format(tenant=tenant)} {as_sent}", text.one_line(notice_line or "", text.FREE_TEXT)
    )
