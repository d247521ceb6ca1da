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


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
async def test_a_second_signal_ends_it_also_as_process_one_of_a_container(
    second: signal.Signals,
) -> None:
    """The kernel spares process 1 the default disposition, so its own code must end it."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", ENDING, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"ready\n"
    process.send_signal(signal.SIGTERM)
    assert await process.stdout.readline() == b"asked\n"

    process.send_signal(second)

    assert await process.wait() == 128 + second
