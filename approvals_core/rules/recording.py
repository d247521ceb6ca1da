"""What a payload's ActionDetail does: it becomes history once, and ends the decision it tells of."""

from collections.abc import Callable

from approvals_core.arx import ArxAction, fold
from approvals_core.models import ActionTaken, Decision, EventKind, Place, PlaceState
from approvals_core.rules.answering import NOTHING_FILLED, chosen, pending_again
from approvals_core.rules.asking import note_settled
from approvals_core.rules.draft import Draft
from approvals_core.tenant import Tenant


class Recording:
    """
    One ActionDetail being applied to one approval.

    *place* is of whoever acted, None if he has none; *applies* tells whether the payload
    is not older than what was applied to a place.
    """

    def __init__(
        self,
        draft: Draft,
        action: ArxAction,
        place: Place | None,
        tenant: Tenant,
        *,
        applies: Callable[[Place], bool],
    ) -> None:
        self._draft = draft
        self._action = action
        self._place = place
        self._tenant = tenant
        self._applies = applies

    def record(self) -> Place | None:
        """Write it into the history once; return the place it is news about."""
        known = self._known()
        if known is not None and (known.failed or not self._action.failure):
            return None
        matching = known or self._matching()
        if matching is None:
            self._add()
        else:
            self._confirm(matching)
        return self._place

    def settle(self, acted: Place) -> None:
        """
        End the open decision of whoever acted, unless another entry did.

        His mark stays: it orders the entries of DeleteFor and Approvers, and this is none.
        """
        place = self._draft.approval.places[acted.seat]
        if place.state is PlaceState.REMOVED or not self._applies(place):
            return
        if self._action.failure:
            self._fail(place)
        elif place.decision is not None:
            note_settled(self._draft, place)
            pending_again(self._draft, place)

    def _known(self) -> ActionTaken | None:
        domains = self._tenant.people.mail_domains
        by, place = fold(self._action.by.alias, domains), self._place
        second = self._action.at.replace(microsecond=0)
        return next(
            (
                taken
                for taken in self._draft.approval.taken
                if taken.said_at is not None
                and taken.said_at.replace(microsecond=0) == second
                and taken.action.casefold() == self._action.name.casefold()
                and (
                    fold(taken.by, domains) == by
                    or (place is not None and taken.seat == place.seat)
                )
            ),
            None,
        )

    def _matching(self) -> ActionTaken | None:
        """Return what an accepted decision left and this confirms, or None."""
        place = self._place
        if place is None:
            return None
        return next(
            (
                taken
                for taken in reversed(self._draft.approval.taken)
                if taken.decision
                and taken.said_at is None
                # By its alias, too: whoever sat there before an operator put somebody else there.
                and (taken.seat == place.seat or taken.by == place.alias)
                and taken.action.casefold() == self._action.name.casefold()
            ),
            None,
        )

    def _add(self) -> None:
        action, place = self._action, self._place
        decision = self._decision_told()
        taken = ActionTaken(
            by=action.by.alias,
            name=self._name(),
            action=decision.action if decision else action.name,
            at=decision.at if decision else action.at,
            said_at=action.at,
            heard_at=self._draft.at,
            comment=action.comment or (decision.comment if decision else ""),
            seat=place.seat if place else None,
            delegated=self._is_delegated(),
            decision=decision.id if decision else "",
            failed=action.failure,
            round=self._draft.approval.round,
        )
        if decision is not None:
            taken = taken.model_copy(update=chosen(decision))
        self._draft.set(taken=(*self._draft.approval.taken, taken))
        facts = {"action": action.name, "date": action.at.isoformat(), "decision": taken.decision}
        personal = {"by": action.by.alias, "comment": action.comment, "failure": action.failure}
        self._draft.note(EventKind.ACTION, facts, personal)

    def _is_delegated(self) -> bool:
        """Tell whether another one acted for him: tenants send back our own field, which may name himself."""
        domains, place = self._tenant.people.mail_domains, self._place
        delegate = fold(self._action.delegate, domains)
        own = {"", fold(self._action.by.alias, domains), *(place.names if place else ())}
        return delegate not in own

    def _decision_told(self) -> Decision | None:
        """Return the open decision that this is about, and not an earlier, equal one."""
        place = self._place
        decision = place.decision if place else None
        if place is None or decision is None or place.state is PlaceState.ACCEPTED:
            return None
        same = decision.action.casefold() == self._action.name.casefold()
        return decision if same and self._applies(place) else None

    def _confirm(self, known: ActionTaken) -> None:
        action = self._action
        said = known.model_copy(
            update={
                "said_at": action.at,
                "heard_at": self._draft.at,
                "failed": action.failure,
                "comment": known.comment or action.comment,
            }
        )
        taken = tuple(said if t is known else t for t in self._draft.approval.taken)
        self._draft.set(taken=taken)
        facts = {"decision": known.decision, "date": action.at.isoformat()}
        self._draft.note(EventKind.CONFIRMED, facts, {"failure": action.failure})

    def _fail(self, place: Place) -> None:
        """The tenant accepted and failed afterwards: his place is open again and says why."""
        note_settled(self._draft, place)
        decision = place.decision
        comment = decision.comment if decision else ""
        pending_again(
            self._draft,
            place,
            why=self._action.failure,
            comment=comment or self._action.comment,
            action=self._action.name,
            entries=decision.entries if decision else NOTHING_FILLED,
        )

    def _name(self) -> str:
        place = self._place
        if self._action.by.name:
            return self._action.by.name
        if place is not None and place.person is not None:
            return place.person.name
        return place.name if place else ""
