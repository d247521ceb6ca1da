"""Answers questions."""

import itertools
import re
from collections.abc import Mapping, Sequence
from datetime import datetime

from approvals_core.adapters.redis_store.commits import card_field
from approvals_core.adapters.redis_store.keys import (
    REGISTRY,
    ScopeKeys,
    hints,
    keys_of,
    late_member,
    list_end,
    list_start,
)
from approvals_core.adapters.redis_store.queue import number
from approvals_core.adapters.redis_store.wire import Command, Wire
from approvals_core.adapters.stored import (
    instant,
    job_page,
    key_text,
    micros,
    page_of,
    payload_page,
    queued_job,
    read_approval,
)
from approvals_core.models import (
    Approval,
    ApprovalKey,
    Contact,
    DeadLetter,
    HistoryEvent,
    Job,
    Lane,
    Letter,
    Payload,
    PersonId,
    QueuedJob,
    Receipt,
)
from approvals_core.ports import (
    MOST_HELD,
    Cursor,
    JobCursor,
    JobPage,
    Page,
    PayloadCursor,
    PayloadPage,
)

LISTED = 500  # payloads that an older program took, listed at a time
_JOB = re.compile(r"(\d+)\|(\d+)\|([^|]*)\|(\d*)\|(\d+)\|(.*)", re.DOTALL)  # see the scripts


class Reads:
    """The questions of `Store` that are not about what is due."""

    def __init__(self, wire: Wire) -> None:
        self._reading = wire

    async def approval(self, key: ApprovalKey) -> Approval | None:
        keys, text = keys_of(key)
        (record,) = await self._reading.send(("HGET", keys.approval(text), "record"))
        return read_approval(record) if record else None

    async def approval_by_id(self, scope: str, public_id: str) -> Approval | None:
        keys = ScopeKeys(scope)
        (key,) = await self._reading.send(("HGET", keys.ids, public_id))
        if key is None:
            return None
        (record,) = await self._reading.send(("HGET", keys.approval(key), "record"))
        return read_approval(record)

    async def bodies(self, key: ApprovalKey, prefix: str = "") -> Mapping[str, str]:
        keys, text = keys_of(key)
        names = [name for name in await self.body_names(key) if name.startswith(prefix)]
        if not names:
            return {}
        (texts,) = await self._reading.send(("HMGET", keys.bodies(text), *names))
        return {n: body for n, body in zip(names, texts, strict=True) if body is not None}

    async def body_names(self, key: ApprovalKey) -> Sequence[str]:
        keys, text = keys_of(key)
        (names,) = await self._reading.send(("HKEYS", keys.bodies(text)))
        return sorted(names)

    async def history(self, key: ApprovalKey) -> Sequence[HistoryEvent]:
        keys, text = keys_of(key)
        (records,) = await self._reading.send(("LRANGE", keys.events(text), 0, -1))
        return [HistoryEvent.model_validate_json(record) for record in records]

    async def receipts(self, key: ApprovalKey) -> Sequence[Receipt]:
        keys, text = keys_of(key)
        (cards,) = await self._reading.send(("HGETALL", keys.receipts(text)))
        ordered = sorted(zip(cards[::2], cards[1::2], strict=True))
        return [Receipt.model_validate_json(record) for _, record in ordered]

    async def receipt(
        self,
        key: ApprovalKey,
        *,
        round: int,  # noqa: A002 - the port's word
        person: PersonId,
        channel: str,
    ) -> Receipt | None:
        keys, text = keys_of(key)
        field = card_field(round, str(person), channel)
        (record,) = await self._reading.send(("HGET", keys.receipts(text), field))
        return Receipt.model_validate_json(record) if record else None

    async def letters(self, key: ApprovalKey) -> Sequence[Letter]:
        keys, text = keys_of(key)
        order, flat = await self._reading.send(
            ("ZRANGE", keys.letter_order(text), 0, -1), ("HGETALL", keys.letters(text))
        )
        # What comes between the two answers is in the second one only.
        records = dict(zip(flat[::2], flat[1::2], strict=True))
        return [Letter.model_validate_json(records[letter_id]) for letter_id in order]

    async def letter(self, key: ApprovalKey, letter_id: str) -> Letter | None:
        keys, text = keys_of(key)
        (record,) = await self._reading.send(("HGET", keys.letters(text), letter_id))
        return Letter.model_validate_json(record) if record else None

    async def payload(self, scope: str, payload_id: str) -> Payload | None:
        (record,) = await self._reading.send(("HGET", ScopeKeys(scope).payloads, payload_id))
        return Payload.model_validate_json(record) if record else None

    async def payload_by_digest(self, scope: str, digest: str) -> Payload | None:
        (found,) = await self._reading.send(("HGET", ScopeKeys(scope).digests, digest))
        return await self.payload(scope, found) if found else None

    async def late_payloads(
        self, scope: str, *, after: PayloadCursor | None = None, limit: int
    ) -> PayloadPage:
        return await self._listed(ScopeKeys(scope).late, scope, after, limit)

    async def payloads(
        self, scope: str, *, after: PayloadCursor | None = None, limit: int
    ) -> PayloadPage:
        await self._list_all(ScopeKeys(scope))
        return await self._listed(ScopeKeys(scope).payload_log, scope, after, limit)

    async def _list_all(self, keys: ScopeKeys) -> None:
        """List the payloads that a program took which did not list them."""
        counts = await self._reading.send(("HLEN", keys.payloads), ("ZCARD", keys.payload_log))
        cursor = "0" if counts[0] > counts[1] else ""
        while cursor:
            (answer,) = await self._reading.send(("HSCAN", keys.payloads, cursor, "COUNT", LISTED))
            cursor, flat = answer
            found = [Payload.model_validate_json(record) for record in flat[1::2]]
            members = [part for p in found for part in (0, late_member(p.received_at, p.id))]
            if members:
                await self._reading.send(("ZADD", keys.payload_log, *members))
            cursor = "" if str(cursor) == "0" else cursor

    async def _listed(
        self, name: str, scope: str, after: PayloadCursor | None, limit: int
    ) -> PayloadPage:
        keys = ScopeKeys(scope)
        start = f"({late_member(after.at, after.id)}" if after else "-"
        (members,) = await self._reading.send(
            ("ZRANGEBYLEX", name, start, "+", "LIMIT", 0, limit + 1)
        )
        ids = [member.partition("\x1f")[2] for member in members]
        records = await self._reading.send(*(("HGET", keys.payloads, each) for each in ids))
        return payload_page(records, limit)

    async def contact(self, person: PersonId) -> Contact | None:
        (record,) = await self._reading.send(("HGET", ScopeKeys(person.scope).contact, "record"))
        return Contact.model_validate_json(record) if record else None

    async def notes(self, scope: str) -> Mapping[str, str]:
        (flat,) = await self._reading.send(("HGETALL", ScopeKeys(scope).notes))
        return dict(zip(flat[::2], flat[1::2], strict=True))

    async def page(self, scope: str, name: str, *, after: Cursor | None = None, limit: int) -> Page:
        keys, start = ScopeKeys(scope), list_start(name)
        if after:
            start += f"{micros(after.at):018d}\x1f{key_text(after.key)}"
        first, behind = f"({start}", f"({list_end(name)}"
        (members,) = await self._reading.send(
            ("ZRANGEBYLEX", keys.lists, first, behind, "LIMIT", 0, limit + 1)
        )
        rows = [member.split("\x1f", 2)[1:] for member in members]
        records = await self._reading.send(
            *(("HGET", keys.approval(key), "record") for _, key in rows[:limit])
        )
        return page_of(scope, [(int(at), key) for at, key in rows], records, limit)

    async def count(self, scope: str, name: str) -> int:
        bounds = (f"[{list_start(name)}", f"({list_end(name)}")
        (number,) = await self._reading.send(("ZLEXCOUNT", ScopeKeys(scope).lists, *bounds))
        return number

    async def job(self, scope: str, key: str) -> Job | None:
        found = await self.queued(scope, key)
        return found.job if found else None

    async def queued(self, scope: str, key: str) -> QueuedJob | None:
        keys = ScopeKeys(scope)
        times = (("ZSCORE", lane, key) for lane in keys.lanes)
        text, *scores = await self._reading.send(("HGET", keys.jobs, key), *times)
        for lane, score in zip(Lane, scores, strict=True):
            if text is not None and score is not None:
                return _queued(scope, key, lane, number(score), text)
        return None

    async def jobs(self, scope: str, *, after: JobCursor | None = None, limit: int) -> JobPage:
        keys, start = ScopeKeys(scope), (micros(after.next), after.key) if after else (-1, "")
        found = [
            (at, key, lane)
            for lane in Lane
            for at, key in await self._behind(keys.lanes[lane], start, limit + 1)
        ]
        places = sorted(found)[: limit + 1]
        texts = await self._reading.send(
            *(("HGET", keys.jobs, key) for _, key, _ in places[:limit])
        )
        there = [
            _queued(scope, key, lane, at, text)
            for (at, key, lane), text in zip(places, texts, strict=False)
            if text is not None  # else it was done since
        ]
        return job_page([(at, key) for at, key, _ in places], there, limit)

    async def oldest_held(
        self, ends: Mapping[Lane, datetime], *, now: datetime
    ) -> Mapping[Lane, datetime]:
        found = {lane: await self._oldest_held(lane, now, end) for lane, end in ends.items()}
        return {lane: instant(due) for lane, due in found.items() if due is not None}

    async def _oldest_held(self, lane: Lane, now: datetime, end: datetime) -> int | None:
        after, by = f"({micros(now)}", micros(end)
        hinted = ("ZRANGEBYSCORE", hints(lane), "-inf", by, "LIMIT", 0, MOST_HELD)
        (scopes,) = await self._reading.send(hinted)  # a hint may be too early, and never too late
        places = [ScopeKeys(scope) for scope in scopes]
        looks = (("ZRANGEBYSCORE", k.lane(lane), after, by, "LIMIT", 0, MOST_HELD) for k in places)
        ending = await self._reading.send(*looks)
        jobs = [(k.jobs, key) for k, keys in zip(places, ending, strict=True) for key in keys]
        texts = await self._reading.send(*(("HGET", *job) for job in jobs[:MOST_HELD]))
        there = (text for text in texts if text is not None)  # else it was done since
        read = [_JOB.fullmatch(text) for text in there]
        return min((int(job[2]) for job in read if job and job[3]), default=None)

    async def _behind(self, lane: str, start: tuple[int, str], most: int) -> list[tuple[int, str]]:
        """Return at most *most* members of a lane behind *start*; many may share its time."""
        found: list[tuple[int, str]] = []
        for offset in itertools.count(0, most):
            command: Command = (
                *("ZRANGEBYSCORE", lane, start[0], "+inf", "WITHSCORES"),
                *("LIMIT", offset, most),
            )
            (flat,) = await self._reading.send(command)
            rows = [(number(at), key) for key, at in zip(flat[::2], flat[1::2], strict=True)]
            found += [row for row in rows if row > start]
            if len(rows) < most or len(found) >= most:
                break
        return found[:most]

    async def dead_letters(self, scope: str) -> Sequence[DeadLetter]:
        (records,) = await self._reading.send(("HVALS", ScopeKeys(scope).dead_letters))
        letters = [DeadLetter.model_validate_json(record) for record in records]
        return sorted(letters, key=lambda letter: (letter.at, letter.id))

    async def scopes(self) -> Sequence[str]:
        (scopes,) = await self._reading.send(("SMEMBERS", REGISTRY))
        return sorted(scopes)


def _queued(scope: str, key: str, lane: int, next_: int, text: str) -> QueuedJob:
    read = _JOB.fullmatch(text)
    due, token, failures, record = read.group(2, 3, 5, 6) if read else (0, "", 0, "")
    return queued_job(
        record,
        int(due),
        scope=scope,
        key=key,
        lane=lane,
        next_=next_,
        leased=bool(token),
        failures=int(failures),
    )
