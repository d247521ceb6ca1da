"""The approval route: who decided, who is asked now and who comes next."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from approvals_core.models import ActionTaken, Approval, Level, Named, Place, PlaceState
from approvals_core.ports import View
from approvals_core.rules.standing import holder, holds, name_of
from approvals_core.tenant import Concurrency, Style
from cards.language import _

_MOST_NAMED = 3  # people of a step, in a sentence


class Step(Enum):
    """Where a row of the route stands."""

    DONE = "done"
    NOW = "now"
    NEXT = "next"


@dataclass(frozen=True)
class Row:
    """One row: a step of the plan (*kind*, "" if in no plan) and the people of it."""

    step: Step
    kind: str
    names: tuple[str, ...]
    viewer: bool = False  # the viewer is one of those asked now; not among *names*
    action: str = ""  # the code of what was done
    at: datetime | None = None
    taken: ActionTaken | None = field(default=None, compare=False)  # what was done, with its words
    seats: tuple[int, ...] = field(default=(), compare=False)  # of those asked now


def route(view: View) -> tuple[Row, ...]:
    """Return the route's rows in order; () if it would say nothing but "you"."""
    approval = view.approval
    levels = approval.content.hierarchy if approval.content else ()
    taken = [t for t in approval.taken if t.round == approval.round and not t.failed]
    asked = [p for p in approval.places if _is_asked(p)]
    planned = [row for level in levels for row in _level(view, level, taken, asked)]
    done = [row for t in taken if not _in_plan(t, approval, levels) for row in _done(view, "", [t])]
    unplanned = [p for p in asked if not any(_matches(p, n) for n in _people(levels))]
    if not approval.open:  # who was not asked will not be
        planned = [row for row in planned if row.step is not Step.NEXT]
    rows = _with_unplanned(planned, list(_now(view, "", unplanned)))
    return (*done, *rows) if levels or done or len(asked) > 1 else ()


def _level(view: View, level: Level, taken: list[ActionTaken], asked: list[Place]) -> Iterator[Row]:
    approval = view.approval
    here = [t for t in taken if _in_plan(t, approval, (level,))]
    now = [p for p in asked if any(_matches(p, named) for named in level.approvers)]
    yield from _done(view, level.kind, here)
    yield from _now(view, level.kind, now)
    if not here and not now:
        names = tuple(_name(approval, named) for named in level.approvers)
        yield Row(Step.NEXT, level.kind, names)


def _done(view: View, kind: str, taken: Iterable[ActionTaken]) -> Iterator[Row]:
    for t in taken:
        name = who(view.approval, t)
        yield Row(Step.DONE, kind, (name,), action=t.action, at=t.at, taken=t)


def _now(view: View, kind: str, places: list[Place]) -> Iterator[Row]:
    if places:
        others = [place for place in places if place.seat != view.place.seat]
        names = tuple(_asked(view.approval, place) for place in others)
        seats = tuple(place.seat for place in places)
        yield Row(Step.NOW, kind, names, viewer=len(names) < len(places), seats=seats)


def _asked(approval: Approval, place: Place) -> str:
    """Return what to call somebody who is asked, and whether he can be."""
    name = called(approval, place)
    return _("{who} (cannot be found)").format(who=name) if place.unbound else name


def _with_unplanned(planned: list[Row], unplanned: list[Row]) -> list[Row]:
    next_at = next((i for i, row in enumerate(planned) if row.step is Step.NEXT), len(planned))
    return [*planned[:next_at], *unplanned, *planned[next_at:]]


def asked_now(view: View) -> str:
    """Say in a sentence who has yet to decide beside the viewer, "" if nobody has."""
    waiting = {p.seat: p for p in view.approval.places if _may_decide(view, p)}
    waiting.pop(view.place.seat, None)
    rows = (
        (row.kind, [waiting[seat] for seat in row.seats if seat in waiting]) for row in route(view)
    )
    said = [
        _in_words(kind, [_asked(view.approval, p) for p in places])
        for kind, places in rows
        if places
    ]
    return _("Asked now: {who}.").format(who="; ".join(said)) if said else ""


def _may_decide(view: View, place: Place) -> bool:
    return (
        _is_asked(place) and not holds(place) and holder(view.approval, place, view.tenant) is None
    )


def comes_next(view: View) -> str:
    """Say in a sentence who comes after what was decided, "" if nobody does, or no plan says so for sure."""
    if view.tenant.concurrency is Concurrency.ALL and (now := asked_now(view)):
        return now
    rows = route(view)
    begun = [row for row in rows if row.step is not Step.NEXT]
    to_come = rows[len(begun) :]
    # A step that was passed over: one person has two of them, or the tenant goes its own way.
    skips = any(row.step is not Step.NEXT for row in to_come)
    if not begun or skips or _leads_elsewhere(view):
        return ""
    said = [words for row in to_come if (words := _in_words(row.kind, row.names))]
    return _("Comes next: {who}.").format(who=said[0]) if said else ""


def _leads_elsewhere(view: View) -> bool:
    """Tell whether somebody rejected, or brought in one more: then what comes is not the plan's next step."""
    approval = view.approval
    done = [t.action for t in approval.taken if t.round == approval.round and not t.failed]
    done += [p.decision.action for p in approval.places if p.decision and holds(p)]
    actions = [view.tenant.action(code) for code in done]
    return any(a and (a.style is Style.DESTRUCTIVE or a.new_approver) for a in actions)


def _in_words(kind: str, people: Sequence[str]) -> str:
    left = len(people) - _MOST_NAMED
    more = [_("and {count} more").format(count=left)] if left > 0 else []
    names = ", ".join([*filter(None, people[:_MOST_NAMED]), *more])
    return " — ".join(filter(None, (kind, names)))


def who(approval: Approval, taken: ActionTaken) -> str:
    """Return what to call the one who did this."""
    place = approval.place(taken.seat) if taken.seat is not None else None
    if place is not None:
        return called(approval, place, taken.name)
    return taken.name or _planned(approval, {_folded(taken.by)}) or taken.by


def called(approval: Approval, place: Place, said: str = "") -> str:
    """
    Return what to call the person of *place*, by his alias only if nobody tells his name.

    Who was found in no directory may have a name in what he did (*said*), or in the plan:
    a place has none of its own where the tenant only ever took somebody out.
    """
    name = name_of(place)
    if name != place.alias or place.erased:
        return name
    return said or _planned(approval, {*place.names, _folded(place.alias)}) or name


def _planned(approval: Approval, aliases: Collection[str]) -> str:
    levels = approval.content.hierarchy if approval.content else ()
    known = {*aliases} - {""}  # nobody is no one of the plan
    found = (named.name for named in _people(levels) if _folded(named.alias) in known)
    return next(filter(None, found), "")


def _is_asked(place: Place) -> bool:
    return place.state not in {PlaceState.REMOVED, PlaceState.ACCEPTED}


def _in_plan(taken: ActionTaken, approval: Approval, levels: Iterable[Level]) -> bool:
    place = approval.place(taken.seat) if taken.seat is not None else None
    if place is not None:
        return any(_matches(place, named) for named in _people(levels))
    by = _folded(taken.by)
    return bool(by) and any(_folded(named.alias) == by for named in _people(levels))


def _people(levels: Iterable[Level]) -> Iterator[Named]:
    return (named for level in levels for named in level.approvers)


def _matches(place: Place, named: Named) -> bool:
    alias = _folded(named.alias)
    return alias in place.names or alias == _folded(place.alias)


def _name(approval: Approval, named: Named) -> str:
    place = next((p for p in approval.places if _matches(p, named)), None)
    return called(approval, place) if place else named.name or named.alias


def _folded(alias: str) -> str:
    return alias.strip().casefold()
