"""What is said about settings that are wrong, missing or misspelt, and about the tenants' beside them."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from pydantic import ValidationError

from approvals_core.complaints import complaint
from approvals_core.tenant import Tenant
from config.settings import PREFIX, Settings

_NEARLY = 0.85  # of two names' letters, in their order; less is a name of somebody else's


def mistakes(problem: ValidationError) -> list[str]:
    """Return a line for each setting that is missing or wrong, without its value: it may be a secret."""
    told: dict[str, str] = {}
    for error in problem.errors(include_input=False):
        field = str(error["loc"][0]) if error["loc"] else ""
        name = f"APPROVALS_{field.upper()}" if field else ""
        told.setdefault(name, f"{name}: {_said(field, error)}" if name else _said(field, error))
    return [line for each in told.values() for line in each.splitlines()]


def _said(field: str, error: Mapping[str, object]) -> str:
    known = Settings.model_fields.get(field)
    if error["type"] == "missing" and known is not None:
        return f"is missing ({known.description})"
    if str(error["type"]).startswith("bool"):
        return "must be yes or no"
    return complaint(error)


def misspelt(environment: Iterable[str]) -> list[str]:
    """Return a line for each name in *environment* that is nearly one of our settings, but none."""
    known = [f"{PREFIX}{name}".upper() for name in Settings.model_fields]
    return [
        f"{name}: there is no such setting; did you mean {nearest}?"
        for name in sorted(environment)
        if name.upper().startswith(PREFIX) and name.upper() not in known
        for nearest in get_close_matches(name.upper(), known, n=1, cutoff=_NEARLY)
    ]


def strangers(directories: Iterable[str], tenants: Iterable[Tenant]) -> list[str]:
    """
    Return a line for each tenant whose people are in none of *directories*.

    Those are the directories whose people may talk to the bot: nobody could ever decide.
    """
    allowed = {directory.strip().lower() for directory in directories}
    return [
        f"tenant {tenant.code}: people.directory: {tenant.people.directory} is not in"
        " APPROVALS_DIRECTORIES, so its people could never talk to the bot"
        for tenant in tenants
        if tenant.people.directory not in allowed
    ]
