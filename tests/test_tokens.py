"""The token verifier, against really signed tokens and an issuer that can fail."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from jwt.utils import base64url_encode

from approvals_core.adapters.signing_keys import SigningKeys
from approvals_core.adapters.tokens import Issuer, TokenVerifier, entra_issuers
from approvals_core.errors import InvalidToken, KeysUnavailable
from playground.forgeries import FORGERIES
from playground.signing import KeyRing, SigningKey
from tests.clock import Clock
from tests.far_sides import eventually, serving

NAME = "https://login.example/{directory}/v2.0"
DIRECTORY = "11111111-aaaa-4aaa-8aaa-111111111111"
ISSUER = NAME.format(directory=DIRECTORY)
AUDIENCE = "33333333-cccc-4ccc-8ccc-333333333333"
CALLER = "44444444-dddd-4ddd-8ddd-444444444444"


class FarSide:
    """An issuer with a switch for everything that can be wrong with it."""

    def __init__(self) -> None:
        self.ring = KeyRing(endorsements=["msteams"])
        self.url = ""
        self.fetches = 0
        self.metadata: dict[str, Any] = {}
        self.extra_keys: list[dict[str, Any]] = []
        self.status = 200
        self.gate = asyncio.Event()
        self.gate.set()

    async def answer(self, request: web.Request) -> web.Response:
        if request.path == "/elsewhere":
            return web.Response(status=302, headers={"Location": "/keys"})
        if request.path == "/keys":
            return web.json_response({"keys": self.extra_keys + self.ring.jwks()["keys"]})
        self.fetches += 1
        await self.gate.wait()
        about = {"issuer": ISSUER, "jwks_uri": f"{self.url}/keys"} | self.metadata
        return web.json_response(about, status=self.status)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def far() -> AsyncIterator[FarSide]:
    far = FarSide()
    async with serving(far.answer) as far.url:
        yield far


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
async def keys(
    far: FarSide, session: aiohttp.ClientSession, clock: Clock
) -> AsyncIterator[SigningKeys]:
    keys = SigningKeys(ISSUER, metadata_url=f"{far.url}/metadata", session=session, clock=clock.now)
    yield keys
    await keys.close()


def a_verifier(keys: SigningKeys, clock: Clock, **changes: Any) -> TokenVerifier:
    given: dict[str, Any] = {
        "issuers": [Issuer(ISSUER, keys, DIRECTORY)],
        "audiences": [AUDIENCE],
    }
    return TokenVerifier(clock=clock.now, **{**given, **changes})


@pytest.fixture
def verifier(keys: SigningKeys, clock: Clock) -> TokenVerifier:
    return a_verifier(keys, clock)


def good_claims(clock: Clock) -> dict[str, Any]:
    now = int(clock.now().timestamp())
    return {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "tid": DIRECTORY,
        "oid": "AAAAAAAA-0000-4000-8000-000000000001",
        "azp": CALLER.upper(),
        "roles": ["Payload.Post"],
        "iat": now,
        "nbf": now,
        "exp": now + 3600,
    }


def signed(far: FarSide, clock: Clock, **changes: Any) -> str:
    claims = good_claims(clock) | changes
    return far.ring.newest.sign({k: v for k, v in claims.items() if v is not None})


def by_hand(key: SigningKey, claims: dict[str, Any]) -> str:
    """Sign what PyJWT would not."""
    parts = ({"alg": "RS256", "kid": key.kid}, claims)
    signing = ".".join(base64url_encode(json.dumps(p).encode()).decode() for p in parts)
    seal = key.private.sign(signing.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{signing}.{base64url_encode(seal).decode()}"


async def test_an_issuer_may_have_audiences_of_its_own(
    keys: SigningKeys, far: FarSide, clock: Clock
) -> None:
    own = Issuer(ISSUER, keys, DIRECTORY, audiences=frozenset({"api://one"}))
    verifier = a_verifier(keys, clock, issuers=[own], audiences=["api://one", "api://two"])

    taken = await verifier.verify(signed(far, clock, aud="api://one"))

    assert taken.audience == "api://one"
    with pytest.raises(InvalidToken, match="another audience"):
        await verifier.verify(signed(far, clock, aud="api://two"))


async def test_what_was_taken_is_checked_anew_once_an_issuer_is_trusted_for_less(
    keys: SigningKeys, far: FarSide, clock: Clock
) -> None:
    verifier, token = a_verifier(keys, clock), signed(far, clock)
    await verifier.verify(token)

    verifier.trust([Issuer(ISSUER, keys, DIRECTORY, audiences=frozenset({"api://another"}))])

    with pytest.raises(InvalidToken, match="another audience"):
        await verifier.verify(token)


async def test_a_good_token_says_who_calls(
    verifier: TokenVerifier, far: FarSide, clock: Clock
) -> None:
    claims = await verifier.verify(signed(far, clock, jti="1"))

    assert (claims.issuer, claims.audience, claims.directory) == (ISSUER, AUDIENCE, DIRECTORY)
    assert claims.object_id == "aaaaaaaa-0000-4000-8000-000000000001"
    assert claims.app_id == CALLER
    assert claims.roles == {"Payload.Post"}
    assert claims.endorsements == {"msteams"}
    assert claims.app_only
    assert claims.text("jti") == "1"
    assert claims.expires_at == datetime.fromtimestamp(good_claims(clock)["exp"], UTC)


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES.keys())
async def test_a_forged_token_is_refused(
    forge: Any, verifier: TokenVerifier, far: FarSide, clock: Clock
) -> None:
    forged = forge(far.ring, good_claims(clock))

    with pytest.raises(InvalidToken):
        await verifier.verify(forged)


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"aud": [AUDIENCE]}, id="a list of audiences"),
        pytest.param({"tid": "99999999-aaaa-4aaa-8aaa-999999999999"}, id="another directory"),
        pytest.param({"tid": None}, id="no directory"),
        pytest.param({"exp": "tomorrow"}, id="expiry in words"),
        pytest.param({"exp": True}, id="expiry true"),
        pytest.param({"exp": 10**30}, id="expiry beyond time"),
        pytest.param({"exp": float("nan")}, id="expiry not a number"),
        pytest.param({"exp": -1}, id="expiry before time"),
        pytest.param({"nbf": "now"}, id="begin in words"),
        pytest.param({"iss": ISSUER + "/"}, id="almost the issuer"),
    ],
)
async def test_a_well_signed_token_with_one_wrong_claim_is_refused(
    wrong: dict[str, Any], verifier: TokenVerifier, far: FarSide, clock: Clock
) -> None:
    with pytest.raises(InvalidToken):
        await verifier.verify(signed(far, clock, **wrong))


@pytest.mark.parametrize(
    "part", ["[" * 2000 + "]" * 2000, "[1]", '"a"', "\udcff", "{" * 9000], ids=lambda p: p[:3]
)
async def test_a_token_of_something_else_is_refused(part: str, verifier: TokenVerifier) -> None:
    raw = base64url_encode(part.encode("utf-8", "surrogatepass")).decode()

    for token in (f"{raw}.{raw}.x", f"{raw}.{raw}", part, part + ".a.b"):
        with pytest.raises(InvalidToken):
            await verifier.verify(token)


async def test_a_list_of_issuers_is_refused(
    verifier: TokenVerifier, far: FarSide, clock: Clock
) -> None:
    token = by_hand(far.ring.newest, good_claims(clock) | {"iss": [ISSUER]})

    with pytest.raises(InvalidToken, match="another issuer"):
        await verifier.verify(token)


async def test_a_deep_body_under_a_known_key_is_refused(
    verifier: TokenVerifier, far: FarSide, clock: Clock
) -> None:
    good = signed(far, clock)
    await verifier.verify(good)
    head = good.split(".")[0]

    for depth in range(300, 1500, 7):  # around the point at which a parser gives up
        deep = f'{{"iss": "{ISSUER}", "x": ' + "[" * depth + "]" * depth + "}"
        body = base64url_encode(deep.encode()).decode()
        with pytest.raises(InvalidToken):
            await verifier.verify(f"{head}.{body}.{good.split('.')[2]}")


async def test_skew_of_five_minutes_is_forgiven_and_no_more(
    verifier: TokenVerifier, far: FarSide, clock: Clock
) -> None:
    now = int(clock.now().timestamp())

    await verifier.verify(signed(far, clock, exp=now - 295))
    await verifier.verify(signed(far, clock, nbf=now + 295))

    with pytest.raises(InvalidToken, match="expired"):
        await verifier.verify(signed(far, clock, exp=now - 301))
    with pytest.raises(InvalidToken, match="not valid yet"):
        await verifier.verify(signed(far, clock, nbf=now + 302))


async def test_a_remembered_verdict_ends_with_the_token(
    verifier: TokenVerifier, far: FarSide, clock: Clock
) -> None:
    token = signed(far, clock)
    assert await verifier.verify(token) is await verifier.verify(token)

    clock.advance(3600 + 301)

    with pytest.raises(InvalidToken, match="expired"):
        await verifier.verify(token)


async def test_a_verdict_goes_when_its_key_is_withdrawn(
    verifier: TokenVerifier, far: FarSide, clock: Clock
) -> None:
    token = signed(far, clock)
    await verifier.verify(token)
    far.ring.rotate(keep_old=False)
    clock.advance(61)

    await verifier.verify(signed(far, clock))  # a new key is looked up, the old one is gone

    with pytest.raises(InvalidToken, match="unknown key"):
        await verifier.verify(token)


async def test_a_verdict_goes_when_another_key_takes_the_name_of_its_own(
    verifier: TokenVerifier, keys: SigningKeys, far: FarSide, clock: Clock
) -> None:
    late = int(clock.now().timestamp()) + 86_000
    token, other = signed(far, clock, exp=late), signed(far, clock, exp=late + 1)
    await verifier.verify(token)
    kid = far.ring.newest.kid
    far.ring.rotate(keep_old=False).kid = kid
    clock.advance(13 * 3600)  # old enough to be fetched again, with nobody waiting

    await verifier.verify(other)
    async with asyncio.timeout(30):
        while not keys.withdrawals:  # noqa: ASYNC110 (nobody is told of a fetch)
            await asyncio.sleep(0)

    with pytest.raises(InvalidToken):
        await verifier.verify(token)


async def test_keys_of_an_answer_that_is_an_error_are_not_taken(
    verifier: TokenVerifier, far: FarSide, clock: Clock
) -> None:
    far.status = 500

    with pytest.raises(KeysUnavailable, match=r"unknown key.*HTTP 500"):
        await verifier.verify(signed(far, clock))


async def test_an_unknown_key_is_the_tokens_fault_once_the_issuer_has_answered(
    verifier: TokenVerifier, far: FarSide, clock: Clock
) -> None:
    with pytest.raises(InvalidToken, match="unknown key") as refused:
        await verifier.verify(SigningKey().sign(good_claims(clock)))

    assert not isinstance(refused.value, KeysUnavailable)


async def test_a_rotated_key_is_found_and_the_old_one_stays_good(
    verifier: TokenVerifier, far: FarSide, clock: Clock
) -> None:
    old = signed(far, clock)
    await verifier.verify(old)
    far.ring.rotate()
    clock.advance(61)

    await verifier.verify(signed(far, clock))
    await verifier.verify(old)

    assert far.fetches == 2


async def test_unknown_key_ids_ask_the_issuer_once_a_minute(
    verifier: TokenVerifier, far: FarSide, clock: Clock
) -> None:
    strangers = [SigningKey().sign(good_claims(clock)) for _ in range(3)]

    for token in strangers:
        with pytest.raises(InvalidToken):
            await verifier.verify(token)
    assert far.fetches == 1

    clock.advance(59.9)
    for token in strangers:
        with pytest.raises(InvalidToken):
            await verifier.verify(token)
    assert far.fetches == 1

    clock.advance(0.1)
    for token in strangers:
        with pytest.raises(InvalidToken):
            await verifier.verify(token)
    assert far.fetches == 2


async def test_until_the_first_keys_are_there_the_issuer_is_asked_every_five_seconds(
    keys: SigningKeys, far: FarSide, clock: Clock
) -> None:
    far.status = 503
    kid = far.ring.newest.kid
    assert await keys.key(kid) is None
    far.status = 200

    clock.advance(4.9)
    assert await keys.key(kid) is None
    assert keys.never_fetched
    clock.advance(0.1)

    assert await keys.key(kid) is not None
    assert not keys.never_fetched


async def test_an_issuer_that_never_answers_is_asked_in_a_hurry_for_ten_minutes_only(
    keys: SigningKeys, far: FarSide, clock: Clock
) -> None:
    far.status = 503
    kid = far.ring.newest.kid
    for _ in range(120):
        assert await keys.key(kid) is None
        clock.advance(5)
    far.status = 200

    clock.advance(54.9)
    assert await keys.key(kid) is None
    clock.advance(0.1)

    assert await keys.key(kid) is not None


async def test_keys_that_nobody_asks_for_are_fetched_until_they_are_there(
    keys: SigningKeys, far: FarSide, clock: Clock
) -> None:
    far.status = 503
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        far.status = 503 if len(slept) < 3 else 200
        clock.advance(seconds)

    await keys.keep_asking(sleep)

    assert slept == [5.0, 5.0, 5.0]
    assert keys.fresh


async def test_many_at_once_ask_the_issuer_once(
    verifier: TokenVerifier, far: FarSide, clock: Clock
) -> None:
    far.gate.clear()
    tokens = [signed(far, clock, jti=str(n)) for n in range(20)]
    asked = [asyncio.create_task(verifier.verify(token)) for token in tokens]
    await asyncio.sleep(0)
    asked[0].cancel()  # the one that began it goes away
    await asyncio.sleep(0)

    far.gate.set()
    answers = await asyncio.gather(*asked[1:])

    assert len(answers) == 19
    assert far.fetches == 1


async def test_keys_are_fetched_again_within_a_day_without_anybody_waiting(
    verifier: TokenVerifier, far: FarSide, clock: Clock
) -> None:
    await verifier.verify(signed(far, clock))
    clock.advance(13 * 3600)
    far.gate.clear()

    await asyncio.wait_for(verifier.verify(signed(far, clock)), 4.5)  # the fetch hangs for five

    async def asked() -> bool:
        return far.fetches == 2

    await eventually(asked)
    far.gate.set()


async def test_many_who_find_the_keys_a_bit_old_cause_one_fetch(
    verifier: TokenVerifier, far: FarSide, clock: Clock
) -> None:
    await verifier.verify(signed(far, clock))
    clock.advance(13 * 3600)
    far.gate.clear()

    tokens = [signed(far, clock, jti=str(n)) for n in range(20)]
    await asyncio.gather(*(verifier.verify(token) for token in tokens))

    async def asked() -> bool:
        return far.fetches == 2

    await eventually(asked)
    far.gate.set()
    await asyncio.gather(*(verifier.verify(token) for token in tokens))
    assert far.fetches == 2


@pytest.mark.parametrize(("jitter", "hours"), [(0.0, 12), (0.5, 11), (1.0, 10)])
async def test_processes_started_together_fetch_the_keys_again_at_different_times(
    far: FarSide, clock: Clock, jitter: float, hours: int
) -> None:
    async with aiohttp.ClientSession() as session:
        keys = SigningKeys(
            ISSUER,
            metadata_url=f"{far.url}/metadata",
            session=session,
            clock=clock.now,
            jitter=lambda: jitter,
        )
        await keys.key(far.ring.newest.kid)
        clock.advance(hours * 3600 - 1)
        await keys.key(far.ring.newest.kid)
        async with session.get(f"{far.url}/keys"):  # what was asked for before this has arrived
            before = far.fetches
        clock.advance(1)
        await keys.key(far.ring.newest.kid)

        async def asked() -> bool:
            return far.fetches == 2

        await eventually(asked)
        await keys.close()

    assert before == 1


async def test_keys_older_than_a_day_are_fetched_before_they_are_used(
    verifier: TokenVerifier, far: FarSide, clock: Clock
) -> None:
    token = signed(far, clock, exp=int(clock.now().timestamp()) + 3 * 86_400)
    await verifier.verify(token)
    far.ring.rotate(keep_old=False)
    clock.advance(24 * 3600)

    with pytest.raises(InvalidToken, match="unknown key"):
        await verifier.verify(token)


async def test_keys_stay_good_while_the_issuer_fails(
    verifier: TokenVerifier, far: FarSide, clock: Clock
) -> None:
    await verifier.verify(signed(far, clock))
    far.status = 503
    clock.advance(48 * 3600)

    claims = await verifier.verify(signed(far, clock))

    assert claims.app_id == CALLER
    assert far.fetches == 2


@pytest.mark.parametrize(
    "metadata",
    [
        pytest.param({"issuer": "https://login.elsewhere.example"}, id="of another issuer"),
        pytest.param({"jwks_uri": "https://127.0.0.1:1/keys"}, id="keys at another host"),
        pytest.param({"jwks_uri": "http://["}, id="keys nowhere"),
        pytest.param({"jwks_uri": None}, id="no keys"),
        pytest.param({"jwks_uri": "/keys"}, id="keys at a path"),
        pytest.param({"filler": "x" * 2_000_000}, id="endless"),
    ],
)
async def test_metadata_that_are_not_the_issuers_give_no_keys(
    metadata: dict[str, Any], verifier: TokenVerifier, far: FarSide, clock: Clock
) -> None:
    far.metadata = metadata

    with pytest.raises(InvalidToken, match="unknown key"):
        await verifier.verify(signed(far, clock))


async def test_a_redirected_key_set_is_not_followed(
    verifier: TokenVerifier, far: FarSide, clock: Clock
) -> None:
    far.metadata = {"jwks_uri": f"{far.url}/elsewhere"}

    with pytest.raises(InvalidToken, match="unknown key"):
        await verifier.verify(signed(far, clock))


async def test_only_strong_public_signing_keys_are_taken(
    verifier: TokenVerifier, far: FarSide, clock: Clock
) -> None:
    strange = SigningKey()
    strange.private = rsa.generate_private_key(65537, 1024)
    for_encryption, nameless = SigningKey(), SigningKey()
    far.extra_keys = [
        strange.jwk(),
        for_encryption.jwk() | {"use": "enc"},
        {key: value for key, value in nameless.jwk().items() if key != "kid"},
        {"kty": "oct", "kid": "secret", "k": "c2VjcmV0"},
        {"kty": "RSA", "kid": "broken", "n": "!", "e": 7},
    ]
    for key in (for_encryption, nameless):
        with pytest.raises(InvalidToken, match="unknown key"):
            await verifier.verify(key.sign(good_claims(clock)))
    with pytest.raises(InvalidToken, match="unknown key"):
        await verifier.verify(by_hand(strange, good_claims(clock)))
    await verifier.verify(signed(far, clock))


REQUIRED = [
    ({"azp": {CALLER.upper()}}, {}, True),
    ({"azp": {"someone else"}}, {}, False),
    ({"azp": {CALLER}}, {"azp": None, "appid": CALLER}, True),
    ({"azp": {CALLER}}, {"azp": None}, False),
    ({"roles": {"Payload.Post", "Other"}}, {}, True),
    ({"roles": {"Payload.Post"}}, {"roles": []}, False),
    ({"roles": {"Payload.Post"}}, {"roles": None}, False),
    ({"scp": {"access_as_user"}}, {"scp": "openid access_as_user"}, True),
    ({"scp": {"access_as_user"}}, {"scp": "access_as_user_too"}, False),
    ({"oid": ()}, {}, True),
    ({"oid": ()}, {"oid": ""}, False),
]


@pytest.mark.parametrize(("required", "changes", "taken"), REQUIRED)
async def test_a_door_can_demand_claims(
    required: Any, changes: Any, *, taken: bool, keys: SigningKeys, far: FarSide, clock: Clock
) -> None:
    verifier = a_verifier(keys, clock, required=required)
    token = signed(far, clock, **changes)

    if taken:
        await verifier.verify(token)
    else:
        with pytest.raises(InvalidToken, match="needed"):
            await verifier.verify(token)


@pytest.mark.parametrize(
    ("changes", "app_only"),
    [({}, True), ({"idtyp": "app"}, True), ({"idtyp": "user"}, False), ({"scp": "x"}, False)],
)
async def test_who_acts_for_a_person_is_told_from_who_acts_for_itself(
    changes: Any, *, app_only: bool, verifier: TokenVerifier, far: FarSide, clock: Clock
) -> None:
    claims = await verifier.verify(signed(far, clock, **changes))

    assert claims.app_only is app_only


async def test_every_directory_has_its_own_issuer(keys: SigningKeys, clock: Clock) -> None:
    asked: list[tuple[str, str]] = []

    def keys_of(name: str, directory: str) -> SigningKeys:
        asked.append((name, directory))
        return keys

    issuers = entra_issuers([DIRECTORY.upper(), "b"], name=NAME, keys=keys_of)

    assert [(issuer.name, issuer.directory) for issuer in issuers] == asked
    assert asked == [(ISSUER, DIRECTORY), (NAME.format(directory="b"), "b")]


@pytest.mark.parametrize("missing", [{"issuers": []}, {"audiences": []}, {"audiences": [""]}])
async def test_a_verifier_without_issuer_or_audience_is_not_made(
    missing: Any, keys: SigningKeys, clock: Clock
) -> None:
    with pytest.raises(ValueError, match="at least one"):
        a_verifier(keys, clock, **missing)


async def test_the_oldest_verdicts_make_room(keys: SigningKeys, far: FarSide, clock: Clock) -> None:
    verifier = a_verifier(keys, clock, remember=2)
    tokens = [signed(far, clock, jti=str(n)) for n in range(3)]

    first, _, last = [await verifier.verify(token) for token in tokens]

    assert await verifier.verify(tokens[2]) is last
    assert await verifier.verify(tokens[0]) is not first
