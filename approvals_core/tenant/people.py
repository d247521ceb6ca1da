"""Who a tenant's people are, and who may post for it."""

from enum import StrEnum

from approvals_core.tenant.base import Domain, FileRecord, Guid


class AliasIs(StrEnum):
    """What the tenant writes when it names a person."""

    UPN_PREFIX = "upn_prefix"
    MAIL_NICKNAME = "mail_nickname"


class Caller(FileRecord):
    """An Entra application that may post this tenant's payloads."""

    directory: Guid
    app_id: Guid
    role: str = "Payload.Post"  # app role its token must carry


class People(FileRecord):
    """Where this tenant's approvers are, and how it names them."""

    directory: Guid
    mail_domains: tuple[Domain, ...] = ()
    alias_is: AliasIs = AliasIs.UPN_PREFIX
    guests: bool = False
