"""What a load balancer is told: whether this process can do its work, and nothing about tenants."""

from pathlib import Path
from typing import Any

from playground import names
from playground.faults import FaultKind
from playground.outside import Playground
from tests.failing import asked_for, fail
from tests.far_sides import eventually
from tests.running import Running, run_service

SOON = 5.0  # seconds after which keys that were never there are asked for again


async def with_all_keys(running: Running) -> dict[str, Any]:
    """Wait until all keys are there, which /readyz does for a moment only; return what it says."""
    said: list[Any] = []

    async def look() -> bool:
        said[:] = await asked_for(running, "/readyz")
        return said[0] == 200 and "issuers_without_keys" not in said[1]

    await eventually(look)
    return said[1]


async def without_keys(running: Running, *issuers: str) -> dict[str, Any]:
    """Wait until the keys of some of these issuers alone are missing; return what /readyz says."""
    said: list[Any] = []

    async def look() -> bool:
        said[:] = await asked_for(running, "/readyz")
        missing = set(said[1].get("issuers_without_keys", ()))
        return bool(missing) and missing <= {*issuers}

    await eventually(look)
    assert said[0] == 503
    return said[1]


async def test_a_service_with_store_and_keys_is_ready(running: Running) -> None:
    said = await with_all_keys(running)

    assert said["ready"] is True
    assert "may_lose" not in said
    assert said["oldest_job_late_seconds"] < 60


async def test_a_store_that_may_lose_something_is_named_by_a_ready_service(
    playground: Playground, redis_url: str, tmp_path: Path
) -> None:
    store_url = f"{redis_url}?durability=everysec"
    async with run_service(playground, store_url=store_url, folder=tmp_path) as service:
        said = await with_all_keys(service)

    assert said["ready"] is True
    assert "last second" in said["may_lose"][0]


async def test_without_the_bots_keys_nobody_could_click_so_it_is_not_ready(
    playground: Playground, tmp_path: Path
) -> None:
    playground.issuer.failing["/botframework/"] = 503
    async with run_service(
        playground, store_url=f"sqlite:///{tmp_path}/store.db", folder=tmp_path
    ) as service:
        said = await without_keys(service, names.BOT_ISSUER)
        alive = (await asked_for(service, "/livez"))[0]
        service.clock.stand()
        await service.pass_time(SOON)
        await asked_for(service, "/readyz")  # asks once more, in vain
        playground.issuer.failing.clear()
        at_once = (await asked_for(service, "/readyz"))[0]
        await service.pass_time(SOON)
        later = await with_all_keys(service)

    assert (said["ready"], said["keys"]) == (False, "missing")
    assert said["keys_never_fetched"] == [names.BOT_ISSUER]
    assert (alive, at_once) == (200, 503)
    assert later["ready"] is True


async def test_without_any_tenants_keys_no_payload_could_be_taken_so_it_is_not_ready(
    playground: Playground, tmp_path: Path
) -> None:
    playground.issuer.failing["/discovery/"] = 503
    async with run_service(
        playground, store_url=f"sqlite:///{tmp_path}/store.db", folder=tmp_path
    ) as service:
        directories = {names.ENTRA_ISSUER.format(directory=each) for each in names.DIRECTORIES}
        said = await without_keys(service, *directories)

    assert (said["ready"], said["keys"]) == (False, "missing")


async def test_a_tenant_that_is_down_takes_nobody_out(running: Running) -> None:
    await running.send("wiki-create")
    await running.asked("johndoe1")
    fail(running, "tenant/pr", FaultKind.STATUS, status=503, times=50)
    await running.click("johndoe1", "Approve")
    await running.until(lambda: running.told() or None)

    status, said = await asked_for(running, "/readyz")

    assert (status, said["ready"]) == (200, True)


async def test_keys_are_fetched_before_anybody_needs_them(running: Running) -> None:
    await with_all_keys(running)
    running.playground.issuer.failing["/botframework/"] = 503
    running.playground.issuer.failing["/discovery/"] = 503

    await running.send("wiki-create")

    await running.asked("johndoe1")
    await running.click("johndoe1", "Approve")
    await running.says("johndoe1", "Approved")
