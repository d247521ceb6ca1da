"""`templates show`: the mail that a tenant's template makes of a request, as HTML to be looked at."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from approvals_core.adapters.small_files import read_small
from approvals_core.arx import Arx, ArxAction, parse_arx
from approvals_core.errors import InvalidArx
from approvals_core.models import (
    Approval,
    Letter,
    LetterState,
    Named,
    Notification,
    Occasion,
    Operation,
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
_PREVIEW = "preview"  # id of what is made for the mail that is shown, and stored nowhere
_OUR_OWN = ("pendingapproval", "approvalcomplete", _REMINDER)
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
        NotThere: The tenant has no such template. One without any has ours by their names.
    """
    names = view.tenant.mail.templates
    known = next((name for name in names if name.strip().casefold() == key.strip().casefold()), "")
    # What goes out without a template of the tenant's can be looked at, too.
    if not known and not names and key.strip().casefold() in _OUR_OWN:
        known = key
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


def sample_view(file: Path, tenant: Tenant, now: datetime, *, ended_by: str | None = None) -> View:
    """
    Return the request that the ARX in *file* opens; whoever it names is taken as found. Blocking.

    *ended_by* is the code of the action by which its first approver ended it, None: it waits.

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
    stamp = Stamp(at=now, change=_PREVIEW, salt="00", name=_PREVIEW)
    change = receive(None, arx, tenant=tenant, payload_id=_PREVIEW, stamp=stamp).change
    if change.approval is None:
        raise ValueError("a payload opened no request")
    seated = tuple(_seated(place, tenant) for place in change.approval.places)
    approval = change.approval.model_copy(update={"places": seated})
    if ended_by is not None and approval.open:
        end = _end(arx, ended_by, now)
        ended = receive(approval, end, tenant=tenant, payload_id=f"{_PREVIEW}-end", stamp=stamp)
        approval = ended.change.approval or approval
    return view_of(approval, tenant, _details(change.bodies), now)


def _end(arx: Arx, action: str, now: datetime) -> Arx:
    """Return the DELETE after which nobody of *arx* is asked, as its first approver decided."""
    first = arx.approvers[0]
    return Arx(
        key=arx.key,
        display_number=arx.display_number,
        operation=Operation.DELETE,
        delete_for=tuple(each.alias for each in arx.approvers),
        action=ArxAction(by=Named(alias=first.alias, name=first.name), name=action, at=now),
        digest=_PREVIEW,
        raw="",
    )


def ending_of(key: str, tenant: Tenant) -> str:
    """Return the code of the action that ends a sample: which the template is for, else what approves."""
    _name, _bar, wanted = key.partition("|")
    if (named := tenant.action(wanted.strip())) is not None:
        return named.code
    positive = (action.code for action in tenant.actions if action.style == "positive")
    return next(positive, tenant.actions[0].code)


def _details(bodies: Mapping[str, str | None]) -> dict[str, str]:
    """Return the texts of the details by operation."""
    return {
        name.removeprefix(_DETAILS): text
        for name, text in bodies.items()
        if name.startswith(_DETAILS) and text is not None
    }


def _not_taken(file: Path, bad: InvalidArx) -> str:
    told = "; ".join(plain(f"{each.pointer or '/'}: {each.told}") for each in bad.problems)
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

        Where the mail tells of its end, its first approver approved it.

        Raises:
            NotThere: There is no such tenant or template, or the file is no ARX that it could send.
        """
        [tenant] = tenants_with(self._tenants, code)
        ends = (wanted.occasion or occasion_of(key)) is Occasion.ENDED
        ended_by = ending_of(key, tenant) if ends else None
        return self._show(key, sample_view(file, tenant, self._now(), ended_by=ended_by), wanted)

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
    html = _as_sent(composed.html)
    if out is None:
        say(html)
        return True
    try:
        with out.open("x", encoding="utf-8") as file:
            file.write(html)
    except OSError as problem:
        say(f"{plain(str(out))}: not written: {problem.strerror}")
        return False
    except ValueError:  # half of a surrogate pair in it, or a NUL
        say(f"{plain(str(out))}: not written: no file can have this name")
        return False
    for line in _written(composed, out):
        say(line)
    return True


def _as_sent(html: str) -> str:
    """Replace halves of surrogate pairs, which cannot be encoded; a mail has the same sign instead."""
    return html.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _written(composed: Composed, out: Path) -> Sequence[str]:
    return (
        f"{plain(str(out))}: written, without the card that Outlook shows in its place",
        "  a test installation's own line, which stands beneath each of its mails, is not in it",
        f"  subject: {plain(composed.subject)}",
    )
