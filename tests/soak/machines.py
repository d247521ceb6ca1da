"""Two web and two worker processes on one Redis, any of them killed every few seconds: nothing lost, doubled or stale."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from redis.asyncio import Redis

from playground import names
from playground.certificates import CertificateAuthority
from playground.faults import Fault, FaultKind
from playground.outside import Playground
from tests.soak.conftest import SoakClock
from tests.soak.machines_calm import Calm
from tests.soak.machines_cases import YEAR, Case, Clerk
from tests.soak.machines_fleet import Fleet
from tests.soak.machines_kills import Kills
from tests.soak.machines_people import Approver, Press, approvers
from tests.soak.machines_redis import Guarded
from tests.soak.machines_truth import Checker

pytestmark = pytest.mark.timeout(0)  # the soak has a clock of its own

PEOPLE = 12
WATCHERS = 4  # they get cards, and never press
CASES = 90
LOAD = 60.0  # seconds
LONGEST = 180.0  # seconds; a slow machine takes more than `LOAD` for
ENOUGH = 60  # decisions acknowledged, and
KILLED = 8
CALM = 12  # requests after the kills
CALM_ROUNDS = 3  # of decisions about them: two must all decide, and once somebody may be too slow
KILLS = (1.0, 4.0)  # seconds between two, at least and at most, once all are back
HURRY = 0.25  # of the kills come before that
BACK_WITHIN = 15.0  # seconds; where a start takes longer, the next is killed while others start
QUIET_WITHIN = (
    420.0  # seconds, where half a minute for a dead process' leases is enough on an idle machine
)
MAILED = 0.4  # of all requests
TROUBLE = (FaultKind.SLOW, FaultKind.SLOW, FaultKind.LOST_ANSWER)
STORE_AWAY = ("StoreUnavailable", '"why": "Redis: ')  # in the line of an error
REFUSED = 400  # statuses from here on
NO_STORE = 2  # exit code of a start without one
LOOK = 2.0  # seconds between two looks whether all is quiet

# Nothing falls overdue: the sample tenants tell of what they sent last as of the newest.
LATER = {"after = 60 ": "after = 3600 "}
# Of three tenants one may be told twice, one is asked what it has, and of one only people know.
FORGETFUL = (names.PURCHASING.code, names.CAPEX.code)  # do what they are told as often as told
EDITS = {
    "purchasing.toml": {"idempotent = true": "idempotent = false"},
    "expenses.toml": LATER,
    # All-of; it is asked what became of a decision, and soon: its answers are not long under way.
    "capex.toml": LATER
    | {
        'code = "capex"\n': 'code = "capex"\nconcurrency = "all"\n',
        "answer_within = 30 ": "answer_within = 5 ",
    },
}


Kill = Callable[[random.Random], Awaitable[None]]


class City(Playground):
    """The playground with more people, and tenants whose files say something else."""

    def __init__(self, authority: CertificateAuthority) -> None:
        super().__init__(authority)
        people = approvers(PEOPLE + WATCHERS)
        self.world.people |= {person.alias: person for person in people}
        aliases = [person.alias for person in people]
        self.aliases, self.watchers = aliases[:PEOPLE], aliases[PEOPLE:]
        for code, tenant in self.tenants.items():
            tenant.book.by_itself = False  # the clerks say what comes next
            tenant.book.honours_keys = code not in FORGETFUL

    def write_tenants(self, folder: Path) -> Path:
        super().write_tenants(folder)
        for name, edits in EDITS.items():
            text = (folder / name).read_text(encoding="utf-8")
            for old, new in edits.items():
                assert old in text, old
                text = text.replace(old, new)
            (folder / name).write_text(text, encoding="utf-8")
        return folder


class Run:
    """One load with its kills, and what must be true after it. `told` is for whoever reads along."""

    def __init__(self, city: City, fleet: Fleet, seed: int, soak: SoakClock) -> None:
        self.told: list[str] = []
        self._city = city
        self._fleet = fleet
        self._soak = soak
        self._choice = random.Random(seed)
        self._over = asyncio.Event()
        self._cases = [self._case(number) for number in range(CASES)]
        self._clerks = [Clerk(case, city, self._chance()) for case in self._cases]
        self._people = [Approver(alias, city, self._chance()) for alias in city.aliases]

    async def go(self, kill: Kill) -> None:
        """Let everybody work while processes are killed, then wait for quiet, and look."""
        for alias in (*self._city.aliases, *self._city.watchers):
            await self._city.teams.install(alias)
        async with asyncio.TaskGroup() as load:
            load.create_task(self._kill_until_the_end(kill))
            load.create_task(self._make_trouble())
            for person in self._people:
                load.create_task(person.work(self._over))
            for clerk in self._clerks:
                load.create_task(self._begin(clerk))
        await self._fleet.all_listen()
        presses = self._presses()
        self._count(presses)
        begun = [case for case in self._cases if case.posts]
        async with Checker(self._fleet, begun, presses) as checker:
            await self._quiet(checker, "after the last kill")
            async with asyncio.timeout(QUIET_WITHIN):
                await self._fleet.all_let_in(lambda: self._knock(begun[0]))
            self.told.append(f"an operator ended {await checker.ask_an_operator()} doubts")
            await self._quiet(checker, "after that")
            await checker.check()
            await self._settle_down()
            await self._quiet(checker, "after the last payload")
            await checker.check()
        await self._live_in_peace()

    async def _knock(self, case: Case) -> bool:
        """Tell whether the bot takes an activity, and a tenant's question."""
        answered = await self._city.teams.install(self._city.watchers[0])
        known = await case.tenant.look_up(case.number, YEAR)
        return known is not None and answered.status is not None and answered.status < REFUSED

    async def _live_in_peace(self) -> None:
        """Let some requests live while nobody dies: of them nothing happens twice."""
        cases = [self._peaceful(number) for number in range(CASES, CASES + CALM)]
        clerks = [Clerk(case, self._city, self._chance()) for case in cases]
        calm = Calm(self._city, cases)
        async with Checker(self._fleet, cases, ()) as checker, calm.watched():
            await asyncio.gather(*(clerk.begin() for clerk in clerks))
            await self._quiet(checker, "after what began in the calm")
            people = dict(zip(self._city.aliases, self._people, strict=True))
            for _ in range(CALM_ROUNDS):
                left = [(people[case.asked[0]], case) for case in cases if not case.over]
                await asyncio.gather(*(person.decide(case.number) for person, case in left))
                await self._quiet(checker, "after decisions in the calm")
                await asyncio.gather(*(clerk.hear() for clerk in clerks))
                await self._quiet(checker, "after what followed from them")
            await checker.check(await calm.problems(checker.store))

    def _peaceful(self, number: int) -> Case:
        """Make a request of the tenants in turn, with two approvers."""
        tenants = list(self._city.tenants.values())
        first, second = self._choice.sample(self._city.aliases, 2)
        watcher = self._choice.choice(self._city.watchers)
        tenant = tenants[number % len(tenants)]
        return Case(tenant, f"SOAK-{number:04}", [[first, second]], watcher, mails=True)

    async def _begin(self, clerk: Clerk) -> None:
        await asyncio.sleep(self._choice.uniform(0.0, LOAD * 0.7))
        if not self._over.is_set():
            await clerk.live(self._over)

    async def _kill_until_the_end(self, kill: Kill) -> None:
        began = time.monotonic()
        while self._goes_on(time.monotonic() - began):
            await asyncio.sleep(self._choice.uniform(*KILLS))
            await kill(self._choice)
            if self._choice.random() > HURRY:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._fleet.all_listen(), BACK_WITHIN)
        self._over.set()

    async def _make_trouble(self) -> None:
        """Let tenants be slow, and lose answers: more is under way then when somebody dies."""
        world, choice = self._city.world, self._choice
        while not self._over.is_set():
            place = f"tenant/{choice.choice(list(self._city.tenants))}"
            kind, seconds = choice.choice([*TROUBLE]), choice.uniform(0.5, 3.0)
            world.set_fault(place, Fault(kind=kind, times=1, seconds=seconds))
            await asyncio.sleep(choice.uniform(0.5, 2.0))
        for code in self._city.tenants:
            world.clear_fault(f"tenant/{code}")

    def _goes_on(self, seconds: float) -> bool:
        sure = sum(press.acknowledged for press in self._presses())
        enough = sure >= ENOUGH and len(self._fleet.deaths) >= KILLED
        longest = LOAD if self._soak.over else LONGEST
        return seconds < LOAD or (not enough and seconds < longest)

    def _presses(self) -> list[Press]:
        return [press for person in self._people for press in person.presses]

    async def _quiet(self, checker: Checker, since: str) -> None:
        """Wait until nothing is under way, what the dead held included."""
        began, left = time.monotonic(), [""]
        while left:
            left = await checker.under_way()
            assert time.monotonic() - began < QUIET_WITHIN, f"still under way: {left}"
            await asyncio.sleep(LOOK)
        self.told.append(f"quiet {time.monotonic() - began:.0f} s {since}")

    async def _settle_down(self) -> None:
        """Let the tenants send what follows from the last decisions, and end every second request."""
        begun = [clerk for clerk in self._clerks if clerk.begun]
        await asyncio.gather(*(clerk.hear() for clerk in begun))
        await asyncio.gather(*(clerk.end() for clerk in begun[::2]))

    def _case(self, number: int) -> Case:
        """Make a request of any tenant, with one or two levels of one to three approvers."""
        choice = self._choice
        aliases = choice.sample(self._city.aliases, 6)
        sizes = [choice.randint(1, 3) for _ in range(choice.randint(1, 2))]
        levels = [[aliases.pop() for _ in range(size)] for size in sizes]
        tenant = choice.choice(list(self._city.tenants.values()))
        watcher, mails = choice.choice(self._city.watchers), choice.random() < MAILED
        return Case(tenant, f"SOAK-{number:04}", levels, watcher, mails=mails)

    def _chance(self) -> random.Random:
        return random.Random(self._choice.random())

    def _count(self, presses: Sequence[Press]) -> None:
        posts = sum(len(case.posts) for case in self._cases)
        taken = sum(len(case.taken()) for case in self._cases)
        sure = sum(press.acknowledged for press in presses)
        assert sure, "nobody decided anything: the machine is too slow, or the service"
        self.told.append(
            f"{len(self._fleet.deaths)} killed, {posts} payloads, {len(presses)} presses,"
            f" {sure} of them acknowledged, {taken} decisions taken"
        )


@asynccontextmanager
async def told_in_full(run: Run, fleet: Fleet, seed: int) -> AsyncIterator[None]:
    """Print how a run went; a failure carries all that is known about it, and how to repeat it."""
    try:
        yield
    except BaseException as problem:
        problem.add_note("\n".join(run.told))
        problem.add_note(f"Killed: {fleet.deaths}")
        problem.add_note(f"To repeat it: make soak-machines SEED={seed}")
        raise
    finally:
        print(f"\nseed {seed}, again with make soak-machines SEED={seed}: {'; '.join(run.told)}")  # noqa: T201 (pytest -rP shows it)


async def one_run(
    authority: CertificateAuthority,
    *,
    store_url: str,
    folder: Path,
    seed: int,
    soak: SoakClock,
    redis: Guarded | None = None,
) -> None:
    """Run once in a world of its own; where there is a *redis* to kill, that is killed, too."""
    async with City(authority) as city, Fleet(city, store_url=store_url, folder=folder) as fleet:
        kills = Kills(fleet, redis)
        run = Run(city, fleet, seed, soak)
        async with told_in_full(run, fleet, seed):
            await run.go(kills.one)
            run.told.append(f"{redis.killed if redis else 0} primaries killed")
            # Without a primary there is no store for a moment, and those who work say so.
            errors = fleet.logged("error", "critical")
            away = STORE_AWAY if redis else ()
            others = [line for line in errors if not any(each in line for each in away)]
            assert not others, others
            # Who finds no store when it starts says so and ends; nobody ends who was at work.
            assert all(redis and code == NO_STORE for _name, code in fleet.ended), fleet.ended


async def test_machines_killed_under_load_lose_and_double_nothing(
    authority: CertificateAuthority, soak: SoakClock, redis_url: str, tmp_path: Path
) -> None:
    for seed in soak.seeds():
        async with Redis.from_url(redis_url) as client:
            await client.flushall()
        folder = tmp_path / str(seed)
        await one_run(authority, store_url=redis_url, folder=folder, seed=seed, soak=soak)


async def test_nor_do_they_when_the_primary_is_killed_and_its_replica_promoted(
    authority: CertificateAuthority, soak: SoakClock, tmp_path: Path
) -> None:
    for seed in soak.seeds():
        async with Guarded(tmp_path / f"redis-{seed}") as redis:
            folder = tmp_path / str(seed)
            await one_run(
                authority, store_url=redis.url, folder=folder, seed=seed, soak=soak, redis=redis
            )
