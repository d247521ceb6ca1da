"""Who is killed next: processes of ours, one after the other, and now and then the primary of the store."""

import random

from tests.soak.machines_fleet import Fleet
from tests.soak.machines_redis import Guarded


class Kills:
    """
    Whom to kill next: a process of ours, and each fourth time the primary, where there is a *redis*.

    Half of the primaries take all of ours with them: nobody is left to repeat what was not replicated.
    """

    def __init__(self, fleet: Fleet, redis: Guarded | None) -> None:
        self._fleet = fleet
        self._redis = redis
        self._count = 0

    async def one(self, choice: random.Random) -> None:
        self._count += 1
        if self._redis is not None and self._count % 4 == 2:
            everybody = self._redis.killed % 2 == 0
            await self._redis.fail_over(choice, self._fleet.kill_all if everybody else _nothing)
        else:
            await self._fleet.kill_one(choice)


async def _nothing() -> None:
    pass
