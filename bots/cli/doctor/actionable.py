"""Steps of a card that acts in a mail: the provider, its tokens, our endpoint, the card, and its signature."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID

import jwt

from approvals_core.adapters.card_signing import CardSigner
from approvals_core.adapters.small_files import read_small
from approvals_core.models import (
    Approval,
    ApprovalKey,
    Content,
    Mark,
    Named,
    Person,
    Place,
    PlaceState,
)
from approvals_core.ports import View
from approvals_core.tenant import Action, Tenant
from bots.cli.doctor.finding import Finding, broken, ok, unseen, waits
from bots.cli.doctor.house import ADDRESS
from bots.cli.doctor.ward import NoAnswer, Ward
from cards.outlook import LIMIT_IN_BYTES, outlook_card
from cards.viewer import Viewer
from config import LARGEST_KEY, Settings

ORIGINATOR = "the provider"
PORTAL = "https://aka.ms/ActionableMessagesPortal"
_NOW = datetime(2026, 1, 15, 9, 30, tzinfo=UTC)  # of the sample: its card does not depend on today


def originator(ward: Ward) -> Finding:
    """See whether mails have cards; who wants none leaves the provider out."""
    named = ward.settings.outlook_originator
    if named is None:
        how = f"make a provider at {PORTAL}, and set its id as APPROVALS_OUTLOOK_ORIGINATOR."
        saw = "none is set: mails have no card, and lead to our page"
        return ok(ORIGINATOR, saw, f"Who wants cards: {how}")
    return ok(ORIGINATOR, f"cards say that they are from {named}")


async def acting(ward: Ward, *, able: bool) -> AsyncIterator[Finding]:
    """Look at what it takes that a card acts, where mails have cards."""
    named = ward.settings.outlook_originator
    if named is None:
        return
    yield audience(ward, named)
    yield await door(ward, able=able)
    for finding in cards(ward, named):
        yield finding
    yield await asyncio.to_thread(signature, ward)


def audience(ward: Ward, named: str) -> Finding:
    """See whether the audiences look like those that the portal made for the provider *named*."""
    step, settings = "audience and scope of Outlook's tokens", ward.settings
    uris = [each for each in settings.outlook_audience if each.startswith("api://")]
    expected = f"api://auth-am-{named}/"
    if not settings.custom_issuers and not any(uri.startswith(expected) for uri in uris):
        how = (
            f"The portal makes {expected}CLIENT_ID: set it as the application's App ID URI and,"
            " with the client id, as APPROVALS_OUTLOOK_AUDIENCE."
        )
        return broken(step, "none is the portal's App ID URI for this provider", how)
    return ok(step, f"{', '.join(settings.outlook_audience)}; scope {settings.outlook_scope}")


async def door(ward: Ward, *, able: bool) -> Finding:
    """See whether what nobody signed is refused where the buttons lead."""
    url = f"{ward.settings.public_url.rstrip('/')}/outlook/act/doctor"
    step = "where the buttons lead"
    if not able:
        return waits(step, ADDRESS)
    try:
        status, _ = await ward.ask("POST", url, data=b"")
    except NoAnswer as problem:
        return broken(step, f"{url}: {problem}", "Let the reverse proxy pass POST on to us.")
    if status != 401:  # noqa: PLR2004
        how = "Start the service anew with these settings, and let the proxy pass /outlook/ on."
        return broken(step, f"{url} answers {status} to an unsigned click, not 401", how)
    return ok(step, f"{url} refuses what is not signed (in its log: outlook_token_rejected)")


def cards(ward: Ward, named: str) -> Iterator[Finding]:
    """Make each tenant's card, from the provider *named*, and look at it as Outlook does."""
    for tenant in ward.tenants:
        if "outlook" in tenant.channels:
            yield _card(ward, tenant, f"card of {tenant.code}", named)


def _card(ward: Ward, tenant: Tenant, step: str, named: str) -> Finding:
    made = outlook_card(
        _sample(tenant),
        Viewer(),
        links=_Links(ward.settings.public_url),
        originator=named,
        correlation=str(UUID(int=0)),
        page_url=f"{ward.settings.public_url}/requests/sample",
    )
    kinds = set(_kinds(made))
    size = len(str(made).encode())
    wrong = kinds & {"Action.Execute", "Action.Submit"}
    if made.get("version") != "1.0" or wrong or "Action.Http" not in kinds:
        says = f"version {made.get('version')} with {', '.join(sorted(wrong)) or 'no button'}"
        return broken(step, says, "No action is offered: look at the tenant's actions.")
    return ok(step, f"version 1.0 with Action.Http, {size} of {LIMIT_IN_BYTES} bytes with a sample")


def signature(ward: Ward) -> Finding:
    """Sign a card, and see that the public key says so."""
    step, path = "signature", ward.settings.outlook_signing_key
    if path is None:
        return ok(step, "cards are not signed: the mail's DKIM or SPF must pass")
    signer = CardSigner.from_pem(read_small(path, LARGEST_KEY))  # settings were checked
    signed = signer.sign({}, originator="", sender="", recipients=[], at=_NOW)
    algorithm = jwt.get_unverified_header(signed)["alg"]
    return ok(step, f"{path} signs with {algorithm}; `python -m bots.cli outlook-key` prints it")


def beyond(settings: Settings) -> Iterator[Finding]:
    """Say what of the provider only the portal and the clients show; nothing where there is none."""
    if settings.outlook_originator is None:
        return
    url = settings.public_url.rstrip("/")
    yield unseen(
        "the provider in the portal",
        f"{PORTAL}: sender {settings.mail_from or 'as in APPROVALS_MAIL_FROM'}, target URL"
        f" {url}/outlook/, MsEntra application id, state Approved; up to a day until it holds.",
    )
    yield unseen(
        "the pre-authorized client",
        "Entra, App registrations, Expose an API: client application"
        " 48af08dc-f6d2-435f-b2a7-069abd99c086 with our scope.",
    )
    yield unseen(
        "whether Outlook shows the card",
        "Send yourself one, and open the add-in Actionable Messages Debugger (WA104381686).",
    )


class _Links:
    """Where the sample's buttons lead."""

    def __init__(self, public_url: str) -> None:
        self._url = f"{public_url.rstrip('/')}/outlook"

    def act(self, view: View, action: Action) -> str:
        return f"{self._url}/act/{action.code}"

    def refresh(self, view: View) -> str:
        return f"{self._url}/refresh/{view.approval.id}"


def _sample(tenant: Tenant) -> View:
    somebody = Person(directory=tenant.people.directory, object_id=str(UUID(int=1)), name="A. B.")
    mark = Mark(0, 0)
    place = Place(
        seat=0,
        alias="sample",
        names=("sample",),
        person=somebody,
        mark=mark,
        state=PlaceState.PENDING,
        round=1,
        asked_at=_NOW,
    )
    approval = Approval(
        key=ApprovalKey(tenant.document_type_id, "SAMPLE-1"),
        id=f"{tenant.code}-sample",
        round=1,
        display_number="SAMPLE-1",
        content=Content(title="A sample", unit_value="1000", submitter=Named(name="C. D.")),
        places=(place,),
        opened_at=_NOW,
    )
    return View(tenant=tenant, approval=approval, place=place, round=1, details={})


def _kinds(piece: object) -> Iterator[str]:
    """Yield every type in a card."""
    if isinstance(piece, Mapping):
        fields = cast("Mapping[str, Any]", piece)
        yield str(fields.get("type", ""))
        for value in fields.values():
            yield from _kinds(value)
    elif isinstance(piece, list):
        for value in cast("list[Any]", piece):
            yield from _kinds(value)
