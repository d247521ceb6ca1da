"""Settings: what must be there, what may not be, and what a start without them says."""

import asyncio
import signal
from collections.abc import Mapping
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from pydantic import ValidationError

from approvals_core.adapters.stores import FORMS
from config import Settings, mistakes
from playground import names
from playground.outside import Playground
from tests.crash.lives import WARM
from tests.failing import ROOT, listening, start_here, started

GOOD: dict[str, Any] = {
    "store_url": "sqlite:///x.db",
    "public_url": "https://approvals.contoso.com",
    "tenants": "tenants",
    "bot_app_id": names.BOT_APP,
    "bot_directory": names.DIRECTORY,
    "bot_secret": "not a secret",
    "directories": names.DIRECTORY,
    "intake_audience": f"{names.INTAKE_APP}, {names.INTAKE_URI}",
}
OTHERS: dict[str, Any] = {
    "entra_issuer": "https://login.elsewhere.example/{directory}/v2.0",
    "entra_v1_issuer": "https://sts.elsewhere.example/{directory}/",
    "entra_login_url": "https://login.elsewhere.example",
    "bot_issuer": "https://bots.elsewhere.example",
    "bot_openid_url": "https://bots.elsewhere.example/openid",
    "bot_service_url": "https://smba.elsewhere.example/",
    "graph_url": "https://graph.elsewhere.example/v1.0",
    "ca_file": "ca.pem",
    "loopback": "yes",
}
NEEDED = (
    "STORE_URL",
    "PUBLIC_URL",
    "TENANTS",
    "BOT_APP_ID",
    "BOT_DIRECTORY",
    "BOT_SECRET",
    "DIRECTORIES",
    "INTAKE_AUDIENCE",
)


def settings(**changed: Any) -> Settings:
    return Settings.model_validate(GOOD | changed)


def wrong_in(**changed: Any) -> set[str]:
    """Return the names of the settings that are refused."""
    with pytest.raises(ValidationError) as refused:
        settings(**changed)
    return {str(error["loc"][0]) for error in refused.value.errors()}


# -- what they may be -------------------------------------------------------------


def test_without_a_cloud_it_is_the_public_one() -> None:
    assert settings().issuers == (
        "https://login.microsoftonline.com/{directory}/v2.0",
        "https://api.botframework.com",
    )


def test_lists_are_split_at_commas() -> None:
    assert settings().intake_audience == (names.INTAKE_APP, names.INTAKE_URI)


@pytest.mark.parametrize("cloud", ["gcch", "dod"])
def test_a_cloud_brings_its_own_issuers(cloud: str) -> None:
    given = settings(cloud=cloud)

    assert given.bot_issuer == "https://api.botframework.us"
    assert given.entra_login_url == "https://login.microsoftonline.us"


@pytest.mark.parametrize("name", OTHERS)
def test_another_issuer_or_host_needs_to_be_allowed(name: str) -> None:
    with pytest.raises(ValidationError, match=f"APPROVALS_{name.upper()}"):
        settings(**{name: OTHERS[name]})

    assert settings(**{name: OTHERS[name], "custom_issuers": "yes"})


@pytest.mark.parametrize(
    "name", ["entra_login_url", "bot_openid_url", "bot_service_url", "graph_url"]
)
def test_nothing_is_trusted_to_plain_http_beyond_this_machine(name: str) -> None:
    plain = {name: "http://elsewhere.example/x", "custom_issuers": "yes"}

    assert wrong_in(**plain) == {name}


@pytest.mark.parametrize("name", ["bot_service_url", "graph_url"])
@pytest.mark.parametrize("url", ["", "nowhere", "https://", "ftp://127.0.0.1/"])
def test_an_address_that_is_none_is_refused(name: str, url: str) -> None:
    assert wrong_in(**{name: url, "custom_issuers": "yes"}) == {name}


@pytest.mark.parametrize("url", ["http://approvals.contoso.com", "nowhere", "ftp://127.0.0.1"])
def test_people_and_tenants_reach_us_by_https(url: str) -> None:
    assert wrong_in(public_url=url) == {"public_url"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("directories", "common"),
        ("directories", "*"),
        ("directories", f"{names.DIRECTORY},organizations"),
        ("directories", " , "),
        ("bot_directory", "common"),
        ("bot_app_id", "app"),
        ("bot_secret", ""),
        ("intake_audience", ","),
        ("cloud", "mooncake"),
        ("port", "70000"),
        ("store_url", "redis://127.0.0.1:nine"),
    ],
)
def test_what_would_let_nobody_or_everybody_in_is_refused(name: str, value: str) -> None:
    assert wrong_in(**{name: value}) == {name}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("role", "leader"),
        ("drain_after", "-1"),
        ("drain_within", "0"),
        ("drain_within", "for ever"),
    ],
)
def test_what_a_process_does_and_how_it_ends_is_one_of_what_there_is(name: str, value: str) -> None:
    assert wrong_in(**{name: value}) == {name}


@pytest.mark.parametrize(
    "url",
    [
        "store.db",
        "sqlite://store.db",
        "sqlite:///",
        "postgres://db/approvals",
    ],
)
def test_a_store_nobody_can_open_is_refused(url: str) -> None:
    with pytest.raises(ValidationError) as refused:
        settings(store_url=url)

    assert mistakes(refused.value) == [f"APPROVALS_STORE_URL: must be {FORMS}"]


@pytest.mark.parametrize(
    ("url", "mistake"),
    [
        ("redis:///0", "has no host"),
        ("redis://db/first", "has a database that is no number"),
        ("redis://db?wait_replica=1", "has a setting that we do not know: wait_replica"),
        ("unix://", "has no path of a socket"),
        ("unix:", "has no path of a socket"),
    ],
)
def test_the_mistake_in_the_address_of_a_redis_is_named(url: str, mistake: str) -> None:
    with pytest.raises(ValidationError) as refused:
        settings(store_url=url)

    assert mistakes(refused.value) == [f"APPROVALS_STORE_URL: {mistake}"]


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:////var/x.db",
        "redis://db",
        "rediss://u:p@db:6380/1",
        "unix:///run/redis.sock?db=1",
        "redis+cluster://a:1,b:2?wait_replicas=1",
        "rediss+sentinel://a,b/approvals/1",
    ],
)
def test_a_store_somebody_can_open_is_not(url: str) -> None:
    assert settings(store_url=url).store_url == url


def test_a_mistake_says_what_must_be_there_and_never_what_is() -> None:
    wrong = {
        "store_url": "redis://:hunter2@cache:hunter3/0",
        "port": "hunter4",
        "custom_issuers": "hunter5",
        "cloud": "hunter6",
        "bot_app_id": "hunter7",
        "host": None,
    }

    with pytest.raises(ValidationError) as refused:
        Settings.model_validate({n: v for n, v in (GOOD | wrong).items() if n != "bot_secret"})
    told = mistakes(refused.value)

    assert "hunter" not in "".join(told)
    assert sorted(told) == [
        "APPROVALS_BOT_APP_ID: must be a GUID, as 93f9b688-ddc3-43aa-b617-c05a415d1612",
        "APPROVALS_BOT_SECRET: is missing (its client secret)",
        "APPROVALS_CLOUD: must be 'public', 'gcc', 'gcch' or 'dod'",
        "APPROVALS_CUSTOM_ISSUERS: must be yes or no",
        'APPROVALS_HOST: must be text, in " "',
        "APPROVALS_PORT: must be a whole number",
        "APPROVALS_STORE_URL: has a port that is none",
    ]


def test_directories_are_compared_whatever_their_case() -> None:
    assert settings(directories=names.DIRECTORY.upper()).directories == (names.DIRECTORY,)


def test_an_entra_issuer_without_a_directory_is_refused() -> None:
    fixed = {"entra_issuer": "https://login.elsewhere.example/v2.0", "custom_issuers": "yes"}

    assert wrong_in(**fixed) == {"entra_issuer"}


def test_the_secret_is_not_in_what_is_printed() -> None:
    assert "not a secret" not in repr(settings())


# -- mail ---------------------------------------------------------------------------

SECRET = "not a secret but long enough for one"
MAIL: dict[str, Any] = {"mail_from": "approvals@contoso.com", "secret_keys": SECRET}
OUTLOOK: dict[str, Any] = {
    "outlook_originator": names.ORIGINATOR,
    "outlook_audience": f"{names.OUTLOOK_APP},{names.OUTLOOK_URI}",
    "outlook_scope": names.OUTLOOK_SCOPE,
    "secret_keys": SECRET,
}


def told_of(**changed: Any) -> list[str]:
    """Return the lines that a start with these settings would end with."""
    with pytest.raises(ValidationError) as refused:
        settings(**changed)
    return mistakes(refused.value)


@pytest.mark.parametrize("via", ["graph", "smtp"])
def test_mail_has_a_sender_and_links_that_are_signed(via: str) -> None:
    given = settings(mail_via=via, **MAIL)

    assert (given.mail_via, given.mail_from) == (via, "approvals@contoso.com")
    assert told_of(mail_via=via) == [
        "set APPROVALS_MAIL_FROM, APPROVALS_SECRET_KEYS, too, to use APPROVALS_MAIL_VIA"
    ]


def test_without_a_way_no_mail_is_sent_and_nothing_is_needed() -> None:
    assert settings().mail_via is None


def test_a_way_for_mails_that_there_is_not_is_refused() -> None:
    assert told_of(mail_via="pigeon") == ["APPROVALS_MAIL_VIA: must be 'graph' or 'smtp'"]


def test_over_smtp_there_is_a_host() -> None:
    assert told_of(mail_via="smtp", smtp_host="", **MAIL) == [
        "set APPROVALS_SMTP_HOST, too, to use APPROVALS_MAIL_VIA=smtp"
    ]


def test_a_password_is_somebodys() -> None:
    assert told_of(smtp_password="hunter2") == [
        "set APPROVALS_SMTP_USER, too, to use APPROVALS_SMTP_PASSWORD"
    ]


@pytest.mark.parametrize("name", ["outlook_audience", "outlook_scope", "secret_keys"])
def test_cards_in_mails_need_tokens_that_can_be_checked_and_buttons_that_are_signed(
    name: str,
) -> None:
    assert settings(**OUTLOOK).outlook_originator == names.ORIGINATOR
    assert told_of(**OUTLOOK | {name: ""}) == [
        f"set APPROVALS_{name.upper()}, too, to use APPROVALS_OUTLOOK_ORIGINATOR"
    ]


def test_all_that_does_not_fit_together_is_told_at_once() -> None:
    told = told_of(
        mail_via="graph",
        outlook_originator=names.ORIGINATOR,
        metrics_port=3978,
        entra_login_url="https://login.elsewhere.example",
    )

    assert told == [
        "APPROVALS_METRICS_PORT must differ from APPROVALS_PORT",
        "set APPROVALS_CUSTOM_ISSUERS=yes to use APPROVALS_ENTRA_LOGIN_URL",
        "set APPROVALS_MAIL_FROM, APPROVALS_SECRET_KEYS, too, to use APPROVALS_MAIL_VIA",
        (
            "set APPROVALS_SECRET_KEYS, APPROVALS_OUTLOOK_AUDIENCE, APPROVALS_OUTLOOK_SCOPE, too,"
            " to use APPROVALS_OUTLOOK_ORIGINATOR"
        ),
    ]


def test_secret_keys_are_split_at_commas_and_never_printed() -> None:
    given = settings(secret_keys=f"{SECRET}1, {SECRET}2")

    assert [key.get_secret_value() for key in given.secret_keys] == [f"{SECRET}1", f"{SECRET}2"]
    assert SECRET not in repr(given)


def test_one_short_secret_among_long_ones_is_refused() -> None:
    told = told_of(secret_keys=f"{SECRET},{'x' * 31}")

    assert told == ["APPROVALS_SECRET_KEYS: each must have 32 characters or more"]


@pytest.mark.parametrize(
    "address",
    [
        "nobody",
        "Approvals <approvals@contoso.com>",
        "a@contoso.com, b@contoso.com",
        "a@contoso.com\r\nBcc: b@contoso.com",
        "a b@contoso.com",
        "a@@contoso.com",
        "@contoso.com",
    ],
)
def test_mails_come_from_one_plain_address(address: str) -> None:
    assert wrong_in(mail_from=address) == {"mail_from"}


def a_key_file(folder: Path, *, bits: int) -> Path:
    key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    path = folder / "signing.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path


def test_a_key_for_cards_is_tried_before_the_first_mail(tmp_path: Path) -> None:
    good = a_key_file(tmp_path, bits=2048)

    assert settings(outlook_signing_key=str(good)).outlook_signing_key == good


def test_a_key_that_is_too_short_is_refused(tmp_path: Path) -> None:
    short = a_key_file(tmp_path, bits=1024)

    assert told_of(outlook_signing_key=str(short)) == [
        "APPROVALS_OUTLOOK_SIGNING_KEY: the key has 1024 bits: it needs 2048 at least"
    ]


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/nowhere/at/all.pem", "cannot be read: No such file or directory"),
        ("/dev/null", "cannot be read: it is no regular file"),
        ("/dev/null/key", "cannot be read: Not a directory"),
        (str(ROOT / "LICENSE"), "this is no private key in PEM"),
    ],
)
def test_a_key_that_is_none_is_refused(path: str, why: str) -> None:
    assert told_of(outlook_signing_key=path) == [f"APPROVALS_OUTLOOK_SIGNING_KEY: {why}"]


# -- starting ---------------------------------------------------------------------


async def last_words(given: Mapping[str, str]) -> list[str]:
    """Return what a start that cannot succeed says; its exit code is 2."""
    with NamedTemporaryFile() as said:
        process = WARM.Process(target=start_here, args=(given, Path(said.name)), daemon=True)
        process.start()
        await asyncio.to_thread(process.join, 60)
        return words_of(said.read().decode(), process.exitcode)


def words_of(text: str, code: int | None) -> list[str]:
    assert code == 2, text
    assert "Traceback" not in text
    # What the log says is JSON.
    return [line for line in text.splitlines() if not line.startswith("{")]


@pytest.fixture
def given(playground: Playground, tmp_path: Path) -> dict[str, str]:
    """Settings with which the service starts."""
    tenants = playground.write_tenants(tmp_path / "tenants")
    return playground.settings(store_url=f"sqlite:///{tmp_path}/store.db", tenants=tenants, port=0)


async def test_a_start_without_settings_says_all_that_is_missing_line_by_line() -> None:
    async with started({}) as process:
        out, err = await asyncio.wait_for(process.communicate(), 60)

    said = words_of((out + err).decode(), process.returncode)
    assert {line.partition(":")[0] for line in said} == {f"APPROVALS_{n}" for n in NEEDED}


async def test_a_setting_that_is_wrong_hides_no_other(given: dict[str, str]) -> None:
    del given["BOT_SECRET"]

    said = await last_words(given | {"CLOUD": "mooncake", "DIRECTORIES": "common"})

    named = {line.partition(":")[0] for line in said}
    assert named == {"APPROVALS_CLOUD", "APPROVALS_DIRECTORIES", "APPROVALS_BOT_SECRET"}


async def test_the_playgrounds_issuers_are_refused_unless_allowed(given: dict[str, str]) -> None:
    said = await last_words(given | {"CUSTOM_ISSUERS": "no"})

    [line] = said
    assert line.startswith("set APPROVALS_CUSTOM_ISSUERS=yes to use APPROVALS_ENTRA_ISSUER")
    assert not (Path(given["TENANTS"]).parent / "store.db").exists()


async def test_bad_tenant_files_are_told_with_all_their_mistakes(given: dict[str, str]) -> None:
    folder = Path(given["TENANTS"])
    good = (folder / "purchasing.toml").read_text()
    (folder / "purchasing.toml").write_text(
        good.replace('code = "pr"', 'code = "PR!"').replace("idempotent = true", "idempotent = 7")
    )
    (folder / "second.toml").write_text("no toml")

    said = "\n".join(await last_words(given))

    assert "code" in said
    assert "idempotent" in said
    assert "second.toml" in said


async def test_a_store_of_other_issuers_is_refused(given: dict[str, str]) -> None:
    async with started(given) as process:
        await listening(process)
        process.send_signal(signal.SIGTERM)
        await process.wait()

    [line] = await last_words(given | {"BOT_ISSUER": "https://bots.elsewhere.example"})

    assert "holds the words of" in line


@pytest.mark.parametrize(
    "changed",
    [
        {"STORE_URL": "mysql://127.0.0.1/x"},
        {"STORE_URL": "redis://127.0.0.1:9/0"},
        {"STORE_URL": "redis://127.0.0.1:nine"},
        {"STORE_URL": "unix:///nowhere/redis.sock"},
        {"STORE_URL": f"sqlite:///{ROOT}/pyproject.toml/all.db"},
        {"TENANTS": "/nowhere/at/all"},
        {"CA_FILE": "/nowhere/at/all.pem"},
        {"CA_FILE": str(ROOT / "pyproject.toml")},
        {"HOST": "192.0.2.1"},
    ],
    ids=str,
)
async def test_what_cannot_be_used_is_told_in_one_line(
    given: dict[str, str], changed: dict[str, str]
) -> None:
    said = await last_words(given | changed)

    assert len(said) == 1, said


async def test_what_is_told_at_the_start_holds_no_secret(given: dict[str, str]) -> None:
    async with started(given) as process:
        lines = await listening(process)
        process.send_signal(signal.SIGTERM)
        _out, err = await process.communicate()

    assert process.returncode == 0
    assert given["BOT_SECRET"] not in "".join(lines) + err.decode()
