"""Many companies at once, each with a directory of its own in the playground's Entra."""

import uuid
from collections.abc import Sequence

from playground import names
from playground.issuer import Issuer

COMPANIES = 30


def opened(issuer: Issuer, companies: int = COMPANIES) -> Sequence[str]:
    """Return the directories of so many companies, which *issuer* has from now on; all of its applications are in each."""
    ids = [
        str(uuid.uuid5(uuid.NAMESPACE_DNS, f"company{number}.example"))
        for number in range(companies)
    ]
    issuer.directories.update(ids)
    for app_id, known in issuer.applications.items():
        issuer.applications[app_id] = known.model_copy(update={"everywhere": True})
    return ids


def posting(issuer: Issuer, directory: str) -> str:
    """Return the token with which the company of *directory* may post payloads."""
    client = issuer.application(names.PURCHASING_APP, directory)
    assert client is not None
    return issuer.app_token(client, issuer.applications[names.INTAKE_APP])
