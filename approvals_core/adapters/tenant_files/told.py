"""Says what the shapes of a tenant's file refuse: one sentence for each field."""

import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from approvals_core.adapters.tenant_files.lines import Loc
from approvals_core.complaints import complaint
from approvals_core.tenant import Tenant
from approvals_core.tenant.base import Wrong

_NEVER_IN_THE_FILE = (
    "a secret never stands in the file itself: put it into an environment variable and write"
    ' "env:NAME", or into a file and write "file:/path"'
)
# How pydantic names a branch of a union, after the number of the entry that fits none of them.
_BRANCH = re.compile(r"[a-z]+(?:-[a-z]+)+\[.*\]", re.DOTALL)


def told(problem: ValidationError) -> dict[Loc, str]:
    """Return a sentence for each field; pydantic has one for each branch of a union."""
    found: dict[Loc, str] = {}
    for error in problem.errors(include_input=False):
        loc = _loc(error)
        said = _said(error, loc)
        found[loc] = f"{found[loc]}; {said}" if loc in found else said
    # A list whose only entry is wrong is called too short as well, which it is not.
    inside = {loc[:depth] for loc in found for depth in range(1, len(loc))}
    return {loc: said for loc, said in found.items() if loc not in inside}


def _loc(error: Mapping[str, Any]) -> Loc:
    """Return where it is; a mistake of a whole table says at which of its fields."""
    problem = error.get("ctx", {}).get("error")
    at: Loc = problem.at if isinstance(problem, Wrong) else ()
    loc: Loc = error["loc"]
    # The name of a field that is not known is always one of the file's, whatever it looks like.
    return (*(loc if error["type"] == "extra_forbidden" else _without_branches(loc)), *at)


def _without_branches(loc: Loc) -> Iterator[int | str]:
    before: int | str = ""
    for part in loc:
        if not (isinstance(before, int) and _BRANCH.fullmatch(str(part))):
            yield part
        before = part


def _said(error: Mapping[str, Any], loc: Loc) -> str:
    secret = loc[-1:] in (("secret",), ("certificate",))
    if secret and error["type"] == "string_pattern_mismatch":
        return _NEVER_IN_THE_FILE
    said = complaint(error)
    if error["type"] == "extra_forbidden":
        known = _known_beside(loc)
        near = get_close_matches(str(loc[-1]), known, n=1, cutoff=0.75)
        said += f"; did you mean {near[0]}?" if near else f"; known are {', '.join(known)}"
    return said


def _known_beside(loc: Loc) -> Sequence[str]:
    """Return the names that may stand in the table in which *loc* stands."""
    table: type[BaseModel] = Tenant
    for part in loc[:-1]:
        if isinstance(part, str) and part in table.model_fields:
            table = _table_in(table.model_fields[part].annotation) or table
    return sorted(table.model_fields)


def _table_in(annotation: object) -> type[BaseModel] | None:
    """Return the table that a field holds, perhaps in a list or beside nothing."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = (_table_in(part) for part in get_args(annotation))
    return next((table for table in found if table is not None), None)
