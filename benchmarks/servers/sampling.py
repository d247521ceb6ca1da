"""Notes where the processor's time goes, by looking a thousand times a second at what is running."""

import signal
import sysconfig
from collections import Counter
from pathlib import Path
from types import FrameType

EVERY = 0.001  # seconds of processor time between two looks
MOST = 24  # lines of one kind that are told

ROOT = str(Path(__file__).parents[2]) + "/"
_LIBRARIES = sysconfig.get_paths()["purelib"] + "/"
_OWN = ("approvals_core/", "bots/", "cards/", "app.py", "benchmarks/")


class Sampler:
    """
    Looks at the main thread; what C code takes counts for the Python line that called it.

    A look goes to two counts: the function that runs, and the innermost module of
    ours that it runs for (else the library's name).
    """

    def __init__(self) -> None:
        self._modules: Counter[str] = Counter()
        self._functions: Counter[str] = Counter()
        self._running = False

    async def toggle(self) -> dict[str, list[tuple[str, float]]]:
        """Begin, or end and return the shares (0 to 1) by module and by function, the largest first."""
        if not self._running:
            self._begin()
            return {}
        signal.setitimer(signal.ITIMER_PROF, 0)
        self._running = False
        return {"modules": _shares(self._modules), "functions": _shares(self._functions)}

    def _begin(self) -> None:
        self._modules.clear()
        self._functions.clear()
        self._running = True
        signal.signal(signal.SIGPROF, self._look)
        signal.siginterrupt(signal.SIGPROF, False)  # noqa: FBT003 (as declared there)
        signal.setitimer(signal.ITIMER_PROF, EVERY, EVERY)

    def _look(self, _number: int, frame: FrameType | None) -> None:
        if frame is None:
            return
        self._functions[f"{_where(frame.f_code.co_filename)}: {frame.f_code.co_qualname}"] += 1
        self._modules[_module(frame)] += 1


def _module(frame: FrameType) -> str:
    """Return the innermost module of ours, or the library that runs by itself."""
    innermost = _where(frame.f_code.co_filename)
    outer: FrameType | None = frame
    while outer is not None:
        name = _where(outer.f_code.co_filename)
        if name.startswith(_OWN):
            return name
        outer = outer.f_back
    return innermost.split("/")[0]


def _where(filename: str) -> str:
    """Return a short name for a source file: within the repository, or from its library on."""
    if filename.startswith(_LIBRARIES):
        return filename.removeprefix(_LIBRARIES)
    if filename.startswith(ROOT):
        return filename.removeprefix(ROOT)
    return filename.rpartition("/lib/")[2].partition("/")[2] or filename


def _shares(counted: Counter[str]) -> list[tuple[str, float]]:
    total = sum(counted.values()) or 1
    return [(name, count / total) for name, count in counted.most_common(MOST)]
