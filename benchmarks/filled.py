"""Stores that are full of pending requests: filled once in a run, for all that is measured on them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from shutil import disk_usage

from redis.asyncio import Redis

from benchmarks.ground import APPROVERS, Ground, Store
from benchmarks.programs import CannotMeasure, program

SQLITE, REDIS = "SQLite", "Redis"
SMALL, USUAL, LARGE = 10_000, 100_000, 1_000_000  # pending requests
MANY = 10_000  # of them wait for one person; the rest for people who are made up
# Bytes for one pending request, with room to spare: of a Redis' memory, and of either store's disk.
MEMORY_EACH, DISK_EACH = 18_000, 20_000

_BEGUN = "begun"


@dataclass
class Filled:
    """
    A store in which *pending* requests were put.

    *ids* are those of one person, the oldest first. *disk* and *memory* are the bytes for each
    request: of the file or the server's log, and of the server's memory, 0 where there is none.
    """

    store: Store
    kind: str
    pending: int
    ids: Sequence[str]
    seconds: float  # that filling took
    disk: float
    memory: float
    _taken: int = 0

    def take(self, count: int) -> Sequence[str]:
        """Hand out the newest *count* requests of that person that were not handed out before."""
        end = len(self.ids) - self._taken
        if count > end:
            raise CannotMeasure(f"{end} requests are left to be decided, {count} are wanted.")
        self._taken += count
        return self.ids[end - count : end]


async def filled(ground: Ground, kind: str, pending: int) -> Filled:
    """
    Return the store of this kind with so many pending requests; what was measured on it is there, too.

    Raises:
        CannotMeasure: This machine has not the memory or the disk for it, or was too slow.
    """
    kept = ground.kept.get((kind, pending))
    if kept is _BEGUN:  # and not ended: the next one would wait as long for nothing
        raise CannotMeasure(f"No {kind} could be filled with {pending:,}.")
    if kept is None:
        _check_room(ground, kind, pending)
        ground.kept[kind, pending] = _BEGUN
        kept = ground.kept[kind, pending] = await _fill(ground, kind, pending)
    return kept


async def _fill(ground: Ground, kind: str, pending: int) -> Filled:
    store = await ground.lasting_redis() if kind == REDIS else ground.sqlite()
    given = {
        "store_url": store.url,
        "template": ground.payload(),
        "tenants": str(ground.tenants),
        "count": pending,
        "mine": min(pending, MANY),
        "person": ground.people(APPROVERS[:1])[APPROVERS[0]],
    }
    async with program("filling", given) as filling:
        ready = filling.ready
    disk, memory = await (_of_redis(store) if kind == REDIS else _of_sqlite(store))
    count = max(1, pending)
    return Filled(
        store, kind, pending, ready["ids"], ready["seconds"], disk / count, memory / count
    )


async def _of_sqlite(store: Store) -> tuple[float, float]:
    """Return the bytes that a closed store has on the disk, and none in memory."""
    file = Path(store.url.removeprefix("sqlite:///"))
    return sum(each.stat().st_size for each in file.parent.glob(f"{file.name}*")), 0.0


async def _of_redis(store: Store) -> tuple[float, float]:
    """Return the bytes of the server's append-only file, as it has grown by now, and of its memory."""
    async with Redis(unix_socket_path=store.url.removeprefix("unix://")) as asking:
        log, memory = await asking.info("persistence"), await asking.info("memory")
    return float(log["aof_current_size"]), float(memory["used_memory"])


def _check_room(ground: Ground, kind: str, pending: int) -> None:
    _check(pending, "disk", disk_usage(ground.folder).free, DISK_EACH)
    meminfo = Path("/proc/meminfo")
    if kind == REDIS and meminfo.exists():
        lines = meminfo.read_text("utf-8").splitlines()
        free = next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable"))
        _check(pending, "memory", free * 1024, MEMORY_EACH)


def _check(pending: int, what: str, free: int, each: int) -> None:
    if free < pending * each:
        needed = f"{pending * each / 2**30:,.0f} GiB of {what}"
        raise CannotMeasure(f"{pending:,} need {needed}, {free / 2**30:.0f} GiB are free here.")
