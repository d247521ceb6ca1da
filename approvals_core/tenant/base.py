"""What the tables of a tenant's file are made of: a name that a table does not know is an error."""

import re
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, StringConstraints

Guid = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True,
        to_lower=True,
        pattern=r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$",
    ),
]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=160)]
Sentence = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
Code = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80)]
Domain = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, to_lower=True, pattern=r"^[A-Za-z0-9.-]+\.[A-Za-z]{2,}$"
    ),
]
Path = Annotated[str, StringConstraints(pattern=r"^/")]
# A name inside the tenant's JSON, as "AdditionalData.DueDate".
Dotted = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[^.\s]+(\.[^.\s]+)*$")]
_OUTWARD = re.compile(r"[/\\]|[A-Za-z]:|(?:.*[/\\])?\.\.(?:[/\\]|\Z)", re.DOTALL)


def _stays(path: object) -> object:
    """Refuse what is no path of a file beside the tenant's own, and say why: its shape alone does not."""
    if not isinstance(path, str):
        return path
    if _OUTWARD.match(path):
        raise ValueError(
            "must stay within the folder of the tenant's file: put it there, or into a folder in it, and"
            " write its path from there, as icons/small.png, without .. and with no / at the beginning"
        )
    if "\\" in path:
        raise ValueError("has a \\ in it: write / between folders, as icons/small.png")
    if not path:
        raise ValueError("may not be empty: write the path of a file, as icons/small.png")
    return path


# A file beside the tenant's own, without a way out of the folder.
Beside = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*$"),
    BeforeValidator(_stays),
]
# Where a secret is, never the secret itself.
Reference = Annotated[
    str,
    StringConstraints(strip_whitespace=True, pattern=r"^(env:[A-Za-z_][A-Za-z0-9_]*|file:/.+)$"),
]


class FileRecord(BaseModel):
    """A table of a tenant's file; a name it does not know is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Wrong(ValueError):
    """A mistake of a whole table; *at* leads to the field in it that is to be mended."""

    def __init__(self, why: str, *at: int | str) -> None:
        super().__init__(why)
        self.at = at
