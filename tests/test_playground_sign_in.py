"""The playground's sign-in refuses what Entra refuses: else our own tests would prove nothing."""

import base64
import hashlib
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import jwt
import pytest
from yarl import URL

from playground import names
from playground.outside import Playground
from tests.far_sides import trusting

BACK = "http://127.0.0.1:3978/signed-in"
VERIFIER = "a" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=")
ASKED = {
    "client_id": names.BOT_APP,
    "redirect_uri": BACK,
    "response_type": "code",
    "scope": f"openid profile {names.BOT_APP}/.default",
    "state": "s",
    "nonce": "n",
    "code_challenge": CHALLENGE.decode(),
    "code_challenge_method": "S256",
    "login_hint": "johndoe1",
}


@pytest.fixture
async def session(playground: Playground) -> AsyncIterator[aiohttp.ClientSession]:
    playground.sign_in.redirects[names.BOT_APP] = {BACK}
    async with trusting(playground) as trusts:
        yield trusts


async def ask(
    playground: Playground, session: aiohttp.ClientSession, **changes: str
) -> tuple[int, URL]:
    """Ask for a code; return the status, and where the browser is led."""
    url = f"{playground.url}/entra/{names.DIRECTORY}/oauth2/v2.0/authorize"
    async with session.get(url, params=ASKED | changes, allow_redirects=False) as answer:
        return answer.status, URL(answer.headers.get("Location", ""))


async def redeem(
    playground: Playground, session: aiohttp.ClientSession, code: str, **changes: str
) -> tuple[int, dict[str, Any]]:
    form = {
        "grant_type": "authorization_code",
        "client_id": names.BOT_APP,
        "client_secret": playground.issuer.applications[names.BOT_APP].secret,
        "redirect_uri": BACK,
        "code": code,
        "code_verifier": VERIFIER,
    }
    url = f"{playground.issuer.url}/{names.DIRECTORY}/oauth2/v2.0/token"
    async with session.post(url, data=form | changes) as answer:
        return answer.status, await answer.json()


async def test_a_code_brings_tokens_of_the_person_once(
    playground: Playground, session: aiohttp.ClientSession
):
    _status, back = await ask(playground, session)

    status, given = await redeem(playground, session, back.query["code"])
    again = await redeem(playground, session, back.query["code"])

    assert (status, back.query["state"]) == (200, "s")
    issuer = names.ENTRA_ISSUER.format(directory=names.DIRECTORY)
    maria = playground.world.people["johndoe1"]
    for name in ("id_token", "access_token"):
        claims = playground.issuer.entra.read(given[name], audience=names.BOT_APP, issuer=issuer)
        assert (claims["oid"], claims["tid"]) == (maria.object_id, names.DIRECTORY)
    assert jwt.decode(given["id_token"], options={"verify_signature": False})["nonce"] == "n"
    assert (again[0], again[1]["error_codes"]) == (400, [54005])


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"code_verifier": "b" * 43}, 501481),
        ({"code_verifier": ""}, 501481),
        ({"redirect_uri": "http://127.0.0.1:3978/other"}, 500112),
        ({"code": "guessed"}, 70008),
        ({"client_secret": "wrong"}, 7000215),
    ],
)
async def test_a_code_is_for_who_asked_for_it(
    playground: Playground, session: aiohttp.ClientSession, change: dict[str, str], code: int
):
    _status, back = await ask(playground, session)

    status, given = await redeem(playground, session, **{"code": back.query["code"]} | change)

    assert status in (400, 401)
    assert given["error_codes"] == [code]


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"redirect_uri": "https://evil.example/"}, ""),
        ({"client_id": names.STRANGER_APP}, ""),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": "profile"}, "invalid_scope"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": ""}, "invalid_request"),
    ],
)
async def test_what_is_asked_wrongly_brings_no_code(
    playground: Playground, session: aiohttp.ClientSession, change: dict[str, str], error: str
):
    status, back = await ask(playground, session, **change)

    assert "code" not in back.query
    assert back.query.get("error", "") == error
    assert status == (303 if error else 400)


async def test_nobody_is_asked_for_on_behalf_without_his_token(
    playground: Playground, session: aiohttp.ClientSession
):
    app = playground.issuer.applications
    own = playground.issuer.app_token(app[names.BOT_APP], app[names.INTAKE_APP])
    grant = "urn:ietf:params:oauth:grant-type:jwt-bearer"
    wanted = {"grant_type": grant, "scope": f"{names.EXPENSES.uri}/.default"}

    answers = [
        await redeem(playground, session, "", **wanted, assertion=each)
        for each in ("", own, "x.y.z")
    ]

    assert [given["error_codes"] for _status, given in answers] == [[50013]] * 3
    assert playground.sign_in.acted_for == []
