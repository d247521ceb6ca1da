"""A request's whole life with nobody at the keyboard: the tenant asks, its approvers approve, until nobody is asked."""

from playground.reading import button, buttons
from playground.records import Json, Message, Sender
from playground.teams import Teams
from playground.tenant import SampleTenant
from playground.world import World

PATIENCE = 30.0  # seconds for each step
APPROVE = "Approve"  # the button that is pressed
COMMENTS = ("Needed, and within budget.", "Fine with me.")


class StoryStuck(Exception):
    """A step did not come; the message says which."""


async def live_through(world: World, teams: Teams, tenant: SampleTenant, template: str) -> str:
    """
    Start the request of *template* and let everybody whom the tenant asks approve it; return its number.

    Raises:
        StoryStuck: A card, or the tenant's next word, did not come.
    """
    sent = await tenant.start_request(template)
    identifier = (sent.arx or {}).get("ApprovalIdentifier") or {}
    number, year = identifier.get("DocumentNumber", ""), identifier.get("FiscalYear", "")
    step = 0
    while asked := tenant.asked(number, year):
        await _approve(world, teams, asked[0], number, COMMENTS[step % len(COMMENTS)])
        await _moved_on(world, tenant, number, year, asked)
        step += 1
    return number


async def _approve(world: World, teams: Teams, alias: str, number: str, comment: str) -> None:
    try:
        message = await world.until(lambda: _card(world, alias, number), within=PATIENCE)
    except TimeoutError:
        message = None
    if message is None:
        raise StoryStuck(f"{alias} got no card about {number} with {APPROVE} on it.")
    action = button(message.shown_to(alias) or {}, APPROVE)
    await teams.click(alias, message.id, action, {"comment": comment})


async def _moved_on(
    world: World, tenant: SampleTenant, number: str, year: str, asked: list[str]
) -> None:
    try:
        await world.until(lambda: tenant.asked(number, year) != asked, within=PATIENCE)
    except TimeoutError:
        raise StoryStuck(f"{tenant.registered.code} did not go on with {number}.") from None


def _card(world: World, alias: str, number: str) -> Message | None:
    """Return somebody's newest card about a request, once it can be approved."""
    chat = world.chat_of(alias)
    messages = [] if chat is None else chat.messages
    about = [one for one in messages if one.sender is Sender.BOT and _is_about(one, number)]
    return about[-1] if about and _offers(about[-1].shown_to(alias)) else None


def _is_about(message: Message, number: str) -> bool:
    return number in str(message.card)


def _offers(card: Json | None) -> bool:
    return APPROVE in [one.get("title") for one in buttons(card or {})]
