"""Answers questions."""

from collections.abc import Mapping, Sequence

from approvals_core.adapters.redis_store.commits import card_field
from approvals_core.adapters.redis_store.keys import (
    REGISTRY,
    ScopeKeys,
    keys_of,
    list_end,
    list_start,
)
from approvals_core.adapters.redis_store.wire import Wire
from approvals_core.adapters.stored import instant, key_text, micros, read_job
from approvals_core.models import (
    Approval,
    ApprovalKey,
    Contact,
    DeadLetter,
    HistoryEvent,
    Job,
    Payload,
    PersonId,
    Receipt,
)
from approvals_core.ports import Cursor, Page


class Reads:
    """The questions of `Store` that are not about what is due."""

    def __init__(self, wire: Wire) -> None:
        self._reading = wire

    async def approval(self, key: ApprovalKey) -> Approval | None:
        keys, text = keys_of(key)
        (record,) = await self._reading.send(("HGET", keys.approval(text), "record"))
        return Approval.model_validate_json(record) if record else None

    async def approval_by_id(self, scope: str, public_id: str) -> Approval | None:
        keys = ScopeKeys(scope)
        (key,) = await self._reading.send(("HGET", keys.ids, public_id))
        if key is None:
            return None
        (record,) = await self._reading.send(("HGET", keys.approval(key), "record"))
        return Approval.model_validate_json(record)

    async def bodies(self, key: ApprovalKey, prefix: str = "") -> Mapping[str, str]:
        keys, text = keys_of(key)
        (found,) = await self._reading.send(("HKEYS", keys.bodies(text)))
        names = sorted(name for name in found if name.startswith(prefix))
        if not names:
            return {}
        (texts,) = await self._reading.send(("HMGET", keys.bodies(text), *names))
        return {n: body for n, body in zip(names, texts, strict=True) if body is not None}

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

    async def payload(self, scope: str, payload_id: str) -> Payload | None:
        (record,) = await self._reading.send(("HGET", ScopeKeys(scope).payloads, payload_id))
        return Payload.model_validate_json(record) if record else None

    async def payload_by_digest(self, scope: str, digest: str) -> Payload | None:
        (found,) = await self._reading.send(("HGET", ScopeKeys(scope).digests, digest))
        return await self.payload(scope, found) if found else None

    async def contact(self, person: PersonId) -> Contact | None:
        (record,) = await self._reading.send(("HGET", ScopeKeys(person.scope).contact, "record"))
        return Contact.model_validate_json(record) if record else None

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
        approvals = tuple(Approval.model_validate_json(record) for record in records)
        if len(rows) <= limit:
            return Page(approvals=approvals)
        last = Cursor(at=instant(int(rows[limit - 1][0])), key=approvals[-1].key)
        return Page(approvals=approvals, after=last)

    async def count(self, scope: str, name: str) -> int:
        bounds = (f"[{list_start(name)}", f"({list_end(name)}")
        (number,) = await self._reading.send(("ZLEXCOUNT", ScopeKeys(scope).lists, *bounds))
        return number

    async def job(self, scope: str, key: str) -> Job | None:
        (text,) = await self._reading.send(("HGET", ScopeKeys(scope).jobs, key))
        if text is None:
            return None
        _, due, _, _, _, record = text.split("|", 5)  # see the scripts
        return read_job(record, int(due))

    async def dead_letters(self, scope: str) -> Sequence[DeadLetter]:
        (records,) = await self._reading.send(("HVALS", ScopeKeys(scope).dead_letters))
        letters = [DeadLetter.model_validate_json(record) for record in records]
        return sorted(letters, key=lambda letter: (letter.at, letter.id))

    async def scopes(self) -> Sequence[str]:
        (scopes,) = await self._reading.send(("SMEMBERS", REGISTRY))
        return sorted(scopes)

    async def close(self) -> None:
        """End what is under way."""
        await self._reading.close()
