"""
The trace that this task works in, and how one is read from headers.

W3C Trace Context, https://www.w3.org/TR/trace-context/: what is not well-formed is as if it
had not been sent, and a tracestate counts beside a traceparent only.
"""

import re
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

from approvals_core.models import Trace

NONE = Trace()
STATE = 512  # characters of a tracestate that are passed on; the standard asks for no more
MEMBERS = 32

_PARENT = re.compile(r"(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}", re.ASCII)
_MEMBER = re.compile(
    r"[a-z0-9][a-z0-9_*/-]{0,255}(?:@[a-z][a-z0-9_*/-]{0,13})?"
    r"=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]",
    re.ASCII,
)

_current: ContextVar[Trace] = ContextVar("trace", default=NONE)


def current() -> Trace:
    """Return where this task's work belongs; its `parent` is "" if nobody traces it."""
    return _current.get()


def trace_id(trace: Trace) -> str:
    """Return the 32 hex digits by which a trace is found, "" for none."""
    return trace.parent[3:35]


def follow(trace: Trace) -> None:
    """Let what this task does from now on belong to *trace*."""
    _current.set(trace)


def carry_on(trace: Trace) -> None:
    """Follow *trace*, unless this task works in one already."""
    if not current().parent:
        follow(trace)


@contextmanager
def within(trace: Trace) -> Generator[None]:
    """Follow *trace* while the block runs."""
    before = current()
    follow(trace)
    try:
        yield
    finally:
        follow(before)


def read_trace(parents: Sequence[str], states: Sequence[str]) -> Trace:
    """Return what the headers traceparent and tracestate say, each as often as it was sent."""
    parent = parents[0].strip() if len(parents) == 1 else ""
    if not _is_parent(parent):
        return NONE
    # What a later version has behind the flags we cannot pass on: it may depend on that version.
    return Trace(parent=f"00-{parent[3:55]}", state=_state(states))


def _is_parent(text: str) -> bool:
    found = _PARENT.match(text)
    if found is None or not int(found[1], 16) or not int(found[2], 16):
        return False
    rest = text[found.end() :]
    return not rest or (not text.startswith("00") and rest.startswith("-"))


def _state(headers: Sequence[str]) -> str:
    """Return all headers as one; "" if one member is wrong, for then none can be trusted."""
    members = [part.strip(" \t") for part in ",".join(headers).split(",")]
    members = [member for member in members if member]
    joined = ",".join(members)
    keys = [member.partition("=")[0] for member in members]
    if len(members) > MEMBERS or len(joined) > STATE or len(set(keys)) < len(keys):
        return ""
    return joined if all(_MEMBER.fullmatch(member) for member in members) else ""
