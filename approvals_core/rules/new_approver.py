"""Who may be made an approver by another: somebody of the directory, and nobody who is in it already."""

import re
from gettext import gettext as _

from approvals_core.arx import fold
from approvals_core.errors import ActionIncomplete
from approvals_core.models import Approval, Person, Place, PlaceState, Record
from approvals_core.ports import NotFound
from approvals_core.rules.standing import name_of
from approvals_core.tenant import AliasIs, Tenant

_OBJECT_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Candidate(Record):
    """What the tenant's directory says of the one chosen; *submitter* None: nobody found."""

    found: Person | NotFound
    submitter: Person | None = None


def object_id(chosen: str) -> str:
    """
    Return the object id that was chosen, in lower case.

    Raises:
        ActionIncomplete: It is none; people are chosen by nothing else.
    """
    wanted = chosen.strip().lower()
    if _OBJECT_ID.fullmatch(wanted):
        return wanted
    raise ActionIncomplete(_("The new approver could not be found. Please choose one of the list."))


def check_new_approver(
    approval: Approval, place: Place, candidate: Candidate, tenant: Tenant
) -> Person:
    """
    Return the one chosen, if the approver of *place* may pass the request to him.

    Who submitted the request may not be chosen: neither whom the directory finds by the
    submitter's alias, nor anybody who has that alias among his names. A submitter whom it
    does not find, and whose alias is none of the candidate's names, is not recognised.

    Raises:
        ActionIncomplete: He may not; the message says why.
    """
    found = candidate.found
    if not isinstance(found, Person):
        raise ActionIncomplete(_why_not(found))
    if place.person is not None and place.person.id == found.id:
        raise ActionIncomplete(_("You are asked already. Please choose somebody else."))
    if _submitted(approval, candidate, found, tenant):
        said = _("{who} made this request and cannot approve it. Please choose somebody else.")
        raise ActionIncomplete(said.format(who=found.name))
    asked = approval.place_of(found.id)
    if asked is not None and asked.state is not PlaceState.REMOVED:
        said = _("{who} is asked already. Please choose somebody else.")
        raise ActionIncomplete(said.format(who=name_of(asked)))
    return found.model_copy(update={"also": ()})  # they have done their work


def _why_not(found: NotFound) -> str:
    if found is NotFound.DISABLED:
        return _("The account of the new approver is disabled. Please choose somebody else.")
    if found is NotFound.GUEST:
        return _("Guests cannot approve here. Please choose somebody else.")
    return _("The new approver could not be found. Please choose one of the list.")


def _submitted(approval: Approval, candidate: Candidate, found: Person, tenant: Tenant) -> bool:
    if candidate.submitter is not None and candidate.submitter.id == found.id:
        return True
    alias = approval.content.submitter.alias if approval.content else ""
    if not alias:
        return False
    by_prefix = tenant.people.alias_is is AliasIs.UPN_PREFIX
    domains = tenant.people.mail_domains if by_prefix else ()
    names = (found.object_id, found.upn, found.nickname, *found.also)
    return fold(alias, domains) in {fold(name, domains) for name in names if name}
