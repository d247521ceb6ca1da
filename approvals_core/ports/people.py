"""Who is who, and how people are reached."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Protocol

from pydantic import InstanceOf

from approvals_core.models import (
    Approval,
    Person,
    PersonId,
    Place,
    Record,
)
from approvals_core.tenant import Closed, Tenant


class NotFound(StrEnum):
    """Why a name leads to nobody who may act."""

    UNKNOWN = "unknown alias"
    SEVERAL = "several people"
    DISABLED = "disabled"
    GUEST = "guest"


class Directory(Protocol):
    """Who is who in the tenant's Entra directory."""

    async def find(self, tenant: Tenant, alias: str) -> Person | NotFound:
        """
        Look up the person the tenant calls *alias*.

        Raises:
            DirectoryUnavailable: Try again after its `retry_after`.
        """
        ...

    async def find_by_mail(self, tenant: Tenant, address: str) -> Person | NotFound:
        """
        Look up who has the mailbox *address*, by UPN, mail or another of his addresses.

        Raises:
            DirectoryUnavailable: Try again after its `retry_after`.
        """
        ...


class View(Record):
    """
    Everything a face is made from: the newest state, and whose card it is.

    A card of an older round than the approval's stays closed for good.
    """

    tenant: InstanceOf[Tenant]  # its file was checked when it was read, and is not for each card
    approval: Approval
    place: Place
    round: int  # of the card
    details: dict[str, str]  # operation -> JSON text
    closed: Closed | None = None  # the tenant takes no decisions now
    reminds: bool = False  # it is to remind its owner, who was not reminded by it yet


class Channel(Protocol):
    """One way to reach an approver. Implemented in bots/."""

    name: str

    async def face(self, view: View) -> tuple[str, Mapping[str, object]]:
        """Return the face's digest and the face, as it should be shown now."""
        ...

    async def send(self, person: PersonId, face: Mapping[str, object]) -> str:
        """
        Show a new card and return its address.

        Raises:
            ChannelError: See `errors`.
        """
        ...

    async def update(self, address: str, face: Mapping[str, object]) -> None:
        """
        Replace the card at *address*.

        Raises:
            ChannelError: See `errors`.
        """
        ...

    async def withdraw(self, address: str) -> None:
        """
        Take the card at *address* away.

        Raises:
            ChannelError: See `errors`.
        """
        ...
