"""The playground's Teams, both sides: what the bot may do to chats, and what people's clicks send to the bot."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import jwt
import pytest
from aiohttp import web

from playground import names
from playground.faults import Fault, FaultKind
from playground.outside import Playground
from playground.reading import button, words
from playground.world import World

CARD_TYPE = "application/vnd.microsoft.card.adaptive"
Json = dict[str, Any]


def a_card(text: str = "Please approve") -> Json:
    approve = {"type": "Action.Execute", "title": "Approve", "verb": "act", "data": {"k": "1"}}
    approve["fallback"] = {**approve, "type": "Action.Submit"}
    comment = {"type": "Input.Text", "id": "comment", "label": "Comment"}
    refresh = {"type": "Action.Execute", "verb": "refresh", "data": {"k": "1"}}
    return {
        "type": "AdaptiveCard",
        "version": "1.5",
        "refresh": {"action": refresh, "userIds": []},
        "body": [{"type": "TextBlock", "text": text}, comment],
        "actions": [{"type": "ActionSet", "actions": [approve]}],
    }


def with_card(card: Json) -> Json:
    return {"type": "message", "attachments": [{"contentType": CARD_TYPE, "content": card}]}


class Bot:
    """A stand-in for the service: it records activities, answers as told, and calls the connector."""

    def __init__(self, playground: Playground) -> None:
        self.playground = playground
        self.activities: list[Json] = []
        self.tokens: list[str] = []
        self.answer: Json = {}
        self.refreshing: asyncio.Event | None = None  # while it is not set, no refresh is answered
        self.http = aiohttp.ClientSession()

    async def on_activity(self, request: web.Request) -> web.Response:
        self.activities.append(await request.json())
        self.tokens.append(request.headers["Authorization"].removeprefix("Bearer "))
        answer = self.answer
        is_refresh = (self.activities[-1].get("value") or {}).get("trigger") == "automatic"
        if is_refresh and self.refreshing is not None:
            self.playground.world.changed("traffic", "bot")
            await self.refreshing.wait()
        return web.json_response(answer)

    async def call(
        self, method: str, path: str, body: Json, *, token: str | None = None
    ) -> tuple[int, Json, dict[str, str]]:
        issuer = self.playground.issuer
        applications = (issuer.applications[one] for one in (names.BOT_APP, names.BOT_FRAMEWORK))
        bearer = issuer.app_token(*applications) if token is None else token
        headers = {"Authorization": f"Bearer {bearer}"}
        url = f"{self.playground.teams.service_url}v3/conversations{path}"
        async with self.http.request(method, url, json=body, headers=headers) as response:
            return response.status, await response.json(), dict(response.headers)

    async def create(self, object_id: str) -> tuple[int, Json, dict[str, str]]:
        tenant = {"tenant": {"id": names.DIRECTORY}}
        who = {"bot": {"id": f"28:{names.BOT_APP}"}, "members": [{"id": object_id}]}
        return await self.call("POST", "", {**who, "isGroup": False, "channelData": tenant})

    async def send(self, alias: str, activity: Json) -> tuple[int, Json, dict[str, str]]:
        chat = self.playground.world.open_chat(alias)
        return await self.call("POST", f"/{chat.id}/activities", activity)

    async def update(
        self, alias: str, message: str, card: Json
    ) -> tuple[int, Json, dict[str, str]]:
        chat = self.playground.world.open_chat(alias)
        return await self.call("PUT", f"/{chat.id}/activities/{message}", with_card(card))


@pytest.fixture
async def bot(playground: Playground) -> AsyncIterator[Bot]:
    standing_in = Bot(playground)
    app = web.Application()
    app.router.add_post("/api/messages", standing_in.on_activity)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    playground.meet(f"http://127.0.0.1:{runner.addresses[0][1]}")
    yield standing_in
    await standing_in.http.close()
    await runner.cleanup()


def only_message(world: World, alias: str) -> Any:
    chat = world.chat_of(alias)
    assert chat is not None
    (message,) = chat.messages
    return message


# -- what the bot may do ----------------------------------------------------------


async def test_a_conversation_is_created_once_per_person(bot: Bot) -> None:
    maria = bot.playground.world.people["johndoe1"]

    first, again = [await bot.create(maria.object_id) for _ in range(2)]

    assert first[0] == 201
    assert first[1]["id"] == again[1]["id"] == maria.conversation


async def test_no_conversation_without_the_app(bot: Bot) -> None:
    world = bot.playground.world
    world.set_installed("johndoe1", installed=False)

    status, answer, _ = await bot.create(world.people["johndoe1"].object_id)

    assert (status, answer["error"]["code"]) == (403, "ForbiddenOperationException")


async def test_no_conversation_with_somebody_of_another_directory(bot: Bot) -> None:
    status, _, _ = await bot.create(bot.playground.world.people["mallory"].object_id)

    assert status == 400


async def test_a_card_stands_in_the_chat_and_changes_in_place(bot: Bot) -> None:
    status, answer, _ = await bot.send("johndoe1", with_card(a_card("old")))
    updated, _, _ = await bot.update("johndoe1", answer["id"], a_card("new"))

    message = only_message(bot.playground.world, "johndoe1")
    assert (status, updated) == (201, 200)
    assert (message.id, message.revision) == (answer["id"], 2)
    assert "new" in words(message.shown_to("johndoe1"))


async def test_an_unknown_message_cannot_be_updated(bot: Bot) -> None:
    status, answer, _ = await bot.update("johndoe1", "1:none", a_card())

    assert (status, answer["error"]["code"]) == (404, "ActivityNotFoundInConversation")


async def test_text_beside_a_card_becomes_two_messages_that_nobody_can_update(bot: Bot) -> None:
    status, answer, _ = await bot.send("johndoe1", {**with_card(a_card()), "text": "Look:"})

    chat = bot.playground.world.chat_of("johndoe1")
    assert chat
    assert (status, answer, len(chat.messages)) == (201, {}, 2)


async def test_a_card_above_28_kb_is_refused(bot: Bot) -> None:
    status, _, _ = await bot.send("johndoe1", with_card(a_card("x" * 28 * 1024)))

    assert status == 413


async def test_only_the_bots_token_opens_the_connector(bot: Bot) -> None:
    issuer = bot.playground.issuer
    wrong = issuer.applications[names.PURCHASING_APP], issuer.applications[names.BOT_FRAMEWORK]
    tenants = issuer.entra.newest.sign(issuer.tenant_claims())

    answers = [
        await bot.call("POST", "/x/activities", {}, token=token)
        for token in ("", tenants, issuer.app_token(*wrong))
    ]

    assert [status for status, _, _ in answers] == [401, 401, 401]


async def test_a_blocked_bot_is_told_so_as_teams_does(bot: Bot) -> None:
    bot.playground.world.set_fault("connector/johndoe1", Fault(kind=FaultKind.BLOCKED))

    blocked = await bot.send("johndoe1", with_card(a_card()))
    other = await bot.send("johndoe2", with_card(a_card()))

    assert (blocked[0], blocked[1]["errorCode"], other[0]) == (403, 209, 201)


async def test_a_fault_for_one_call_is_gone_at_the_next(bot: Bot) -> None:
    fault = Fault(kind=FaultKind.THROTTLED, times=1, seconds=7)
    bot.playground.world.set_fault("connector", fault)

    first, second = [await bot.send("johndoe1", with_card(a_card())) for _ in range(2)]

    assert (first[0], first[2]["Retry-After"], second[0]) == (429, "7", 201)
    assert bot.playground.world.faults == {}


async def test_a_lost_answer_leaves_the_message_there(bot: Bot) -> None:
    bot.playground.world.set_fault("connector", Fault(kind=FaultKind.LOST_ANSWER, times=1))

    with pytest.raises(aiohttp.ClientError):
        await bot.send("johndoe1", with_card(a_card()))

    assert only_message(bot.playground.world, "johndoe1")


# -- what people do ---------------------------------------------------------------


async def clicked(bot: Bot, *, answer: Json) -> tuple[Any, Json]:
    """Let Maria press Approve with a comment; return what she got and what the bot got."""
    _, sent, _ = await bot.send("johndoe1", with_card(a_card()))
    bot.answer = answer
    action = button(a_card(), "Approve")
    got = await bot.playground.teams.click("johndoe1", sent["id"], action, {"comment": "Yes"})
    return got, bot.activities[-1]


async def test_a_click_is_an_invoke_as_teams_shapes_it(bot: Bot) -> None:
    got, invoke = await clicked(bot, answer={})

    maria = bot.playground.world.people["johndoe1"]
    assert got.status == 200
    assert (invoke["type"], invoke["name"]) == ("invoke", "adaptiveCard/action")
    assert invoke["value"] == {
        "action": {
            "type": "Action.Execute",
            "verb": "act",
            "data": {"k": "1", "comment": "Yes"},
        },
        "trigger": "manual",
    }
    assert invoke["from"] == {
        "id": maria.mri,
        "name": "Maria Keller",
        "aadObjectId": maria.object_id,
    }
    assert invoke["conversation"]["id"] == maria.conversation
    assert invoke["channelData"]["tenant"]["id"] == names.DIRECTORY
    assert invoke["replyToId"] == only_message(bot.playground.world, "johndoe1").id
    assert (invoke["channelId"], invoke["recipient"]["id"]) == ("msteams", f"28:{names.BOT_APP}")


async def test_a_click_is_signed_for_the_bot_and_this_service_url(bot: Bot) -> None:
    _, invoke = await clicked(bot, answer={})

    ring, token = bot.playground.issuer.bot, bot.tokens[-1]
    claims = ring.read(token, audience=names.BOT_APP, issuer=names.BOT_ISSUER)
    assert claims["serviceurl"] == invoke["serviceUrl"] == bot.playground.teams.service_url
    with pytest.raises(jwt.InvalidTokenError):
        bot.playground.issuer.read(token, audience=names.BOT_FRAMEWORK)


async def test_the_card_in_the_answer_is_the_clickers_own_view_until_the_next_update(
    bot: Bot,
) -> None:
    answer = {"statusCode": 200, "type": CARD_TYPE, "value": a_card("Approved by you")}

    got, _ = await clicked(bot, answer=answer)

    world = bot.playground.world
    message = only_message(world, "johndoe1")
    assert got.card == message.shown_to("johndoe1") == answer["value"]
    assert (message.card, message.revision, message.changes) == (a_card(), 1, 2)
    await bot.update("johndoe1", message.id, a_card("Approved"))
    assert only_message(world, "johndoe1").shown_to("johndoe1") == a_card("Approved")


async def test_a_text_in_the_answer_is_told_beside_the_chat(bot: Bot) -> None:
    kind = "application/vnd.microsoft.activity.message"

    got, _ = await clicked(bot, answer={"statusCode": 200, "type": kind, "value": "Too late."})

    toasts = [one.facts["text"] for one in bot.playground.world.history if one.kind == "toast"]
    assert (got.toast, toasts) == ("Too late.", ["Too late."])


async def test_an_answer_that_is_none_says_that_something_went_wrong(bot: Bot) -> None:
    bot.playground.meet("http://127.0.0.1:9")

    got, _ = await clicked_without_bot(bot)

    assert (got.status, got.toast) == (None, "Something went wrong. Please try again.")


async def clicked_without_bot(bot: Bot) -> tuple[Any, str]:
    _, sent, _ = await bot.send("johndoe1", with_card(a_card()))
    click = bot.playground.teams.click
    return await click("johndoe1", sent["id"], button(a_card(), "Approve")), sent["id"]


async def test_the_fallback_is_a_message_with_a_value_and_no_text(bot: Bot) -> None:
    _, sent, _ = await bot.send("johndoe1", with_card(a_card()))

    action = button(a_card(), "Approve")
    await bot.playground.teams.submit("johndoe1", sent["id"], action, {"comment": "No"})

    message = bot.activities[-1]
    assert (message["type"], message["value"]) == ("message", {"k": "1", "comment": "No"})
    assert "text" not in message


async def test_inputs_nobody_touched_are_sent_as_they_stand(bot: Bot) -> None:
    card = a_card()
    card["body"][1]["value"] = "kept"
    _, sent, _ = await bot.send("johndoe1", with_card(card))

    await bot.playground.teams.click("johndoe1", sent["id"], button(card, "Approve"))

    assert bot.activities[-1]["value"]["action"]["data"]["comment"] == "kept"


def with_answer(text: str) -> Json:
    return {"statusCode": 200, "type": CARD_TYPE, "value": a_card(text)}


async def refreshing(bot: Bot) -> tuple[str, asyncio.Task[Any]]:
    """Let Maria's card refresh itself, for as long as the bot takes; return the message's id and that refresh."""
    _, sent, _ = await bot.send("johndoe1", with_card(a_card()))
    bot.refreshing, bot.answer = asyncio.Event(), with_answer("As it was")
    asking = asyncio.create_task(bot.playground.teams.refresh("johndoe1", sent["id"]))
    await bot.playground.world.until(lambda: bot.activities)
    return sent["id"], asking


async def test_a_refresh_that_a_press_overtook_does_not_take_its_answer_away(bot: Bot) -> None:
    message, asking = await refreshing(bot)
    bot.answer = with_answer("A comment is needed")
    await bot.playground.teams.click("johndoe1", message, button(a_card(), "Approve"))

    assert bot.refreshing is not None
    bot.refreshing.set()
    await asking

    shown = only_message(bot.playground.world, "johndoe1").shown_to("johndoe1")
    assert "A comment is needed" in words(shown)


async def test_a_refresh_that_a_newer_card_overtook_is_not_shown(bot: Bot) -> None:
    message, asking = await refreshing(bot)
    await bot.update("johndoe1", message, a_card("As it is now"))

    assert bot.refreshing is not None
    bot.refreshing.set()
    await asking

    shown = only_message(bot.playground.world, "johndoe1").shown_to("johndoe1")
    assert "As it is now" in words(shown)


async def test_an_opened_card_refreshes_once_for_those_it_names(bot: Bot) -> None:
    world, teams = bot.playground.world, bot.playground.teams
    card = a_card()
    card["refresh"]["userIds"] = [world.people["johndoe1"].mri]
    _, sent, _ = await bot.send("johndoe1", with_card(card))
    bot.answer = {"statusCode": 200, "type": CARD_TYPE, "value": card}

    first = await teams.opened("johndoe1", sent["id"])
    again = await teams.opened("johndoe1", sent["id"])

    assert first
    assert again is None
    assert bot.activities[-1]["value"]["trigger"] == "automatic"


async def test_an_answer_is_not_refreshed_away_when_the_browser_tells_late_that_the_card_came_into_sight(
    bot: Bot,
) -> None:
    world, teams = bot.playground.world, bot.playground.teams
    card = a_card("A comment is needed")
    card["refresh"]["userIds"] = [world.people["johndoe1"].mri]
    _, sent, _ = await bot.send("johndoe1", with_card(card))
    bot.answer = {"statusCode": 200, "type": CARD_TYPE, "value": card}
    await teams.click("johndoe1", sent["id"], button(card, "Approve"))

    assert await teams.opened("johndoe1", sent["id"]) is None


async def test_an_opened_card_that_names_nobody_stays(bot: Bot) -> None:
    _, sent, _ = await bot.send("johndoe1", with_card(a_card()))

    assert await bot.playground.teams.opened("johndoe1", sent["id"]) is None


async def test_installing_tells_the_bot_twice_as_teams_does(bot: Bot) -> None:
    await bot.playground.teams.install("johndoe1")

    update, installation = bot.activities
    assert [one["id"] for one in update["membersAdded"]][-1] == f"28:{names.BOT_APP}"
    assert (installation["type"], installation["action"]) == ("installationUpdate", "add")


async def test_what_somebody_says_stands_in_his_chat(bot: Bot) -> None:
    await bot.playground.teams.say("johndoe1", "pending")

    message = only_message(bot.playground.world, "johndoe1")
    assert (message.sender, message.text) == ("person", "pending")
    assert (bot.activities[-1]["text"], bot.activities[-1]["id"]) == ("pending", message.id)
