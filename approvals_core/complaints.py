"""Says in our words what pydantic found wrong with a setting or with a field of a tenant's file."""

from collections.abc import Callable, Mapping
from typing import Any, cast

_PATTERNS = {  # of tenant.py
    r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$": (
        "must be a GUID, as 93f9b688-ddc3-43aa-b617-c05a415d1612"
    ),
    r"^[A-Za-z0-9.-]+\.[A-Za-z]{2,}$": "must be a domain, as contoso.com",
    "^/": "must begin with /",
    "^https?://[^/]": "must be an address that begins with https://",
    "^[a-z][a-z0-9]{0,11}$": "must be up to 12 small letters and digits, a letter first",
    r"^[^.\s]+(\.[^.\s]+)*$": "must be names with a dot between two, as AdditionalData.DueDate",
    "^[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*$": (
        "must be a path, as icons/small.png; the names in it may have letters from A to Z, digits,"
        " _, - and ., and begin with a letter, digit or _"
    ),
}
_NUMBER, _WHOLE, _LIST, _TABLE = (
    "must be a number",
    "must be a whole number",
    "must be a list, in [ ]",
    "must be a table",
)
_PLAIN = {
    "missing": "is missing",
    "extra_forbidden": "is not known here",
    "string_type": 'must be text, in " "',
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "int_type": _WHOLE,
    "int_parsing": _WHOLE,
    "int_from_float": _WHOLE,
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "finite_number": _NUMBER,
    "tuple_type": _LIST,
    "list_type": _LIST,
    "dict_type": _TABLE,
    "model_type": _TABLE,
    "model_attributes_type": _TABLE,
    "ip_v4_network": "must be a network, as 10.1.0.0/16",
    "ip_v6_network": "must be a network, as fd00:1::/32",
    "datetime_type": "must be a time, as 2026-01-15T09:30:00Z",
    "datetime_from_date_parsing": "must be a time, as 2026-01-15T09:30:00Z",
    "timezone_aware": "must say its time zone, as 2026-01-15T09:30:00+01:00",
    "path_type": "must be a path",
}

Context = Mapping[str, Any]
_BOUNDED: Mapping[str, Callable[[Context], str]] = {
    "enum": lambda said: f"must be {said['expected']}",
    "literal_error": lambda said: f"must be {said['expected']}",
    "greater_than_equal": lambda said: f"must be at least {said['ge']:g}",
    "greater_than": lambda said: f"must be above {said['gt']:g}",
    "less_than_equal": lambda said: f"must be at most {said['le']:g}",
    "string_too_short": lambda said: _least(said["min_length"], "characters"),
    "string_too_long": lambda said: f"may have at most {said['max_length']} characters",
    "too_short": lambda said: _least(said["min_length"], "entries"),
    "too_long": lambda said: f"may have at most {said['max_length']} entries",
    "string_pattern_mismatch": lambda said: _PATTERNS.get(said["pattern"], "is not well formed"),
}


def complaint(error: Mapping[str, object]) -> str:
    """
    Say what must be otherwise, for whoever wrote it; never the value: it may be a secret.

    *error* is one of `ValidationError.errors`.
    """
    kind = str(error["type"])
    if kind in _PLAIN:
        return _PLAIN[kind]
    if kind in _BOUNDED:
        return _BOUNDED[kind](cast("Context", error.get("ctx", {})))
    return str(error["msg"]).removeprefix("Value error, ")


def _least(count: int, of: str) -> str:
    return "may not be empty" if count == 1 else f"must have at least {count} {of}"
