"""What the doctor found out about one step, and how an operator reads it."""

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

WIDTH = max(map(len, ("broken", "unseen")))


class Verdict(StrEnum):
    """How a step stands."""

    OK = "ok"
    BROKEN = "broken"
    WARNS = "warns"  # it works, and lets more happen than it should
    WAITS = "waits"  # it needs a step that is broken
    UNSEEN = "unseen"  # only the real cloud can show it


@dataclass(frozen=True)
class Finding:
    """One step: *saw* is what was looked at and found, *repair* what to do, or where to look."""

    step: str
    verdict: Verdict
    saw: str
    repair: str = ""


def ok(step: str, saw: str, more: str = "") -> Finding:
    """Return a step that is done; *more* says what else there is to choose."""
    return Finding(step, Verdict.OK, saw, more)


def broken(step: str, saw: str, repair: str) -> Finding:
    """Return a step that is not done, or done wrongly."""
    return Finding(step, Verdict.BROKEN, saw, repair)


def warns(step: str, saw: str, repair: str) -> Finding:
    """Return a step that is done, and allows too much."""
    return Finding(step, Verdict.WARNS, saw, repair)


def waits(step: str, first: str) -> Finding:
    """Return a step that was not looked at, because *first* is broken."""
    return Finding(step, Verdict.WAITS, f"not looked at: {first} comes first")


def unseen(step: str, where: str, *, why: str = "") -> Finding:
    """Return a step that cannot be seen from here, with *where* it can."""
    because = f": {why}" if why else ""
    return Finding(step, Verdict.UNSEEN, f"cannot be seen from here{because}", where)


def lines(finding: Finding) -> Iterator[str]:
    """Yield a step's line, and its repair indented."""
    yield f"{finding.verdict.value:{WIDTH}}  {finding.step}: {finding.saw}"
    if finding.repair:
        yield f"{'':{WIDTH}}    {finding.repair}"


def in_short(findings: Sequence[Finding]) -> str:
    """Return how it stands altogether."""
    bad, hidden = _count(findings, Verdict.BROKEN), _count(findings, Verdict.UNSEEN)
    wide = _count(findings, Verdict.WARNS)
    are = "is" if bad == 1 else "are"
    first = f"{bad} of {len(findings)} steps {are} broken" if bad else "Nothing is broken"
    warned = f", {wide} allow{'s' if wide == 1 else ''} too much" if wide else ""
    return f"{first}{warned}, {hidden} cannot be seen from here."


async def tell(findings: AsyncIterator[Finding], say: Callable[[str], None]) -> bool:
    """Say each finding as soon as it is there, and how it stands; True if nothing is broken."""
    found: list[Finding] = []
    async for finding in findings:
        found.append(finding)
        for line in lines(finding):
            say(line)
    say(f"\n{in_short(found)}")
    return all(finding.verdict is not Verdict.BROKEN for finding in found)


def _count(findings: Iterable[Finding], verdict: Verdict) -> int:
    return sum(finding.verdict is verdict for finding in findings)
