"""The benchmarks measure nothing wrong: no answer that is an error, no goal told as met that is not."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web

from benchmarks.__main__ import LARGE, USUAL
from benchmarks.before import Before, before
from benchmarks.benchmark import Benchmark, Result
from benchmarks.findings import Found
from benchmarks.ground import Ground
from benchmarks.load import Gun, Load
from benchmarks.programs import CannotMeasure, Program
from benchmarks.sides import Served, Side, Slice
from benchmarks.table import BEGIN, END, LARGE_BEGIN, README, table, with_table

CLIENTS = [
    "aiohttp",
    pytest.param("wrk", marks=pytest.mark.skipif(not shutil.which("wrk"), reason="no wrk here")),
]
LOAD = Load(
    path="/number/@@",
    headers={"Authorization": "Bearer @@"},
    body="number @@",
    expected="taken",
    values=[f"{number:06}" for number in range(100_000)],
    once=True,
)


class Taker:
    """Takes what it has not seen yet."""

    def __init__(self, status: int = 200, answer: str = "taken") -> None:
        self.seen: list[tuple[str, str, str]] = []
        self._status = status
        self._answer = answer

    async def take(self, request: web.Request) -> web.Response:
        number = request.match_info["number"]
        self.seen.append((number, request.headers["Authorization"], await request.text()))
        return web.Response(status=self._status, text=self._answer)


@asynccontextmanager
async def serving(taker: Taker) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_post("/number/{number}", taker.take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def fired(gun: Gun) -> int:
    """Fire until something was answered in time; return how often."""
    while not (answered := (await gun.fire(0.1)).requests):
        pass
    return answered


async def fire_for_ever(gun: Gun) -> None:
    while True:
        await gun.fire(0.1)


@pytest.mark.parametrize("client", CLIENTS)
async def test_every_request_of_a_load_is_another_one(client: str) -> None:
    taker = Taker()

    async with serving(taker) as url:
        gun = Gun(LOAD, url, connections=2, client=client)
        counted = [await fired(gun) for _turn in range(2)]

    assert len(set(taker.seen)) == len(taker.seen) >= sum(counted)
    number, header, body = taker.seen[-1]
    assert (header, body) == (f"Bearer {number}", f"number {number}")


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("taker", [Taker(status=202), Taker(answer="duplicate")])
async def test_a_wrong_answer_is_not_measured(client: str, taker: Taker) -> None:
    async with serving(taker) as url:
        with pytest.raises(CannotMeasure, match="wrong answers"):
            await fire_for_ever(Gun(LOAD, url, connections=2, client=client))


@pytest.mark.parametrize("client", CLIENTS)
async def test_requests_that_run_out_are_not_sent_twice_unseen(client: str) -> None:
    few = replace(LOAD, body="@@", values=("1", "2"))

    async with serving(Taker()) as url:
        with pytest.raises(CannotMeasure, match="2 prepared requests were not enough"):
            await fire_for_ever(Gun(few, url, connections=2, client=client))


async def test_a_time_in_which_nothing_was_answered_is_not_measured() -> None:
    class Idle(Program):
        def __init__(self) -> None:
            self.name = "idle"

        async def cpu(self) -> float:
            return 1.0

    async with serving(Taker()) as url:
        side = Served(Idle(), Gun(LOAD, url, connections=2, client="aiohttp"))

        with pytest.raises(CannotMeasure, match="Nothing was answered within 0 s"):
            await side.slice(0.0)


def a_result(*, ours: float, beside: float, least: float | None) -> Result:
    """Return one round; *ours* and *beside* are seconds of the processor for 1,000 requests."""

    @asynccontextmanager
    async def nothing(_ground: Ground) -> AsyncIterator[tuple[Side, Side]]:
        pytest.fail("what was measured is not measured again")
        yield

    benchmark = Benchmark(name="x", ours="Ours", beside="theirs", least=least, open=nothing)
    slices = [Slice(requests=1000, seconds=2.0, cpu=cpu, p99=0.004) for cpu in (ours, beside)]
    return Result(benchmark, [(slices[0], slices[1])], [], [])


def row(result: Result) -> str:
    return table([result], [], "wrk").splitlines()[2]


def test_a_row_says_what_the_processor_did_and_whether_the_goal_is_met() -> None:
    met = row(a_result(ours=0.2, beside=1.0, least=4.0))

    assert (
        met
        == "| Ours | theirs | 200 / 1,000 | **5.00** | 4.00: met | 500 / 500 | 4.0 ms / 4.0 ms |"
    )


def test_a_row_says_by_how_much_a_goal_is_missed() -> None:
    assert "| **3.00** | 4.00: missed by 25% |" in row(a_result(ours=1, beside=3, least=4.0))
    assert "| **3.00** | none |" in row(a_result(ours=1, beside=3, least=None))
    assert "| **0.020** | 0.014: met |" in row(a_result(ours=1, beside=0.02, least=1 / 70))
    assert "| **0.0080** | 0.0063: met |" in row(a_result(ours=1, beside=0.008, least=1 / 160))


@pytest.mark.parametrize(("most", "said"), [(1.5, "met"), (1.0, "missed by 25%")])
def test_a_row_says_whether_the_slowest_are_slow_enough_to_miss_a_goal(
    most: float, said: str
) -> None:
    result = a_result(ours=1.0, beside=1.0, least=0.9)
    slow, quick = Slice(1000, 2.0, 1.0, p99=0.005), Slice(1000, 2.0, 1.0, p99=0.004)
    goal = replace(result.benchmark, most_p99=most)

    measured = replace(
        result, benchmark=goal, rounds=[(slow, quick), (quick, quick), (slow, quick)]
    )

    assert f"| 0.90: met; p99 1.25 of at most {most:.2f}: {said} |" in row(measured)


def test_what_was_measured_before_stands_beside_what_is_measured_now() -> None:
    mended, new = (a_result(ours=0.2, beside=1.0, least=None) for _ in range(2))
    new = replace(new, benchmark=replace(new.benchmark, name="new"))
    earlier = Before("long ago on another machine", times={"x": 0.042}, found={"life": "46.5 ms"})
    life, pace = Found("A life", 9.0, "9.0 ms", name="life"), Found("The pace", 0.1, "10 of 50")

    text = table([mended, new], [life, pace], "wrk", earlier=earlier)

    assert "| **5.00** | 0.042 | none |" in text
    assert "| **5.00** |  | none |" in text
    assert "| A life | 9.0 ms | 46.5 ms | none |" in text
    assert "| The pace | 10 of 50 |  | none |" in text
    assert text.endswith("load by wrk. Before: long ago on another machine.\n")


def test_where_nothing_was_measured_before_the_table_does_not_speak_of_it() -> None:
    text = table(
        [a_result(ours=0.2, beside=1.0, least=None)], [], "wrk", earlier=Before("long ago")
    )

    assert "Before" not in text


def test_every_figure_that_is_kept_belongs_to_something_that_is_measured() -> None:
    names = {each.name for each in (*USUAL, *LARGE)}

    assert {*before().times, *before().found} <= names


def test_the_readmes_table_is_replaced_and_nothing_else(tmp_path: Path) -> None:
    written = f"before\n{BEGIN}old\n{END}\nafter\n"

    assert with_table(written, "new") == f"before\n{BEGIN}\nnew\n{END}\nafter\n"


def test_the_table_of_the_large_run_has_a_place_of_its_own() -> None:
    written = f"{BEGIN}old\n{END}\n{LARGE_BEGIN}older\n{END}\nafter\n"

    replaced = with_table(written, "new", begin=LARGE_BEGIN)

    assert replaced == f"{BEGIN}old\n{END}\n{LARGE_BEGIN}\nnew\n{END}\nafter\n"


def test_the_first_large_run_puts_its_table_below_the_other() -> None:
    written = f"before\n{BEGIN}old\n{END}\nafter\n"

    added = with_table(written, "new", begin=LARGE_BEGIN)

    assert added == f"before\n{BEGIN}old\n{END}\n\n{LARGE_BEGIN}\nnew\n{END}\nafter\n"
    assert with_table(added, "new", begin=LARGE_BEGIN) == added


def test_the_readme_has_a_place_for_the_table() -> None:
    text = README.read_text(encoding="utf-8")

    assert text.count(BEGIN) == 1
    assert text.index(BEGIN) < text.index(END)
