"""What is found out once and has no other side: a figure, and the most that it may be."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from benchmarks.ground import Ground


@dataclass(frozen=True)
class Found:
    """
    One figure. *said* is it in words.

    *most* is the goal for *value*, in *unit*, None if there is none. *name* is the one by which
    an earlier figure is found, "" if none is kept.
    """

    what: str
    value: float
    said: str
    most: float | None = None
    unit: str = ""
    name: str = ""

    @property
    def goal(self) -> str:
        """Return what the goal is, and whether it is met."""
        if self.most is None:
            return "none"
        met = self.value <= self.most
        return (
            f"{self.most:g} {self.unit}".strip()
            + f": {'met' if met else f'missed by {self.value / self.most - 1:.0%}'}"
        )


@dataclass(frozen=True)
class Finding:
    """Something that is found out by *look*, which raises CannotMeasure if it is not as it should be."""

    name: str
    look: Callable[[Ground], Awaitable[Sequence[Found]]]
