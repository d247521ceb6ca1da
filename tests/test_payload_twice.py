"""One payload that two processes are given at the same time."""

from collections.abc import Awaitable, Callable
from typing import Any, cast

import pytest

from approvals_core.models import Disposition, EventKind
from approvals_core.ports import Store
from tests.makers import KEY, Core, create


class Interrupted:
    """A store in which something happens once, right after what it was asked by *read* was read."""

    def __init__(self, store: Store, read: str, meanwhile: Callable[[], Awaitable[Any]]) -> None:
        self._store = store
        self._read = read
        self._meanwhile: Callable[[], Awaitable[Any]] | None = meanwhile

    def __getattr__(self, name: str) -> Any:
        given = getattr(self._store, name)
        if name != self._read:
            return given

        async def interrupted(*args: Any, **named: Any) -> Any:
            found = await given(*args, **named)
            hook, self._meanwhile = self._meanwhile, None
            if hook is not None:
                await hook()
            return found

        return interrupted


@pytest.mark.parametrize("read", ["approval", "payload_by_digest"])
async def test_a_payload_that_two_processes_take_at_once_counts_once(
    store: Store, read: str
) -> None:
    arx = create("johndoe1", "johndoe2")
    quick = Core(store)
    slow = Core(cast("Store", Interrupted(store, read, lambda: quick.receive(arx))))

    taken = await slow.receive(arx)

    assert taken.disposition is Disposition.DUPLICATE
    kinds = [event.kind for event in await store.history(KEY)]
    assert kinds.count(EventKind.RECEIVED) == 1
