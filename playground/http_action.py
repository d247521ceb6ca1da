"""What an Action.Http asks for, its placeholders filled as Microsoft's renderer fills them."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

from playground.records import Json

JSON_TYPE = "application/json"
FORM_TYPE = "application/x-www-form-urlencoded"
# Placeholders, patterns and escapes are those of microsoft/AdaptiveCards, source/nodejs/adaptivecards/src/shared.ts,
# StringWithSubstitutions: with its quirks, since texts that people type have to survive them.
_PLACEHOLDER = re.compile(r"\{\{([a-z0-9_$@]+).value\}\}", re.IGNORECASE)
_PATTERN = re.compile(r"\$[$&`']")
_UNESCAPED = "!~*'()"  # by encodeURIComponent, besides letters, digits and -_.


class HttpRequest(NamedTuple):
    """A request as the card wants it; *body* is "" for a GET."""

    method: str
    url: str
    headers: dict[str, str]
    body: str


def request_of(action: Json, inputs: Mapping[str, Any]) -> HttpRequest:
    """Fill in what the person typed, by input id, wherever *action* refers to it."""
    url = _filled(str(action.get("url", "")), inputs, _as_form)
    headers = {
        str(one.get("name", "")): _filled(str(one.get("value", "")), inputs, _as_form)
        for one in action.get("headers") or []
    }
    kinds = (value for name, value in headers.items() if name.lower() == "content-type")
    # Exactly these: "application/json; charset=utf-8" turns the escaping off.
    escape = {JSON_TYPE: _as_json, FORM_TYPE: _as_form}.get(next(kinds, JSON_TYPE), str)
    method = str(action.get("method", "")).upper()
    body = "" if method == "GET" else _filled(str(action.get("body") or ""), inputs, escape)
    return HttpRequest(method, url, headers, body)


def _filled(template: str, inputs: Mapping[str, Any], escape: Callable[[str], str]) -> str:
    by_name = {name.lower(): str(value or "") for name, value in inputs.items()}
    filled = template
    for found in _PLACEHOLDER.finditer(template):
        value = by_name.get(found[1].lower())
        if value is not None:
            filled = _replaced(filled, found[0], escape(value))
    return filled


def _replaced(text: str, what: str, by: str) -> str:
    """Replace the first *what* as String.replace does: `$&` and its like in *by* stand for something."""
    before, found, after = text.partition(what)
    if not found:
        return text
    means = {"$$": "$", "$&": what, "$`": before, "$'": after}
    return before + _PATTERN.sub(lambda pattern: means[pattern[0]], by) + after


def _as_json(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)[1:-1]


def _as_form(value: str) -> str:
    return quote(value, safe=_UNESCAPED)
