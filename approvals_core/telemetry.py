"""What the core tells of its own work: how long each piece took, and how it ended."""

from contextlib import AbstractContextManager
from enum import StrEnum
from types import TracebackType
from typing import Protocol, Self

from approvals_core.models import Change


class Work(StrEnum):
    """The pieces of work that are told of; the values are the names of spans."""

    INTAKE = "intake"  # a tenant's payload: tenant, operation
    COMMIT = "commit"  # one change: approval
    ACT = "act"  # a click, until it is recorded: tenant, approval
    TENANT_CALL = "tenant call"  # tenant, call, approval, attempt
    CONVERGE = "converge"  # a card looked at, and changed if needed: tenant, approval
    DELIVER = "deliver"  # a new card sent: tenant, approval
    CONNECTOR_WAIT = "connector wait"  # until Teams' limits let one more request through
    CONNECTOR_CALL = "connector call"  # one request to Teams: call


class Span(Protocol):
    """One piece of work under way."""

    def tell(self, **attributes: str | int) -> None:
        """
        Add what became known: codes and ids, never a person's name, words or address.

        *outcome* is how it ended. Without one that is "done", or the name of the error
        with which it ended.
        """
        ...


class Telemetry(Protocol):
    """Where that goes. Nothing here raises, waits, or takes longer than some microseconds."""

    def span(self, work: Work, **attributes: str | int) -> AbstractContextManager[Span]:
        """Tell of the work that is done in the block; what it leads to is part of its trace."""
        ...

    def committed(self, change: Change) -> None:
        """Take in what became true."""
        ...


class NoTelemetry:
    """Tells nobody."""

    def span(self, work: Work, **attributes: str | int) -> AbstractContextManager[Span]:
        return _UNSEEN

    def committed(self, change: Change) -> None:
        pass


class _Unseen:
    """A span that nobody sees: one for all, for it keeps nothing."""

    def tell(self, **attributes: str | int) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        failure: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        pass


_UNSEEN = _Unseen()
NO_TELEMETRY = NoTelemetry()
