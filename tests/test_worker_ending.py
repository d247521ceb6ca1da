"""A worker that is asked to end: what it does not finish, another one takes at once."""

import asyncio

import pytest

from approvals_core.models import Lane, QueuedJob
from approvals_core.ports import Store
from tests.makers import JONAS, MARIA, Core, create


class Held:
    """What a channel is kept waiting with, until the world's end."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()

    async def __call__(self) -> None:
        self.reached.set()
        await asyncio.Event().wait()


@pytest.fixture
async def core(store: Store) -> Core:
    core = Core(store)
    await core.receive(create("johndoe1", "johndoe2"))
    return core


async def queued(core: Core) -> list[QueuedJob]:
    page = await core.store.jobs(f"t:{core.tenant.document_type_id}", limit=100)
    return [job for job in page.jobs if job.lane is Lane.CARD]


async def test_what_is_broken_off_is_due_at_once_and_has_not_failed(core: Core) -> None:
    held = Held()
    core.channel.while_sending = held
    working = asyncio.create_task(core.worker.run())
    await held.reached.wait()
    assert [job.leased for job in await queued(core)].count(True) >= 1

    core.worker.stop()
    await core.worker.let_go()
    await working

    for job in await queued(core):
        assert (job.leased, job.failures) == (False, 0)
        assert job.next <= core.clock.now()
    core.start()
    await core.work()
    assert {core.channel.screens[sent].person for sent in core.channel.sent} == {MARIA.id, JONAS.id}
