"""By when those who press a button are answered."""

import asyncio
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Deadlines:
    """
    How long somebody waits for an answer, in seconds; the defaults are what we promise.

    They are no setting: Teams and Outlook set them. A test in which nothing is late hands in
    longer ones, for a machine that stands still now and then.
    """

    tenant: float = 1.2  # the longest a click waits for the tenant
    click: float = 1.8  # from a click's arrival
    building: float = 0.2  # of these kept for building and sending the answer
    array: float = 2.0  # what is not committed by then does not hold up those ticked with it
    teams: float = 1.9  # from arrival; beyond, a refresh says that it could not be done
    # From arrival. Outlook drops what it asked for by itself after 2 seconds
    # (outlook-dev-docs, auto-invoke.md).
    outlook: float = 1.7
    keys: float = 5.0  # for each answer of an issuer whose keys are fetched; later, it has failed
    probe: float = 2.0  # from whoever asks whether we are ready; then the store does not answer

    async def wait(self, task: asyncio.Task[Any], elapsed: float) -> None:
        """Wait for what a click began that arrived *elapsed* seconds ago, as long as he may wait."""
        await asyncio.wait({task}, timeout=self.patience(elapsed))

    def patience(self, elapsed: float) -> float:
        """Return for how long a click may wait now that arrived *elapsed* seconds ago."""
        return max(0.0, min(self.tenant, self.click - elapsed) - self.building)


PROMISED = Deadlines()
