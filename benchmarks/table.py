"""How results are told: the table of the README, and where our time goes."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from platform import python_implementation, python_version
from statistics import median

from benchmarks.before import Before, before
from benchmarks.benchmark import Result, Shares
from benchmarks.findings import Found
from benchmarks.sides import Slice

README = Path(__file__).parents[1] / "README.md"
BEGIN, END = "<!-- benchmarks -->\n", "<!-- end of benchmarks -->"
LARGE_BEGIN = "<!-- large benchmarks -->\n"
SHOWN = 0.01  # of all time: what takes less is not listed

_BEFORE = "Before"
_HEAD = (
    "What",
    "Beside",
    "Processor µs each",
    "Times",
    _BEFORE,
    "Goal",
    "A second",
    "99 of 100 within",
)
_FOUND = ("What", "Found", _BEFORE, "Goal: at most")


def table(
    results: Sequence[Result], found: Sequence[Found], client: str, *, earlier: Before | None = None
) -> str:
    """
    Return all results and findings in Markdown, with a line that says where they were measured.

    *earlier* has the figures of a run before; None: those that are kept beside the benchmarks.
    """
    earlier = before() if earlier is None else earlier
    measured = _lined([_HEAD, *(_row(each, earlier) for each in results)]) if results else ""
    figures = _lined([_FOUND, *(_found(each, earlier) for each in found)]) if found else ""
    told = _where_measured(client)
    if any(f"| {_BEFORE} |" in part for part in (measured, figures)):
        told += f" {_BEFORE}: {earlier.measured}."
    return "\n\n".join(part for part in (measured, figures, told) if part) + "\n"


def _lined(rows: Sequence[Sequence[str]]) -> str:
    """Return rows under their head; where nothing was measured before, that column is left out."""
    before_in = rows[0].index(_BEFORE)
    if not any(row[before_in] for row in rows[1:]):
        rows = [[*row[:before_in], *row[before_in + 1 :]] for row in rows]
    lines = [f"| {' | '.join(row)} |" for row in rows]
    lines.insert(1, f"|{' --- |' * len(rows[0])}")
    return "\n".join(lines)


def _found(found: Found, earlier: Before) -> tuple[str, ...]:
    return (found.what, found.said, earlier.found.get(found.name, ""), found.goal)


def _row(result: Result, earlier: Before) -> tuple[str, ...]:
    benchmark, ours, beside = result.benchmark, result.ours, result.beside
    return (
        benchmark.ours,
        benchmark.beside,
        _both(_number(_cpu(ours)), _number(_cpu(beside))),
        f"**{_times(result.ratio)}**",
        _times(earlier.times[benchmark.name]) if benchmark.name in earlier.times else "",
        _goal(result),
        _both(f"{_rate(ours):,.0f}", f"{_rate(beside):,.0f}"),
        _both(_milliseconds(ours), _milliseconds(beside)),
    )


def _both(ours: str, beside: str) -> str:
    return f"{ours} / {beside}"


def _goal(result: Result) -> str:
    least = result.benchmark.least
    if least is None:
        return "none"
    met = "met" if result.ratio >= least else f"missed by {1 - result.ratio / least:.0%}"
    return f"{_times(least)}: {met}{_goal_of_p99(result)}"


def _goal_of_p99(result: Result) -> str:
    most = result.benchmark.most_p99
    if most is None:
        return ""
    found = result.p99_ratio
    met = "met" if found <= most else f"missed by {found / most - 1:.0%}"
    return f"; p99 {found:.2f} of at most {most:.2f}: {met}"


def _times(ratio: float) -> str:
    digits = next((d for d, least in enumerate((10, 0.1, 0.01), 1) if ratio >= least), 4)
    return f"{ratio:.{digits}f}"  # as many as mean something


def _cpu(slices: Sequence[Slice]) -> float:
    return median(each.cpu_each for each in slices) * 1e6


def _rate(slices: Sequence[Slice]) -> float:
    return median(each.rate for each in slices)


def _milliseconds(slices: Sequence[Slice]) -> str:
    milliseconds = median(each.p99 for each in slices) * 1e3
    if not milliseconds:
        return "none"  # of one piece nobody knows
    return f"{milliseconds:.{0 if milliseconds >= 10 else 1 if milliseconds >= 1 else 2}f} ms"  # noqa: PLR2004 (the same)


def _number(value: float) -> str:
    return f"{value:,.0f}"


def _where_measured(client: str) -> str:
    today = datetime.now(UTC).date().isoformat()
    python = f"{python_implementation()} {python_version()}"
    return f"Measured on {today} on {_machine()}, {python}; load by {client}."


def _machine() -> str:
    """Return the processor's name and number, as far as the system says."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.exists() else []
    models = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    return (
        f"{len(models)} cores of {models[0]}"
        if models
        else "a machine that does not say what it is"
    )


def where(result: Result) -> str:
    """Return what came out and where the time of our side goes, as text for a terminal."""
    title = f"{result.benchmark.name}: {_times(result.ratio)} times; where our time goes"
    return "\n".join(
        [title, *_lines(result.modules), "  and in which functions", *_lines(result.functions)]
    )


def _lines(shares: Shares) -> list[str]:
    return [f"  {share:6.1%}  {name}" for name, share in shares if share >= SHOWN]


def write_readme(text: str, *, large: bool = False) -> None:
    """Put the table between its two markers in the README: of the usual run, or of the *large* one."""
    marker = LARGE_BEGIN if large else BEGIN
    written = with_table(README.read_text(encoding="utf-8"), text, begin=marker)
    README.write_text(written, encoding="utf-8")


def with_table(written: str, text: str, *, begin: str = BEGIN) -> str:
    """Return *written* with *text* between the markers; without them it comes after the other table, or last."""
    if begin not in written:
        above, end, below = written.partition(END)
        return f"{above}{end}\n\n{begin}\n{text}\n{END}{below}"
    above, _, rest = written.partition(begin)
    _, _, below = rest.partition(END)
    return f"{above}{begin}\n{text}\n{END}{below}"
