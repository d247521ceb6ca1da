"""What Redis holds, as it is stored: read, written, swapped and taken away record by record."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from approvals_core.adapters.redis_store.guard import Guard
from approvals_core.adapters.redis_store.held import (
    PIECE,
    digest_and_time,
    document_of,
    drop_payload,
    drops,
    hashes_of,
    hinted,
    job_values,
    keys_beside,
    member_of_log,
    pairs,
    put,
    puts,
    reads_of,
    together,
    values_of,
)
from approvals_core.adapters.redis_store.keys import ABOUT, DEAD, REGISTRY, ScopeKeys, hints
from approvals_core.adapters.redis_store.scripts import MARK
from approvals_core.adapters.redis_store.wire import Command, Wire, call
from approvals_core.adapters.stored import key_text
from approvals_core.errors import StoreClosed, StoreUnavailable, VersionConflict
from approvals_core.models import ApprovalKey, Lane
from approvals_core.models.held import Document, Held, Kind, Names, Whole
from approvals_core.models.marks import ID

REWRITTEN_WITHIN = 3600.0  # seconds for the file of what was written, however large
LOOK_EVERY = 0.2  # seconds

_FAILED = re.compile(r"aof_last_bgrewrite_status\W+err")
_REWRITING = re.compile(r"aof_rewrite_(?:in_progress|scheduled)\W+1")


class RedisHoldings:
    """`Holdings` of one database, on the connections of its store."""

    def __init__(self, reading: Wire, writing: Wire, guard: Guard) -> None:
        self._reading = reading
        self._writing = writing
        self._guard = guard

    async def about(self) -> Mapping[str, str]:
        (flat,) = await self._reading.send(("HGETALL", ABOUT))
        about = pairs(flat)
        if why := self._guard.other(about.get(ID)):
            raise StoreClosed(why)
        return about

    async def mark(self, name: str, text: str | None) -> None:
        command = ("HDEL", ABOUT, name) if text is None else ("HSET", ABOUT, name, text)
        await self._writing.send(command)

    async def replace_mark(self, name: str, before: str | None, after: str | None) -> bool:
        (done,) = await self._writing.send(call(MARK, [ABOUT], (name, before or "", after or "")))
        return bool(done)

    async def time(self) -> datetime | None:
        told = await self._reading.everywhere(("TIME",))
        (found,) = next(iter(told.values()))
        if isinstance(found, Exception):
            raise StoreUnavailable(f"Redis: {found}")
        seconds, micros = found
        return datetime.fromtimestamp(int(seconds), UTC) + timedelta(microseconds=int(micros))

    async def counts(self, scope: str) -> Mapping[str, int]:
        keys = ScopeKeys(scope)
        sizes = {"request": ("HLEN", keys.ids), Kind.CONTACT.value: ("EXISTS", keys.contact)}
        sizes |= {kind.value: ("HLEN", name) for kind, name in hashes_of(keys).items()}
        found = await self._reading.send(*sizes.values())
        return {kind: count for kind, count in zip(sizes, found, strict=True) if count}

    async def documents(self, scope: str, *, after: str = "", limit: int) -> Names:
        flat, cursor = await self._scan(ScopeKeys(scope).ids, after, limit)
        return Names(tuple(flat[1::2]), cursor)

    async def names(self, scope: str, kind: Kind, *, after: str = "", limit: int) -> Names:
        keys = ScopeKeys(scope)
        if kind is Kind.CONTACT:
            (there,) = await self._reading.send(("EXISTS", keys.contact))
            return Names(("",) if there else (), None)
        flat, cursor = await self._scan(hashes_of(keys)[kind], after, limit)
        return Names(tuple(flat[::2]), cursor)

    async def document(self, key: ApprovalKey) -> Document | None:
        found = await self.read_documents(key.scope, [key_text(key)])
        return found[0] if found else None

    async def read_documents(self, scope: str, keys: Sequence[str]) -> Sequence[Document]:
        own = ScopeKeys(scope)
        commands = [command for key in keys for command in reads_of(own, key)]
        answers = iter(await self._reading.send(*commands))
        read = [document_of(key, [next(answers) for _ in reads_of(own, key)]) for key in keys]
        return [document for document in read if document is not None]

    async def archived_to(self, key: ApprovalKey) -> int:
        own = ScopeKeys(key.scope)
        (found,) = await self._reading.send(("HGET", own.tombstones, key_text(key)))
        return int(found or 0)

    def tombstone(self, key: ApprovalKey, ticks: int) -> Held:
        return Held(Kind.TOMBSTONE, key_text(key), (str(ticks),))

    async def read(self, scope: str, kind: Kind, names: Sequence[str]) -> Sequence[Held]:
        keys = ScopeKeys(scope)
        match kind:
            case Kind.JOB:
                return await self._jobs(scope, keys, names)
            case Kind.PAYLOAD:
                return await self._payloads(keys, names)
            case Kind.CONTACT:
                fields = ("version", "change", "record")
                (found,) = await self._reading.send(("HMGET", keys.contact, *fields))
                version, change, record = found
                values = (int(version or 0), change, record)
                return [Held(kind, "", values)] if record is not None else []
            case _:
                texts = await self._texts(hashes_of(keys)[kind], names)
                return [Held(kind, name, values_of(kind, text)) for name, text in texts]

    async def write(
        self, scope: str, documents: Sequence[Document] = (), held: Sequence[Held] = ()
    ) -> None:
        keys = ScopeKeys(scope)
        commands: list[Command] = [("SADD", REGISTRY, scope)]
        commands += [
            together(keys, each.key, [*drops(keys, each), *puts(keys, each)]) for each in documents
        ]
        for each in held:
            commands += [*put(keys, each), *hinted(scope, each)]
        await self._writing.send(*commands)

    async def swap(
        self, scope: str, before: Whole, after: Whole | None, *, leaves: Sequence[Held] = ()
    ) -> None:
        keys, old = ScopeKeys(scope), before.document
        commands = [*drops(keys, old)]
        for payload in before.payloads:
            commands += drop_payload(keys, payload)
        if after is not None:
            commands += puts(keys, after.document)
            for payload in after.payloads:
                commands += put(keys, payload)
        for each in leaves:
            commands += put(keys, each)
        guarded = self._guard.of(scope)
        swap = together(keys, old.key, commands, version=str(old.version), guarded=guarded)
        (answer,) = await self._writing.send(swap)
        self._guard.check(answer)
        if answer[0] == "conflict":
            raise VersionConflict(f"{scope} was changed meanwhile")

    async def remove(self, scope: str, kind: Kind, names: Sequence[str]) -> None:
        keys = ScopeKeys(scope)
        commands: list[Command] = []
        if kind is Kind.PAYLOAD:
            for payload in await self._payloads(keys, names):
                commands += drop_payload(keys, payload)
        elif kind is Kind.CONTACT:
            commands.append(("DEL", keys.contact))
        else:
            commands += [("HDEL", hashes_of(keys)[kind], name) for name in names]
        if kind is Kind.JOB:
            commands += [("ZREM", lane, name) for lane in keys.lanes for name in names]
        await self._writing.send(*commands)

    async def forget(self, scope: str) -> None:
        keys = ScopeKeys(scope)
        beside = [*hashes_of(keys).values(), keys.contact, *keys.lanes]
        beside += [keys.digests, keys.late, keys.payload_log]
        commands: list[Command] = [("DEL", name) for name in beside]
        commands += [("SREM", REGISTRY, scope), ("SREM", DEAD, scope)]
        await self._writing.send(*commands, *(("ZREM", hints(lane), scope) for lane in Lane))

    async def clear(self) -> None:
        (scopes,) = await self._reading.send(("SMEMBERS", REGISTRY))
        for scope in scopes:
            await self._clear_documents(scope)
            await self.forget(scope)  # with it goes that there is such a scope

    async def _clear_documents(self, scope: str) -> None:
        keys, after = ScopeKeys(scope), ""
        while True:
            found = await self.documents(scope, after=after, limit=PIECE)
            gone = [("DEL", name) for key in found.names for name in keys_beside(keys, key)]
            await self._writing.send(*gone)
            if found.after is None:
                break
            after = found.after
        await self._writing.send(("DEL", keys.lists), ("DEL", keys.ids))

    async def scrub(self) -> None:
        """
        Have the servers write their files anew from what is there.

        Raises:
            StoreUnavailable: One cannot be reached, or does not do it.
        """
        await self._rewritten()  # one that is under way began before, with what was there then
        told = await self._writing.everywhere(("BGREWRITEAOF",))
        for server, (answer,) in told.items():
            # One that has begun since is as good.
            if isinstance(answer, Exception) and "in progress" not in str(answer):
                raise StoreUnavailable(_not_rewritten(server, str(answer)))
        for server, answers in (await self._rewritten()).items():
            if _FAILED.search(answers):
                raise StoreUnavailable(_not_rewritten(server, "its log says why"))

    async def _rewritten(self) -> Mapping[str, str]:
        """Wait until no server writes its file anew; return what each tells of its files."""
        loop = asyncio.get_running_loop()
        until = loop.time() + REWRITTEN_WITHIN
        while loop.time() < until:
            answers = await self._reading.everywhere(("INFO", "persistence"))
            told = {server: str(answer) for server, answer in answers.items()}
            if not any(_REWRITING.search(each) for each in told.values()):
                return told
            await asyncio.sleep(LOOK_EVERY)
        raise StoreUnavailable("Redis has not ended writing its file anew")

    async def _scan(self, name: str, after: str, limit: int) -> tuple[list[str], str | None]:
        ((cursor, flat),) = await self._reading.send(("HSCAN", name, after or "0", "COUNT", limit))
        return flat, None if str(cursor) == "0" else str(cursor)

    async def _texts(self, name: str, fields: Sequence[str]) -> list[tuple[str, str]]:
        if not fields:
            return []
        (texts,) = await self._reading.send(("HMGET", name, *fields))
        return [
            (field, text) for field, text in zip(fields, texts, strict=True) if text is not None
        ]

    async def _payloads(self, keys: ScopeKeys, names: Sequence[str]) -> list[Held]:
        texts = await self._texts(keys.payloads, names)
        members = [member_of_log(name, record) for name, record in texts]
        late = await self._reading.send(*(("ZSCORE", keys.late, member) for member in members))
        return [
            Held(Kind.PAYLOAD, name, (*digest_and_time(record), int(score is not None), record))
            for (name, record), score in zip(texts, late, strict=True)
        ]

    async def _jobs(self, scope: str, keys: ScopeKeys, names: Sequence[str]) -> list[Held]:
        texts = await self._texts(keys.jobs, names)
        commands = [("ZSCORE", lane, name) for name, _text in texts for lane in keys.lanes]
        scores = iter(await self._reading.send(*commands))
        return [
            Held(Kind.JOB, name, job_values(scope, name, text, [next(scores) for _ in keys.lanes]))
            for name, text in texts
        ]


def _not_rewritten(server: str, why: str) -> str:
    return (
        f"What was to go is gone from the store, but the Redis at {server} does not write its file anew"
        f" ({why}), so parts of the file may still hold it. Run BGREWRITEAOF there."
    )
