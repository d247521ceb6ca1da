"""A process that is asked to end, once and again."""

import asyncio
import signal
import sys

import pytest

# It hears the first, and would go on for ever. What it answers shows that it has its handlers.
ENDING = """
import asyncio
from house.serving import asked_to_end

async def main():
    asked = asked_to_end()
    print("ready", flush=True)
    await asked.wait()
    print("asked", flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""

SPARED = """
import signal
from house.serving import end_at_once

signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
end_at_once(signal.SIGTERM, None)
"""


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
async def test_a_second_signal_ends_it(second: signal.Signals) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", ENDING, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"ready\n"
    process.send_signal(signal.SIGTERM)
    assert await process.stdout.readline() == b"asked\n"

    process.send_signal(second)

    assert await process.wait() == -second


async def test_it_ends_also_where_the_kernel_spares_it_the_signal() -> None:
    """As it does process 1 of a container; here because the signal is blocked."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", SPARED)

    assert await process.wait() == 128 + signal.SIGTERM
