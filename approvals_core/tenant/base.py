"""What the tables of a tenant's file are made of: a name that a table does not know is an error."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

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
# A file beside the tenant's own, without a way out of the folder.
Beside = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*$")
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
