"""When a tenant is there: its hours, its closed doors, and how long we wait to hear of it."""

from datetime import datetime, time
from enum import StrEnum
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, AwareDatetime, Field, model_validator

from approvals_core.tenant.base import Dotted, FileRecord, Sentence, Wrong

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as problem:
        raise ValueError(f"{name!r} is no time zone; as Europe/Berlin") from problem
    return name


Zone = Annotated[str, AfterValidator(_known_zone)]


class WorkingHours(FileRecord):
    """When its people work: reminders wait for it, and what is done by night is done outside."""

    zone: Zone = "UTC"
    days: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri")
    starts: time = time(8)
    ends: time = time(18)

    @model_validator(mode="after")
    def _starts_before_it_ends(self) -> Self:
        if self.starts >= self.ends:
            raise Wrong("must be later than starts", "ends")
        return self


class WhileClosed(StrEnum):
    """What becomes of a click while the tenant takes no decisions."""

    REFUSE = "refuse"
    WAIT = "wait"  # it is recorded, and posted once the tenant is open again


class Maintenance(FileRecord):
    """A window in which the tenant takes no decisions; *message* stands on its cards."""

    starts: AwareDatetime
    ends: AwareDatetime
    message: Sentence
    decisions: WhileClosed = WhileClosed.REFUSE

    @model_validator(mode="after")
    def _starts_before_it_ends(self) -> Self:
        if self.starts >= self.ends:
            raise Wrong("must be later than starts", "ends")
        return self

    def covers(self, at: datetime) -> bool:
        """Tell whether *at* is in the window."""
        return self.starts <= at < self.ends


class Switch(FileRecord):
    """An operator's word that a tenant takes no decisions, until he takes it back."""

    message: str = ""  # stands on the cards; "": the file's own
    decisions: WhileClosed = WhileClosed.REFUSE
    by: str
    at: AwareDatetime


class Reconcile(FileRecord):
    """
    How we find out what no ARX told us.

    What the Summary API says of the content counts. That a request is gone, moved or
    decided is read only from what stands here.
    """

    after: float = Field(default=180.0, ge=1)  # seconds from acceptance to the ARX owed
    nightly: bool = True
    unheard_for: float = Field(default=7.0, ge=1, le=365)  # days without an ARX
    gone_statuses: tuple[Annotated[int, Field(ge=400, le=499)], ...] = ()  # of HTTP: 404, 410
    state: Dotted | None = None  # where the summary says how the request stands
    gone_states: tuple[str, ...] = ()  # values there: nobody is asked any more
    approvers: Dotted | None = None  # where the summary lists the aliases asked now
