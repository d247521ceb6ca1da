"""The app package: Teams would take it, it comes from the settings, and it promises what the bot does."""

import ast
import inspect
import io
import json
import re
import struct
import textwrap
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bots.teams.clicks import Clicks
from cards.notices import help_card
from config import Settings
from manifest import icons, package, png
from manifest.__main__ import build
from manifest.checks import mistakes_in
from manifest.package import MissingSettings, manifest_of, zipped
from manifest.schema import schema_mistakes_of_each
from playground.reading import words
from tests.outside import authority, playground
from tests.running import WIKI_NUMBER, Running, running

__all__ = ["authority", "playground", "running"]

BOT = "6b7b1c5e-3a8c-4f3e-9a53-0d8c0a4c2f10"
OTHER_BOT = "0f3f0c0d-9c1b-4a0e-8d5e-8e2f6a7b1c22"
DIRECTORY = "11111111-aaaa-4aaa-8aaa-111111111111"
PUBLISHED = {
    "publisher_name": "Contoso IT",
    "publisher_url": "https://contoso.com/approvals",
    "privacy_url": "https://contoso.com/privacy",
    "terms_url": "https://contoso.com/terms",
}


def some_settings(**fields: Any) -> Settings:
    usual: dict[str, Any] = {
        "store_url": "sqlite:///approvals.db",
        "public_url": "https://approvals.contoso.com",
        "tenants": "tenants",
        "bot_app_id": BOT,
        "bot_directory": DIRECTORY,
        "bot_secret": "secret",
        "directories": DIRECTORY,
        "intake_audience": "api://approvals",
    }
    return Settings.model_validate(usual | PUBLISHED | fields)


def with_icons(folder: Path, **drawn: bytes) -> bytes:
    """Return the package with other icons than ours, by file name without its ending."""
    for name in ("color", "outline"):
        ours = (package.HERE / f"{name}.png").read_bytes()
        (folder / f"{name}.png").write_bytes(drawn.get(name, ours))
    return zipped(manifest_of(some_settings()), folder)


def test_the_package_of_our_settings_is_what_teams_takes() -> None:
    assert mistakes_in(zipped(manifest_of(some_settings()))) == []


def test_the_package_holds_the_manifest_and_both_icons_at_its_root(tmp_path: Path) -> None:
    out = tmp_path / "build" / "approvals-teams.zip"

    code = build(some_settings(), out)

    with zipfile.ZipFile(out) as built:
        assert code == 0
        assert sorted(built.namelist()) == ["color.png", "manifest.json", "outline.png"]
        assert json.loads(built.read("manifest.json")) == manifest_of(some_settings())


def test_the_same_settings_make_the_same_package() -> None:
    assert zipped(manifest_of(some_settings())) == zipped(manifest_of(some_settings()))


# -- what comes from the settings ------------------------------------------------


def test_ids_domains_and_names_come_from_the_settings() -> None:
    app = "c9a1f6de-2222-4222-8222-9d1f5f1f5f1f"

    manifest = manifest_of(
        some_settings(
            public_url="https://Approve.Example.org:8443/base",
            teams_app_id=app,
            teams_app_name="Example Approvals",
            teams_app_version="2.10.0",
            publisher_name='Example "IT" \\ Department',
        )
    )

    assert manifest["id"] == app
    assert manifest["bots"][0]["botId"] == BOT
    assert manifest["webApplicationInfo"] == {"id": BOT, "resource": f"api://{BOT}"}
    assert manifest["validDomains"] == ["approve.example.org"]
    assert manifest["version"] == "2.10.0"
    assert manifest["name"]["short"] == "Example Approvals"
    assert manifest["developer"] == {
        "name": 'Example "IT" \\ Department',
        "websiteUrl": PUBLISHED["publisher_url"],
        "privacyUrl": PUBLISHED["privacy_url"],
        "termsOfUseUrl": PUBLISHED["terms_url"],
    }
    assert mistakes_in(zipped(manifest)) == []


def test_without_an_id_of_its_own_the_app_has_one_that_follows_from_the_bot() -> None:
    first = manifest_of(some_settings())["id"]

    assert first == manifest_of(some_settings(bot_app_id=BOT.upper()))["id"]
    assert first not in (BOT, manifest_of(some_settings(bot_app_id=OTHER_BOT))["id"])


def test_nothing_of_the_template_is_left_unfilled() -> None:
    assert "{{" not in json.dumps(manifest_of(some_settings()))


def test_settings_that_only_the_manifest_needs_are_all_named_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    empty = some_settings(**dict.fromkeys(PUBLISHED, " "))

    code = build(empty, tmp_path / "app.zip")

    said = capsys.readouterr().err
    assert code == 2
    assert [name for name in PUBLISHED if f"APPROVALS_{name.upper()} is not set" not in said] == []
    with pytest.raises(MissingSettings):
        manifest_of(empty)


def test_a_wrong_manifest_leaves_no_package_and_names_the_setting(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "app.zip"
    out.write_bytes(b"an older one")

    code = build(some_settings(teams_app_name="A name of more than thirty characters"), out)

    assert code == 2
    assert not out.exists()
    assert (
        "name.short: must NOT have more than 30 characters (see APPROVALS_TEAMS_APP_NAME)"
        in capsys.readouterr().err
    )


# -- each field alone wrong ------------------------------------------------------

GONE = object()
WRONG: list[tuple[str, Any]] = [
    ("$schema", GONE),
    (
        "$schema",
        "https://developer.microsoft.com/json-schemas/teams/v9.99/MicrosoftTeams.schema.json",
    ),
    ("manifestVersion", GONE),
    ("manifestVersion", "1.28"),
    ("version", GONE),
    ("version", "1.0"),
    ("version", "01.0.0"),
    ("id", GONE),
    ("id", "approvals"),
    ("localizationInfo.defaultLanguageTag", GONE),
    ("developer", GONE),
    ("developer.name", GONE),
    ("developer.name", "x" * 33),
    ("developer.name", ""),
    ("developer.websiteUrl", GONE),
    ("developer.websiteUrl", "http://contoso.com"),
    ("developer.privacyUrl", GONE),
    ("developer.privacyUrl", "contoso.com/privacy"),
    ("developer.termsOfUseUrl", GONE),
    ("developer.termsOfUseUrl", "https://127.0.0.1/terms"),
    ("name.short", GONE),
    ("name.short", "x" * 31),
    ("name.full", GONE),
    ("name.full", "x" * 101),
    ("description.short", GONE),
    ("description.short", "x" * 81),
    ("description.full", GONE),
    ("description.full", " "),
    ("icons.color", GONE),
    ("icons.outline", GONE),
    ("accentColor", GONE),
    ("accentColor", "purple"),
    ("bots", GONE),
    ("bots.0.botId", GONE),
    ("bots.0.botId", "bot"),
    ("bots.0.scopes", ["groupchat"]),
    ("bots.0.scopes", ["personal", "team"]),
    ("bots.0.commandLists.0.commands.0.title", GONE),
    ("bots.0.commandLists.0.commands.0.title", "x" * 129),
    ("webApplicationInfo", GONE),
    ("webApplicationInfo.id", OTHER_BOT),
    ("webApplicationInfo.resource", GONE),
    ("defaultInstallScope", "everywhere"),
    ("validDomains", GONE),
    ("validDomains.0", "https://approvals.contoso.com"),
    ("validDomains.0", "127.0.0.1"),
    ("validDomains.0", "localhost"),
    ("invented", True),
]


def test_the_cases_name_every_field_that_the_schema_requires() -> None:
    schemas = package.HERE.parent / "web/node_modules/@microsoft/app-manifest/build/json-schemas"
    path = schemas / "teams/v1.29/MicrosoftTeams.schema.json"
    schema = json.loads(path.read_text(encoding="utf-8-sig"))
    required = [
        *(name for name in schema["required"] if "required" not in schema["properties"][name]),
        *(
            f"{name}.{inner}"
            for name in schema["required"]
            for inner in schema["properties"][name].get("required", [])
        ),
    ]

    assert [name for name in required if (name, GONE) not in WRONG] == []


def test_a_manifest_with_any_one_field_wrong_is_refused() -> None:
    manifest = manifest_of(some_settings())
    changed = [put(manifest, where, wrong) for where, wrong in WRONG]
    found = dict(zip(map(json.dumps, changed), schema_mistakes_of_each(changed), strict=True))

    refusals = [
        mistakes_in(
            repacked(zipped(manifest), "manifest.json", json.dumps(each).encode()),
            schema=lambda read: found[json.dumps(read)],
        )
        for each in changed
    ]

    # In one test: node starts once for all, and takes as long as a hundred of them.
    named_wrong = zip(WRONG, refusals, strict=True)
    assert [
        (where, wrong, mistakes)
        for (where, wrong), mistakes in named_wrong
        if not any(named(mistake, where) for mistake in mistakes)
    ] == []


@pytest.mark.parametrize(
    "setting",
    [{"public_url": "http://127.0.0.1:3978"}, {"terms_url": "http://contoso.com/terms"}],
)
def test_settings_for_this_machine_only_make_no_package(
    setting: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    [name] = setting

    assert build(some_settings(**setting), tmp_path / "app.zip") == 2
    assert f"(see APPROVALS_{name.upper()})" in capsys.readouterr().err


@pytest.mark.parametrize("raw", [b"", b"no zip", zlib.compress(b"none either")])
def test_what_is_no_package_is_refused(raw: bytes) -> None:
    assert mistakes_in(raw) == ["the package is no zip with a manifest.json"]


@pytest.mark.parametrize("raw", [b"", b"null", b"[]", b"{}", b"\xff"])
def test_what_is_no_manifest_is_refused(raw: bytes) -> None:
    assert mistakes_in(repacked(zipped(manifest_of(some_settings())), "manifest.json", raw))


def test_a_file_that_does_not_belong_there_is_refused() -> None:
    whole = zipped(manifest_of(some_settings()))

    assert mistakes_in(repacked(whole, "notes.txt", b"secret"), schema=is_content) == [
        "package: must hold manifest.json and the icons, and nothing else"
    ]


# -- the icons -------------------------------------------------------------------


@pytest.mark.parametrize(("name", "drawn"), [("color", icons.color), ("outline", icons.outline)])
def test_the_icons_are_what_their_script_draws(name: str, drawn: Callable[[], png.Picture]) -> None:
    assert (package.HERE / f"{name}.png").read_bytes() == png.write(drawn())


def test_the_colour_icon_fills_its_square_and_keeps_the_mark_where_teams_shows_it() -> None:
    picture = png.read((package.HERE / "color.png").read_bytes())
    white = [
        (at % 192, at // 192)
        for at, pixel in enumerate(picture.pixels())
        if pixel == b"\xff\xff\xff"
    ]

    assert (picture.width, picture.height, picture.channels) == (192, 192, 3)
    assert white
    assert all(36 <= x < 156 and 36 <= y < 156 for x, y in white)


def test_the_outline_icon_is_white_and_transparent_only() -> None:
    picture = png.read((package.HERE / "outline.png").read_bytes())

    assert (picture.width, picture.height) == (32, 32)
    assert {pixel for pixel in picture.pixels() if pixel[3]} == {b"\xff\xff\xff\xff"}
    assert {pixel[3] for pixel in picture.pixels()} == {0, 255}


COLOR, OUTLINE = ((package.HERE / f"{name}.png").read_bytes() for name in ("color", "outline"))


def recoloured(old: bytes, new: bytes) -> bytes:
    """Return our outline icon with one of its two kinds of pixel replaced."""
    ours = png.read(OUTLINE)
    data = b"".join(new if pixel == old else pixel for pixel in ours.pixels())
    return png.write(png.Picture(ours.width, ours.height, 4, data))


INK, NOTHING = b"\xff\xff\xff\xff", b"\xff\xff\xff\x00"
BAD_ICONS: list[tuple[str, bytes, str]] = [
    ("color", OUTLINE, "must be 192 by 192 pixels"),
    ("color", b"<svg/>", "is no PNG picture"),
    ("color", COLOR[:-500], "is a damaged PNG picture"),
    ("color", png.SIGNATURE, "is a damaged PNG picture"),
    ("outline", COLOR, "must be 32 by 32 pixels"),
    ("outline", recoloured(INK, b"\xcc\xcc\xcc\xff"), "must be white"),
    ("outline", recoloured(INK, b"\xff\xff\xff\x80"), "must be white"),
    ("outline", recoloured(NOTHING, b"\xff\xff\xff\x01"), "must be white"),
    ("outline", recoloured(NOTHING, INK), "must be white"),
    ("outline", recoloured(INK, NOTHING), "must be white"),
]


@pytest.mark.parametrize(("name", "drawn", "said"), BAD_ICONS)
def test_an_icon_that_teams_would_refuse_is_refused(
    name: str, drawn: bytes, said: str, tmp_path: Path
) -> None:
    mistakes = mistakes_in(with_icons(tmp_path, **{name: drawn}), schema=is_content)

    assert any(mistake.startswith(f"icons.{name}: {said}") for mistake in mistakes), mistakes


@pytest.mark.parametrize("kind", range(5))
@pytest.mark.parametrize("channels", [3, 4])
def test_pictures_of_other_programs_are_read_whatever_filter_they_used(
    kind: int, channels: int
) -> None:
    data = bytes((at * at * 7 + at) % 256 for at in range(9 * 5 * channels))

    raw = png_filtered(data, width=9, channels=channels, kind=kind)

    assert png.read(raw) == png.Picture(9, 5, channels, data)


def test_a_picture_that_unpacks_to_too_much_is_refused() -> None:
    with pytest.raises(png.BadPicture, match="far too large"):
        png.read(png_filtered(bytes(3), width=1, channels=3, kind=0, says_width=2**31))


# -- the commands ----------------------------------------------------------------


def titles() -> set[str]:
    [commands] = manifest_of(some_settings())["bots"][0]["commandLists"]
    return {command["title"] for command in commands["commands"]}


def test_the_commands_in_the_manifest_are_those_that_the_bot_tells_of() -> None:
    assert titles() == set(re.findall(r"\*\*(\w+)\*\*", words(help_card().to_dict())))


def test_the_bot_understands_no_command_that_the_manifest_does_not_name() -> None:
    reading = ast.parse(textwrap.dedent(inspect.getsource(Clicks.text)))
    cases = {
        pattern.value.value
        for pattern in ast.walk(reading)
        if isinstance(pattern, ast.MatchValue) and isinstance(pattern.value, ast.Constant)
    }

    assert cases
    assert cases | {"help"} == titles()  # help is the answer to all else


async def test_each_command_in_the_manifest_gets_its_own_answer(running: Running) -> None:
    await running.send("wiki-create")
    await running.asked("johndoe1")
    said = {"pending": "Waiting for you", "show": WIKI_NUMBER, "help": "What you can write here"}
    assert set(said) == titles()

    for title, answer in said.items():
        written = f"{title} {WIKI_NUMBER}" if title == "show" else title
        assert (await running.playground.teams.say("johndoe1", written)).status == 200

        await running.until(lambda what=answer: what in running.last_text("johndoe1"))


# -- how -------------------------------------------------------------------------


def is_content(_manifest: dict[str, Any]) -> list[tuple[str, str]]:
    """Stand for a schema that finds nothing, where the rest is looked at: node takes its time."""
    return []


def put(manifest: dict[str, Any], where: str, wrong: Any) -> dict[str, Any]:
    """Return the manifest with one place changed or, for GONE, taken out."""
    changed = json.loads(json.dumps(manifest))
    *way, last = [int(part) if part.isdigit() else part for part in where.split(".")]
    place = changed
    for part in way:
        place = place[part]
    if wrong is GONE:
        del place[last]
    else:
        place[last] = wrong
    return changed


def named(mistake: str, where: str) -> bool:
    """Tell whether a mistake names a place: itself, or the last part of what should be in it."""
    outer, _dot, last = where.rpartition(".")
    place, _colon, said = mistake.partition(": ")
    return place.startswith(where) or (place == (outer or "manifest") and last in said)


def repacked(whole: bytes, name: str, content: bytes) -> bytes:
    """Return a package with one file put in, or in another's stead."""
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(whole)) as old, zipfile.ZipFile(packed, "w") as new:
        for each in old.namelist():
            if each != name:
                new.writestr(each, old.read(each))
        new.writestr(name, content)
    return packed.getvalue()


def png_filtered(
    data: bytes, *, width: int, channels: int, kind: int, says_width: int | None = None
) -> bytes:
    """Return a PNG whose rows all use one filter, told the slow way from the formulas of RFC 2083."""
    length = width * channels
    height = len(data) // length

    def byte(row: int, at: int) -> int:
        return data[row * length + at] if row >= 0 and at >= 0 else 0

    def guess(row: int, at: int) -> int:
        a, b, c = byte(row, at - channels), byte(row - 1, at), byte(row - 1, at - channels)
        c = c if at >= channels else 0
        p = a + b - c
        distances = [abs(p - a), abs(p - b), abs(p - c)]
        paeth = (a, b, c)[distances.index(min(distances))]
        return (0, a, b, (a + b) // 2, paeth)[kind]

    rows = b"".join(
        bytes([kind]) + bytes((byte(row, at) - guess(row, at)) % 256 for at in range(length))
        for row in range(height)
    )
    colour = {3: 2, 4: 6}[channels]
    header = struct.pack(">IIBBBBB", says_width or width, height, 8, colour, 0, 0, 0)
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return png.SIGNATURE + b"".join(
        struct.pack(">I", len(content))
        + name
        + content
        + struct.pack(">I", zlib.crc32(name + content))
        for name, content in parts
    )
