"""The lives that are measured are led in many companies, each with a directory of its own, and nobody gets too much."""

import ssl
from typing import Any

import aiohttp
import jwt

from benchmarks.directories import COMPANIES, opened, posting
from benchmarks.life import figures
from benchmarks.servers.world import APPROVERS, Busiest, Companies
from playground import names
from playground.certificates import CertificateAuthority
from playground.outside import Playground

NOBODYS = "00000000-0000-4000-8000-000000000000"  # directory


def test_a_requests_approvers_are_three_people_of_one_company() -> None:
    companies = Companies([f"d{number}" for number in range(COMPANIES)])
    everybody = {person.alias: person for person in companies.everybody()}

    asked = [companies.approvers(number) for number in range(9_000)]

    for three in asked:
        assert len({person.alias for person in three}) == APPROVERS
        assert len({person.directory for person in three}) == 1
        assert all(everybody[person.alias] == person for person in three)
    assert {three[0].directory for three in asked} == set(companies.directories)


def test_the_busiest_moment_is_that_of_one_receiver() -> None:
    busiest = Busiest(1.0)

    for at, whom in [(0.0, "a"), (0.4, "a"), (0.5, "b"), (0.9, "a"), (1.3, "a"), (9.0, "a")]:
        busiest.note(whom, at)

    assert busiest.most == 3


async def test_each_company_has_tokens_of_its_own_directory(
    playground: Playground, authority: CertificateAuthority
) -> None:
    issuer = playground.issuer
    form = {
        "grant_type": "client_credentials",
        "client_id": names.BOT_APP,
        "client_secret": issuer.applications[names.BOT_APP].secret,
        "scope": f"{names.GRAPH}/.default",
    }

    async def asked(url: str, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        trusting = ssl.create_default_context(cafile=authority.ca_file)
        token = f"{url}/oauth2/v2.0/token"
        async with (
            aiohttp.ClientSession() as session,
            session.post(token, data=form, ssl=trusting) as answer,
        ):
            return answer.status, await answer.json()

    [*_others, company] = opened(issuer)
    unknown, _ = await asked(f"{issuer.url}/{NOBODYS}", form)
    given, token = await asked(f"{issuer.url}/{company}", form)
    unproven, _ = await asked(f"{issuer.url}/{company}", form | {"client_secret": "guessed"})

    read = issuer.entra.read(
        token["access_token"],
        audience=names.GRAPH,
        issuer=names.ENTRA_V1_ISSUER.format(directory=company),
    )
    assert (unknown, given, unproven) == (400, 200, 401)
    assert read["tid"] == company
    posts = jwt.decode(posting(issuer, company), options={"verify_signature": False})
    assert posts["tid"] == company
    assert "User.Read.All" in read["roles"]


def test_a_months_share_follows_from_what_a_life_takes() -> None:
    calls = {"cards sent": 300, "cards updated": 900}
    done = {"calls": calls, "busiest": {"directory": 9, "person": 4}}

    life, pace, month, dollar = figures("Redis", 100, service=7.2, server=0.8, done=done)

    assert (life.value, life.goal) == (8.0, "10 ms: met")
    assert "12.0 calls to Teams" in life.what
    assert "at most 9 in a second to one directory (50 are allowed), 4 in 30 s" in pace.said
    assert month.said == "0.3% of their time; at half of it 324,000,000 requests a month"
    assert dollar.said.startswith("25,714 at that load, 4,628,571 at half of the cores' time")
