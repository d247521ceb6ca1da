"""What things are known by, and what every stored record is."""

from collections.abc import Mapping
from typing import Any, NamedTuple, Self

from pydantic import BaseModel, ConfigDict

HOUSE = "house"  # the scope of what belongs to no tenant and no person


class ApprovalKey(NamedTuple):
    """Names one document: DocumentTypeId in lower case, DocumentNumber, FiscalYear or ""."""

    tenant: str
    number: str
    year: str = ""

    @property
    def scope(self) -> str:
        """Return the scope in which this approval's commits are made."""
        return tenant_scope(self.tenant)


class PersonId(NamedTuple):
    """Who somebody is: directory and object id (GUIDs in lower case), and nothing else."""

    directory: str
    object_id: str

    def __str__(self) -> str:
        return f"{self.directory}/{self.object_id}"

    @property
    def scope(self) -> str:
        """Return the scope in which this person's commits are made."""
        return f"p:{self}"


class Mark(NamedTuple):
    """How new a word of the tenant is: OperationDateTime in 100-ns ticks, then Operation."""

    ticks: int
    operation: int


class Record(BaseModel):
    """
    Base of what is stored: frozen, and a field it does not know is kept as it is.

    While one program takes the place of another, both work on one store. So what a newer one
    wrote can be read here, and goes back whole when this one writes the record again. Only what
    is read may hold such fields: in a record that is made here they are a mistake.
    """

    model_config = ConfigDict(frozen=True, extra="allow", hide_input_in_errors=True)

    def __init__(self, /, **fields: Any) -> None:
        """Make a record of these fields; one that there is not is refused."""
        self.__pydantic_validator__.validate_python(fields, self_instance=self, extra="forbid")

    # Else pydantic would call it for each record within a record that is read: half as fast again.
    __init__.__pydantic_base_init__ = True  # pyright: ignore[reportFunctionMemberAccess]

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """
        Return this with the fields of *update* replaced, and those that nobody here knows.

        Everything in a record is frozen or never changed, so nothing needs copying: a
        step of an approval makes some fifty of these.
        """
        if deep:
            return super().model_copy(update=update, deep=True)
        made, changed = object.__new__(type(self)), update or {}
        fields, known = self.__dict__.copy(), self.__pydantic_fields_set__
        fields.update(changed)
        _set_fields(made, fields)
        _set_known(made, known if known.issuperset(changed) else {*known, *changed})
        _set_extra(made, self.__pydantic_extra__)
        _set_private(made, None)
        return made


# A record is frozen, so these go past its own `__setattr__`; to find them each time anew, as
# `object.__setattr__` does, takes as long as all else.
_set_fields, _set_known, _set_extra, _set_private = (
    BaseModel.__dict__[slot].__set__
    for slot in (
        "__dict__",
        "__pydantic_fields_set__",
        "__pydantic_extra__",
        "__pydantic_private__",
    )
)


def tenant_scope(tenant: str) -> str:
    """Return the scope of a tenant's approvals."""
    return f"t:{tenant}"


def tenant_of(scope: str) -> str:
    """Return the DocumentTypeId of the tenant whose scope it is, "" if it is no tenant's."""
    return scope[2:] if scope.startswith("t:") else ""
