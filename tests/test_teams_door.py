"""The Teams door from outside: real HTTP, really signed tokens, every way in which both can be wrong."""

import asyncio
import gzip
import json
import logging
import zlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from botbuilder.core import TurnContext
from botbuilder.schema import InvokeResponse

from approvals_core import tracing
from approvals_core.adapters.tokens import Issuer, TokenVerifier
from approvals_core.allowances import Allowances
from approvals_core.models import Trace
from approvals_core.tracing import trace_id
from bots.teams.adapter import LeanAdapter, TeamsBot, TeamsDoor
from bots.teams.connector import Connector
from bots.teams.hosts import ServiceUrls
from bots.teams.inbound import Inbound, Kind, Reply
from bots.teams.limits import Pace
from bots.web import Correlation, CorrelationOnRecords, correlated, correlation, problems
from playground import names
from playground.activities import activity, card_action, members_changed
from playground.faults import Fault, FaultKind
from playground.forgeries import FORGERIES
from playground.outside import Playground
from playground.signing import KeyRing
from tests.clock import Clock
from tests.far_sides import bot_keys, own_tokens, trusting

MARIA = "johndoe1"
HERE = "/api/messages"
CARD = {"type": "AdaptiveCard", "version": "1.5", "body": []}
BUTTON = {"type": "Action.Execute", "id": "b", "verb": "act", "data": {"k": "pr-1", "r": 1}}
MISSING = object()


@dataclass
class Heard:
    """Takes the place of what answers people, and remembers what it was asked."""

    reply: Reply = field(default_factory=lambda: Reply.card(CARD))
    says: list[dict[str, Any]] = field(default_factory=list)
    inbound: list[Inbound] = field(default_factory=list)
    turns: list[set[str]] = field(default_factory=list)
    correlations: list[Correlation] = field(default_factory=list)
    traces: list[Trace] = field(default_factory=list)
    trouble: Exception | None = None

    async def click(self, inbound: Inbound) -> Reply:
        self.inbound.append(inbound)
        self.correlations.append(correlation.get())
        self.traces.append(tracing.current())
        if self.trouble is not None:
            raise self.trouble
        return self.reply

    async def say(self, inbound: Inbound) -> list[dict[str, Any]]:
        self.inbound.append(inbound)
        return self.says


def without_missing(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not MISSING}


class ObservedBot(TeamsBot):
    """Remembers what the framework put into its turns."""

    def __init__(self, heard: Heard, **parts: Any) -> None:
        super().__init__(**parts)
        self._heard = heard

    async def on_invoke_activity(self, turn_context: TurnContext) -> InvokeResponse | None:
        self._heard.turns.append(set(turn_context.turn_state))
        return await super().on_invoke_activity(turn_context)


@dataclass
class Door:
    """The door, open, and how to knock."""

    client: TestClient
    playground: Playground
    heard: Heard

    @property
    def service_url(self) -> str:
        return self.playground.teams.service_url

    def claims(self, **changes: Any) -> dict[str, Any]:
        claims = self.playground.issuer.bot_claims(self.service_url) | changes
        return {name: value for name, value in claims.items() if value is not None}

    def token(self, **changes: Any) -> str:
        return self.playground.issuer.bot.newest.sign(self.claims(**changes))

    def activity(self, type: str = "invoke", **fields: Any) -> dict[str, Any]:  # noqa: A002 (the wire's word)
        person = self.playground.world.people[MARIA]
        value = card_action(BUTTON, {"comment": "Fine."}, trigger="manual")
        click = {"name": "adaptiveCard/action", "replyToId": "1:1", "value": value}
        given = (click if type == "invoke" else {}) | fields
        shape = activity(person, service_url=self.service_url, type=type)
        return shape | given

    async def knock(
        self, body: Any = None, *, token: str | None = None, **headers: str
    ) -> tuple[int, Any]:
        """Post *body* (an activity, text or bytes) as Teams would; return status and answer."""
        given = self.activity() if body is None else body
        raw = given if isinstance(given, str | bytes) else json.dumps(given)
        sent = {"Authorization": f"Bearer {self.token() if token is None else token}"}
        sent["Content-Type"] = "application/json; charset=utf-8"
        async with self.client.post(HERE, data=raw, headers=sent | headers) as response:
            text = await response.text()
            if response.status >= 400 and text:
                assert response.content_type == "application/problem+json"
                assert "Traceback" not in text
            return response.status, json.loads(text) if text else None


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def door(playground: Playground, clock: Clock) -> AsyncIterator[Door]:
    heard = Heard()
    service_urls = ServiceUrls([playground.teams.service_url])
    async with trusting(playground) as session, own_tokens(playground, clock) as tokens:
        verifier = TokenVerifier(
            issuers=[Issuer(names.BOT_ISSUER, bot_keys(playground, session, clock))],
            audiences=[names.BOT_APP],
            clock=clock.now,
        )
        adapter = LeanAdapter(
            verifier=verifier, service_urls=service_urls, directories=[names.DIRECTORY]
        )
        connector = Connector(
            session=session,
            tokens=tokens,
            app_id=names.BOT_APP,
            app_directory=names.DIRECTORY,
            service_urls=service_urls,
            pace=Pace(Allowances(None, monotonic=clock.monotonic), sleep=clock.sleep),
            sleep=clock.sleep,
            jitter=lambda: 1.0,
            clock=clock.now,
        )
        listeners = {"click": heard.click, "submit": heard.say, "text": heard.say}
        bot = ObservedBot(heard, connector=connector, install=heard.say, **listeners)
        app = web.Application(middlewares=[correlated, problems])
        app.add_routes(TeamsDoor(adapter, bot).routes())
        async with TestClient(TestServer(app)) as client:
            yield Door(client, playground, heard)


# -- what comes in and goes out -----------------------------------------------------


async def test_a_click_arrives_as_plain_values_and_is_answered_with_a_card(door: Door) -> None:
    maria = door.playground.world.people[MARIA]

    status, answer = await door.knock()

    assert (status, answer) == (
        200,
        {"statusCode": 200, "type": "application/vnd.microsoft.card.adaptive", "value": CARD},
    )
    (inbound,) = door.heard.inbound
    assert inbound.kind is Kind.CLICK
    assert inbound.person == (names.DIRECTORY, maria.object_id)
    assert (inbound.verb, inbound.automatic) == ("act", False)
    assert inbound.data == {"k": "pr-1", "r": 1, "comment": "Fine."}
    assert (inbound.user_id, inbound.name) == (maria.mri, maria.name)
    assert (inbound.conversation, inbound.personal) == (maria.conversation, True)
    assert (inbound.service_url, inbound.reply_to_id) == (door.service_url, "1:1")
    assert (inbound.channel, inbound.locale, inbound.zone) == ("msteams", maria.locale, maria.zone)
    assert inbound.activity_id.startswith("f:")
    assert inbound.value["trigger"] == "manual"


@pytest.mark.parametrize(
    "reply",
    [
        Reply.message("Jonas Berg was faster. ü 😀"),
        Reply.error(400, "BadRequest", "Not that way."),
        Reply(200, "x", None),
    ],
)
async def test_every_reply_goes_out_with_200_and_its_status_inside(
    reply: Reply, door: Door
) -> None:
    door.heard.reply = reply

    status, answer = await door.knock()

    assert status == 200
    assert answer == {"statusCode": reply.status, "type": reply.type, "value": reply.value}


async def test_a_refresh_that_nobody_asked_for_says_so(door: Door) -> None:
    refresh = {"type": "Action.Execute", "verb": "refresh", "data": {"k": "pr-1"}}

    await door.knock(door.activity(value=card_action(refresh, {}, trigger="automatic")))

    assert door.heard.inbound[0].automatic
    assert door.heard.inbound[0].verb == "refresh"


@pytest.mark.parametrize(
    "value", [None, "text", [], {}, {"action": 7}, {"action": {"data": 7}}, {"action": {"verb": 7}}]
)
async def test_a_click_without_sense_has_no_data_and_is_heard(value: Any, door: Door) -> None:
    status, _ = await door.knock(door.activity(value=value))

    assert status == 200
    assert (door.heard.inbound[0].verb, door.heard.inbound[0].data) == ("", {})


async def test_a_submit_is_a_message_with_a_value(door: Door) -> None:
    status, _ = await door.knock(door.activity("message", value={"k": "pr-1"}, replyToId="1:2"))

    assert status == 200
    (inbound,) = door.heard.inbound
    assert (inbound.kind, inbound.data, inbound.verb) == (Kind.SUBMIT, {"k": "pr-1"}, "")
    assert inbound.reply_to_id == "1:2"


async def test_what_is_to_be_said_is_sent_to_the_chat(door: Door) -> None:
    door.heard.says = [{"text": "One."}, {"text": "Two."}]
    chat = door.playground.world.open_chat(MARIA)

    status, answer = await door.knock(
        door.activity("message", text="<at>Approvals</at> pending  please")
    )

    assert (status, answer) == (200, None)
    assert door.heard.inbound[0].kind is Kind.TEXT
    assert door.heard.inbound[0].text == "pending please"
    assert [message.text for message in chat.messages] == ["One.", "Two."]


async def test_what_cannot_be_said_is_no_failure_of_what_was_heard(door: Door) -> None:
    door.heard.says = [{"text": "One."}]
    door.playground.world.open_chat(MARIA)
    fault = Fault(kind=FaultKind.BLOCKED)
    door.playground.world.set_fault("connector", fault)

    status, _ = await door.knock(door.activity("message", text="help"))

    assert status == 200


async def test_coming_and_going_of_the_bot_is_told_and_that_of_others_is_not(door: Door) -> None:
    maria = door.playground.world.people[MARIA]
    somebody = {"membersAdded": [{"id": "29:x"}], "membersRemoved": None}

    for fields in (
        members_changed(maria, added=True),
        members_changed(maria, added=False),
        somebody,
    ):
        assert (await door.knock(door.activity("conversationUpdate", **fields)))[0] == 200
    for action in ("add", "add-upgrade", "remove"):
        update = door.activity("installationUpdate", action=action)
        assert (await door.knock(update))[0] == 200

    added, removed = Kind.INSTALLED, Kind.REMOVED
    kinds = [inbound.kind for inbound in door.heard.inbound]
    assert kinds == [added, removed, added, added, removed]


@pytest.mark.parametrize("type_", ["typing", "messageReaction", "event", "messageUpdate", "new"])
async def test_what_nobody_listens_to_is_fine(type_: str, door: Door) -> None:
    assert await door.knock(door.activity(type_)) == (200, None)
    assert door.heard.inbound == []


@pytest.mark.parametrize("name", ["task/fetch", "signin/verifyState", "new", None])
async def test_a_question_that_nobody_answers_is_501(name: str | None, door: Door) -> None:
    status, _ = await door.knock(door.activity(name=name))

    assert status == 501
    assert door.heard.inbound == []


async def test_a_handler_that_fails_is_500_and_says_nothing_of_why(door: Door) -> None:
    door.heard.trouble = RuntimeError("the secret reason")

    status, answer = await door.knock()

    assert status == 500
    assert "secret" not in json.dumps(answer)


# -- bad tokens ---------------------------------------------------------------------


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES.keys())
async def test_a_forged_token_is_401(forge: Any, door: Door) -> None:
    token = forge(door.playground.issuer.bot, door.claims())

    status, _ = await door.knock(token=token)

    assert status == 401
    assert door.heard.inbound == []


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"aud": [names.BOT_APP]}, id="a list of audiences"),
        pytest.param({"serviceurl": None}, id="no service URL"),
        pytest.param({"serviceurl": ""}, id="an empty service URL"),
        pytest.param({"serviceurl": "https://smba.trafficmanager.net/emea/"}, id="another one"),
        pytest.param({"serviceurl": 7}, id="a service URL that is a number"),
        pytest.param({"iss": f"https://sts.windows.net/{names.DIRECTORY}/"}, id="the emulator's"),
    ],
)
async def test_a_well_signed_token_with_a_wrong_claim_is_401(
    wrong: dict[str, Any], door: Door
) -> None:
    status, _ = await door.knock(token=door.token(**wrong))

    assert status == 401
    assert door.heard.inbound == []


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic dTpw", "Negotiate x", "x"])
async def test_no_bearer_token_is_401_and_says_what_is_needed(header: str, door: Door) -> None:
    headers = {"Authorization": header, "Content-Type": "application/json"}

    async with door.client.post(HERE, json=door.activity(), headers=headers) as response:
        assert response.status == 401
        assert response.headers["WWW-Authenticate"].startswith("Bearer")
    async with door.client.post(HERE, json=door.activity()) as response:
        assert response.status == 401

    assert door.heard.inbound == []


async def test_two_tokens_are_none(door: Door) -> None:
    good = f"Bearer {door.token()}"
    headers = [("Authorization", good), ("Authorization", good)]

    async with door.client.post(HERE, json=door.activity(), headers=headers) as response:
        assert response.status == 401


async def test_an_entra_token_of_a_user_for_the_bot_is_401(door: Door) -> None:
    token = door.playground.issuer.entra.newest.sign(
        door.claims(iss=names.ENTRA_ISSUER.format(directory=names.DIRECTORY), scp="x")
    )

    assert (await door.knock(token=token))[0] == 401
    assert door.heard.inbound == []


async def test_a_service_url_that_differs_by_a_slash_is_401(door: Door) -> None:
    without = door.service_url.rstrip("/")

    assert (await door.knock(door.activity(serviceUrl=without)))[0] == 401


@pytest.mark.parametrize("endorsed", [["webchat"], []], ids=repr)
async def test_a_key_that_does_not_endorse_the_channel_is_401(
    endorsed: list[str], door: Door
) -> None:
    door.playground.issuer.bot = KeyRing(endorsements=endorsed)

    assert (await door.knock())[0] == 401
    assert door.heard.inbound == []


# -- well signed, and still not for us ------------------------------------------------


async def test_another_channel_is_403_though_its_key_endorses_it(door: Door) -> None:
    door.playground.issuer.bot = KeyRing(endorsements=["msteams", "directline"])

    status, _ = await door.knock(door.activity(channelId="directline"))

    assert status == 403
    assert door.heard.inbound == []


@pytest.mark.parametrize(
    "directory", [names.OTHER_DIRECTORY, "", names.DIRECTORY + " ", "x"], ids=repr
)
async def test_another_directory_is_403(directory: str, door: Door) -> None:
    status, _ = await door.knock(door.activity(channelData={"tenant": {"id": directory}}))

    assert status == 403
    assert door.heard.inbound == []


async def test_the_directory_is_not_read_from_where_anybody_could_have_put_it(door: Door) -> None:
    foreign = {"tenant": {"id": names.OTHER_DIRECTORY}}
    conversation = {"id": "a:1", "tenantId": names.DIRECTORY, "conversationType": "personal"}

    status, _ = await door.knock(door.activity(channelData=foreign, conversation=conversation))

    assert status == 403


@pytest.mark.parametrize(
    "url", ["https://evil.example/", "http://smba.trafficmanager.net/", "https://[", "x"]
)
async def test_a_signed_service_url_that_is_not_ours_is_403(url: str, door: Door) -> None:
    status, _ = await door.knock(door.activity(serviceUrl=url), token=door.token(serviceurl=url))

    assert status == 403
    assert door.heard.inbound == []


# -- malformed bodies -----------------------------------------------------------------

DEEP = "[" * 2000 + "]" * 2000
BAD_ACTIVITIES: dict[str, dict[str, Any]] = {
    "no type": {"type": MISSING},
    "an empty type": {"type": ""},
    "a type that is a number": {"type": 7},
    "no channel": {"channelId": MISSING},
    "an empty channel": {"channelId": ""},
    "no service URL": {"serviceUrl": MISSING},
    "an empty service URL": {"serviceUrl": ""},
    "a service URL that is a list": {"serviceUrl": []},
    "no channel data": {"channelData": MISSING},
    "channel data of null": {"channelData": None},
    "channel data of a string": {"channelData": "tenant"},
    "a tenant of a string": {"channelData": {"tenant": "x"}},
    "from a string": {"from": "somebody"},
    "from null": {"from": None},
    "from nobody": {"from": MISSING},
    "from nobody Entra knows": {"from": {"id": "29:x"}},
    "an object id that is a number": {"from": {"id": "29:x", "aadObjectId": 7}},
    "no conversation": {"conversation": MISSING},
    "a conversation that is a list": {"conversation": []},
    "a recipient that is a string": {"recipient": "bot"},
    "a bad timestamp": {"timestamp": "yesterday"},
    "a timestamp that is a number": {"timestamp": 7},
    "members that are a string": {"membersAdded": "x"},
    "members that are numbers": {"membersAdded": [7]},
    "entities that are numbers": {"entities": [7]},
    "attachments that are an object": {"attachments": {}},
    "a text that is an object": {"text": {}},
    "a locale that is a list": {"locale": []},
}
HARMLESS_WHERE_NOBODY_ACTS = [
    BAD_ACTIVITIES["from nobody"],
    BAD_ACTIVITIES["from nobody Entra knows"],
    BAD_ACTIVITIES["no conversation"],
]


@pytest.mark.parametrize("type_", ["invoke", "message", "conversationUpdate"])
@pytest.mark.parametrize("wrong", BAD_ACTIVITIES.values(), ids=BAD_ACTIVITIES.keys())
async def test_a_malformed_activity_is_400(wrong: Any, type_: str, door: Door) -> None:
    harmless = type_ == "conversationUpdate" and wrong in HARMLESS_WHERE_NOBODY_ACTS

    status, _ = await door.knock(without_missing(door.activity(type_) | wrong))

    assert status == (200 if harmless else 400)
    assert door.heard.inbound == []


@pytest.mark.parametrize(
    "body",
    [
        "",
        " ",
        "nonsense",
        "[]",
        "7",
        "null",
        '"text"',
        "{",
        '{"type": "message"',
        "{}",
        '{"type": NaN}',
        '{"type": ' + "9" * 5000 + "}",
        DEEP,
        '{"type": "message", "value": ' + DEEP + "}",
        '{"value": ' + '{"a": ' * 2000 + "7" + "}" * 2000 + "}",
        "[" * 200_000,
        '"' + '\\"' * 50_000,
        "[" + "7," * 100_000 + "7]",
        b"\xff\xfe\x00",
        '{"type": "message"}'.encode("utf-16"),
        b'{"type": "\xe9"}',
    ],
    ids=lambda body: repr(body[:12]),
)
async def test_a_body_that_is_no_activity_is_400(body: str | bytes, door: Door) -> None:
    status, _ = await door.knock(body)

    assert status == 400
    assert door.heard.inbound == []


@pytest.mark.parametrize(
    ("value", "status"),
    [
        ('{"a": ' * 60 + "7" + "}" * 60, 200),
        ('{"a": ' * 64 + "7" + "}" * 64, 400),
        ('{"a": [' + "[]," * 100 + "[]]}", 200),
        ('{"a": [' + "7," * 20_000 + "7]}", 400),
    ],
    ids=["deep enough", "too deep", "wide", "too many"],
)
async def test_a_good_activity_with_too_much_in_it_is_400(
    value: str, status: int, door: Door
) -> None:
    body = json.dumps(door.activity("message", value="@")).replace('"@"', value)

    assert (await door.knock(body))[0] == status


async def test_half_a_character_is_400(door: Door) -> None:
    body = json.dumps(door.activity("message", text="@")).replace('"@"', '"\\ud83d"')

    assert (await door.knock(body))[0] == 400


async def test_brackets_in_texts_are_no_depth(door: Door) -> None:
    text = '[[{"\\' * 5000

    status, _ = await door.knock(door.activity("message", text=text))

    assert status == 200
    assert door.heard.inbound[0].text == text


async def test_a_body_that_is_too_long_is_413_whether_it_says_so_or_not(door: Door) -> None:
    long = json.dumps(door.activity("message", text="x" * 300_000)).encode()
    headers = {"Authorization": f"Bearer {door.token()}", "Content-Type": "application/json"}

    async def in_pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(long), 20_000):
            yield long[start : start + 20_000]

    for data in (long, in_pieces()):
        async with door.client.post(HERE, data=data, headers=headers) as response:
            assert response.status == 413

    assert door.heard.inbound == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Encoding": "gzip"},
        {"Content-Encoding": "deflate"},
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "application/json; charset=utf-16"},
    ],
    ids=str,
)
async def test_other_encodings_and_media_types_are_415(headers: dict[str, str], door: Door) -> None:
    plain = json.dumps(door.activity()).encode()
    packings = {"gzip": gzip.compress, "deflate": zlib.compress}
    packed = packings.get(headers.get("Content-Encoding", ""), bytes)(plain)

    assert (await door.knock(packed, **headers))[0] == 415
    assert door.heard.inbound == []


async def test_a_get_is_405_and_an_unknown_address_404(door: Door) -> None:
    for path, status in ((HERE, 405), ("/api/other", 404)):
        async with door.client.get(path) as response:
            assert response.status == status
            assert response.content_type == "application/problem+json"


# -- what the framework does not do -----------------------------------------------------


async def test_a_turn_makes_no_client_of_the_framework(door: Door) -> None:
    await door.knock()

    assert door.heard.turns == [{"BotIdentity", "approvals.inbound"}]
    assert door.playground.issuer.tokens_issued == 0


async def test_a_cold_start_under_load_fetches_the_keys_once_and_never_stalls(
    door: Door,
) -> None:
    # A fetch that blocks would wait in vain for the issuer, which lives in this very loop.
    answers = await asyncio.gather(*(door.knock() for _ in range(10)))

    assert [status for status, _ in answers] == [200] * 10


async def test_a_rotated_key_is_taken_within_a_minute(door: Door, clock: Clock) -> None:
    assert (await door.knock())[0] == 200
    door.playground.issuer.bot.rotate()
    assert (await door.knock())[0] == 401  # the keys were fetched a moment ago
    clock.advance(60)

    assert (await door.knock())[0] == 200


# -- correlation --------------------------------------------------------------------------


async def test_the_callers_ids_are_on_the_log_and_strange_ones_are_not(door: Door) -> None:
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    await door.knock(Xcv="x-1", Tcv="t-1", traceparent=parent)
    await door.knock(Xcv="x 1; drop", Tcv="t" * 200)

    first, second = door.heard.correlations
    assert first == Correlation("x-1", "t-1")
    assert second.xcv not in ("", "x 1; drop")
    assert second.tcv == ""
    assert [trace_id(trace) for trace in door.heard.traces] == [parent[3:35], ""]
    assert correlation.get() == Correlation()


def test_records_carry_the_ids_of_the_request_under_way() -> None:
    record = logging.LogRecord("n", logging.INFO, "p", 1, "m", None, None)
    token = correlation.set(Correlation(xcv="x-1"))

    kept = CorrelationOnRecords().filter(record)
    correlation.reset(token)

    assert kept
    assert record.__dict__["xcv"] == "x-1"
    assert not hasattr(record, "tcv")
