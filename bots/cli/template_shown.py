"""`templates show`: the mail that a tenant's template makes of a request, as HTML to be looked at."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from approvals_core.adapters.small_files import read_small
from approvals_core.arx import parse_arx
from approvals_core.errors import InvalidArx
from approvals_core.models import (
    Approval,
    Letter,
    LetterState,
    Notification,
    Occasion,
    Person,
    Place,
    Reminder,
)
from approvals_core.ports import Store, Tenants, View
from approvals_core.rules.draft import Stamp
from approvals_core.rules.intake import receive
from approvals_core.rules.lines import is_asked, onlooker
from approvals_core.tenant import Tenant
from bots.cli.finding import Finder, NotThere, Say, tenants_with
from bots.cli.telling import plain
from cards.mail import Composed, compose, template_for
from cards.viewer import viewer_of

LARGEST_SAMPLE = 4 * 1024 * 1024  # bytes of an ARX
_DETAILS = "details/"  # before the operation: names of texts beside a request
_REMINDER = "reminder"
_MADE_UP = "00000000-0000-4000-8000-{seat:012d}"  # object id of somebody whom nobody looked up
_OWN_OCCASIONS = {"approvalcomplete": Occasion.ENDED, _REMINDER: Occasion.REMINDER}


class Wanted(NamedTuple):
    """On what occasion the mail goes out, None: as the template's name says; and where to write it."""

    occasion: Occasion | None = None
    out: Path | None = None


def occasion_of(key: str) -> Occasion:
    """Return on what occasion a template is most likely used: its name says so, or somebody is asked."""
    name, _bar, action = key.strip().casefold().partition("|")
    if action.strip() == _REMINDER:
        return Occasion.REMINDER
    return _OWN_OCCASIONS.get(name.strip(), Occasion.ASKED)


def mail_of(
    key: str,
    view: View,
    *,
    occasion: Occasion,
    now: datetime,
    page_url: str,
) -> Composed:
    """
    Compose the mail that the template *key* of *view*'s tenant makes, without the card.

    Raises:
        NotThere: The tenant has no such template.
    """
    names = view.tenant.mail.templates
    known = next((name for name in names if name.strip().casefold() == key.strip().casefold()), "")
    if not known:
        raise NotThere(_has_none(view.tenant, key))
    template, _bar, action = (part.strip() for part in known.partition("|"))
    round_ = view.approval.round
    notification = Notification(
        id="preview",
        occasion=occasion,
        template=template,
        action=action,
        round=round_,
        reminder=Reminder(template=known),
        at=now,
    )
    letter = Letter(
        approval=view.approval.key,
        id="0" * 32,
        notification=notification.id,
        occasion=occasion,
        number=int(occasion is Occasion.REMINDER),
        address="preview@example.invalid",
        round=round_,
        seat=view.place.seat if view.place.seat >= 0 and occasion is not Occasion.ENDED else None,
        state=LetterState.SENDING,
        at=now,
    )
    return compose(
        letter,
        notification,
        view,
        viewer_of(None),
        page_url=page_url,
        card=None,
        template=template_for(view.tenant, notification, occasion),
    )


def _has_none(tenant: Tenant, key: str) -> str:
    there = ", ".join(map(plain, tenant.mail.templates)) or "it has none; see [mail.templates]"
    return f"{tenant.name} has no template {plain(key)}. There are: {there}."


def view_of(approval: Approval, tenant: Tenant, details: Mapping[str, str], now: datetime) -> View:
    """Return *approval* as the first one sees it who is asked, else as an onlooker does."""
    asked = (place for place in approval.places if is_asked(approval, place) and place.person)
    return View(
        tenant=tenant,
        approval=approval,
        place=next(asked, onlooker(approval)),
        round=approval.round,
        details=dict(details),
        closed=tenant.closed(now),
    )


def sample_view(file: Path, tenant: Tenant, now: datetime) -> View:
    """
    Return the request that the ARX in *file* opens; whoever it names is taken as found. Blocking.

    Raises:
        NotThere: It cannot be read, or *tenant* could not send it; the message says why.
    """
    try:
        arx = parse_arx(
            read_small(file, LARGEST_SAMPLE), tenant_id=tenant.document_type_id, now=now
        )
    except OSError as problem:
        raise NotThere(f"{plain(str(file))} cannot be read: {problem.strerror}.") from None
    except InvalidArx as bad:
        raise NotThere(_not_taken(file, bad)) from None
    stamp = Stamp(at=now, change="preview", salt="00", name="preview")
    change = receive(None, arx, tenant=tenant, payload_id="preview", stamp=stamp).change
    if change.approval is None:
        raise ValueError("a payload opened no request")
    seated = tuple(_seated(place, tenant) for place in change.approval.places)
    approval = change.approval.model_copy(update={"places": seated})
    return view_of(approval, tenant, _details(change.bodies), now)


def _details(bodies: Mapping[str, str | None]) -> dict[str, str]:
    """Return the texts of the details by operation."""
    return {
        name.removeprefix(_DETAILS): text
        for name, text in bodies.items()
        if name.startswith(_DETAILS) and text is not None
    }


def _not_taken(file: Path, bad: InvalidArx) -> str:
    told = "; ".join(plain(f"{each.pointer or '/'}: {each.message}") for each in bad.problems)
    return f"{plain(str(file))} is no payload that would be taken: {told}"


def _seated(place: Place, tenant: Tenant) -> Place:
    """Return a place as it is once its person was found."""
    person = Person(
        directory=tenant.people.directory,
        object_id=_MADE_UP.format(seat=place.seat),
        name=place.name or place.alias,
    )
    return place.model_copy(update={"person": person})


class TemplatesDesk:
    """Says what a tenant's template makes of a request."""

    def __init__(
        self, tenants: Tenants, say: Say, *, now: Callable[[], datetime], public_url: str
    ) -> None:
        self._tenants = tenants
        self._say = say
        self._now = now
        self._public_url = public_url.rstrip("/")

    async def show_stored(
        self, code: str, key: str, name: str, store: Store, wanted: Wanted
    ) -> bool:
        """
        Say the mail about the request with this id or number; see `say_mail`.

        Raises:
            NotThere: There is no such tenant, template or request, or it is of another tenant.
        """
        [tenant] = tenants_with(self._tenants, code)
        approval, owner = await Finder(store, self._tenants).request(name)
        if owner.code != tenant.code:
            raise NotThere(f"{approval.id} is a request of {owner.code}, not of {tenant.code}.")
        bodies = await store.bodies(approval.key, _DETAILS)
        return self._show(key, view_of(approval, tenant, _details(bodies), self._now()), wanted)

    def show_sample(self, code: str, key: str, file: Path, wanted: Wanted) -> bool:
        """
        Say the mail about the request that the ARX in *file* opens; see `say_mail`. Blocking.

        Raises:
            NotThere: There is no such tenant or template, or the file is no ARX that it could send.
        """
        [tenant] = tenants_with(self._tenants, code)
        return self._show(key, sample_view(file, tenant, self._now()), wanted)

    def _show(self, key: str, view: View, wanted: Wanted) -> bool:
        composed = mail_of(
            key,
            view,
            occasion=wanted.occasion or occasion_of(key),
            now=self._now(),
            page_url=f"{self._public_url}/requests/{view.approval.id}",
        )
        return say_mail(composed, wanted.out, self._say)


def say_mail(composed: Composed, out: Path | None, say: Say) -> bool:
    """
    Say the mail's HTML, or write it to *out*, which must not be there yet.

    False if it was not written, or the template was not used for it; then that is said, and no HTML.
    """
    if composed.trouble:
        say(f"The template was not used: {plain(composed.trouble)}. Such a request's mail is ours.")
        return False
    if out is None:
        say(composed.html)
        return True
    try:
        with out.open("x", encoding="utf-8") as file:
            file.write(composed.html)
    except OSError as problem:
        say(f"{plain(str(out))}: not written: {problem.strerror}")
        return False
    for line in _written(composed, out):
        say(line)
    return True


def _written(composed: Composed, out: Path) -> Sequence[str]:
    return (
        f"{plain(str(out))}: written, without the card that Outlook shows in its place",
        f"  subject: {plain(composed.subject)}",
    )
