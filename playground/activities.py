"""The activities Teams sends to a bot, as its channel shapes them (MicrosoftDocs/msteams-docs, universal actions)."""

import secrets
from datetime import UTC, datetime
from typing import Any

from playground import names
from playground.people import Person
from playground.records import Json

BOT = {"id": f"28:{names.BOT_APP}", "name": "Approvals"}


def activity(person: Person, *, service_url: str, type: str, **fields: Any) -> Json:  # noqa: A002 -- the wire's word
    """Return what every activity of *person* has, and *fields*; one of None is left out."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    shape = {
        "type": type,
        "id": fields.pop("id", f"f:{secrets.token_hex(16)}"),
        "timestamp": now,
        "channelId": "msteams",
        "serviceUrl": service_url,
        "from": {"id": person.mri, "name": person.name, "aadObjectId": person.object_id},
        "conversation": {
            "id": person.conversation,
            "conversationType": "personal",
            "tenantId": person.directory,
        },
        "recipient": BOT,
        "entities": [_client(person)],
        "channelData": {"tenant": {"id": person.directory}},
        "locale": person.locale,
        "localTimezone": person.zone,
        **fields,
    }
    return {name: value for name, value in shape.items() if value is not None}


def _client(person: Person) -> Json:
    country = person.locale.partition("-")[2]
    about = {"locale": person.locale, "country": country, "platform": "Web"}
    return {"type": "clientInfo", **about, "timezone": person.zone}


def card_action(action: Json, inputs: Json, *, trigger: str) -> Json:
    """Return the `value` of an adaptiveCard/action invoke: inputs win over the button's data."""
    sent = {name: action[name] for name in ("id", "verb") if name in action}
    data = {**(action.get("data") or {}), **inputs}
    return {"action": {"type": "Action.Execute", **sent, "data": data}, "trigger": trigger}


def members_changed(person: Person, *, added: bool) -> Json:
    who = {"id": person.mri, "aadObjectId": person.object_id}
    return {"membersAdded": [who, BOT]} if added else {"membersRemoved": [BOT]}
