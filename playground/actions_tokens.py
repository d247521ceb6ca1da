"""What the Actions service of Outlook says in its tokens: who pressed, and for which provider's application."""

from playground import names
from playground.people import Person
from playground.signing import Claims

# outlook-dev-docs, enable-entra-token-for-actionable-messages.md
ACTIONS_APP = "48af08dc-f6d2-435f-b2a7-069abd99c086"
# outlook-dev-docs, security-requirements.md: how its tokens were until June 2026
RETIRED = {
    "iss": "https://substrate.office.com/sts/",
    "ver": "STI.ExternalAccessToken.V1",
    "appid": ACTIONS_APP,
}


def actions_claims(person: Person, *, version: int = 2) -> Claims:
    """
    Return the claims of a delegated token: *person* acts through the Actions service.

    Those that differ between the versions are in access-token-claims-reference.md of
    MicrosoftDocs/entra-docs; `sub` is another one for each application, and no address.
    """
    claims = {
        "tid": person.directory,
        "oid": person.object_id,
        "sub": f"pairwise-{person.object_id}",
        "scp": names.OUTLOOK_SCOPE,
        "ver": f"{version}.0",
    }
    if version == 1:
        issuer = names.ENTRA_V1_ISSUER.format(directory=person.directory)
        caller = {"appid": ACTIONS_APP, "appidacr": "2"}
        return {**claims, **caller, "iss": issuer, "aud": names.OUTLOOK_URI}
    issuer = names.ENTRA_ISSUER.format(directory=person.directory)
    caller = {"azp": ACTIONS_APP, "azpacr": "2"}
    return {**claims, **caller, "iss": issuer, "aud": names.OUTLOOK_APP}


def as_an_application(claims: Claims) -> Claims:
    """Return them as they are where no person stands behind the token."""
    own = {name: value for name, value in claims.items() if name != "scp"}
    return {**own, "roles": [names.OUTLOOK_SCOPE], "sub": claims["oid"], "idtyp": "app"}
