"""Everything that a token can have wrong, each alone: refused, and nothing changed."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web

from approvals_core.adapters.tokens import Claims, TokenVerifier
from bots.outlook.answers import MOST_IN_LINE, failed, status_line
from bots.outlook.callers import actions_verifier
from playground import names
from playground.actions_tokens import ACTIONS_APP, RETIRED, as_an_application
from playground.forgeries import FORGERIES
from playground.signing import SigningKey
from tests.clock import Clock
from tests.logged import Log
from tests.makers import EVE, MARIA
from tests.outlook_posts import (
    REFRESH,
    Answered,
    Mailed,
    a_door,
    mailed,
    slow_store,
    token_issuer,
)

__all__ = ["mailed", "slow_store", "token_issuer"]

NOT_VERIFIED = "We could not verify who you are. Nothing was decided."
KEYS_AWAY = "We cannot check who you are just now. Nothing was decided. Try in a minute."
NO_TOKEN = "Outlook did not say who you are. Nothing was decided."
NOT_YET = "We could not verify who you are just now. Please try again."

Token = Callable[[Mailed], str]


def claims(**changes: Any) -> Token:
    """Return Maria's token with claims replaced, well signed; None takes one out."""
    return lambda mailed: mailed.token(MARIA, **changes)


def v1(**changes: Any) -> Token:
    return lambda mailed: mailed.token(MARIA, version=1, **changes)


def _signed_as_application(mailed: Mailed) -> str:
    return mailed.issuer.entra.newest.sign(as_an_application(mailed.claims(MARIA)))


def _for_graph(mailed: Mailed) -> str:
    bot = mailed.issuer.applications[names.BOT_APP]
    return mailed.issuer.app_token(bot, mailed.issuer.applications[names.GRAPH])


OTHERS_V2 = names.ENTRA_ISSUER.format(directory=names.OTHER_DIRECTORY)
WRONG: dict[str, Token] = {
    "another audience: our intake": claims(aud=names.INTAKE_APP),
    "another audience: the bot": claims(aud=names.BOT_APP),
    "another audience: Graph": claims(aud="https://graph.microsoft.com"),
    "a list of audiences": claims(aud=[names.OUTLOOK_APP]),
    "v2 for the App ID URI": claims(aud=names.OUTLOOK_URI),
    "another issuer: the bot connector": claims(iss=names.BOT_ISSUER),
    "another directory's issuer": claims(iss=OTHERS_V2),
    "another directory": claims(iss=OTHERS_V2, tid=names.OTHER_DIRECTORY),
    "another directory in tid only": claims(tid=names.OTHER_DIRECTORY),
    "no directory": claims(tid=None),
    "another application": claims(azp=names.STRANGER_APP),
    "our own application": claims(azp=names.OUTLOOK_APP),
    "no azp": claims(azp=None),
    "an empty azp": claims(azp=""),
    "a list of applications": claims(azp=[ACTIONS_APP]),
    "another azp, the right appid": claims(azp=names.STRANGER_APP, appid=ACTIONS_APP),
    "no scope": claims(scp=None),
    "an empty scope": claims(scp=""),
    "another scope": claims(scp="User.Read"),
    "a scope that begins like ours": claims(scp=f"{names.OUTLOOK_SCOPE}.All"),
    "the scope as a role": claims(scp=None, roles=[names.OUTLOOK_SCOPE]),
    "nobody": claims(oid=None),
    "nobody, with an address": claims(oid=None, upn="johndoe1@organization.com"),
    "an application": _signed_as_application,
    "an application that has a scope": claims(idtyp="app"),
    "an application, for Graph": _for_graph,
    "v1 for another audience": v1(aud=names.INTAKE_URI),
    "v1 of another issuer": v1(iss="https://sts.elsewhere.example/"),
    "v1 of another directory": v1(
        iss=names.ENTRA_V1_ISSUER.format(directory=names.OTHER_DIRECTORY),
        tid=names.OTHER_DIRECTORY,
    ),
    "v1 of another application": v1(appid=names.STRANGER_APP),
    "v1 without application": v1(appid=None),
    "v1 without scope": v1(scp=None),
}


async def both(mailed: Mailed, token: str, **headers: str) -> list[Answered]:
    """Press Maria's button and open her mail with this token."""
    paths = (await mailed.path(MARIA), await mailed.path(MARIA, purpose=REFRESH))
    return [await mailed.post(path, "Yes", token=token, **headers) for path in paths]


async def refused(mailed: Mailed, token: str, **headers: str) -> set[str]:
    """Return what Outlook says of this token, which must be refused and change nothing."""
    before = await mailed.kept()

    answers = await both(mailed, token, **headers)

    assert [answered.status for answered in answers] == [401, 401]
    assert all(answered.headers["WWW-Authenticate"].startswith("Bearer") for answered in answers)
    assert all("Laptops" not in str(answered.body) for answered in answers)
    assert await mailed.kept() == before
    assert mailed.core.api.posted == []
    return {answered.line for answered in answers}


# -- tokens that are good ---------------------------------------------------------------


@pytest.mark.parametrize("version", [1, 2])
async def test_tokens_of_both_versions_are_taken(mailed: Mailed, version: int) -> None:
    path = await mailed.path(MARIA)

    answered = await mailed.post(path, token=mailed.token(MARIA, version=version))

    assert "Approved by Maria Keller" in answered.said


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"aud": names.OUTLOOK_APP}, id="v1 for the client id"),
        pytest.param({"scp": f"openid {names.OUTLOOK_SCOPE} profile"}, id="several scopes"),
        pytest.param({"tid": names.DIRECTORY, "oid": MARIA.object_id.upper()}, id="upper case"),
    ],
)
async def test_a_token_may_say_more_or_otherwise_what_is_the_same(
    mailed: Mailed, changes: dict[str, Any]
) -> None:
    path = await mailed.path(MARIA)

    answered = await mailed.post(path, token=mailed.token(MARIA, version=1, **changes))

    assert "Approved by Maria Keller" in answered.said


async def test_the_token_may_stand_in_outlooks_own_header(mailed: Mailed) -> None:
    path = await mailed.path(MARIA)
    headers = {"Action-Authorization": f"Bearer {mailed.token(MARIA)}", "Authorization": ""}

    async with mailed.client.post(path, headers=headers) as answer:
        assert answer.status == 200
    assert len(mailed.core.api.posted) == 1


async def test_where_outlooks_own_header_stands_the_other_one_counts_for_nothing(
    mailed: Mailed,
) -> None:
    assert await refused(
        mailed, mailed.token(MARIA), Action_Authorization=f"Bearer {mailed.token(EVE)}x"
    ) == {NOT_VERIFIED}
    assert await refused(mailed, mailed.token(MARIA), Action_Authorization="") == {NO_TOKEN}


# -- tokens that are wrong --------------------------------------------------------------


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES.keys())
async def test_a_forged_token_is_refused(mailed: Mailed, forge: Any) -> None:
    token = forge(mailed.issuer.entra, mailed.claims(MARIA))

    assert await refused(mailed, token) <= {NOT_VERIFIED, NO_TOKEN}


@pytest.mark.parametrize("token", WRONG.values(), ids=WRONG.keys())
async def test_a_well_signed_token_that_is_not_outlooks_is_refused(
    mailed: Mailed, token: Token
) -> None:
    assert await refused(mailed, token(mailed)) == {NOT_VERIFIED}


@pytest.mark.parametrize("header", ["", "Bearer", "Basic dTpw", "x"])
async def test_no_bearer_token_is_said(mailed: Mailed, header: str) -> None:
    answers = await both(mailed, "", Authorization=header)

    assert {(answered.status, answered.line) for answered in answers} == {(401, NO_TOKEN)}


async def test_two_tokens_are_none(mailed: Mailed) -> None:
    good = ("Authorization", f"Bearer {mailed.token(MARIA)}")

    async with mailed.client.post(await mailed.path(MARIA), headers=[good, good]) as answer:
        assert (answer.status, answer.headers["CARD-ACTION-STATUS"]) == (401, NO_TOKEN)
    assert mailed.core.api.posted == []


async def test_a_retired_token_of_exchange_is_refused_by_its_name(mailed: Mailed, log: Log) -> None:
    retired = mailed.claims(MARIA) | RETIRED | {"sub": "johndoe1@organization.com"}

    for key in (mailed.issuer.entra.newest, SigningKey()):
        said = await refused(mailed, key.sign(retired))
        assert said == {"Outlook sent a retired kind of token. Please tell your administrator."}

    assert all("substrate.office.com" in each["why"] for each in log.of("outlook_token_rejected"))
    assert "johndoe1@" not in log.text


async def test_the_token_is_looked_at_before_the_ticket(mailed: Mailed) -> None:
    answered = await mailed.post("/outlook/act/nothing", token=mailed.token(MARIA, scp=None))

    assert (answered.status, answered.line) == (401, NOT_VERIFIED)


def test_a_door_without_a_scope_is_not_opened() -> None:
    with pytest.raises(ValueError, match="scope"):
        actions_verifier(issuers=[], audiences=[names.OUTLOOK_APP], scope="", clock=Clock().now)


async def test_an_issuer_that_fails_lets_nobody_in(mailed: Mailed, log: Log) -> None:
    mailed.issuer.failing["openid-configuration"] = 503

    said = await refused(mailed, mailed.token(MARIA))

    assert said == {KEYS_AWAY}
    assert log.of("signing_keys_not_fetched")


async def test_an_issuer_that_hangs_is_not_waited_for(mailed: Mailed) -> None:
    async with a_door(mailed.core, mailed.issuer, verifier=Hanging()) as hanging:
        path = await hanging.path(MARIA)

        answered = await hanging.post(path, token=hanging.token(MARIA))

    assert (answered.status, answered.line) == (401, NOT_YET)
    assert mailed.core.api.posted == []


class Hanging(TokenVerifier):
    """Waits for keys that never come."""

    def __init__(self) -> None:
        """Trust nobody."""

    async def verify(self, token: str) -> Claims:
        return await asyncio.get_running_loop().create_future()


# -- what may stand in a header -----------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("Fine.\r\nSet-Cookie: x=1", "Fine. Set-Cookie: x=1"),
        ("a\x00b\x1b[31mc\x7f", "a b [31mc"),
        ("\u201cToo dear\u201d \U0001f600", "Too dear"),
        ("x" * 1000, "x" * MOST_IN_LINE),
        ("\u202etxt\u2028next", "txt next"),
    ],
)
def test_a_status_is_one_line_of_ascii(text: str, line: str) -> None:
    said = failed(400, text).headers["CARD-ACTION-STATUS"]

    assert said == status_line(text) == line
    assert isinstance(failed(400, text), web.HTTPException)
