"""Mails through the whole service: whose an address is, as the directory says, and what the tenant is told of them."""

from typing import Any

from playground.mailboxes import ReceivedMail
from tests.failing import standing
from tests.far_sides import eventually
from tests.running import Running

OTHER = "maria.keller@organization.com"  # Maria's, but not how she signs in
LOOKALIKE = "johndoe1@elsewhere.example"  # that of somebody in another directory


def wanting(*to: str, cc: str = "") -> dict[str, Any]:
    """Return a NotificationDetail."""
    told = {"SendNotification": True, "TemplateKey": "PendingApproval", "To": ";".join(to)}
    return {**told, "Cc": cc, "Bcc": "", "Reminder": None}


async def mails_to(running: Running, *addresses: str) -> dict[str, ReceivedMail]:
    """Wait until there is a mail for each address; return the newest ones."""
    inbox = running.playground.world.mailboxes

    def look() -> dict[str, ReceivedMail] | None:
        there = [mail for address in addresses for mail in inbox.of(inbox.owner(address))]
        found = {mail.to: mail for mail in there}
        return found if set(addresses) <= set(found) else None

    return await running.until(look)


async def test_another_address_of_an_approver_gets_his_card_and_a_lookalike_none(
    running: Running,
) -> None:
    await running.send("wiki-create", NotificationDetail=wanting(OTHER, LOOKALIKE))

    mails = await mails_to(running, OTHER, LOOKALIKE)

    assert mails[OTHER].card
    assert not mails[LOOKALIKE].card


async def test_the_tenant_is_told_what_became_of_each_mail(running: Running) -> None:
    notified = wanting(OTHER, cc="boss@organization.com")
    await running.send("wiki-create", NotificationDetail=notified)
    await mails_to(running, OTHER, "boss@organization.com")

    async def is_told() -> bool:
        mails = (await standing(running))["johndoe1"]["Mails"]
        return [mail["State"] for mail in mails] == ["sent"]

    await eventually(is_told)

    [mail] = (await standing(running))["johndoe1"]["Mails"]
    assert (mail["Address"], mail["Occasion"], mail["SeenAt"]) == (OTHER, "asked", None)
    assert mail["SentAt"]
