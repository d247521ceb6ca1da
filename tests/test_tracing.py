"""W3C Trace Context: what counts as one, what is passed on, and what is as if it had not been sent."""

import asyncio

import pytest

from approvals_core import tracing
from approvals_core.models import Trace
from approvals_core.tracing import read_trace, trace_id

WHOLE, PART = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
PARENT = f"00-{WHOLE}-{PART}-01"


def test_a_traceparent_and_its_state_are_read() -> None:
    trace = read_trace([PARENT], ["rojo=00f067aa0ba902b7,congo@org=t61"])

    assert trace == Trace(parent=PARENT, state="rojo=00f067aa0ba902b7,congo@org=t61")
    assert trace_id(trace) == WHOLE


@pytest.mark.parametrize(
    "parent",
    [
        "",
        "nonsense",
        PARENT.upper(),
        PARENT[:-1],
        f"{PARENT}-more",
        f"{PARENT}0",
        f"ff-{WHOLE}-{PART}-01",
        f"00-{'0' * 32}-{PART}-01",
        f"00-{WHOLE}-{'0' * 16}-01",
        f"01-{WHOLE}-{PART}-01more",
        f"00-{WHOLE[:-1]}\u0663-{PART}-01",
        f"{PARENT}\nX: 1",
    ],
)
def test_one_that_is_not_well_formed_is_as_if_it_had_not_been_sent(parent: str) -> None:
    assert read_trace([parent], ["rojo=1"]) == Trace()


def test_two_traceparents_are_none() -> None:
    assert read_trace([PARENT, PARENT], []) == Trace()


def test_of_a_later_version_what_we_understand_goes_on() -> None:
    assert read_trace([f"cc-{WHOLE}-{PART}-00-what-else"], []).parent == f"00-{WHOLE}-{PART}-00"


def test_several_headers_of_state_are_one() -> None:
    assert read_trace([PARENT], ["a=1, b=2", "", "c=3,"]).state == "a=1,b=2,c=3"


@pytest.mark.parametrize(
    "state",
    [
        "a",
        "A=1",
        "a=1,a=2",
        "a=\u00e9",
        "a=1\r\nX: 1",
        "a=b=c",
        ",".join(f"k{number}=1" for number in range(33)),
        f"a={'x' * 600}",
    ],
)
def test_a_wrong_state_is_left_out_and_the_trace_goes_on(state: str) -> None:
    assert read_trace([PARENT], [state]) == Trace(parent=PARENT)


async def test_a_task_carries_on_only_what_it_does_not_follow_already() -> None:
    other = Trace(parent=PARENT.replace("0af7", "0bf7"))

    async def work() -> list[Trace]:
        seen = [tracing.current()]
        tracing.carry_on(Trace(parent=PARENT))
        tracing.carry_on(other)
        seen.append(tracing.current())
        with tracing.within(other):
            seen.append(tracing.current())
        return [*seen, tracing.current()]

    ours = Trace(parent=PARENT)
    assert await asyncio.create_task(work()) == [Trace(), ours, other, ours]
    assert tracing.current() == Trace()
