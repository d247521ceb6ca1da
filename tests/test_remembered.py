"""The memory of aliases in front of the directory."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from approvals_core.adapters.remembered import RememberedDirectory
from approvals_core.adapters.tenant_files import load_tenants
from approvals_core.errors import DirectoryUnavailable
from approvals_core.models import Person
from approvals_core.ports import NotFound
from approvals_core.tenant import Tenant

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
ANN = Person(directory="d", object_id="1", name="Ann")
BOB = Person(directory="d", object_id="2", name="Bob")


class Changing:
    """A directory that says what it is told to, and counts how often it was asked."""

    def __init__(self) -> None:
        self.says: Person | NotFound = ANN
        self.fails: Exception | None = None
        self.asked = 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def find(self, tenant: Tenant, alias: str) -> Person | NotFound:
        self.asked += 1
        await self.gate.wait()
        if self.fails is not None:
            raise self.fails
        return self.says

    async def find_by_mail(self, tenant: Tenant, address: str) -> Person | NotFound:
        self.asked += 1
        return self.says


class Setting:
    """A remembering directory whose clock the test moves."""

    def __init__(self) -> None:
        self.far = Changing()
        self.at = NOON
        self.near = RememberedDirectory(self.far, now=lambda: self.at)
        playground = Path(__file__).parents[1] / "playground"
        tenant = load_tenants(playground / "tenants").by_code("pr")
        assert tenant is not None
        self.tenant = tenant


@pytest.fixture
def setting() -> Setting:
    return Setting()


async def test_the_same_alias_is_looked_up_once_a_day(setting: Setting) -> None:
    await setting.near.find(setting.tenant, "ann")
    setting.at += timedelta(hours=23)

    again = await setting.near.find(setting.tenant, " ANN ")

    assert again == ANN
    assert setting.far.asked == 1


async def test_a_reused_alias_means_its_new_owner_after_a_day(setting: Setting) -> None:
    await setting.near.find(setting.tenant, "ann")
    setting.far.says = BOB
    setting.at += timedelta(hours=24)

    assert await setting.near.find(setting.tenant, "ann") == BOB


async def test_one_tenants_alias_is_not_anothers(setting: Setting) -> None:
    other = setting.tenant.model_copy(update={"document_type_id": "other"})
    await setting.near.find(setting.tenant, "ann")
    setting.far.says = BOB

    assert await setting.near.find(other, "ann") == BOB


@pytest.mark.parametrize(
    "anew", [{"directory": "another"}, {"guests": True}, {"mail_domains": ("example.com",)}]
)
async def test_what_a_tenants_file_says_anew_of_its_people_counts_at_once(
    setting: Setting, anew: dict[str, object]
) -> None:
    people = setting.tenant.people.model_copy(update=anew)
    reloaded = setting.tenant.model_copy(update={"people": people})
    await setting.near.find(setting.tenant, "ann")
    await setting.near.find_by_mail(setting.tenant, "ann@contoso.com")
    setting.far.says = BOB

    assert await setting.near.find(reloaded, "ann") == BOB
    assert await setting.near.find_by_mail(reloaded, "ann@contoso.com") == BOB


async def test_that_nobody_was_found_is_looked_up_again(setting: Setting) -> None:
    setting.far.says = NotFound.UNKNOWN
    await setting.near.find(setting.tenant, "ann")
    setting.far.says = ANN

    assert await setting.near.find(setting.tenant, "ann") == ANN


async def test_an_address_is_looked_up_once_a_day_and_is_no_alias(setting: Setting) -> None:
    await setting.near.find_by_mail(setting.tenant, "ann@contoso.com")
    setting.far.says = BOB

    again = await setting.near.find_by_mail(setting.tenant, " Ann@Contoso.com ")
    named = await setting.near.find(setting.tenant, "ann@contoso.com")

    assert again == ANN
    assert named == BOB
    assert setting.far.asked == 2


async def test_many_who_want_the_same_at_once_cause_one_look_up(setting: Setting) -> None:
    setting.far.gate.clear()
    asked = [
        asyncio.create_task(setting.near.find(setting.tenant, alias))
        for alias in ("ann", " Ann", "ANN", "bob")
    ]
    await asyncio.sleep(0)
    asked[0].cancel()  # the one that began it goes away
    await asyncio.sleep(0)

    setting.far.gate.set()
    found = await asyncio.gather(*asked[1:])

    assert found == [ANN, ANN, ANN]
    assert setting.far.asked == 2
    assert await setting.near.find(setting.tenant, "ann") == ANN
    assert setting.far.asked == 2


async def test_a_look_up_that_fails_fails_for_all_who_wait_and_is_tried_anew(
    setting: Setting,
) -> None:
    setting.far.gate.clear()
    setting.far.fails = DirectoryUnavailable("HTTP 503", retry_after=5.0)
    asked = [asyncio.create_task(setting.near.find(setting.tenant, "ann")) for _ in range(3)]
    await asyncio.sleep(0)

    setting.far.gate.set()
    failed = await asyncio.gather(*asked, return_exceptions=True)
    setting.far.fails = None

    assert [type(each) for each in failed] == [DirectoryUnavailable] * 3
    assert await setting.near.find(setting.tenant, "ann") == ANN
    assert setting.far.asked == 2
