"""Makes the app package: the template filled in from the settings, and the icons, in one zip."""

import io
import json
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from config import Settings

HERE = Path(__file__).parent
MANIFEST = "manifest.json"
_HOLE = re.compile(r"\$\{\{(\w+)\}\}")
_NAMED_BY_THE_PUBLISHER = ("publisher_name", "publisher_url", "privacy_url", "terms_url")
_NEVER = (1980, 1, 1, 0, 0, 0)  # zip's first day: the same settings make the same bytes


class MissingSettings(Exception):
    """The message names them, one per line."""


def template() -> dict[str, Any]:
    return json.loads((HERE / MANIFEST).read_text(encoding="utf-8"))


def manifest_of(settings: Settings) -> dict[str, Any]:
    """
    Return the manifest of the installation with these settings.

    Raises:
        MissingSettings: The service runs without them, a manifest cannot.
    """
    missing = [name for name in _NAMED_BY_THE_PUBLISHER if not getattr(settings, name).strip()]
    if missing:
        raise MissingSettings("\n".join(_said_missing(name) for name in missing))
    return _filled(template(), _fillings(settings))


def setting_behind(path: str) -> str | None:
    """Return the setting that fills a place of the manifest, as in "bots.0.botId"."""
    place: Any = template()
    for part in path.split("."):
        inside = (
            {str(at): each for at, each in enumerate(place)} if isinstance(place, list) else place
        )
        place = inside.get(part) if isinstance(inside, dict) else None
    hole = _HOLE.search(place) if isinstance(place, str) else None
    return f"APPROVALS_{hole[1]}" if hole else None


def zipped(manifest: Mapping[str, Any], icons: Path = HERE) -> bytes:
    """Return the package of this manifest, with the icons that it names."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as package:
        _add(package, MANIFEST, json.dumps(manifest, indent=2, ensure_ascii=False).encode())
        for name in manifest["icons"].values():
            _add(package, name, (icons / name).read_bytes())
    return packed.getvalue()


def _add(package: zipfile.ZipFile, name: str, content: bytes) -> None:
    package.writestr(
        zipfile.ZipInfo(name, _NEVER), content, compress_type=zipfile.ZIP_DEFLATED, compresslevel=9
    )


def _said_missing(name: str) -> str:
    return f"APPROVALS_{name.upper()} is not set: {Settings.model_fields[name].description}"


def _fillings(settings: Settings) -> dict[str, str]:
    return {
        "BOT_APP_ID": settings.bot_app_id,
        "PUBLIC_URL": urlsplit(settings.public_url).hostname or "",
        "TEAMS_APP_ID": settings.teams_app,
        **{
            name.upper(): getattr(settings, name).strip()
            for name in ("teams_app_name", "teams_app_version", *_NAMED_BY_THE_PUBLISHER)
        },
    }


def _filled(value: Any, fillings: Mapping[str, str]) -> Any:
    """Fill what was parsed, not its text: a quotation mark in a name breaks nothing."""
    if isinstance(value, dict):
        return {key: _filled(each, fillings) for key, each in value.items()}
    if isinstance(value, list):
        return [_filled(each, fillings) for each in value]
    if isinstance(value, str):
        return _HOLE.sub(lambda hole: fillings[hole[1]], value)
    return value
