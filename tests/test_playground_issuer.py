"""The playground's issuer: MSAL gets tokens from it, and its keys verify what it signs and nothing else."""

import asyncio
import ssl

import aiohttp
import jwt
import msal
import pytest
import requests

from playground import names
from playground.forgeries import FORGERIES
from playground.outside import Playground
from playground.signing import Claims


def msal_answer(playground: Playground, *, secret: str, scope: str) -> Claims:
    """Ask as the service does: MSAL, https, our CA, no environment, no instance discovery."""
    with requests.Session() as session:
        session.trust_env = False
        session.verify = str(playground.issuer.ca_file)
        application = msal.ConfidentialClientApplication(
            names.BOT_APP,
            client_credential=secret,
            authority=f"{playground.issuer.url}/{names.DIRECTORY}",
            instance_discovery=False,
            http_client=session,
        )
        return application.acquire_token_for_client([scope]) or {}


async def https_json(playground: Playground, url: str) -> Claims:
    trusted = ssl.create_default_context(cafile=playground.issuer.ca_file)
    connector = aiohttp.TCPConnector(ssl=trusted)
    async with aiohttp.ClientSession(connector=connector) as http, http.get(url) as response:
        return await response.json()


def bot_secret(playground: Playground) -> str:
    return playground.issuer.applications[names.BOT_APP].secret


async def test_msal_gets_a_token_for_the_connector(playground: Playground) -> None:
    scope = f"{names.BOT_FRAMEWORK}/.default"

    answer = await asyncio.to_thread(
        msal_answer, playground, secret=bot_secret(playground), scope=scope
    )

    claims = playground.issuer.read(answer["access_token"], audience=names.BOT_FRAMEWORK)
    assert claims["appid"] == names.BOT_APP
    assert answer["expires_in"] == 3600


async def test_msal_gets_a_token_for_the_tenants_api_by_its_uri(playground: Playground) -> None:
    scope = f"{names.PURCHASING_URI}/.default"

    answer = await asyncio.to_thread(
        msal_answer, playground, secret=bot_secret(playground), scope=scope
    )

    claims = playground.issuer.read(answer["access_token"], audience=names.PURCHASING_API)
    assert (claims["azp"], claims["ver"]) == (names.BOT_APP, "2.0")
    assert "scp" not in claims


async def test_msal_gets_nothing_for_a_wrong_secret(playground: Playground) -> None:
    scope = f"{names.GRAPH}/.default"

    answer = await asyncio.to_thread(msal_answer, playground, secret="wrong", scope=scope)

    assert answer["error"] == "invalid_client"
    assert playground.issuer.tokens_issued == 0


async def test_the_published_keys_verify_the_tenants_token(playground: Playground) -> None:
    token = await playground.tenant.token()

    here = f"{playground.issuer.url}/{names.DIRECTORY}/v2.0/.well-known/openid-configuration"
    metadata = await https_json(playground, here)
    keys = jwt.PyJWKSet.from_dict(await https_json(playground, metadata["jwks_uri"]))
    key = keys[jwt.get_unverified_header(token)["kid"]]
    claims = jwt.decode(token, key, ["RS256"], audience=names.INTAKE_APP, issuer=metadata["issuer"])

    assert claims["roles"] == [names.SEND_ROLE]
    assert claims["tid"] == names.DIRECTORY


async def test_a_stranger_gets_a_token_without_a_role(playground: Playground) -> None:
    issuer = playground.issuer
    client, resource = (issuer.applications[one] for one in (names.STRANGER_APP, names.INTAKE_APP))

    claims = issuer.read(issuer.app_token(client, resource), audience=names.INTAKE_APP)

    assert "roles" not in claims


async def test_the_bots_keys_endorse_teams(playground: Playground) -> None:
    metadata = f"{playground.issuer.url}/botframework/.well-known/openidconfiguration"

    keys = await https_json(playground, (await https_json(playground, metadata))["jwks_uri"])

    assert [key["endorsements"] for key in keys["keys"]] == [["msteams"]]


@pytest.mark.parametrize("name", FORGERIES)
async def test_no_forged_token_is_read(playground: Playground, name: str) -> None:
    issuer = playground.issuer
    claims = issuer.tenant_claims()
    forged = FORGERIES[name](issuer.entra, claims)

    assert issuer.read(issuer.entra.newest.sign(claims), audience=names.INTAKE_APP)
    with pytest.raises(jwt.InvalidTokenError):
        issuer.read(forged, audience=names.INTAKE_APP)


async def test_after_a_rotation_the_old_key_can_be_gone(playground: Playground) -> None:
    issuer = playground.issuer
    old = issuer.entra.newest.sign(issuer.tenant_claims())

    issuer.entra.rotate(keep_old=False)

    with pytest.raises(jwt.InvalidTokenError):
        issuer.read(old, audience=names.INTAKE_APP)
    assert issuer.read(await playground.tenant.token(), audience=names.INTAKE_APP)
