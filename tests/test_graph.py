"""Who is meant by an alias, and the app installed for him: against the playground's Graph and one that misbehaves."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from approvals_core.adapters.graph import NAMESAKES, GraphApps, GraphDirectory
from approvals_core.adapters.tenant_files import load_tenants
from approvals_core.errors import ChannelBusy, DirectoryUnavailable, Unreachable
from approvals_core.models import Person, PersonId
from approvals_core.ports import NotFound
from approvals_core.tenant import AliasIs, People, Tenant
from playground import names
from playground.faults import Fault, FaultKind
from playground.outside import TENANTS, Playground
from tests.clock import Clock
from tests.far_sides import own_tokens, serving, trusting


def a_tenant(**people: Any) -> Tenant:
    loaded = load_tenants(TENANTS).all()[0]
    given = {"directory": names.DIRECTORY, "mail_domains": (names.DOMAIN,), **people}
    return loaded.model_copy(update={"people": People(**given)})


@asynccontextmanager
async def a_directory(playground: Playground, url: str) -> AsyncIterator[GraphDirectory]:
    clock = Clock()
    async with trusting(playground) as session, own_tokens(playground, clock) as tokens:
        yield GraphDirectory(session=session, tokens=tokens, clock=clock.now, url=url)


@pytest.fixture
async def directory(playground: Playground) -> AsyncIterator[GraphDirectory]:
    async with a_directory(playground, f"{playground.url}/graph/v1.0") as directory:
        yield directory


def expected(playground: Playground, alias: str) -> Person:
    known = playground.world.people[alias]
    return Person(
        directory=names.DIRECTORY,
        object_id=known.object_id,
        name=known.name,
        upn=known.user_principal_name,
    )


@pytest.mark.parametrize(
    "alias", ["johndoe1", " johndoe1 ", "JohnDoe1", "johndoe1@organization.com"]
)
async def test_a_person_is_found_by_the_first_part_of_the_upn_or_all_of_it(
    alias: str, directory: GraphDirectory, playground: Playground
) -> None:
    found = await directory.find(a_tenant(), alias)

    assert found == expected(playground, "johndoe1")


async def test_a_person_is_found_by_object_id(
    directory: GraphDirectory, playground: Playground
) -> None:
    object_id = playground.world.people["johndoe2"].object_id

    found = await directory.find(a_tenant(), object_id.upper())

    assert isinstance(found, Person)
    assert found.model_copy(update={"also": ()}) == expected(playground, "johndoe2")
    assert "johndoe2@organization.com" in found.also
    assert "also" not in found.model_dump()


async def test_a_person_is_found_by_a_nickname_with_a_quote(
    directory: GraphDirectory, playground: Playground
) -> None:
    assert await directory.find(a_tenant(), "o'neil") == expected(playground, "nicky")


@pytest.mark.parametrize(
    ("alias", "why"),
    [
        ("nobody", NotFound.UNKNOWN),
        ("nobody@organization.com", NotFound.UNKNOWN),
        ("99999999-0000-4000-8000-000000000000", NotFound.UNKNOWN),
        ("johndoe1@elsewhere.example", NotFound.UNKNOWN),  # there is one, in another directory
        ("", NotFound.UNKNOWN),
        ("..", NotFound.UNKNOWN),
        ("x" * 300, NotFound.UNKNOWN),
        ("../users", NotFound.UNKNOWN),
        ("johndoe1?$select=id", NotFound.UNKNOWN),
        ("x' or mailNickname eq 'twin", NotFound.UNKNOWN),
        ("johndoe20", NotFound.DISABLED),
        ("guest1", NotFound.GUEST),
        ("twin", NotFound.SEVERAL),
    ],
)
async def test_who_cannot_act_is_a_reason(
    alias: str, why: NotFound, directory: GraphDirectory
) -> None:
    assert await directory.find(a_tenant(), alias) is why


async def test_a_guest_may_act_where_the_tenant_says_so(
    directory: GraphDirectory, playground: Playground
) -> None:
    found = await directory.find(a_tenant(guests=True), "guest1")

    assert found == expected(playground, "guest1")


async def test_a_nickname_is_not_taken_for_a_part_of_a_upn(
    directory: GraphDirectory, playground: Playground
) -> None:
    by_nickname = a_tenant(alias_is=AliasIs.MAIL_NICKNAME)

    assert await directory.find(by_nickname, "nicky") is NotFound.UNKNOWN
    named = expected(playground, "nicky").model_copy(update={"nickname": "o'neil"})
    assert await directory.find(by_nickname, "o'neil") == named


async def test_two_mail_domains_with_two_people_are_several(playground: Playground) -> None:
    async def everybody(request: web.Request) -> web.Response:
        number = 1 if request.path.endswith("a.example") else 2
        return web.json_response(a_user(number))

    async with serving(everybody) as url, a_directory(playground, url) as directory:
        found = await directory.find(a_tenant(mail_domains=("a.example", "b.example")), "ann")

    assert found is NotFound.SEVERAL


async def test_a_disabled_namesake_does_not_stand_in_the_way(playground: Playground) -> None:
    async def namesakes(request: web.Request) -> web.Response:
        if "$filter" not in request.query:
            return web.json_response({}, status=404)
        return web.json_response({"value": [a_user(1, accountEnabled=False), a_user(2)]})

    async with serving(namesakes) as url, a_directory(playground, url) as directory:
        found = await directory.find(a_tenant(), "ann")

    assert isinstance(found, Person)
    assert found.object_id == a_user(2)["id"]


async def test_names_arrive_as_they_were_written(playground: Playground) -> None:
    asked: list[str] = []

    async def remember(request: web.Request) -> web.Response:
        asked.append(request.rel_url.raw_path_qs)
        return web.json_response({"value": []} if "$filter" in request.query else a_user(1))

    async with serving(remember) as url, a_directory(playground, url) as directory:
        await directory.find(a_tenant(), "a/b#c%d e@x.example")
        await directory.find(a_tenant(mail_domains=()), "o'n&l")

    assert asked[0].startswith("/users/a%2Fb%23c%25d%20e%40x.example?$select=id,")
    assert "&$filter=mailNickname%20eq%20%27o%27%27n%26l%27&" in asked[1]


# -- whose a mail address is ---------------------------------------------------


@pytest.mark.parametrize(
    ("address", "whose"),
    [
        ("johndoe1@organization.com", "johndoe1"),
        (" JohnDoe1@Organization.com ", "johndoe1"),
        ("maria.keller@organization.com", "johndoe1"),  # among his others
        ("nicky@organization.com", "nicky"),
    ],
)
async def test_the_owner_of_a_mail_address_is_found_by_any_of_his(
    address: str, whose: str, directory: GraphDirectory, playground: Playground
) -> None:
    found = await directory.find_by_mail(a_tenant(), address)

    assert isinstance(found, Person)
    assert found.id == expected(playground, whose).id


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("nobody@organization.com", NotFound.UNKNOWN),
        ("johndoe1", NotFound.UNKNOWN),  # an alias is no address
        ("johndoe1@elsewhere.example", NotFound.UNKNOWN),  # there is one, in another directory
        ("", NotFound.UNKNOWN),
        (f"{'x' * 300}@organization.com", NotFound.UNKNOWN),
        ("x' or mail eq 'johndoe1@organization.com", NotFound.UNKNOWN),
        ("johndoe20@organization.com", NotFound.DISABLED),
        ("guest1@organization.com", NotFound.GUEST),
    ],
)
async def test_an_address_of_nobody_who_may_act_is_a_reason(
    address: str, why: NotFound, directory: GraphDirectory
) -> None:
    assert await directory.find_by_mail(a_tenant(), address) is why


async def test_a_guest_is_found_by_mail_where_the_tenant_says_so(
    directory: GraphDirectory, playground: Playground
) -> None:
    found = await directory.find_by_mail(a_tenant(guests=True), "guest1@organization.com")

    assert isinstance(found, Person)
    assert found.id == expected(playground, "guest1").id


async def test_an_address_that_leads_to_two_people_is_nobodys(playground: Playground) -> None:
    async def two(request: web.Request) -> web.Response:
        if "$filter" not in request.query:  # one signs in with it, another one has the mailbox
            return web.json_response(a_user(1, userPrincipalName="ann@x.example"))
        return web.json_response({"value": [a_user(2, mail="ann@x.example")]})

    async with serving(two) as url, a_directory(playground, url) as directory:
        found = await directory.find_by_mail(a_tenant(), "ann@x.example")

    assert found is NotFound.SEVERAL


async def test_who_does_not_have_the_address_himself_is_not_taken_for_its_owner(
    playground: Playground,
) -> None:
    async def careless(request: web.Request) -> web.Response:
        """A far side that does not look at what it is asked."""
        if "$filter" not in request.query:
            return web.json_response({}, status=404)
        return web.json_response({"value": [a_user(1, mail="bob@x.example", proxyAddresses=[7])]})

    async with serving(careless) as url, a_directory(playground, url) as directory:
        found = await directory.find_by_mail(a_tenant(), "ann@x.example")

    assert found is NotFound.UNKNOWN


async def test_a_quote_in_an_address_is_written_as_graph_wants_it(playground: Playground) -> None:
    asked: list[str] = []

    async def remember(request: web.Request) -> web.Response:
        asked.append(request.query.get("$filter", ""))
        return web.json_response(
            {"value": []} if asked[-1] else {}, status=200 if asked[-1] else 404
        )

    async with serving(remember) as url, a_directory(playground, url) as directory:
        await directory.find_by_mail(a_tenant(), "o'neil@x.example")

    assert asked[1:] == [
        "mail eq 'o''neil@x.example'",
        "proxyAddresses/any(p:p eq 'smtp:o''neil@x.example')",
    ]


async def test_a_directory_in_trouble_does_not_say_whose_an_address_is(
    directory: GraphDirectory, playground: Playground
) -> None:
    playground.world.set_fault("graph", Fault(kind=FaultKind.STATUS, status=503))

    with pytest.raises(DirectoryUnavailable):
        await directory.find_by_mail(a_tenant(), "maria.keller@organization.com")


def a_user(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "id": f"00000000-0000-4000-8000-{number:012}",
        "displayName": "Ann",
        "userPrincipalName": "ann@a.example",
        "accountEnabled": True,
        "userType": "Member",
        **changes,
    }


@pytest.mark.parametrize(
    ("fault", "wait"),
    [
        (Fault(kind=FaultKind.THROTTLED, seconds=37), 37),
        (Fault(kind=FaultKind.STATUS, status=503), 15),
        (Fault(kind=FaultKind.STATUS, status=500), 15),
        (Fault(kind=FaultKind.STATUS, status=403), 300),
    ],
)
async def test_a_directory_in_trouble_says_when_to_come_back(
    fault: Fault, wait: float, directory: GraphDirectory, playground: Playground
) -> None:
    playground.world.set_fault("graph", fault)

    with pytest.raises(DirectoryUnavailable) as told:
        await directory.find(a_tenant(), "johndoe1")

    assert told.value.retry_after == wait


@pytest.mark.parametrize("answer", [b"", b"[]", b"<html>", b"[" * 100_000, b"x" * 300_000])
async def test_an_answer_that_is_none_means_come_back(
    answer: bytes, playground: Playground
) -> None:
    async def nonsense(_request: web.Request) -> web.Response:
        return web.Response(body=answer)

    async with serving(nonsense) as url, a_directory(playground, url) as directory:
        with pytest.raises(DirectoryUnavailable):
            await directory.find(a_tenant(), "johndoe1")


async def test_a_redirect_is_not_followed_with_our_token(playground: Playground) -> None:
    asked: list[str] = []

    async def away(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response(status=302, headers={"Location": "/elsewhere"})

    async with serving(away) as url, a_directory(playground, url) as directory:
        with pytest.raises(DirectoryUnavailable):
            await directory.find(a_tenant(), "johndoe1")

    assert asked == ["/users/johndoe1@organization.com"]


async def test_a_refused_token_is_replaced_once(playground: Playground) -> None:
    tokens: list[str] = []

    async def first_refused(request: web.Request) -> web.Response:
        tokens.append(request.headers["Authorization"])
        return web.json_response(a_user(1), status=401 if len(tokens) == 1 else 200)

    async with serving(first_refused) as url, a_directory(playground, url) as directory:
        found = await directory.find(a_tenant(), "johndoe1")

    assert isinstance(found, Person)
    assert len(set(tokens)) == len(tokens) == 2


async def test_without_a_token_nobody_is_asked(playground: Playground) -> None:
    clock = Clock()
    async with (
        aiohttp.ClientSession() as session,
        own_tokens(playground, clock, secret="wrong") as tokens,
    ):
        directory = GraphDirectory(
            session=session, tokens=tokens, clock=clock.now, url="http://127.0.0.1:9"
        )
        with pytest.raises(DirectoryUnavailable, match="no token"):
            await directory.find(a_tenant(), "johndoe1")


# -- the app installed --------------------------------------------------------------

TOM = "johndoe4"


@asynccontextmanager
async def some_apps(
    playground: Playground, url: str, app: str = names.CATALOG_APP, **changes: Any
) -> AsyncIterator[GraphApps]:
    clock = Clock()
    async with trusting(playground) as session, own_tokens(playground, clock, **changes) as tokens:
        yield GraphApps(session=session, tokens=tokens, clock=clock.now, app=app, url=url)


@pytest.fixture
async def apps(playground: Playground) -> AsyncIterator[GraphApps]:
    playground.world.set_installed(TOM, installed=False)
    async with some_apps(playground, f"{playground.url}/graph/v1.0") as apps:
        yield apps


def tom(playground: Playground) -> PersonId:
    return PersonId(names.DIRECTORY, playground.world.people[TOM].object_id)


async def test_the_app_is_installed_for_a_person(playground: Playground, apps: GraphApps) -> None:
    await apps.install(tom(playground))

    assert playground.world.is_installed(TOM)


async def test_who_has_the_app_keeps_it(playground: Playground, apps: GraphApps) -> None:
    await apps.install(tom(playground))
    await apps.install(tom(playground))

    assert playground.world.is_installed(TOM)


async def test_what_graph_is_asked_names_the_person_and_the_app_of_the_catalogue(
    playground: Playground,
) -> None:
    seen: list[tuple[str, str, Any]] = []

    async def remember(request: web.Request) -> web.Response:
        seen.append((request.method, request.path, await request.json()))
        return web.Response(status=201)

    async with serving(remember) as url, some_apps(playground, f"{url}/v1.0/") as apps:
        await apps.install(tom(playground))

    bound = f"{url}/v1.0/appCatalogs/teamsApps/{names.CATALOG_APP}"
    path = f"/v1.0/users/{tom(playground).object_id}/teamwork/installedApps"
    assert seen == [("POST", path, {"teamsApp@odata.bind": bound})]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b'{"error": {"code": "Forbidden", "message": "a name"}}', "HTTP 403 Forbidden"),
        (b'{"error": {"code": "no code"}}', "HTTP 403"),
        (b'{"error": []}', "HTTP 403"),
        (b"[" * 100_000, "HTTP 403"),
        (b"", "HTTP 403"),
    ],
)
async def test_who_may_not_be_given_the_app_is_named_with_graphs_code_alone(
    body: bytes, why: str, playground: Playground
) -> None:
    async def refuse(_request: web.Request) -> web.Response:
        return web.Response(status=403, body=body)

    async with serving(refuse) as url, some_apps(playground, url) as apps:
        with pytest.raises(Unreachable) as told:
            await apps.install(tom(playground))

    assert str(told.value) == f"the app may not be installed for this person: {why}"


@pytest.mark.parametrize("status", [302, 400, 403, 404])
async def test_a_refusal_to_install_is_final(status: int, playground: Playground) -> None:
    async def refuse(_request: web.Request) -> web.Response:
        return web.Response(status=status, headers={"Location": "/elsewhere"})

    async with serving(refuse) as url, some_apps(playground, url) as apps:
        with pytest.raises(Unreachable):
            await apps.install(tom(playground))


@pytest.mark.parametrize("status", [401, 429, 500, 503])
async def test_a_graph_in_trouble_is_asked_to_install_later(
    status: int, playground: Playground
) -> None:
    async def fail(_request: web.Request) -> web.Response:
        return web.Response(status=status, headers={"Retry-After": "37"})

    async with serving(fail) as url, some_apps(playground, url) as apps:
        with pytest.raises(ChannelBusy) as told:
            await apps.install(tom(playground))

    assert told.value.retry_after == (37 if status in (429, 503) else 300)


async def test_an_application_without_the_permission_installs_nothing(
    playground: Playground, apps: GraphApps
) -> None:
    roles = playground.issuer.roles
    for pair in [pair for pair in roles if pair[0] == names.BOT_APP]:
        roles[pair] = [role for role in roles[pair] if "TeamsApp" not in role]

    with pytest.raises(Unreachable, match="HTTP 403 Authorization_RequestDenied"):
        await apps.install(tom(playground))

    assert not playground.world.is_installed(TOM)


async def test_without_a_token_nothing_is_installed(playground: Playground) -> None:
    async with some_apps(playground, "http://127.0.0.1:9", secret="wrong") as apps:
        with pytest.raises(ChannelBusy, match="no token"):
            await apps.install(tom(playground))


ABSENT = object()


@pytest.mark.parametrize(
    ("field", "value", "why"),
    [
        ("accountEnabled", None, NotFound.DISABLED),
        ("accountEnabled", ABSENT, NotFound.DISABLED),
        ("accountEnabled", "true", NotFound.DISABLED),
        ("accountEnabled", 1, NotFound.DISABLED),
        ("userType", "Stranger", NotFound.GUEST),
        ("id", "", NotFound.UNKNOWN),
        ("id", "../groups", NotFound.UNKNOWN),
    ],
)
async def test_an_account_counts_only_if_all_of_it_is_said_and_right(
    field: str, value: Any, why: NotFound, playground: Playground
) -> None:
    async def one(_request: web.Request) -> web.Response:
        user = AN_ACCOUNT | {field: value}
        if value is ABSENT:
            del user[field]
        return web.json_response(user)

    async with serving(one) as url, a_directory(playground, url) as directory:
        assert await directory.find(a_tenant(), "ann") is why


async def test_half_a_character_in_a_name_keeps_nobody_from_deciding(
    playground: Playground,
) -> None:
    async def one(_request: web.Request) -> web.Response:
        return web.json_response(AN_ACCOUNT | {"displayName": "Jo \ud83d"})

    async with serving(one) as url, a_directory(playground, url) as directory:
        found = await directory.find(a_tenant(), "ann")

    assert isinstance(found, Person)
    assert "Jo" in found.model_dump_json()


AN_ACCOUNT: dict[str, Any] = {
    "id": "00000000-0000-4000-8000-000000000001",
    "displayName": "Ann",
    "userPrincipalName": f"ann@{names.DOMAIN}",
    "accountEnabled": True,
    "userType": "Member",
}


async def test_who_has_too_many_namesakes_to_see_them_all_is_not_guessed(
    playground: Playground,
) -> None:
    accounts = [
        AN_ACCOUNT | {"id": f"00000000-0000-4000-8000-{n:012}", "accountEnabled": n == 0}
        for n in range(NAMESAKES)
    ]

    async def many(request: web.Request) -> web.Response:
        if "$filter" not in request.query:
            return web.json_response({"error": {"code": "Request_ResourceNotFound"}}, status=404)
        return web.json_response({"value": accounts})

    async with serving(many) as url, a_directory(playground, url) as directory:
        assert await directory.find(a_tenant(), "ann") is NotFound.SEVERAL


async def test_all_mail_addresses_come_with_who_was_found_by_object_id(
    playground: Playground,
) -> None:
    tom = playground.world.people["johndoe1"].object_id
    proxies = ["SMTP:Tom@contoso.com", "smtp:t.o@contoso.com", "SIP:tom", 7]
    user = a_user(1, id=tom, mail="Tom@contoso.com", mailNickname="tom", proxyAddresses=proxies)

    async def answer(_request: web.Request) -> web.Response:
        return web.json_response(user)

    async with serving(answer) as url, a_directory(playground, url) as directory:
        found = await directory.find(a_tenant(), tom)

    assert isinstance(found, Person)
    assert found.also == ("Tom@contoso.com", "tom", "t.o@contoso.com")
