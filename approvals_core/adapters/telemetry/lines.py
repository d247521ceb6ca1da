"""The log: one JSON object per line, with ids and without personal text."""

import json
import logging
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from approvals_core import tracing
from approvals_core.log_context import noted

# ASCII: ids come from outside, and some characters end a line, or turn it, on a screen.
_encode = json.JSONEncoder(default=str, ensure_ascii=True).encode
_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


# What a store or an issuer that fails makes every part of us say. Seen: 18 lines a second while idle.
REPEATED = frozenset(
    {
        "lateness_not_told",
        "limits_not_shared",
        "next_due_failed",
        "redis_failed",
        "redis_refused",
        "signing_keys_not_fetched",
        "sqlite_failed",
        "store_unavailable",
        "writer_not_noted",
    }
)
AGAIN_AFTER = 60.0  # seconds
REASONS = 1000  # kept in memory at most


@dataclass
class _Told:
    """When something was told, and how often it was not since."""

    at: float  # seconds
    left_out: int = 0


class JsonLines(logging.Formatter):
    """
    Writes the event's name, its ids, and where an unexpected failure came from.

    What is said of a request is found by its Xcv, of a decision by its Tcv too, of both by the
    id of their trace. Never what the failures themselves say: anything may stand in there, also what people wrote.
    """

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage().partition("\n")[0],  # asyncio's go on with details
            "logger": record.name,
        }
        line |= {name: value for name, value in vars(record).items() if name not in _OWN}
        line |= noted()
        if traced := tracing.trace_id(tracing.current()):
            line["trace_id"] = traced
        if record.exc_info and record.exc_info[1] is not None:
            line["trace"] = "".join(_trace(record.exc_info[1]))
        return _encode(line)


class SeldomAgain(logging.Filter):
    """
    Lets what is said again and again through once in a while, if it says the same for the same reason.

    A store that refuses what is written, as one that is full, is asked by everything that a process
    does: many lines a second, even if nobody clicks. The first is told at once, and what came behind
    it is counted in the next that is told, as ``left_out``.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """*clock* returns seconds."""
        super().__init__()
        self._clock = clock
        self._told: dict[tuple[str, ...], _Told] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        event = record.getMessage()
        if event not in REPEATED:
            return True
        reasons = (str(getattr(record, name, "")) for name in ("why", "error", "issuer"))
        about = (event, *reasons)
        now = self._clock()
        told = self._told.get(about)
        if told is not None and now - told.at < AGAIN_AFTER:
            told.left_out += 1
            return False
        if told is not None and told.left_out:
            record.left_out = told.left_out
        if len(self._told) >= REASONS:
            self._told.clear()
        self._told[about] = _Told(now)
        return True


def log_as_json(filters: Iterable[logging.Filter] = ()) -> None:
    """Send everything from INFO up to standard error, a line of JSON each."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    handler.addFilter(SeldomAgain())
    for each in filters:
        handler.addFilter(each)
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    # MSAL and aiohttp tell their own life at INFO; some of it names people.
    for name in ("msal", "aiohttp", "urllib3", "botbuilder", "botframework", "opentelemetry"):
        logging.getLogger(name).setLevel(logging.WARNING)


def _trace(failure: BaseException) -> Iterator[str]:
    """Yield where *failure*, and what led to it, was raised, the first one first."""
    before = failure.__cause__ or (None if failure.__suppress_context__ else failure.__context__)
    if before is not None:
        yield from _trace(before)
    yield "Traceback (most recent call last):\n"
    yield from traceback.format_tb(failure.__traceback__)
    yield f"{type(failure).__qualname__}\n"
    if isinstance(failure, BaseExceptionGroup):
        for each in failure.exceptions:  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
            yield from _trace(each)  # pyright: ignore[reportUnknownArgumentType]
