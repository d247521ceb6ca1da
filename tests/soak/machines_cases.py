"""Requests of the soak, and what their tenants send about them: each ARX until it is taken, some twice, some too late."""

import asyncio
import json
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from playground import names
from playground.outside import Playground
from playground.records import Json, Received
from playground.tenant import SampleTenant

CREATE, UPDATE, DELETE = 1, 2, 3
YEAR = "2026"
SAMPLES = {
    names.PURCHASING.code: "wiki-create",
    names.EXPENSES.code: "expenses-create-train",
    names.CAPEX.code: "capex-create",
}
ALL_OF = names.CAPEX.code  # its file says so in the soak
NEVER_ASKED = "johndoe5"
BY_THE_SUBMITTER = {  # what no approver did
    "Name": "Change",
    "Date": "2026-11-16T09:00:00Z",
    "ActionBy": {"Alias": "johndoe11", "Name": "Ana Ruiz"},
}
AGAIN = 0.3  # seconds until a tenant posts once more what nobody took
LOOK = 0.5  # seconds between two looks into the tenant's own book
THINKS = 8.0  # seconds, at times: long enough for a decision that is in doubt to be told again
TAKEN = 200
NOT_TAKEN = (None, 408, 500, 503)  # the same again


@dataclass
class Post:
    """One payload, and the ids under which it was taken: one, if all is well."""

    arx: Json
    payloads: list[str] = field(default_factory=list[str])


@dataclass
class Case:
    """
    One request, as its tenant knows it.

    *levels* are asked one after the other, and no alias twice; *watcher* is always asked, too,
    and never decides. `posts` is all that was sent, and taken; each payload has a stamp of its own.
    """

    tenant: SampleTenant
    number: str
    levels: list[list[str]]
    watcher: str
    mails: bool
    level: int = 0
    title: int = 0
    over: bool = False
    posts: list[Post] = field(default_factory=list[Post])
    gone: set[str] = field(default_factory=set[str])  # of an all-of level: who has decided

    @property
    def all_of(self) -> bool:
        return self.tenant.registered.code == ALL_OF

    @property
    def asked(self) -> list[str]:
        """Return whom the tenant asks now."""
        return (
            [] if self.over else [each for each in self.levels[self.level] if each not in self.gone]
        )

    @property
    def everybody(self) -> list[str]:
        return [self.watcher, *(alias for level in self.levels for alias in level)]

    def told(self) -> list[tuple[Received, str, Json]]:
        """Return each time that the tenant was told a decision: the post, its key, the ApprovalRequest."""
        return [
            (post, key_of(post, one), one)
            for post in self.tenant.actions()
            for one in (post.body if isinstance(post.body, list) else [post.body])
            if isinstance(one, dict) and one["ApprovalIdentifier"]["DocumentNumber"] == self.number
        ]

    def taken(self) -> dict[str, Json]:
        """Return by key the decisions that the tenant has done."""
        return {key: one for post, key, one in self.told() if post.applied}


def key_of(post: Received, one: Json) -> str:
    """Return a decision's id: as its header says, and in an array as each of it does."""
    if isinstance(post.body, list):
        return str(one["Telemetry"]["Tcv"])
    headers = {name.lower(): value for name, value in post.headers.items()}
    return headers["idempotency-key"]


class Clerk:
    """Sends what one tenant's system sends about one request."""

    def __init__(self, case: Case, outside: Playground, choice: random.Random) -> None:
        self.case = case
        self._choice = choice
        self._sample = json.loads(outside.sample(SAMPLES[case.tenant.registered.code]))
        self._stamp = datetime.now(UTC) - timedelta(minutes=1)

    @property
    def begun(self) -> bool:
        return bool(self.case.posts)

    async def live(self, until: asyncio.Event) -> None:
        """Begin the request, change it at times, and move it on with each decision, until the end of the load."""
        await self.begin()
        while not self.case.over and not until.is_set():
            if not await self._move_on():
                if self._choice.random() < 0.04:
                    await self._change()
                await asyncio.sleep(self._choice.choice((LOOK, LOOK, LOOK, THINKS)))

    async def end(self) -> None:
        """Ask nobody any more."""
        if not self.case.over:
            await self._post(self._ended(None))

    async def hear(self) -> None:
        """Do what follows from decisions that were taken in the end."""
        while not self.case.over and await self._move_on():
            pass

    async def begin(self) -> None:
        """Send the first word of it."""
        case = self.case
        create = self._arx(CREATE, asks=case.asked, drops=[])
        if len(case.levels) == 1 or self._choice.random() < 0.6:
            await self._post(create)
            return
        # The next level is asked at once, and the word of that comes first, or with the other.
        drops, case.level = case.asked, case.level + 1
        update = self._arx(UPDATE, asks=case.asked, drops=drops)
        await asyncio.gather(self._post(update), self._post(create))

    # -- steps ----------------------------------------------------------------

    async def _change(self) -> None:
        """Change what everybody decides on, twice, the older word perhaps last."""
        changes: list[Json] = []
        for _ in range(2):
            self.case.title += 1
            changes.append(self._arx(UPDATE, asks=[], drops=[NEVER_ASKED]))
        self._choice.shuffle(changes)
        for change in changes:
            await self._post(change)

    async def _move_on(self) -> bool:
        """Send what follows from a decision of the present level; False: there is none."""
        case = self.case
        for decision in case.taken().values():
            by = decision["ActionByAlias"]
            if by in case.asked:
                await self._post(
                    self._all_of(by, decision) if case.all_of else self._any_of(decision)
                )
                return True
        return False

    def _any_of(self, decision: Json) -> Json:
        case = self.case
        if case.level + 1 == len(case.levels):
            return self._ended(_detail(decision))
        drops, case.level = case.asked, case.level + 1
        return self._arx(UPDATE, asks=case.asked, drops=drops, detail=_detail(decision))

    def _all_of(self, by: str, decision: Json) -> Json:
        """Ask him no more; the next level once nobody is left."""
        case = self.case
        case.gone.add(by)
        if case.asked:
            return self._arx(DELETE, asks=[], drops=[by], detail=_detail(decision))
        if case.level + 1 == len(case.levels):
            return self._ended(_detail(decision))
        case.level += 1
        return self._arx(UPDATE, asks=case.asked, drops=[by], detail=_detail(decision))

    def _ended(self, detail: Json | None) -> Json:
        self.case.over = True
        return self._arx(DELETE, asks=[], drops=self.case.everybody, detail=detail)

    # -- the wire -------------------------------------------------------------

    def _arx(
        self, operation: int, *, asks: list[str], drops: list[str], detail: Any = None
    ) -> Json:
        self._stamp += timedelta(milliseconds=10)
        approvers = [] if operation == DELETE else [*asks, self.case.watcher]
        number, arx = self.case.number, self._sample
        identifier = {"DisplayDocumentNumber": number, "DocumentNumber": number, "FiscalYear": YEAR}
        title = f"Change {self.case.title} of {number}"
        summary = {"ApprovalIdentifier": identifier, "Title": title, "UnitValue": "80.00"}
        to = ";".join(f"{alias}@{names.DOMAIN}" for alias in asks)
        wanted = {
            "SendNotification": True,
            "TemplateKey": "PendingApproval",
            "To": to,
            "Cc": "",
            "Bcc": "",
            "Reminder": None,
        }
        return arx | {
            "Operation": operation,
            "ApprovalIdentifier": identifier,
            "Approvers": [{"Alias": alias, "Name": alias} for alias in approvers] or None,
            "DeleteFor": drops,
            "ActionDetail": None if operation == CREATE else detail or BY_THE_SUBMITTER,
            "NotificationDetail": wanted if self.case.mails and asks else None,
            "SummaryData": arx["SummaryData"] | summary,
            "OperationDateTime": self._stamp.isoformat(),
        }

    async def _post(self, arx: Json) -> None:
        """Post it until it is taken; sometimes once more, or twice at once."""
        post = Post(arx)
        self.case.posts.append(post)
        how = self._choice.random()
        if how < 0.15:
            await asyncio.gather(self._taken(post), self._taken(post))
            return
        await self._taken(post)
        if how > 0.85:
            await self._taken(post)

    async def _taken(self, post: Post) -> None:
        while True:
            sent = await self.case.tenant.send(post.arx)
            if sent.status == TAKEN:
                post.payloads.append(sent.answer["PayloadProcessingResult"]["PayloadId"])
                return
            assert sent.status in NOT_TAKEN, sent.answer
            await asyncio.sleep(AGAIN)


def _detail(decision: Json) -> Json:
    """Say who did what (assent-app WIKI.md, "Update Payload")."""
    details = decision["ActionDetails"]
    return {
        "Name": decision["Action"],
        "Date": details["ActionDate"],
        "Comment": details.get("Comment"),
        "ActionBy": {"Alias": decision["ActionByAlias"], "Name": ""},
        "UserActionFailureReason": "",
    }
