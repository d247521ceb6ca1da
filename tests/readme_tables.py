"""
The tables of settings and tenants' files, made from what the program reads.

``python -m tests.readme_tables`` writes them anew. What a field means is written by
hand, in the last column, and stays.
"""

import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from pathlib import Path
from typing import Any

from approvals_core.tenant import Tenant
from config import Settings

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
TENANTS = ROOT / "tenants/README.md"
NEEDED = "needed"
_TABLE = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end of table -->)", re.DOTALL)
_KINDS = {  # what a pattern of tenant.py stands for
    "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$": "GUID",
    r"^[A-Za-z0-9.-]+\.[A-Za-z]{2,}$": "domain",
    "^/": "path",
    "^https?://[^/]": "address",
    "^[a-z][a-z0-9]{0,11}$": "up to 12 small letters and digits",
    r"^[^.\s]+(\.[^.\s]+)*$": "path with dots",
    "^[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*$": "file beside this one",
    r"^(env:[A-Za-z_][A-Za-z0-9_]*|file:/.+)$": "`env:NAME` or `file:/path`",
}
_FORMATS = {
    "date-time": "time",
    "time": "time of day",
    "cel": "condition",
    "ipv4network": "network",
    "ipv6network": "network",
}

Schema = Mapping[str, Any]


def settings_table() -> str:
    """Return the table of all settings, in their order."""
    rows = [
        (f"`APPROVALS_{name.upper()}`", _setting_default(field), field.description or "")
        for name, field in Settings.model_fields.items()
    ]
    return _table(("Setting", "Default", "What it is"), rows)


def _setting_default(field: Any) -> str:
    if field.is_required():
        return NEEDED
    value = field.default
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or value == "":
        return "none"
    return f"`{value.value if isinstance(value, Enum) else value}`"


def tenant_tables(written: str) -> dict[str, str]:
    """Return the table of each part of a tenant's file; meanings come from *written*."""
    schema = Tenant.model_json_schema()
    parts = schema["$defs"] | {"Tenant": schema}
    return {
        name: _record_table(part, schema["$defs"], _meanings(written, name))
        for name, part in parts.items()
        if "properties" in part
    }


def _record_table(part: Schema, parts: Schema, meanings: Mapping[str, str]) -> str:
    rows = [
        (f"`{name}`", _words(field, parts), _default(field), meanings.get(name, ""))
        for name, field in part["properties"].items()
    ]
    return _table(("Field", "Value", "Default", "What it is"), rows)


def _meanings(written: str, name: str) -> dict[str, str]:
    for match in _TABLE.finditer(written):
        if match[2] == name:
            cells = [line.split(" | ") for line in match[0].splitlines() if line.startswith("| `")]
            return {c[0].strip("| `"): c[-1].removesuffix(" |").strip() for c in cells}
    return {}


def _words(field: Schema, parts: Schema) -> str:
    """Say in words what a JSON schema allows."""
    if "$ref" in field:
        return _choice(parts[field["$ref"].rpartition("/")[2]])
    if "anyOf" in field:
        some = [_words(one, parts) for one in field["anyOf"] if one.get("type") != "null"]
        return " or ".join(dict.fromkeys(some))
    words = {
        "array": lambda: (
            f"list: {_words(field['items'], parts)}{_bounds(field, 'Items', 'entries')}"
        ),
        "object": lambda: f"table: {_words(field['additionalProperties'], parts)}",
        "boolean": lambda: "`true` or `false`",
        "string": lambda: _text(field),
    }
    return words.get(field["type"], lambda: f"number{_range(field)}")()


def _choice(part: Schema) -> str:
    values = [f"`{value}`" for value in part.get("enum", ())]
    return f"{', '.join(values[:-1])} or {values[-1]}" if values else "table"


def _text(field: Schema) -> str:
    kind = _KINDS.get(field.get("pattern", "")) or _FORMATS.get(field.get("format", ""))
    return kind or f"text{_bounds(field, 'Length', 'characters')}"


def _bounds(field: Schema, of: str, what: str) -> str:
    least, most = field.get(f"min{of}"), field.get(f"max{of}")
    if most:
        return f", {least or 0} to {most} {what}"
    return f", at least {least}" if least else ""


def _range(field: Schema) -> str:
    least, most = field.get("minimum"), field.get("maximum")
    above = field.get("exclusiveMinimum")
    said = [f"above {above:g}"] if above is not None else []
    said += [f"at least {least:g}"] if least is not None else []
    said += [f"at most {most:g}"] if most is not None else []
    return f", {', '.join(said)}" if said else ""


def _default(field: Schema) -> str:
    if "default" not in field:
        return NEEDED if field.get("type") != "object" else "none"
    value = field["default"]
    if value in (None, [], ""):
        return "none"
    if isinstance(value, dict):
        return "as below"
    return ", ".join(
        f"`{_literal(one)}`" for one in (value if isinstance(value, list) else [value])
    )


def _literal(value: object) -> str:
    """Return a value as TOML has it."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    lines = [tuple(head), *map(tuple, rows)]
    return "".join(_lines(lines))


def _lines(rows: list[tuple[str, ...]]) -> Iterator[str]:
    for number, row in enumerate(rows):
        yield f"| {' | '.join(row)} |\n"
        if number == 0:
            yield f"|{' --- |' * len(row)}\n"


def with_tables(path: Path) -> str:
    """Return the file's text with its tables as they should be."""
    written = path.read_text(encoding="utf-8")
    tables = {"Settings": settings_table()} | tenant_tables(written)
    return _TABLE.sub(lambda match: f"{match[1]}\n{tables[match[2]]}\n{match[3]}", written)


def tables_in(path: Path) -> dict[str, str]:
    """Return the tables of a file by name."""
    return {m[2]: m[0] for m in _TABLE.finditer(path.read_text(encoding="utf-8"))}


def main() -> int:
    """Write the tables anew."""
    for path in (README, TENANTS):
        path.write_text(with_tables(path), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
