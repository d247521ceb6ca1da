"""
Says what is wrong with an app package, before Teams does.

Microsoft's schema leaves much open that an upload is refused for, or that would
be wrong only for us: those checks are here.
"""

import io
import json
import re
import zipfile
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

from manifest import png
from manifest.icons import COLOR_SIZE, OUTLINE_SIZE
from manifest.package import MANIFEST, setting_behind
from manifest.schema import schema_mistakes

SCHEMA = "https://developer.microsoft.com/json-schemas/teams/v1.29/MicrosoftTeams.schema.json"
_VERSION = re.compile(r"(0|[1-9]\d*)(\.(0|[1-9]\d*)){2}")
_HOST = re.compile(r"(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]")
_TEXTS = (
    "developer.name",
    "name.short",
    "name.full",
    "description.short",
    "description.full",
)  # the schema takes empty ones
_URLS = ("developer.websiteUrl", "developer.privacyUrl", "developer.termsOfUseUrl")

Mistake = tuple[str, str]  # where, what
Schema = Callable[[dict[str, Any]], list[Mistake]]


def mistakes_in(package: bytes, *, schema: Schema = schema_mistakes) -> list[str]:
    """
    Return what is wrong with a package, a line each; nothing if Teams will take it.

    What *schema* finds comes alone: the other checks need a manifest of that shape.

    Raises:
        NoNode: Microsoft's schema could not be asked.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(package)) as opened:
            files = {name: opened.read(name) for name in opened.namelist()}
        manifest = json.loads(files[MANIFEST])
    except (zipfile.BadZipFile, KeyError, ValueError):
        return [f"the package is no zip with a {MANIFEST}"]
    found = schema(manifest) or [*_beyond_the_schema(manifest), *_in_files(manifest, files)]
    return [_told(where, what) for where, what in found]


def _told(where: str, what: str) -> str:
    setting = setting_behind(where)
    return f"{where or 'manifest'}: {what}" + (f" (see {setting})" if setting else "")


def _beyond_the_schema(manifest: dict[str, Any]) -> Iterator[Mistake]:
    if manifest.get("$schema") != SCHEMA:
        yield "$schema", f"must be {SCHEMA}"
    if not _VERSION.fullmatch(manifest["version"]):
        yield "version", "must be three numbers, as in 1.0.0"
    for where in _TEXTS:
        if not _at(manifest, where).strip():
            yield where, "must not be empty"
    for where in _URLS:
        if not _is_public(_at(manifest, where)):
            yield where, "must be an https address that everybody can reach"
    yield from _in_bots(manifest.get("bots", []))
    yield from _in_application(manifest)
    yield from _in_domains(manifest.get("validDomains", []))


def _at(manifest: dict[str, Any], where: str) -> str:
    part, _dot, name = where.partition(".")
    return manifest[part].get(name, "")


def _is_public(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme == "https" and _is_public_host(parts.hostname or "")


def _is_public_host(host: str) -> bool:
    return bool(_HOST.fullmatch(host)) and not host.endswith(".localhost")


def _in_bots(bots: list[dict[str, Any]]) -> Iterator[Mistake]:
    if len(bots) != 1 or "botId" not in bots[0]:
        yield "bots", "must be one, with its botId"
        return
    if bots[0].get("scopes") != ["personal"]:
        yield "bots.0.scopes", "must be personal only: others read along elsewhere"


def _in_application(manifest: dict[str, Any]) -> Iterator[Mistake]:
    """Graph lets an application install only the app that names it (msteams-docs, proactive bots)."""
    application, bots = manifest.get("webApplicationInfo", {}), manifest.get("bots") or [{}]
    if application.get("id") != bots[0].get("botId"):
        yield (
            "webApplicationInfo.id",
            "must be the botId, or the app cannot be installed for people",
        )
    if not application.get("resource"):
        yield "webApplicationInfo.resource", "must not be empty"


def _in_domains(domains: list[str]) -> Iterator[Mistake]:
    if not domains:
        yield "validDomains", "must name the service's host"
    for number, domain in enumerate(domains):
        if not _is_public_host(domain):
            yield f"validDomains.{number}", "must be a host's name that everybody can reach"


def _in_files(manifest: dict[str, Any], files: dict[str, bytes]) -> Iterator[Mistake]:
    icons = manifest["icons"]
    if set(files) != {MANIFEST, *icons.values()}:
        yield "package", f"must hold {MANIFEST} and the icons, and nothing else"
    for kind, size in (("color", COLOR_SIZE), ("outline", OUTLINE_SIZE)):
        where = f"icons.{kind}"
        try:
            picture = png.read(files.get(icons[kind], b""))
        except png.BadPicture as problem:
            yield where, str(problem)
            continue
        if (picture.width, picture.height) != (size, size):
            yield where, f"must be {size} by {size} pixels"
        if kind == "outline" and not _is_white_or_nothing(picture):
            yield where, "must be white where it is not fully transparent, and nothing in between"


def _is_white_or_nothing(picture: png.Picture) -> bool:
    """Tell whether alpha is all or nothing, and some of both is there."""
    seen = {pixel if pixel[3:] != b"\0" else b"nothing" for pixel in picture.pixels()}
    return seen == {b"\xff\xff\xff\xff", b"nothing"}
