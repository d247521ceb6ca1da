"""The log: one JSON object per line, with ids and without personal text."""

import json
import logging
import sys
import traceback
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from approvals_core import tracing
from approvals_core.log_context import noted

# ASCII: ids come from outside, and some characters end a line, or turn it, on a screen.
_encode = json.JSONEncoder(default=str, ensure_ascii=True).encode
_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


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


def log_as_json(filters: Iterable[logging.Filter] = ()) -> None:
    """Send everything from INFO up to standard error, a line of JSON each."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
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
