"""Our own tokens: MSAL against the playground's issuer over https, and issuers that fail."""

import asyncio
from typing import Any

import pytest
from aiohttp import web

from approvals_core.adapters.entra import OwnTokens
from approvals_core.errors import TokenUnavailable
from playground import names
from playground.outside import Playground
from tests.clock import Clock
from tests.far_sides import eventually, own_tokens, serving
from tests.logged import Log

CONNECTOR = f"{names.BOT_FRAMEWORK}/.default"
GRAPH = f"{names.GRAPH}/.default"


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def test_many_who_want_a_token_cause_one_request(
    playground: Playground, clock: Clock
) -> None:
    async with own_tokens(playground, clock) as tokens:
        wanted = (tokens.token(names.DIRECTORY, CONNECTOR) for _ in range(20))

        given = await asyncio.gather(*wanted)

    claims = playground.issuer.read(given[0], audience=names.BOT_FRAMEWORK)
    assert claims["appid"] == names.BOT_APP
    assert len(set(given)) == 1
    assert playground.issuer.tokens_issued == 1


async def test_the_loop_runs_on_while_msal_waits(playground: Playground, clock: Clock) -> None:
    async with own_tokens(playground, clock) as tokens:
        # The issuer lives in this very loop: who blocks it waits for its answer in vain.
        assert await tokens.token(names.DIRECTORY, CONNECTOR)


async def test_each_scope_has_its_own_token(playground: Playground, clock: Clock) -> None:
    async with own_tokens(playground, clock) as tokens:
        given = [await tokens.token(names.DIRECTORY, scope) for scope in (CONNECTOR, GRAPH)]

    playground.issuer.read(given[0], audience=names.BOT_FRAMEWORK)
    playground.issuer.read(given[1], audience=names.GRAPH)


async def test_a_token_is_renewed_ahead_while_the_old_one_still_serves(
    playground: Playground, clock: Clock
) -> None:
    async with own_tokens(playground, clock) as tokens:
        first = await tokens.token(names.DIRECTORY, CONNECTOR)
        clock.advance(3600 - 301)
        assert await tokens.token(names.DIRECTORY, CONNECTOR) == first
        assert playground.issuer.tokens_issued == 1
        clock.advance(2)

        async def another() -> bool:
            return await tokens.token(names.DIRECTORY, CONNECTOR) != first

        assert await tokens.token(names.DIRECTORY, CONNECTOR) == first
        await eventually(another)
        assert playground.issuer.tokens_issued == 2


async def test_an_expired_token_is_never_handed_out(playground: Playground, clock: Clock) -> None:
    async with own_tokens(playground, clock) as tokens:
        first = await tokens.token(names.DIRECTORY, CONNECTOR)
        clock.advance(3600 - 29)

        assert await tokens.token(names.DIRECTORY, CONNECTOR) != first


async def test_a_refused_token_is_replaced_but_not_each_time(
    playground: Playground, clock: Clock
) -> None:
    async with own_tokens(playground, clock) as tokens:
        first = await tokens.token(names.DIRECTORY, CONNECTOR)

        second = await tokens.token(names.DIRECTORY, CONNECTOR, refused=first)
        late = await tokens.token(names.DIRECTORY, CONNECTOR, refused=first)
        again = await tokens.token(names.DIRECTORY, CONNECTOR, refused=second)
        clock.advance(10)
        third = await tokens.token(names.DIRECTORY, CONNECTOR, refused=second)

    assert second != first
    assert late == again == second
    assert third != second


async def test_a_wrong_secret_is_said_without_saying_it(
    playground: Playground, clock: Clock
) -> None:
    async with own_tokens(playground, clock, secret="not-the-secret") as tokens:
        with pytest.raises(TokenUnavailable, match="invalid_client") as told:
            await tokens.token(names.DIRECTORY, CONNECTOR)

    assert "not-the-secret" not in str(told.value)


async def test_an_issuer_under_another_ca_is_not_believed(
    playground: Playground, clock: Clock
) -> None:
    async with own_tokens(playground, clock, ca_file=None) as tokens:
        with pytest.raises(TokenUnavailable, match="SSLError"):
            await tokens.token(names.DIRECTORY, CONNECTOR)


async def test_the_environment_decides_nothing(
    playground: Playground, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/ca.pem")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")

    async with own_tokens(playground, clock) as tokens:
        assert await tokens.token(names.DIRECTORY, CONNECTOR)


async def test_a_failing_issuer_is_left_alone_for_a_moment_and_then_asked_again(
    playground: Playground, clock: Clock
) -> None:
    port = int(playground.issuer.url.rpartition(":")[2])
    async with own_tokens(playground, clock) as tokens:
        await playground.issuer.stop()
        with pytest.raises(TokenUnavailable):
            await tokens.token(names.DIRECTORY, CONNECTOR)
        await playground.issuer.start(port)

        with pytest.raises(TokenUnavailable):  # not asked
            await tokens.token(names.DIRECTORY, CONNECTOR)
        clock.advance(5)

        assert await tokens.token(names.DIRECTORY, CONNECTOR)


async def test_a_token_still_good_survives_a_failing_issuer(
    playground: Playground, clock: Clock, log: Log
) -> None:
    async def asked_in_vain() -> bool:
        return bool(log.of("token_unavailable"))

    async with own_tokens(playground, clock) as tokens:
        first = await tokens.token(names.DIRECTORY, CONNECTOR)
        await playground.issuer.stop()
        clock.advance(3600 - 200)

        assert await tokens.token(names.DIRECTORY, CONNECTOR) == first
        await eventually(asked_in_vain)
        assert await tokens.token(names.DIRECTORY, CONNECTOR) == first


async def test_an_issuer_without_https_is_not_used(clock: Clock) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.json_response({})

    async with serving(answer) as url:
        tokens = OwnTokens(app_id="a", secret="b", login_url=url, clock=clock.now)
        with pytest.raises(TokenUnavailable, match="ValueError"):
            await tokens.token(names.DIRECTORY, CONNECTOR)
        await tokens.close()


@pytest.mark.parametrize("missing", [{"app_id": ""}, {"secret": ""}])
async def test_without_id_or_secret_there_is_no_application(missing: Any, clock: Clock) -> None:
    given = {"app_id": "a", "secret": "b"} | missing

    with pytest.raises(ValueError, match="needs its id"):
        OwnTokens(clock=clock.now, **given)
