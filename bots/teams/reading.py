"""Who clicked, how he reads, and where his list goes on: what every click carries."""

import base64

from approvals_core.models import Person
from approvals_core.ports import Cursor
from bots.teams.inbound import Inbound
from cards.formats import DEFAULT_LOCALE
from cards.viewer import Viewer


def person_of(inbound: Inbound) -> Person:
    return Person(directory=inbound.directory, object_id=inbound.object_id, name=inbound.name)


def reader_of(inbound: Inbound) -> Viewer:
    locale = inbound.locale or DEFAULT_LOCALE
    return Viewer(user_id=inbound.user_id, locale=locale, zone=inbound.zone)


def opaque(cursor: Cursor) -> str:
    """Return what a button carries to go on with a list."""
    return base64.urlsafe_b64encode(cursor.model_dump_json().encode()).decode()


def cursor_of(opaque: object) -> Cursor | None:
    """Return where a page begins; the first one for what is no cursor of ours."""
    if not isinstance(opaque, str):
        return None
    try:
        cursor = Cursor.model_validate_json(base64.urlsafe_b64decode(opaque))
    except ValueError:
        return None
    return cursor if cursor.at.tzinfo is not None else None
