"""
Finds the scopes with work, and hands it out.

A job lies in its scope, and Redis cannot look into all scopes at once. So the house keeps a
*hint* for each scope and lane: the time from which there may be something to hand out. One that
is too early costs a look: who follows it finds nothing and corrects it. None may be too late:

- Who commits registers the scope first, and lowers the hint last. If it dies in between, the
  *sweep* finds the job: it goes through the registry, a page at a time, and lowers hints.
- Who leases raises the hint to what is left, then looks again: what was committed before the
  hint was raised is seen now, and who commits later lowers it himself.

Which scopes have dead letters is kept in the same way, as a set.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import uuid4

from approvals_core.adapters.redis_store.guard import Guard
from approvals_core.adapters.redis_store.keys import DEAD, REGISTRY, ScopeKeys, hints
from approvals_core.adapters.redis_store.scripts import LEASE
from approvals_core.adapters.redis_store.wire import Command, Wire, call
from approvals_core.adapters.stored import instant, leased_job, micros, room_left
from approvals_core.models import Change, Lane, Lease, LeasedJob
from approvals_core.ports import MOST_COUNTED, Depth, LaneDepth, Room

SCOPES = 200  # looked at in one lease; the rest have their turn with the next ones
SWEPT = 100  # scopes in a page of the sweep
SWEEP_EVERY = 5.0  # seconds between two pages, once every scope was swept after the start
COUNTED = 1000  # scopes with jobs in a lane that are looked at for its depth
LOOKS = 20  # of `next_due`; after that it may answer too early

_PARTS = 4  # of one job in the answer of the lease's script

Heads = Mapping[str, str]  # scope -> when its next job is handed out, "" for never


class Queue:
    """
    Hands out due jobs so that no scope waits for another one's flood.

    Each scope with something due gets an equal share of what was asked for, and what
    is left over goes round again. The scopes have their turn in the order of their
    names, at most `SCOPES` of them at one time.
    """

    def __init__(self, reading: Wire, writing: Wire, guard: Guard) -> None:
        self._reading = reading
        self._writing = writing
        self._guard = guard
        self._last: dict[Lane, str] = {}
        self._sweep_cursor = 0
        self._sweep_at = float("-inf")  # loop time

    async def lease(
        self,
        lanes: Sequence[Lane],
        limit: int,
        now: datetime,
        until: datetime,
        room: Room | None = None,
    ) -> list[LeasedJob]:
        """Lease at most *limit* jobs, as `Store.lease`."""
        await self._sweep()
        urgent = sorted(lanes)
        found = await self._reading.send(*(_scopes_due(lane, now) for lane in urgent))
        lease = Lease(scope="", job="", token=uuid4().hex, until=until)
        leased: list[LeasedJob] = []
        for lane, scopes in zip(urgent, found, strict=True):
            if scopes:
                turn = _Turn(micros(now), lease, room_left(room, leased) or (lambda _scope: limit))
                leased += await self._lease(lane, sorted(scopes), limit - len(leased), turn)
        return leased

    async def hint(self, scope: str, lane: str, at: str) -> None:
        """Note that *scope* has a job of *lane* to hand out at *at*."""
        await self._writing.send(_lower(scope, lane, at))

    async def next_due(
        self, lanes: Sequence[Lane], but_not: Collection[str] = ()
    ) -> datetime | None:
        """
        Return when there is something to hand out, correcting hints that are too early.

        All lanes at once: what is asked together goes over the wire together.
        """
        found = await asyncio.gather(*(self._next_of_lane(lane, but_not) for lane in lanes))
        times = [at for at in found if at is not None]
        return instant(min(times)) if times else None

    async def depth(self, now: datetime) -> Depth:
        """Return how much there is, as `Store.depth`: in the time that so many scopes take."""
        lanes = {lane: await self._lane_depth(lane, now) for lane in Lane}
        return Depth(lanes=lanes, dead=await self._dead())

    async def _lane_depth(self, lane: Lane, now: datetime) -> LaneDepth:
        (scopes,) = await self._reading.send(("ZRANGE", hints(lane), 0, COUNTED - 1))
        places = [ScopeKeys(scope).lane(lane) for scope in scopes]
        jobs = await self._reading.send(*(("ZCARD", place) for place in places))
        due = await self._reading.send(*(("ZCOUNT", p, "-inf", micros(now)) for p in places))
        heads = await self._reading.send(*(_head(scope, lane) for scope in scopes))
        times = [number(head[1]) for head in heads if head]
        return LaneDepth(
            jobs=min(sum(jobs), MOST_COUNTED),
            due=min(sum(due), MOST_COUNTED),
            next=instant(min(times)) if times else None,
        )

    async def _dead(self) -> dict[str, int]:
        (scopes,) = await self._reading.send(("SMEMBERS", DEAD))
        counts = await self._reading.send(*(_dead_letters(scope) for scope in scopes))
        found = dict(zip(scopes, counts, strict=True))
        if none := [scope for scope, count in found.items() if not count]:
            await self._writing.send(*(("SREM", DEAD, scope) for scope in none))
            await self._note_dead(none)  # and look again: see the module
        return {scope: count for scope, count in found.items() if count}

    async def _note_dead(self, scopes: Sequence[str]) -> None:
        counts = await self._reading.send(*(_dead_letters(scope) for scope in scopes))
        noted = [("SADD", DEAD, s) for s, count in zip(scopes, counts, strict=True) if count]
        await self._writing.send(*noted)

    async def _next_of_lane(self, lane: Lane, but_not: Collection[str]) -> int | None:
        at = None
        looks = ("ZRANGE", hints(lane), 0, len(but_not), "WITHSCORES")
        for _ in range(LOOKS):
            (flat,) = await self._reading.send(looks)
            hinted = [
                pair for pair in zip(flat[::2], flat[1::2], strict=True) if pair[0] not in but_not
            ]
            if not hinted:
                return None
            scope, at = hinted[0][0], number(hinted[0][1])
            (head,) = await self._reading.send(_head(scope, lane))
            if head and number(head[1]) <= at:
                return number(head[1])
            await self._correct(lane, {scope: head[1] if head else ""})
        return at

    async def _lease(
        self, lane: Lane, scopes: Sequence[str], limit: int, turn: "_Turn"
    ) -> list[LeasedJob]:
        last = self._last.get(lane, "")
        waiting = deque(
            scope
            for scope in sorted(scopes, key=lambda scope: (scope <= last, scope))
            if turn.room(scope) > 0
        )
        if not waiting:
            return []
        heads: dict[str, str] = {}
        had: Counter[str] = Counter()
        leased: list[LeasedJob] = []
        while waiting and (wanted := limit - len(leased)) > 0:
            called = [waiting.popleft() for _ in range(min(wanted, len(waiting)))]
            share = wanted // len(called)
            calls = (
                self._lease_call(scope, lane, min(share, turn.room(scope) - had[scope]), turn)
                for scope in called
            )
            for scope, answer in zip(called, await self._writing.send(*calls), strict=True):
                self._guard.check(answer)
                head, *parts = answer
                heads[scope] = head
                leased += _leased(scope, parts, turn.lease)
                had[scope] += len(parts) // _PARTS
                if head and number(head) <= turn.now and had[scope] < turn.room(scope):
                    waiting.append(scope)
            self._last[lane] = called[-1]
        await self._correct(lane, heads)
        return sorted(leased, key=lambda one: one.job.due)

    def _lease_call(self, scope: str, lane: Lane, share: int, turn: "_Turn") -> Command:
        keys, (about, own) = ScopeKeys(scope), self._guard.of(scope)
        ends = micros(turn.lease.until)
        arguments = (lane.value, turn.now, ends, turn.lease.token, share, own)
        return call(LEASE, [keys.jobs, *keys.lanes, *about], arguments)

    async def _correct(self, lane: Lane, heads: Heads) -> None:
        """Set the hints to what was found, and look again: see the module."""
        raised = [
            ("ZADD", hints(lane), head, scope) if head else ("ZREM", hints(lane), scope)
            for scope, head in heads.items()
        ]
        looks = [_head(scope, lane) for scope in heads]
        _, answers = await self._writing.in_turn(raised, looks)
        found = zip(heads.items(), answers, strict=True)
        lower = [
            _lower(scope, lane, head[1])
            for (scope, before), head in found
            if head and (not before or number(head[1]) < number(before))
        ]
        if lower:
            await self._writing.send(*lower)

    async def _sweep(self) -> None:
        """
        Lower the hints of the next page of scopes to what lies in them.

        One page with each lease until every scope was looked at once since the start, as
        who died before had his reason; then one every `SWEEP_EVERY`: a hint is missing for at
        most (scopes / `SWEPT`) times that.
        """
        now = asyncio.get_running_loop().time()
        if now < self._sweep_at:
            return
        page = ("SSCAN", REGISTRY, self._sweep_cursor, "COUNT", SWEPT)
        ((cursor, scopes),) = await self._reading.send(page)
        places = [(scope, lane) for scope in scopes for lane in Lane]
        heads = await self._reading.send(*(_head(scope, lane) for scope, lane in places))
        pairs = zip(places, heads, strict=True)
        await self._writing.send(*(_lower(*place, head[1]) for place, head in pairs if head))
        await self._note_dead(scopes)
        self._sweep_cursor = int(cursor)
        if self._sweep_cursor == 0 or self._sweep_at > 0:
            self._sweep_at = now + SWEEP_EVERY


class _Turn:
    def __init__(self, now: int, lease: Lease, room: Room) -> None:
        self.now = now
        self.lease = lease  # with the token and end of all that is handed out
        self.room = room


def hint_commands(change: Change) -> list[Command]:
    """Return what lowers the hints for the jobs of *change*, and notes its dead letter."""
    claim = change.claim
    dead: list[Command] = [("SADD", DEAD, change.scope)] if change.dead else []
    return dead + [
        _lower(
            change.scope,
            job.lane,
            str(micros(claim.until if claim and claim.job == job.key else job.due)),
        )
        for job in change.jobs
    ]


def _lower(scope: str, lane: Lane | str, at: str) -> Command:
    return ("ZADD", hints(lane), "LT", at, scope)


def _scopes_due(lane: Lane, now: datetime) -> Command:
    return ("ZRANGEBYSCORE", hints(lane), "-inf", micros(now), "LIMIT", 0, SCOPES)


def _head(scope: str, lane: Lane) -> Command:
    return ("ZRANGE", ScopeKeys(scope).lane(lane), 0, 0, "WITHSCORES")


def _dead_letters(scope: str) -> Command:
    return ("HLEN", ScopeKeys(scope).dead_letters)


def _leased(scope: str, parts: Sequence[str], lease: Lease) -> list[LeasedJob]:
    """Read the script's answer: key, due, failures and record of each job."""
    rows = [parts[n : n + _PARTS] for n in range(0, len(parts), _PARTS)]
    read = (
        leased_job(record, int(due), lease._replace(scope=scope, job=key), int(failures))
        for key, due, failures, record in rows
    )
    return [leased for leased in read if leased is not None]


def number(score: str) -> int:
    """Read a score: Redis writes very large ones with an exponent."""
    return int(float(score))
