"""Which request and decision this task is busy with, so that each of its lines in the log can say so."""

from collections.abc import Mapping
from contextvars import ContextVar

_noted: ContextVar[Mapping[str, str]] = ContextVar("noted", default={})  # noqa: B039 (replaced, never changed)


def note(**ids: str) -> None:
    """Note the *xcv* of a request or the *tcv* of a decision for this task; "" forgets it."""
    _noted.set({**_noted.get(), **ids})


def noted() -> Mapping[str, str]:
    """Return what is noted, by name."""
    return {name: value for name, value in _noted.get().items() if value}
