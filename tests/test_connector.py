"""The connector's client against the playground's Bot Connector, and against far sides that misbehave."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from approvals_core.allowances import Allowances
from approvals_core.errors import (
    AnswerLost,
    CardGone,
    CardRefused,
    ChannelBusy,
    ChannelError,
    Unreachable,
)
from bots.teams.connector import LONGEST_REQUEST, WITHIN, Connector
from bots.teams.hosts import FIRST_CONTACT, ServiceUrls
from bots.teams.limits import Pace
from bots.teams.refusals import AppMissing, Forbidden
from playground import names
from playground.faults import Fault, FaultKind
from playground.outside import Playground
from tests.clock import Clock
from tests.far_sides import own_tokens, serving

MARIA = "johndoe1"
CARD = {
    "attachments": [
        {
            "contentType": "application/vnd.microsoft.card.adaptive",
            "content": {"type": "AdaptiveCard", "version": "1.5", "body": []},
        }
    ]
}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@asynccontextmanager
async def a_connector(
    playground: Playground, clock: Clock, url: str, *, pace: Pace | None = None, **changes: Any
) -> AsyncIterator[Connector]:
    async with (
        aiohttp.ClientSession() as session,
        own_tokens(playground, clock, **changes) as tokens,
    ):
        yield Connector(
            session=session,
            tokens=tokens,
            app_id=names.BOT_APP,
            app_directory=names.DIRECTORY,
            service_urls=ServiceUrls([url]),
            pace=pace or Pace(Allowances(None, monotonic=clock.monotonic), sleep=clock.sleep),
            sleep=clock.sleep,
            jitter=lambda: 1.0,
            clock=clock.now,
        )


@pytest.fixture
async def connector(playground: Playground, clock: Clock) -> AsyncIterator[Connector]:
    async with a_connector(playground, clock, playground.teams.service_url) as connector:
        yield connector


class Maria:
    """The chat with Maria, seen from both sides."""

    def __init__(self, playground: Playground, connector: Connector) -> None:
        self.playground = playground
        self._connector = connector
        self._url = playground.teams.service_url

    async def meet(self) -> str:
        object_id = self.playground.world.people[MARIA].object_id
        return await self._connector.create_conversation(
            self._url, directory=names.DIRECTORY, object_id=object_id
        )

    async def send(self, activity: Any = CARD, *, to: str | None = None, **how: Any) -> str:
        chat = await self.meet() if to is None else to
        return await self._connector.send(
            self._url, chat, activity, directory=names.DIRECTORY, **how
        )

    async def update(self, message: str, activity: Any = CARD) -> None:
        chat = self.playground.world.open_chat(MARIA).id
        await self._connector.update(self._url, chat, message, activity, directory=names.DIRECTORY)

    async def delete(self, message: str) -> None:
        chat = self.playground.world.open_chat(MARIA).id
        await self._connector.delete(self._url, chat, message, directory=names.DIRECTORY)

    def fail(self, kind: FaultKind, **how: Any) -> None:
        fault = Fault.model_validate({"kind": kind, "times": 1, **how})
        self.playground.world.set_fault(f"connector/{MARIA}", fault)

    @property
    def messages(self) -> list[Any]:
        return self.playground.world.open_chat(MARIA).messages


@pytest.fixture
def maria(playground: Playground, connector: Connector) -> Maria:
    return Maria(playground, connector)


# -- what it is for ---------------------------------------------------------------


async def test_a_card_is_sent_and_updated_in_place(maria: Maria) -> None:
    message = await maria.send()
    await maria.update(message, {"text": "Done."})

    assert [(one.id, one.text, one.card) for one in maria.messages] == [(message, "Done.", None)]


async def test_a_message_is_taken_away(maria: Maria) -> None:
    first, second = await maria.send(), await maria.send()

    await maria.delete(first)

    assert [one.id for one in maria.messages] == [second]
    with pytest.raises(CardGone):
        await maria.delete(first)


async def test_a_conversation_is_the_same_each_time(maria: Maria) -> None:
    assert await maria.meet() == await maria.meet() == maria.playground.world.open_chat(MARIA).id


async def test_what_goes_out_is_an_activity_of_the_bot(
    playground: Playground, clock: Clock
) -> None:
    seen: list[tuple[str, str, Any]] = []

    async def remember(request: web.Request) -> web.Response:
        seen.append((request.method, request.rel_url.raw_path, await request.json()))
        return web.json_response({"id": "1:a/b"}, status=201)

    async with serving(remember) as url, a_connector(playground, clock, url) as connector:
        chat = "19:x y/z@thread.tacv2;messageid=1"
        person = await connector.create_conversation(
            f"{url}/emea", directory=names.DIRECTORY, object_id="oid"
        )
        await connector.send(f"{url}/emea/", chat, CARD, directory=names.DIRECTORY)
        await connector.update(f"{url}/", chat, person, CARD, directory=names.DIRECTORY)

    bot = {"id": f"28:{names.BOT_APP}"}
    conversation = "19%3Ax%20y%2Fz%40thread.tacv2%3Bmessageid%3D1"
    activity = {"type": "message", "from": bot, "conversation": {"id": chat}, **CARD}
    created = {
        "bot": bot,
        "members": [{"id": "oid"}],
        "channelData": {"tenant": {"id": names.DIRECTORY}},
        "tenantId": names.DIRECTORY,
        "isGroup": False,
    }
    activities = f"v3/conversations/{conversation}/activities"
    assert seen == [
        ("POST", "/emea/v3/conversations", created),
        ("POST", f"/emea/{activities}", activity),
        ("PUT", f"/{activities}/1%3Aa%2Fb", activity | {"id": "1:a/b"}),
    ]


# -- what goes wrong --------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        (FaultKind.BLOCKED, Forbidden),
        (FaultKind.NO_CONVERSATION, Unreachable),
        (FaultKind.TOO_BIG, CardRefused),
    ],
)
async def test_a_refusal_to_send_is_named(
    kind: FaultKind, error: type[ChannelError], maria: Maria
) -> None:
    chat = await maria.meet()
    maria.fail(kind)

    with pytest.raises(error):
        await maria.send(to=chat)

    assert maria.messages == []


async def test_the_reason_tells_teams_code_and_no_texts(maria: Maria) -> None:
    chat = await maria.meet()
    maria.fail(FaultKind.BLOCKED)

    with pytest.raises(Unreachable) as told:
        await maria.send(to=chat)

    assert str(told.value) == "HTTP 403 209: the app is blocked"


async def test_a_message_that_is_gone_is_not_a_person_that_is_gone(maria: Maria) -> None:
    message = await maria.send()
    maria.fail(FaultKind.NO_MESSAGE)

    with pytest.raises(CardGone):
        await maria.update(message)


async def test_who_never_installed_the_app_is_unreachable(maria: Maria) -> None:
    maria.playground.world.set_installed(MARIA, installed=False)

    with pytest.raises(AppMissing, match="ForbiddenOperationException"):
        await maria.meet()


async def test_who_teams_does_not_know_is_unreachable(
    connector: Connector, playground: Playground
) -> None:
    with pytest.raises(Unreachable):
        await connector.create_conversation(
            playground.teams.service_url, directory=names.DIRECTORY, object_id="nobody"
        )


async def test_a_lost_answer_is_not_repeated_and_is_called_lost(maria: Maria) -> None:
    chat = await maria.meet()
    maria.fail(FaultKind.LOST_ANSWER)

    with pytest.raises(AnswerLost):
        await maria.send(to=chat)

    assert len(maria.messages) == 1


@pytest.mark.parametrize("status", [412, 502, 503, 504])
async def test_what_passes_is_repeated_with_growing_pauses(
    status: int, maria: Maria, clock: Clock
) -> None:
    chat = await maria.meet()
    maria.fail(FaultKind.STATUS, status=status, times=3)

    await maria.send(to=chat)

    assert len(maria.messages) == 1
    assert clock.slept == [1.0, 2.0, 4.0]


async def test_what_does_not_pass_is_given_up(maria: Maria, clock: Clock) -> None:
    chat = await maria.meet()
    maria.fail(FaultKind.STATUS, status=503, times=None)

    with pytest.raises(ChannelBusy) as told:
        await maria.send(to=chat)

    assert told.value.retry_after == 8.0
    assert clock.slept == [1.0, 2.0, 4.0]


async def test_throttling_is_sat_out_if_it_is_short(maria: Maria, clock: Clock) -> None:
    chat = await maria.meet()
    maria.fail(FaultKind.THROTTLED, seconds=3)

    await maria.send(to=chat)

    assert clock.slept == [3.1]


async def test_throttling_for_long_is_handed_back_at_once(maria: Maria, clock: Clock) -> None:
    chat = await maria.meet()
    maria.fail(FaultKind.THROTTLED, seconds=60)

    with pytest.raises(ChannelBusy) as told:
        await maria.send(to=chat)

    assert 60 <= told.value.retry_after < 61
    assert clock.slept == []


async def test_a_conversation_that_teams_wants_left_alone_is_left_alone_by_all_calls(
    maria: Maria, clock: Clock
) -> None:
    chat = await maria.meet()
    maria.fail(FaultKind.THROTTLED, seconds=60)
    with pytest.raises(ChannelBusy, match="429"):
        await maria.send(to=chat)

    with pytest.raises(ChannelBusy, match="our own pace") as told:
        await maria.send(to=chat)
    clock.advance(told.value.retry_after)

    assert told.value.retry_after == pytest.approx(60)
    await maria.send(to=chat)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (302, CardRefused),
        (400, CardRefused),
        (401, ChannelBusy),
        (403, Forbidden),
        (404, Unreachable),
        (409, CardRefused),
        (500, AnswerLost),
        (501, AnswerLost),
        (599, AnswerLost),
    ],
)
async def test_every_other_status_is_final(
    status: int, error: type[ChannelError], playground: Playground, clock: Clock
) -> None:
    calls: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        calls.append(request.path)
        return web.Response(status=status, headers={"Location": "/elsewhere"})

    async with serving(answer) as url, a_connector(playground, clock, url) as connector:
        with pytest.raises(error):
            await connector.send(url, "chat", CARD, directory=names.DIRECTORY)

    assert calls == ["/v3/conversations/chat/activities"] * (2 if status == 401 else 1)


async def answered_slowly(clock: Clock, request: web.Request) -> web.Response:
    """Answer 429 after nearly all of the time that one request may take."""
    clock.advance(LONGEST_REQUEST - 1)
    return web.json_response({}, status=429, headers={"Retry-After": "7"})


async def test_a_call_is_over_in_time_however_slow_and_busy_teams_is(
    playground: Playground, clock: Clock
) -> None:
    began = clock.now()
    ends = began + timedelta(seconds=60)
    slowly = partial(answered_slowly, clock)

    async with serving(slowly) as url, a_connector(playground, clock, url) as connector:
        for call in (
            connector.create_conversation(url, directory="d", object_id="o", ends=ends),
            connector.send(url, "chat", CARD, directory="d", ends=ends),
        ):
            with pytest.raises(ChannelBusy):
                await call

    assert timedelta(seconds=30) < clock.now() - began <= timedelta(seconds=60)


async def test_a_call_that_is_told_no_end_has_one(playground: Playground, clock: Clock) -> None:
    began = clock.now()
    slowly = partial(answered_slowly, clock)

    async with serving(slowly) as url, a_connector(playground, clock, url) as connector:
        with pytest.raises(ChannelBusy):
            await connector.update(url, "chat", "1", CARD, directory="d")

    assert clock.now() - began <= WITHIN


async def test_nothing_is_sent_when_there_is_no_time_left(maria: Maria, clock: Clock) -> None:
    chat = await maria.meet()

    with pytest.raises(ChannelBusy, match="no time left"):
        await maria.send(to=chat, ends=clock.now() + timedelta(seconds=LONGEST_REQUEST))

    assert maria.messages == []


async def test_whoever_waits_too_long_for_his_turn_sends_nothing(
    playground: Playground, clock: Clock
) -> None:
    async def never(_seconds: float) -> None:
        await asyncio.Event().wait()

    pace = Pace(Allowances(None, monotonic=clock.monotonic), sleep=never)
    chat = playground.world.open_chat(MARIA)
    url = playground.teams.service_url
    async with a_connector(playground, clock, url, pace=pace) as connector:
        for _ in range(6):
            await connector.send(url, chat.id, CARD, directory=names.DIRECTORY)

        ends = clock.now() + timedelta(seconds=LONGEST_REQUEST + 0.05)
        with pytest.raises(ChannelBusy, match="no time left"):
            await connector.send(url, chat.id, CARD, directory=names.DIRECTORY, ends=ends)

    assert len(chat.messages) == 6


async def test_a_refused_token_is_replaced_once(playground: Playground, clock: Clock) -> None:
    tokens: list[str] = []

    async def first_refused(request: web.Request) -> web.Response:
        tokens.append(request.headers["Authorization"])
        return web.json_response({"id": "1"}, status=401 if len(tokens) == 1 else 201)

    async with serving(first_refused) as url, a_connector(playground, clock, url) as connector:
        assert await connector.send(url, "chat", CARD, directory=names.DIRECTORY) == "1"

    assert len(set(tokens)) == len(tokens) == 2


@pytest.mark.parametrize(
    "answer", [b"", b"[]", b"{}", b'{"id": 7}', b'{"id": ""}', b"[" * 50_000, b"x" * 100_000]
)
async def test_a_message_without_an_id_is_a_lost_answer(
    answer: bytes, playground: Playground, clock: Clock
) -> None:
    async def taken(_request: web.Request) -> web.Response:
        return web.Response(body=answer, status=201)

    async with serving(taken) as url, a_connector(playground, clock, url) as connector:
        with pytest.raises(AnswerLost):
            await connector.send(url, "chat", CARD, directory=names.DIRECTORY)


async def test_what_never_left_is_busy_not_lost(playground: Playground, clock: Clock) -> None:
    with socket.socket() as nobody:  # bound, and never listening
        nobody.bind(("127.0.0.1", 0))
        gone = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        async with a_connector(playground, clock, gone) as connector:
            with pytest.raises(ChannelBusy):
                await connector.send(gone, "chat", CARD, directory=names.DIRECTORY)


async def test_without_a_token_nothing_is_sent(playground: Playground, clock: Clock) -> None:
    calls: list[str] = []

    async def remember(request: web.Request) -> web.Response:
        calls.append(request.path)
        return web.Response()

    async with (
        serving(remember) as url,
        a_connector(playground, clock, url, secret="wrong") as connector,
    ):
        with pytest.raises(ChannelBusy, match="no token"):
            await connector.send(url, "chat", CARD, directory=names.DIRECTORY)

    assert calls == []


# -- where it goes ----------------------------------------------------------------

OURS = ServiceUrls([*FIRST_CONTACT.values(), "http://127.0.0.1:3979/connector/"])


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://smba.trafficmanager.net/emea/", True),
        ("https://SMBA.trafficmanager.net:443/amer", True),
        ("https://smba.infra.gov.teams.microsoft.us/teams", True),
        ("http://127.0.0.1:3979/connector/", True),
        ("http://smba.trafficmanager.net/emea/", False),
        ("http://smba.trafficmanager.net:443/emea/", False),
        ("https://smba.trafficmanager.net.evil.example/", False),
        ("https://smba.trafficmanager.net:444/", False),
        ("https://smba.trafficmanager.net@evil.example/", False),
        ("https://user:pass@smba.trafficmanager.net/", False),
        ("https://evil.example/#smba.trafficmanager.net", False),
        ("http://127.0.0.1:3980/connector/", False),
        ("//smba.trafficmanager.net/", False),
        ("smba.trafficmanager.net", False),
        ("https://[", False),
        ("https://smba.trafficmanager.net:port/", False),
        ("file:///etc/passwd", False),
        ("", False),
    ],
)
async def test_only_our_service_urls_are_allowed(url: str, *, allowed: bool) -> None:
    assert OURS.allow(url) is allowed


async def test_nobody_elses_host_gets_our_token(
    connector: Connector, playground: Playground, clock: Clock
) -> None:
    calls: list[str] = []

    async def remember(request: web.Request) -> web.Response:
        calls.append(request.path)
        return web.Response()

    async with serving(remember) as url:
        with pytest.raises(Unreachable):
            await connector.send(url, "chat", CARD, directory=names.DIRECTORY)

    assert calls == []
    assert playground.issuer.tokens_issued == 0


@pytest.mark.parametrize("chat", ["", ".", ".."])
async def test_a_conversation_that_is_none_is_not_asked_for(
    chat: str, connector: Connector, playground: Playground
) -> None:
    with pytest.raises(Unreachable):
        await connector.send(playground.teams.service_url, chat, CARD, directory=names.DIRECTORY)
