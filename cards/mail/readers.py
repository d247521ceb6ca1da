"""Who reads a mail without a card, as far as his address tells: somebody who is or was asked, or an onlooker."""

from approvals_core.arx.names import fold
from approvals_core.models import Place
from approvals_core.ports import View


def place_of_address(view: View, address: str) -> Place | None:
    """
    Return the place of whoever is or was asked and is known by *address*, None if nobody is.

    It must be how he signs in, or a name that the tenant gave him. It gives no right: it
    tells only whether our page opens for its reader once he has signed in there. Whoever was
    asked in an earlier round alone finds that page closed, unless he decided something.
    """
    named = {address.strip().casefold(), fold(address, view.tenant.people.mail_domains)}
    found = (place for place in view.approval.places if _is_known_by(place, named))
    return next((place for place in found if _may_open(view, place)), None)


def _is_known_by(place: Place, named: set[str]) -> bool:
    signs_in_as = {place.person.upn.casefold()} if place.person and place.person.upn else set[str]()
    return not named.isdisjoint(signs_in_as.union(place.names))


def _may_open(view: View, place: Place) -> bool:
    """Tell what `standing.may_see` does, also of a place whose person is still looked for."""
    approval = view.approval
    is_asked = place.round == approval.round and place.round > 0
    return is_asked or any(taken.seat == place.seat for taken in approval.taken)
