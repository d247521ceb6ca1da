"""Outlook: the door for what is pressed in mails."""

from collections.abc import Iterable, Iterator
from uuid import UUID

from approvals_core.adapters.tokens import Issuer
from approvals_core.ledger import Ledger
from bots.outlook.callers import actions_verifier
from bots.outlook.door import OutlookDoor
from bots.outlook.faces import Faces
from bots.outlook.presses import Presses
from bots.outlook.tickets import Tickets
from config import Settings
from house.core import Core, Ground
from house.keys import Keys


def make_outlook_door(ground: Ground, core: Core, keys: Keys) -> OutlookDoor | None:
    """Make the door, None if the mails of this installation have no card."""
    settings = ground.settings
    if settings.outlook_originator is None:
        return None
    tickets = make_tickets(ground)
    verifier = actions_verifier(
        issuers=_issuers(settings, keys),
        audiences=settings.outlook_audience,
        scope=settings.outlook_scope,
        clock=ground.now,
    )
    faces = Faces(
        tickets=tickets,
        public_url=settings.public_url,
        originator=settings.outlook_originator,
        notice_line=ground.notice_line,
        now=ground.now,
    )
    presses = Presses(
        approvals=core.approvals,
        tenants=ground.tenants,
        faces=faces,
        contact=ground.store.contact,
        seen=Ledger(store=ground.store, commits=core.commits).note_seen,
    )
    return OutlookDoor(verifier=verifier, tickets=tickets, presses=presses)


def make_tickets(ground: Ground) -> Tickets:
    """Make what signs the buttons of our mails, and knows them again."""
    return Tickets([key.get_secret_value() for key in ground.settings.secret_keys], ground.now)


def _issuers(settings: Settings, keys: Keys) -> Iterator[Issuer]:
    """
    Yield Entra as the issuer of tokens of both versions, for each directory of ours.

    The application's manifest says of which version its tokens are. Those of v2 are for
    its client id, those of v1 for its App ID URI as a rule; both have the same keys
    (MicrosoftDocs/entra-docs, access-tokens.md).
    """
    audiences = frozenset(settings.outlook_audience)
    client_ids = frozenset(_guids(audiences))
    for v2 in keys.of_entra(settings.directories):
        if client_ids:
            yield Issuer(v2.name, v2.keys, v2.directory, client_ids)
        name = settings.entra_v1_issuer.replace("{directory}", v2.directory)
        yield Issuer(name, v2.keys, v2.directory, audiences)


def _guids(audiences: Iterable[str]) -> Iterator[str]:
    for audience in audiences:
        try:
            UUID(audience)
        except ValueError:
            continue
        yield audience
