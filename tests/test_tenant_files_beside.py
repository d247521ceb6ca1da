"""What a tenant's file refers to: icons and templates beside it, secrets elsewhere, conditions in it."""

import hashlib
import os
import struct
import zlib
from pathlib import Path

import pytest

from approvals_core.adapters.referenced import LONGEST, References, SecretMissing
from approvals_core.adapters.tenant_files import BadTenantFiles, read_tenants
from approvals_core.adapters.tenant_files.beside import LARGEST_ICON
from approvals_core.tenant import Tenant

PURCHASING = Path(__file__).parent.parent / "playground" / "tenants" / "purchasing.toml"
OTHER = "99999999-9999-4999-8999-999999999999"
ICONS = '[icons]\nsmall = "icons/16.png"\nmedium = "icons/30.png"\nlarge = "icons/40.png"\n'
TEMPLATES = '[mail.templates]\nPendingApproval = "mails/pending.html"\n'


def a_png(width: int, height: int) -> bytes:
    def chunk(name: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress(b"\0" * (height * (1 + 3 * width)))
    parts = (chunk(b"IHDR", head), chunk(b"IDAT", rows), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with good icons and a good template, and no tenant's file yet."""
    made = tmp_path / "tenants"
    (made / "icons").mkdir(parents=True)
    (made / "mails").mkdir()
    for side in (16, 30, 40):
        (made / f"icons/{side}.png").write_bytes(a_png(side, side))
    (made / "mails/pending.html").write_text("<p>Grüße</p>", encoding="utf-8")
    return made


def write(folder: Path, more: str, *, old: str = "", new: str = "") -> str:
    text = PURCHASING.read_text(encoding="utf-8")
    assert old in text
    text = text.replace(old, new, 1) + "\n" + more
    (folder / "pr.toml").write_text(text, encoding="utf-8")
    return text


def read(folder: Path, **environment: str) -> Tenant:
    [tenant] = read_tenants(folder, References(environment)).values()
    return tenant


def mistakes_in(folder: Path, **environment: str) -> tuple[str, ...]:
    with pytest.raises(BadTenantFiles) as caught:
        read_tenants(folder, References(environment))
    return caught.value.mistakes


def line_of(text: str, words: str) -> int:
    return next(n for n, line in enumerate(text.splitlines(), 1) if words in line)


def test_icons_and_templates_beside_the_file_are_taken(folder: Path) -> None:
    write(folder, ICONS + TEMPLATES)

    tenant = read(folder)

    assert tenant.icons is not None
    assert tenant.icons.large == "icons/40.png"
    assert tenant.mail.templates == {"PendingApproval": "mails/pending.html"}


def test_icons_are_held_as_they_were_read(folder: Path) -> None:
    write(folder, ICONS)

    icons = read(folder).icons

    (folder / "icons/30.png").write_bytes(b"another")
    assert icons is not None
    assert sorted(icons.served.values()) == sorted(a_png(side, side) for side in (16, 30, 40))
    for digest, content in icons.served.items():
        assert hashlib.sha256(content).hexdigest() == digest
    assert set(icons.paths.values()) == {f"/icons/{digest}.png" for digest in icons.served}


def test_an_icon_that_is_spoilt_while_we_read_is_told_too(folder: Path) -> None:
    text = write(folder, ICONS + TEMPLATES)

    def spoil(_template: str) -> tuple[str, ...]:  # templates are looked at after the icons
        (folder / "icons/30.png").write_bytes(b"<script>")
        return ()

    with pytest.raises(BadTenantFiles) as caught:
        read_tenants(folder, References({}), check=spoil)

    line = line_of(text, "medium =")
    assert caught.value.mistakes == (f"pr.toml:{line}: icons.medium: icons/30.png is no PNG",)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"GIF89a" + bytes(100), "icons/30.png is no PNG"),
        (b"\x89PNG", "icons/30.png is no PNG"),
        (a_png(30, 30)[:-4], "icons/30.png is no PNG"),
        (a_png(30, 31), "icons/30.png must have 30 x 30 pixels, and has 30 x 31"),
        (a_png(16, 16), "icons/30.png must have 30 x 30 pixels, and has 16 x 16"),
        (
            a_png(30, 30) + bytes(LARGEST_ICON),
            "icons/30.png cannot be read: it is larger than 64 KB",
        ),
        (None, "icons/30.png is not there; it is looked for beside the tenant's file"),
    ],
)
def test_an_icon_that_is_none_is_told_with_its_line(
    folder: Path, content: bytes | None, told: str
) -> None:
    text = write(folder, ICONS)
    if content is None:
        (folder / "icons/30.png").unlink()
    else:
        (folder / "icons/30.png").write_bytes(content)

    assert mistakes_in(folder) == (f"pr.toml:{line_of(text, 'medium =')}: icons.medium: {told}",)


def test_no_link_leads_out_of_the_folder(folder: Path) -> None:
    (folder.parent / "outside.png").write_bytes(a_png(16, 16))
    (folder / "icons/16.png").unlink()
    (folder / "icons/16.png").symlink_to(folder.parent / "outside.png")
    (folder / "elsewhere").symlink_to("/etc")
    write(folder, ICONS + '[mail.templates]\nPendingApproval = "elsewhere/hostname"\n')

    told = mistakes_in(folder)

    assert len(told) == 2
    out = "leads out of the folder of the tenant's file: put the file itself there, no link"
    assert all(each.endswith(out) for each in told)


@pytest.mark.parametrize(
    "path",
    [
        *("../16.png", "/etc/hostname", "icons/../../16.png", "icons/..", "..", "//host/16.png"),
        *("..\\16.png", "icons\\..\\..\\16.png", "\\\\host\\16.png", "C:/16.png", "C:\\16.png"),
    ],
)
def test_a_path_that_leads_out_of_the_folder_is_told_to_stay_in_it(folder: Path, path: str) -> None:
    text = write(folder, ICONS.replace('"icons/16.png"', f"'{path}'"))

    [mistake] = mistakes_in(folder)

    assert mistake == (
        f"pr.toml:{line_of(text, 'small =')}: icons.small: must stay within the folder of the"
        " tenant's file: put it there, or into a folder in it, and write its path from there, as"
        " icons/small.png, without .. and with no / at the beginning"
    )


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("icons\\16.png", "has a \\ in it: write / between folders, as icons/small.png"),
        ("", "may not be empty: write the path of a file, as icons/small.png"),
        *(
            (
                path,
                "must be a path, as icons/small.png; the names in it may have letters from A to Z,",
            )
            for path in (".hidden", "./16.png", "my icon.png", "Grün.png", "icons//16.png", "a..b/")
        ),
    ],
)
def test_a_path_that_is_none_says_how_one_is_written(folder: Path, path: str, told: str) -> None:
    write(folder, f"[mail.templates]\nPendingApproval = '{path}'\n")

    [mistake] = mistakes_in(folder)

    assert f": mail.templates.PendingApproval: {told}" in mistake


def test_two_dots_in_a_name_lead_nowhere(folder: Path) -> None:
    (folder / "icons/small..16.png").write_bytes(a_png(16, 16))
    write(folder, ICONS.replace("icons/16.png", "icons/small..16.png"))

    assert read(folder).icons is not None


@pytest.mark.parametrize(
    ("content", "told"),
    [(b"\xff\xfe", "is not UTF-8"), (b" \n", "is empty"), (None, "is not there")],
)
def test_a_template_that_cannot_be_used(folder: Path, content: bytes | None, told: str) -> None:
    text = write(folder, TEMPLATES)
    (folder / "mails/pending.html").unlink()
    if content is not None:
        (folder / "mails/pending.html").write_bytes(content)

    [mistake] = mistakes_in(folder)

    line = line_of(text, "PendingApproval")
    where = f"pr.toml:{line}: mail.templates.PendingApproval: mails/pending.html {told}"
    assert mistake.startswith(where)


def auth(*lines: str) -> str:
    return "\n".join(["[api.auth]", *lines]) + "\n"


def test_secrets_are_read_where_the_file_says(folder: Path, tmp_path: Path) -> None:
    kept = tmp_path / "secret"
    kept.write_text("of a file\n", encoding="utf-8")
    references = References({"PR_SECRET": "of a variable"})
    write(folder, auth(f'app_id = "{OTHER}"', 'secret = "env:PR_SECRET"'))

    assert read(folder, PR_SECRET="x").api.auth.app_id == OTHER
    assert references.read("env:PR_SECRET") == "of a variable"
    assert references.read(f"file:{kept}") == "of a file"
    with pytest.raises(SecretMissing, match="nothing is in env:ABSENT"):
        references.read("env:ABSENT")


@pytest.mark.parametrize("name", ["secret", "certificate"])
def test_a_secret_in_the_file_itself_is_refused_and_never_told(folder: Path, name: str) -> None:
    text = write(folder, auth(f'app_id = "{OTHER}"', f'{name} = "Tr0ub4dor-and-3"'))

    [mistake] = mistakes_in(folder)

    where = f"pr.toml:{line_of(text, 'Tr0ub4dor')}: api.auth.{name}: "
    assert mistake.startswith(f"{where}a secret never stands in the file itself")
    assert "env:NAME" in mistake
    assert "Tr0ub4dor" not in mistake


@pytest.mark.parametrize(
    ("reference", "told"),
    [
        ("env:PR_ABSENT", "nothing is in env:PR_ABSENT"),
        ("env:PR_EMPTY", "nothing is in env:PR_EMPTY"),
        ("file:/nowhere/secret", "file:/nowhere/secret cannot be read: No such file or directory"),
    ],
)
def test_a_reference_that_leads_to_nothing(folder: Path, reference: str, told: str) -> None:
    text = write(folder, auth(f'app_id = "{OTHER}"', f'secret = "{reference}"'))

    found = mistakes_in(folder, PR_EMPTY=" ")

    assert found == (f"pr.toml:{line_of(text, 'secret =')}: api.auth.secret: {told}",)


@pytest.mark.parametrize(
    ("lines", "field", "told"),
    [
        ([f'app_id = "{OTHER}"'], "app_id", "needs its secret or certificate"),
        (['secret = "env:S"'], "secret", "app_id says whose it is"),
        (
            [f'app_id = "{OTHER}"', 'secret = "env:S"', 'certificate = "env:S"'],
            "certificate",
            "either secret or certificate, not both",
        ),
        (
            ['sign_in = "managed_identity"', 'secret = "env:S"'],
            "secret",
            "a managed identity has none",
        ),
        (
            ['sign_in = "managed_identity"', f'directory = "{OTHER}"'],
            "directory",
            "a managed identity has none",
        ),
        (
            ['sign_in = "on_behalf_of"', f'app_id = "{OTHER}"', 'secret = "env:S"'],
            "app_id",
            "people sign in with our own application",
        ),
    ],
)
def test_what_does_not_belong_together(
    folder: Path, lines: list[str], field: str, told: str
) -> None:
    text = write(folder, auth(*lines))

    [mistake] = mistakes_in(folder, S="x")

    begins = line_of(text, "[api.auth]")
    line = begins + next(n for n, each in enumerate(lines, 1) if each.startswith(field))
    assert mistake.startswith(f"pr.toml:{line}: api.auth.{field}: ")
    assert told in mistake


@pytest.mark.parametrize(
    "lines",
    [
        [],
        ['sign_in = "managed_identity"', f'app_id = "{OTHER}"'],
        [f'app_id = "{OTHER}"', 'certificate = "env:S"'],
        ['sign_in = "on_behalf_of"'],
    ],
)
def test_what_belongs_together(folder: Path, lines: list[str]) -> None:
    write(folder, auth(*lines))

    assert read(folder, S="x").code == "pr"


@pytest.mark.parametrize(
    ("old", "new", "field", "told"),
    [
        ("answer_within", 'attachment = "/files/{DocumentNumber}"\nanswer_within', "attachment", "{AttachmentId} must stand"),
        ("answer_within", 'decision_status = "/d/{AttachmentId}"\nanswer_within', "decision_status", "{AttachmentId} is none of"),
        ('action = "/actions', 'action = "/actions/{DecisionId}', "action", "{DecisionId} is none of"),
    ],
)  # fmt: skip
def test_placeholders_stand_where_something_fills_them(
    folder: Path, old: str, new: str, field: str, told: str
) -> None:
    write(folder, "", old=old, new=new)

    [mistake] = mistakes_in(folder)

    assert f": api.{field}: {told}" in mistake


def test_a_condition_that_cannot_be_compiled_is_told_with_its_line(folder: Path) -> None:
    text = write(
        folder, "", old='code = "Reject"', new='condition = "summary.UnitValue <"\ncode = "Reject"'
    )

    [mistake] = mistakes_in(folder)

    assert mistake.startswith(f"pr.toml:{line_of(text, 'UnitValue <')}: actions.1.condition: ")


def test_a_mistake_of_a_whole_table_is_told_at_the_field_to_mend(folder: Path) -> None:
    more = (
        '[maintenance]\nstarts = 2026-12-02T00:00:00Z\nends = 2026-12-01T00:00:00Z\nmessage = "x"\n'
    )
    placed = 'placements = [{code = "1", text = "First"}]\ncode = "Reject"'
    text = write(folder, more, old='code = "Reject"', new=placed)

    assert set(mistakes_in(folder)) == {
        f"pr.toml:{line_of(text, 'ends =')}: maintenance.ends: must be later than starts",
        f"pr.toml:{line_of(text, 'placements')}: actions.1.placements: needs new_approver = true",
    }


def test_tables_in_the_tables_of_a_list_have_their_lines(folder: Path) -> None:
    inputs = '[[actions.inputs]]\ncode = "a"\nlabel = "A"\nkind = "choice"\n'
    text = write(folder, "", old="[shown]", new=f"{inputs}\n[shown]")

    [mistake] = mistakes_in(folder)

    line = line_of(text, "[[actions.inputs]]")
    last = len(read_tenants(PURCHASING.parent)["purchasing.toml"].actions) - 1
    assert mistake.startswith(f"pr.toml:{line}: actions.{last}.inputs.0.choices: ")


def test_a_file_that_nobody_may_read_or_that_is_no_tenants_is_told(folder: Path) -> None:
    os.mkfifo(folder / "pipe.png")
    write(folder, ICONS.replace("icons/16.png", "pipe.png"))
    (folder / "big.toml").write_bytes(b"#" * 1_100_000)

    first, second = mistakes_in(folder)

    assert first == "big.toml: cannot be read: it is larger than 1024 KB"
    assert "icons.small: pipe.png cannot be read: it is no regular file" in second


def test_pipes_and_devices_are_told_and_hold_nobody_up(folder: Path) -> None:
    write(folder, "")
    os.mkfifo(folder / "pipe.toml")
    (folder / "zero.toml").symlink_to("/dev/zero")
    os.mkfifo(folder / "secret")

    assert mistakes_in(folder) == (
        "pipe.toml: cannot be read: it is no regular file",
        "zero.toml: cannot be read: it is no regular file",
    )
    with pytest.raises(SecretMissing, match="it is no regular file"):
        References({}).read(f"file:{folder / 'secret'}")


def test_a_link_to_a_file_is_followed(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "mounted").write_text(" s3cret\n", encoding="utf-8")
    (tmp_path / "link").symlink_to(tmp_path / "mounted")

    assert References({}).read(f"file:{tmp_path / 'link'}") == "s3cret"


def test_a_secret_that_is_too_long_is_not_cut(tmp_path: Path) -> None:
    (tmp_path / "long").write_bytes(b"x" * (LONGEST + 1))

    with pytest.raises(SecretMissing, match="it is larger than 64 KB"):
        References({}).read(f"file:{tmp_path / 'long'}")


def test_no_key_plays_with_the_terminal(folder: Path) -> None:
    write(
        folder,
        '"\\u001b]0;owned\\u0007\\u202e" = 1\n',
        old="[people]",
        new='["x\\u001bc"]\n[people]',
    )

    told = mistakes_in(folder)

    assert any("x\\x1bc: is not known here" in mistake for mistake in told)
    assert all(mistake.isprintable() for mistake in told)
