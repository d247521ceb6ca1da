"""One request from its CREATE to its end: decided in Teams, or in the mail about it."""

import json
from typing import Any
from uuid import uuid4

from approvals_core.models import ApprovalKey
from playground.mailboxes import ReceivedMail
from playground.outlook import Pressed
from playground.reading import button
from tests.crash.mails import looked_at
from tests.crash.telling import CLEANED_UP, EVERYBODY, MARIA, NOBODY, OTHERS, Telling
from tests.failing import KEY

ARXS = 3  # CREATE, UPDATE, DELETE: what is posted again counts once
LETTERS_COME = 400.0  # seconds: what may be lost is sent again after five minutes
TWICE = 2  # so often a mail is sent whose answer is lost


class Story(Telling):
    """Three are asked, Maria Keller approves, the tenant asks the others, then nobody any more."""

    async def tell(self) -> None:
        await self._begin()
        await self._true(KEY, can_decide=EVERYBODY)
        await self._decide_again(KEY)
        await self._lives.rest()
        await self._decided(KEY)
        await self._arx("wiki-update")
        await self._lives.rest()
        await self._true(KEY, can_decide=OTHERS)
        await self._arx("wiki-delete", DeleteFor=OTHERS)
        await self._end()

    async def tell_in_a_hurry(self) -> None:
        await self._begin()
        await self._decide_again(KEY)
        await self._arx("wiki-update")
        await self._arx("wiki-delete", DeleteFor=OTHERS)
        await self._end()

    async def _begin(self) -> None:
        await self._install()
        await self._arx("wiki-create")
        await self._lives.rest()

    async def _end(self) -> None:
        await self._lives.rest()
        await self._true(KEY, can_decide=NOBODY)
        await self._lives.rest(CLEANED_UP)
        await self._over(KEY, arxs=ARXS, mailed=True)

    async def _hear(self, key: ApprovalKey) -> None:
        await self._arx("wiki-update")

    async def _decide_again(self, key: ApprovalKey) -> None:
        await self._click(key)

    async def _arx(self, sample: str, **fields: Any) -> None:
        arx = json.loads(self._outside.sample(sample)) | fields
        # Each mail is a handful of moments to die at, and one is like another: Maria gets two.
        arx["NotificationDetail"] |= {"To": f"{MARIA}@organization.com", "Cc": None, "Bcc": None}
        arx["NotificationDetail"]["SendNotification"] = sample != "wiki-update"
        await self._post(KEY, arx)


class InTheMail(Story):
    """The same, but Maria Keller opens her mail and decides there."""

    async def _decide_again(self, key: ApprovalKey) -> None:
        mail = await self._mail()
        if mail is None:
            assert len(self._lives.deaths) >= TWICE, "a mail is lost that was sent again"
            await self._click(key)
            return
        card, outlook = await looked_at(self._lives, MARIA, mail), self._outside.outlook
        action, request = button(card, "Approve"), str(uuid4())
        typed = {"comment": "Within Budget"}

        async def pressed() -> Pressed | None:
            answer = await outlook.press(MARIA, mail.id, action, typed, request=request)
            return None if answer.status is None else answer

        answer = await self._lives.insist(pressed)
        assert not answer.failed, answer
        assert not answer.problem, answer

    async def _mail(self) -> ReceivedMail | None:
        """Return the oldest mail with a card, None if it was lost each time that it was sent."""
        if not self._mails():
            await self._lives.rest(LETTERS_COME)
        return next(iter(self._mails()), None)

    def _mails(self) -> list[ReceivedMail]:
        return [mail for mail in self._outside.world.mailboxes.of(MARIA) if mail.card]
