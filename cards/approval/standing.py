"""What the card says about where the request stands, for whom it is, before it is drawn."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum

from approvals_core.models import ActionTaken, Decision, Place, PlaceState
from approvals_core.ports import View
from approvals_core.rules.standing import ended_by, holder, is_since_asked, name_of, offered
from approvals_core.tenant import Style, WhileClosed
from cards.approval.badge import badge_words
from cards.approval.closed import kept_until_open, refused_now
from cards.approval.route import asked_now, comes_next, who
from cards.approval.unanswered import not_confirmed, tried_again
from cards.elements import BadgeStyle, Box, Color
from cards.formats import humanised
from cards.language import _
from cards.text import clean
from cards.viewer import Viewer


class Phase(Enum):
    """What may be done with the card."""

    ASKING = "asking"  # buttons
    UNDER_WAY = "under way"  # nothing now; it changes by itself
    CLOSED = "closed"  # nothing more, ever


@dataclass(frozen=True)
class Look:
    """How a state is coloured, never by colour alone. *icon* is Fluent's, *sign* for all others."""

    badge: BadgeStyle
    icon: str
    box: Box
    color: Color
    sign: str


PENDING = Look("Warning", "Clock", "default", "Attention", "")
GOOD = Look("Good", "CheckmarkCircle", "good", "Good", "✓")
BAD = Look("Attention", "DismissCircle", "attention", "Attention", "✕")
NEUTRAL = Look("Informative", "Info", "accent", "Accent", "i")
SAID = Look("Informative", "Chat", "accent", "Accent", "💬")
WAITING = Look("Informative", "ArrowSync", "accent", "Accent", "…")
NOT_NOW = Look("Warning", "Clock", "warning", "Attention", "!")
LATER = Look("Warning", "Clock", "warning", "Default", "…")
UNSURE = Look("Warning", "Warning", "warning", "Default", "!")
OVER = Look("Subtle", "Archive", "emphasis", "Default", "■")


@dataclass(frozen=True)
class Deed:
    """Something somebody did or tries to do, in raw texts."""

    words: str  # how the first two go together: "{what} by {who}"
    what: str
    who: str
    at: datetime
    comment: str = ""
    chosen: tuple[str, ...] = ()  # what else was given with it


@dataclass(frozen=True)
class Standing:
    """
    The state in words. *deed* comes first in the box, then *notes*, all raw texts.

    *follows* is the one of the notes that says who is asked now or comes next: true until the
    request moves on. *before* is what the viewer did before somebody else ended the request: a box
    of its own.
    """

    phase: Phase
    badge: str
    look: Look
    deed: Deed | None = None
    notes: tuple[str, ...] = ()
    follows: str = ""
    before: "Standing | None" = None


def standing(view: View, viewer: Viewer, *, recording: str = "") -> Standing:
    """
    Say where the request stands for the one whose place the view has.

    *recording* is the code of an action of his that is being written down: nobody
    knows yet whether it counts.
    """
    if view.round < view.approval.round:
        return _over(view, _opened_again(view))
    if view.place.state is PlaceState.REMOVED:
        return _over(view, _what_follows(view))
    if recording and view.place.decision is None:
        return _recording(view, recording)
    held_by = holder(view.approval, view.place, view.tenant)
    decided = next((p for p in (view.place, held_by) if p is not None and p.decision), None)
    if decided is not None and decided.decision is not None:
        return _decided(view, decided, decided.decision, viewer)
    hindrances = _hindrances(view, viewer)
    if hindrances or held_by is not None or not view.place.state.known:
        return Standing(Phase.UNDER_WAY, _("Pending"), NOT_NOW, None, hindrances)
    return Standing(Phase.ASKING, _("Pending"), PENDING)


def said_last(view: View) -> Standing | None:
    """Return the comment or question that nobody has decided after, for those who are asked."""
    taken = _taken(view)[-1:]
    action = view.tenant.action(taken[0].action) if taken else None
    if action is None or action.holds:
        return None
    said = _done(view, taken[0], action.past)
    return Standing(Phase.ASKING, action.past, SAID, said)


def past_of(view: View, code: str) -> tuple[str, Look]:
    """Return what the card says once *code* was done, and how that looks."""
    action = view.tenant.action(code)
    if action is None:
        return humanised(code), NEUTRAL
    if not action.holds:
        return action.past, SAID
    looks = {Style.POSITIVE: GOOD, Style.DESTRUCTIVE: BAD, Style.DEFAULT: NEUTRAL}
    return action.past, looks[action.style]


def _decided(view: View, place: Place, decision: Decision, viewer: Viewer) -> Standing:
    tenant = view.tenant.name
    if place.state is PlaceState.ACCEPTED:
        past, look = past_of(view, decision.action)
        chosen = _chosen_in(view, decision)
        words, by = _("{what} by {who}"), decider(place, decision)
        done = Deed(words, past, by, decision.at, decision.comment, chosen)
        mine = view.place.person is not None and view.place.person.id == decision.by.id
        badge = badge_words(past, by, mine=mine, is_verdict=look in (GOOD, BAD))
        follows = comes_next(view) if look is GOOD else ""
        notes = tuple(filter(None, (decision.message, follows)))
        return Standing(Phase.UNDER_WAY, badge, look, done, notes, follows=follows)
    tried = _tried(view, place, decision)
    if place.state is PlaceState.RETRYING and view.closed is not None:
        notes = kept_until_open(view.tenant, view.closed, viewer)
        return Standing(Phase.UNDER_WAY, _("Waiting"), LATER, tried, notes)
    if place.state is PlaceState.RETRYING:
        again = (tried_again(tenant, decision, viewer),)
        return Standing(Phase.UNDER_WAY, _("Waiting"), LATER, tried, again)
    if place.state is PlaceState.UNCONFIRMED:
        unsure = not_confirmed(tenant, decision, viewer, mine=place.seat == view.place.seat)
        return Standing(Phase.UNDER_WAY, _("Not confirmed"), UNSURE, tried, unsure)
    sending = _("Sending to {tenant}…").format(tenant=tenant)
    return Standing(Phase.UNDER_WAY, _("Sending"), WAITING, tried, (sending,))


def _tried(view: View, place: Place, decision: Decision) -> Deed:
    action = view.tenant.action(decision.action)
    label = action.label if action else humanised(decision.action)
    name, chosen = decider(place, decision), _chosen_in(view, decision)
    return Deed(_("{what} — {who}"), label, name, decision.at, decision.comment, chosen)


def decider(place: Place, decision: Decision) -> str:
    """Return what to call whoever decided for *place*: a directory may give a name that shows nothing."""
    return decision.by.name if clean(decision.by.name).strip() else name_of(place)


def _chosen_in(view: View, decision: Decision) -> tuple[str, ...]:
    named = decision.new_approver.name if decision.new_approver else ""
    where = _where(view, decision.action, decision.placement)
    return _chosen(decision.reason_text, named, where)


def chosen_by(view: View, taken: ActionTaken) -> tuple[str, ...]:
    """Say what else was given with it: a reason, a new approver; raw texts."""
    where = _where(view, taken.action, taken.placement)
    return _chosen(taken.reason, taken.new_approver, where)


def _chosen(reason: str, new_approver: str, where: str) -> tuple[str, ...]:
    said = [_("Reason: {reason}").format(reason=reason)] if reason else []
    if new_approver:
        said.append(_("New approver: {who}").format(who=new_approver))
    if where:
        said.append(_("Comes in: {where}").format(where=where))
    return tuple(said)


def _where(view: View, code: str, placement: str) -> str:
    """Return in words where the new approver comes in, "" if nobody said."""
    action = view.tenant.action(code)
    choices = action.placements if action else ()
    return next((choice.text for choice in choices if choice.code == placement), "")


def _what_follows(view: View) -> str:
    """
    Say what comes for somebody who is no longer asked: who brought one more in may be again.

    "" for an onlooker, whose place is none of the request's: nothing was his to do.
    """
    if view.place.seat < 0:
        return ""
    taken = _last_taken(view)
    action = view.tenant.action(taken.action) if taken else None
    if action is None or not action.new_approver or not view.approval.open:
        return _("Nothing more for you to do.")
    return _("{tenant} says who is asked next.").format(tenant=view.tenant.name)


def _recording(view: View, code: str) -> Standing:
    action = view.tenant.action(code)
    chosen = (action.label,) if action else ()
    notes = (*chosen, _("Recording your decision…"))
    return Standing(Phase.UNDER_WAY, _("Recording"), WAITING, None, notes)


def _hindrances(view: View, viewer: Viewer) -> tuple[str, ...]:
    """Say why nothing can be decided here now; () if it can."""
    tenant = view.tenant.name
    if view.closed is not None and view.closed.decisions is WhileClosed.REFUSE:
        return refused_now(view.tenant, view.closed, viewer)
    if view.place.person is None:
        nobody = _("{tenant} asks {who}, and nobody of that name can be found yet.")
        return (nobody.format(tenant=tenant, who=name_of(view.place)),)
    if not offered(view.approval, view.tenant):
        elsewhere = _("This request cannot be decided here. Please decide in {tenant}.")
        return (elsewhere.format(tenant=tenant),)
    return ()


def _opened_again(view: View) -> str:
    if view.place.round == view.approval.round:
        return _("It was opened again. A newer card shows it.")
    return _("It was opened again, without asking you.")


def _over(view: View, end: str) -> Standing:
    taken, ended = _last_taken(view) if view.place.seat >= 0 else None, _ended_by(view)
    if ended is not None:
        return _ended(view, ended, taken, end)
    if taken is None:
        is_open = view.approval.open
        closed = _("{tenant} closed this request.").format(tenant=view.tenant.name)
        why = _("This request no longer waits for you.") if is_open else closed
        return Standing(Phase.CLOSED, _("Closed"), OVER, None, (why, *([end] if end else [])))
    past, look = past_of(view, taken.action)
    done, mine = _done(view, taken, past), taken.seat == view.place.seat and not taken.delegated
    badge = badge_words(past, done.who, mine=mine, is_verdict=look in (GOOD, BAD))
    follows = asked_now(view) if view.round == view.approval.round and view.approval.open else ""
    notes = tuple(filter(None, (follows, _closed_without(view), end)))
    return Standing(Phase.CLOSED, badge, look, done, notes, follows=follows)


def _ended(view: View, ended: ActionTaken, taken: ActionTaken | None, end: str) -> Standing:
    """Say how the request ended, and what the viewer had done before, if *taken* is his."""
    past, look = past_of(view, ended.action)
    notes = (end,) if end else ()
    over = Standing(Phase.CLOSED, past, look, _done(view, ended, past), notes)
    if taken is None or taken is ended or taken.seat != view.place.seat:
        return over
    earlier, seen = past_of(view, taken.action)
    words = _("Before that: {what} by {who}")
    done = replace(_done(view, taken, earlier), words=words)
    mine = done if taken.delegated else replace(done, who=_("you"))
    calm = replace(seen, badge=OVER.badge, box=OVER.box)
    return replace(over, before=Standing(Phase.CLOSED, earlier, calm, mine))


def _done(view: View, taken: ActionTaken, past: str) -> Deed:
    name, chosen = who(view.approval, taken), chosen_by(view, taken)
    return Deed(_("{what} by {who}"), past, name, taken.at, taken.comment, chosen)


def _closed_without(view: View) -> str:
    """Say that the tenant closed the request and no decision did, "" if it goes on, or went on in another round."""
    if view.approval.open or view.round < view.approval.round:
        return ""
    return _("{tenant} closed this request.").format(tenant=view.tenant.name)


def _ended_by(view: View) -> ActionTaken | None:
    """Return the decision that ended the request."""
    return ended_by(view.approval, view.tenant) if view.round == view.approval.round else None


def _last_taken(view: View) -> ActionTaken | None:
    """Return what the viewer did last in the round of this card, else anybody since he was asked."""
    taken, asked_at = _taken(view), view.place.asked_at
    mine = [t for t in taken if t.seat == view.place.seat]
    if asked_at is not None:  # what was done before is no answer to what he was asked
        allowance = view.tenant.limits.clock_allowance
        taken = [t for t in taken if is_since_asked(t, view.place, allowance)]
    return next(iter([*mine[-1:], *taken[-1:]]), None)


def _taken(view: View) -> list[ActionTaken]:
    return [t for t in view.approval.taken if t.round == view.round and not t.failed]
