"""The tokens for the tenants' APIs: whose they are, how they are replaced, and issuers that fail or hang."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from approvals_core.adapters.entra import OwnTokens, TenantSignIn
from approvals_core.adapters.referenced import References
from approvals_core.adapters.threads import OwnThreads
from approvals_core.errors import TokenUnavailable
from approvals_core.tenant import Auth, SignIn, Tenant
from playground.certificates import CertificateAuthority
from tests.clock import Clock
from tests.far_sides import serving
from tests.test_wire_out import a_tenant

OWN_APP = "aaaaaaaa-0000-4000-8000-000000000001"
OTHER_APP = "aaaaaaaa-0000-4000-8000-000000000002"
DIRECTORY = "bbbbbbbb-0000-4000-8000-000000000001"
RESOURCE = "api://purchasing.contoso.example"
OWN_SECRET = "the-secret-of-our-own"


class Issuer:
    """An issuer that gives whoever asks token-1, token-2 ... and remembers what was asked."""

    def __init__(self) -> None:
        self.url = ""
        self.forms: list[dict[str, str]] = []
        self.directories: list[str] = []
        self.hangs_for: str | None = None
        self.answers: dict[str, Any] | None = None
        self.asked = asyncio.Semaphore(0)
        self.released = asyncio.Event()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        directory = request.path.split("/")[1]
        if request.method == "GET":
            here = f"{self.url}/{directory}"
            metadata = {"token_endpoint": f"{here}/token", "authorization_endpoint": f"{here}/a"}
            return web.json_response({**metadata, "issuer": f"{here}/v2.0"})
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.forms.append(form)
        self.directories.append(directory)
        self.asked.release()
        if self.hangs_for is not None and self.hangs_for in form["scope"]:
            await self.released.wait()
        if self.answers is not None:
            return web.json_response(self.answers, status=400)
        given = {"token_type": "Bearer", "expires_in": 3600}
        return web.json_response(given | {"access_token": f"token-{len(self.forms)}"})


@pytest.fixture
async def issuer(authority: CertificateAuthority) -> AsyncIterator[Issuer]:
    made = Issuer()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", made.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=authority.server_context())
    await site.start()
    made.url = f"https://127.0.0.1:{runner.addresses[0][1]}"
    yield made
    made.released.set()
    await runner.cleanup()
    await asyncio.sleep(0.01)  # the issuer's side of TLS notices that we hung up


@pytest.fixture
def clock() -> Clock:
    return Clock()


@asynccontextmanager
async def sign_in(
    issuer: Issuer,
    authority: CertificateAuthority,
    clock: Clock,
    environment: dict[str, str] | None = None,
) -> AsyncIterator[TenantSignIn]:
    own = OwnTokens(
        app_id=OWN_APP,
        secret=OWN_SECRET,
        clock=clock.now,
        login_url=issuer.url,
        ca_file=authority.ca_file,
    )
    try:
        yield TenantSignIn(own, References(environment or {}))
    finally:
        issuer.released.set()
        await own.close()


def tenant_with(resource: str = RESOURCE, **auth: Any) -> Tenant:
    return a_tenant(resource=resource, auth=Auth(**auth))


def a_pem() -> str:
    """Return a private key and a certificate for it, as one file holds them."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "approvals")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return (private + certificate.public_bytes(serialization.Encoding.PEM)).decode()


class TestWhose:
    async def test_without_a_table_it_is_our_own_application_for_the_tenants_resource(
        self, issuer: Issuer, authority: CertificateAuthority, clock: Clock
    ) -> None:
        async with sign_in(issuer, authority, clock) as tokens:
            token = await tokens.token(tenant_with())
            again = await tokens.token(tenant_with())

        [form] = issuer.forms
        assert token == again == "token-1"
        assert (form["client_id"], form["client_secret"]) == (OWN_APP, OWN_SECRET)
        assert form["scope"] == f"{RESOURCE}/.default"
        assert issuer.directories == [tenant_with().people.directory]

    async def test_another_application_signs_in_where_the_file_says(
        self, issuer: Issuer, authority: CertificateAuthority, clock: Clock
    ) -> None:
        tenant = tenant_with(app_id=OTHER_APP, secret="env:OTHER", directory=DIRECTORY)
        async with sign_in(issuer, authority, clock, {"OTHER": "another-secret"}) as tokens:
            await tokens.token(tenant)

        [form] = issuer.forms
        assert (form["client_id"], form["client_secret"]) == (OTHER_APP, "another-secret")
        assert issuer.directories == [DIRECTORY]

    @pytest.mark.parametrize("turned", [False, True])
    async def test_a_certificate_signs_what_is_asked_for(
        self,
        issuer: Issuer,
        authority: CertificateAuthority,
        clock: Clock,
        tmp_path: Path,
        *,
        turned: bool,
    ) -> None:
        pem, end = a_pem(), "-----END PRIVATE KEY-----\n"
        key, certificate = pem.split(end)
        file = tmp_path / "app.pem"
        file.write_text(certificate + key + end if turned else pem)
        tenant = tenant_with(app_id=OTHER_APP, certificate=f"file:{file}")
        async with sign_in(issuer, authority, clock) as tokens:
            await tokens.token(tenant)

        [form] = issuer.forms
        public = x509.load_pem_x509_certificate(certificate.encode()).public_key()
        signed = jwt.decode(
            form["client_assertion"],
            public,  # pyright: ignore[reportArgumentType] (an RSA key)
            algorithms=["PS256"],
            options={"verify_aud": False},
        )
        assert signed["sub"] == OTHER_APP
        assert "client_secret" not in form

    async def test_on_behalf_of_the_person_whose_token_is_at_hand(
        self, issuer: Issuer, authority: CertificateAuthority, clock: Clock
    ) -> None:
        tenant = tenant_with(sign_in=SignIn.ON_BEHALF_OF)
        async with sign_in(issuer, authority, clock) as tokens:
            one = await tokens.token(tenant, user_assertion="ann's")
            same = await tokens.token(tenant, user_assertion="ann's")
            other = await tokens.token(tenant, user_assertion="bob's")
            nobodys = await tokens.token(tenant)

        assert [one, same, other, nobodys] == ["token-1", "token-1", "token-2", "token-3"]
        assert [form.get("assertion") for form in issuer.forms] == ["ann's", "bob's", None]
        assert issuer.forms[0]["requested_token_use"] == "on_behalf_of"
        assert issuer.forms[2]["grant_type"] == "client_credentials"

    async def test_who_does_not_ask_for_it_never_acts_for_a_person(
        self, issuer: Issuer, authority: CertificateAuthority, clock: Clock
    ) -> None:
        async with sign_in(issuer, authority, clock) as tokens:
            await tokens.token(tenant_with(), user_assertion="ann's")

        assert "assertion" not in issuer.forms[0]


class TestRotation:
    async def test_a_secret_replaced_in_its_file_is_used_once_the_token_is_refused(
        self, issuer: Issuer, authority: CertificateAuthority, clock: Clock, tmp_path: Path
    ) -> None:
        file = tmp_path / "secret"
        file.write_text("old\n")
        tenant = tenant_with(app_id=OTHER_APP, secret=f"file:{file}")
        async with sign_in(issuer, authority, clock) as tokens:
            first = await tokens.token(tenant)
            file.write_text("new\n")
            second = await tokens.token(tenant, refused=first)

        assert (first, second) == ("token-1", "token-2")
        assert [form["client_secret"] for form in issuer.forms] == ["old", "new"]

    async def test_a_secret_that_the_issuer_refused_is_read_anew_the_next_time(
        self, issuer: Issuer, authority: CertificateAuthority, clock: Clock, tmp_path: Path
    ) -> None:
        file = tmp_path / "secret"
        file.write_text("expired")
        tenant = tenant_with(app_id=OTHER_APP, secret=f"file:{file}")
        issuer.answers = {"error": "invalid_client", "error_codes": [7000222]}
        async with sign_in(issuer, authority, clock) as tokens:
            with pytest.raises(TokenUnavailable, match=r"invalid_client \(AADSTS7000222\)"):
                await tokens.token(tenant)
            issuer.answers = None
            file.write_text("renewed")
            clock.advance(5)
            await tokens.token(tenant)

        assert [form["client_secret"] for form in issuer.forms] == ["expired", "renewed"]

    async def test_a_file_that_went_away_is_a_clear_state(
        self,
        issuer: Issuer,
        authority: CertificateAuthority,
        clock: Clock,
        tmp_path: Path,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        tenant = tenant_with(app_id=OTHER_APP, secret=f"file:{tmp_path}/none")
        async with sign_in(issuer, authority, clock) as tokens:
            with pytest.raises(TokenUnavailable, match="No such file"):
                await tokens.token(tenant)

        [line] = [record for record in caplog.records if record.msg == "token_unavailable"]
        assert line.exc_info is None
        assert issuer.forms == []

    @pytest.mark.parametrize("pem", ["no PEM at all", "-----BEGIN PRIVATE KEY-----\nAAAA\n"])
    async def test_a_file_that_holds_no_key_is_a_clear_state_without_what_it_holds(
        self,
        issuer: Issuer,
        authority: CertificateAuthority,
        clock: Clock,
        tmp_path: Path,
        pem: str,
    ) -> None:
        file = tmp_path / "app.pem"
        file.write_text(pem)
        tenant = tenant_with(app_id=OTHER_APP, certificate=f"file:{file}")
        async with sign_in(issuer, authority, clock) as tokens:
            with pytest.raises(TokenUnavailable) as told:
                await tokens.token(tenant)

        assert "AAAA" not in str(told.value)


class TestManagedIdentity:
    @pytest.fixture
    def no_identity(self, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
        """No platform's door: that of Azure's machines leads to loopback, where nobody is."""
        names = "IDENTITY_ENDPOINT IDENTITY_HEADER IDENTITY_SERVER_THUMBPRINT IMDS_ENDPOINT"
        for name in (*names.split(), "MSI_ENDPOINT", "MSI_SECRET"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://127.0.0.1:9")
        return monkeypatch

    @pytest.mark.parametrize("app_id", [None, OTHER_APP])
    async def test_the_platforms_door_is_asked_for_the_resource(
        self,
        issuer: Issuer,
        authority: CertificateAuthority,
        clock: Clock,
        no_identity: pytest.MonkeyPatch,
        app_id: str | None,
    ) -> None:
        asked: list[web.Request] = []

        async def door(request: web.Request) -> web.Response:
            asked.append(request)
            expires = int(datetime.now(UTC).timestamp()) + 3600
            token = {"access_token": f"machine-{len(asked)}", "expires_on": str(expires)}
            return web.json_response(token | {"resource": RESOURCE, "token_type": "Bearer"})

        tenant = tenant_with(sign_in=SignIn.MANAGED_IDENTITY, app_id=app_id)
        async with serving(door) as url, sign_in(issuer, authority, clock) as tokens:
            no_identity.setenv("IDENTITY_ENDPOINT", f"{url}/token")
            no_identity.setenv("IDENTITY_HEADER", "proof")
            first = await tokens.token(tenant)
            kept = await tokens.token(tenant)
            other = await tokens.token(tenant, refused=first)

        assert [first, kept, other] == ["machine-1", "machine-1", "machine-2"]
        assert asked[0].query["resource"] == RESOURCE
        assert asked[0].query.get("client_id") == app_id
        assert asked[0].headers["X-IDENTITY-HEADER"] == "proof"
        assert issuer.forms == []

    async def test_a_machine_without_one_says_so(
        self,
        issuer: Issuer,
        authority: CertificateAuthority,
        clock: Clock,
        no_identity: pytest.MonkeyPatch,
    ) -> None:
        tenant = tenant_with(sign_in=SignIn.MANAGED_IDENTITY)
        async with sign_in(issuer, authority, clock) as tokens:
            with pytest.raises(TokenUnavailable, match="this machine has no managed identity"):
                await tokens.token(tenant)


class TestHanging:
    async def test_an_issuer_that_hangs_for_some_starves_nobody_else(
        self, issuer: Issuer, authority: CertificateAuthority, clock: Clock
    ) -> None:
        """More hang than the threads that asyncio has for everybody."""
        issuer.hangs_for = "hung"
        async with sign_in(issuer, authority, clock) as tokens:
            hanging = [
                asyncio.create_task(tokens.token(tenant_with(f"api://hung-{n}"))) for n in range(40)
            ]
            for _ in hanging:
                await issuer.asked.acquire()
            token = await tokens.token(tenant_with("api://quick"))
            still = [task.done() for task in hanging]
            issuer.released.set()
            await asyncio.gather(*hanging)

        assert token.startswith("token-")
        assert not any(still)

    async def test_of_one_far_side_no_more_threads_than_its_own(self) -> None:
        threads, release = OwnThreads(2, name="t"), threading.Event()
        running = threading.Semaphore(0)

        def hang() -> int:
            running.release()
            release.wait()
            return 1

        calls = [asyncio.create_task(threads.run(hang)) for _ in range(5)]
        await asyncio.sleep(0)
        calls[0].cancel()  # nobody waits for it any more; its thread is busy all the same
        await asyncio.sleep(0)
        began = sum(running.acquire(timeout=30) for _ in range(2))
        more = running.acquire(blocking=False)
        release.set()
        given = await asyncio.gather(*calls, return_exceptions=True)

        assert (began, more) == (2, False)
        assert given[1:] == [1] * 4

    async def test_what_a_thread_raises_is_raised_where_it_is_waited_for(self) -> None:
        with pytest.raises(json.JSONDecodeError):
            await OwnThreads(1, name="t").run(lambda: json.loads("no"))
