"""What a process does of the service's work; any number of each may share a store."""

from enum import StrEnum


class Role(StrEnum):
    """Web takes calls and makes the first attempt of each decision; worker does all jobs that are left."""

    ALL = "all"
    WEB = "web"
    WORKER = "worker"

    @property
    def takes_calls(self) -> bool:
        """Tell whether tenants, Teams, Outlook and browsers are answered, and not operators alone."""
        return self is not Role.WORKER

    @property
    def does_jobs(self) -> bool:
        """Tell whether due jobs are done."""
        return self is not Role.WEB
