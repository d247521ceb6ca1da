"""What operators see of us: one JSON object per log line, with ids and without personal text."""

import json
import logging
import sys
from collections.abc import Iterable
from datetime import UTC, datetime

_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonLines(logging.Formatter):
    """Writes the event's name, its ids, and the trace of an unexpected failure."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            "logger": record.name,
        }
        line |= {name: value for name, value in vars(record).items() if name not in _OWN}
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def log_as_json(filters: Iterable[logging.Filter] = ()) -> None:
    """Send everything from INFO up to standard error, a line of JSON each."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    for each in filters:
        handler.addFilter(each)
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    # MSAL and aiohttp tell their own life at INFO; some of it names people.
    for name in ("msal", "aiohttp", "urllib3", "botbuilder", "botframework"):
        logging.getLogger(name).setLevel(logging.WARNING)
