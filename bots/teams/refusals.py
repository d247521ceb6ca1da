"""What the Bot Connector's answers mean, as errors of ours."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, cast

from approvals_core.errors import (
    AnswerLost,
    CardGone,
    CardRefused,
    ChannelBusy,
    ChannelError,
    Unreachable,
)

SOON, LATER = 30.0, 300.0  # seconds: a passing failure; one that somebody must mend
NOT_INSTALLED = ("ForbiddenOperationException", "BotNotInConversationRoster")  # 403 on create

_CODE = re.compile(r"[A-Za-z0-9_]{1,64}")


class Forbidden(Unreachable):
    """403: this person, or everybody in his directory."""


class AppMissing(Unreachable):
    """403 on creating a conversation: the person does not have the app."""


@dataclass(frozen=True)
class Answer:
    """One answer, read."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def good(self) -> bool:
        """Tell whether it was done."""
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES

    def text(self, name: str) -> str:
        """Return a string of the JSON answered, "" if there is none."""
        value = _parsed(self.body).get(name)
        return value if isinstance(value, str) else ""

    @property
    def code(self) -> str:
        """Return the error's code. Teams has two shapes of it; texts are left alone."""
        body = _parsed(self.body)
        error = body.get("error")
        code: object = error.get("code") if isinstance(error, dict) else body.get("errorCode")
        return str(code) if _CODE.fullmatch(str(code)) and code is not None else ""

    def __str__(self) -> str:
        return f"HTTP {self.status} {self.code}".rstrip()


def refusal(what: str, answer: Answer) -> ChannelError:
    """
    Return what a refusal means: *what* is "create", "send", "update" or "delete".

    By msteams-docs, conversation-messages.md, "Status codes".
    """
    status = answer.status
    if status == HTTPStatus.NOT_FOUND and what in ("update", "delete"):
        return CardGone(str(answer))
    if status == HTTPStatus.FORBIDDEN:
        missing = what == "create" and answer.code in NOT_INSTALLED
        return AppMissing(str(answer)) if missing else Forbidden(f"{answer}: the app is blocked")
    nobody = status == HTTPStatus.BAD_REQUEST and what == "create"  # whom Teams knows
    if nobody or status == HTTPStatus.NOT_FOUND:
        return Unreachable(str(answer))
    if status == HTTPStatus.UNAUTHORIZED:  # the bot is not registered: nobody's card is at fault
        return ChannelBusy(str(answer), retry_after=LATER)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:  # done or not: the answer does not say
        return AnswerLost(str(answer))
    return CardRefused(str(answer))


def given_id(answer: Answer) -> str:
    """Return the id of what was made. Without one it was taken, and nobody can ever update it."""
    found = answer.text("id")
    if not found:
        raise AnswerLost("an answer without an id")
    return found


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        value: object = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}
