"""Looks at how a tenant's file says that we sign in: what belongs together, and whether it is there."""

from collections.abc import Iterator, Mapping

from approvals_core.adapters.referenced import References, SecretMissing
from approvals_core.adapters.tenant_files.calls import table_of, text_of
from approvals_core.adapters.tenant_files.lines import Loc
from approvals_core.tenant import SignIn

_SECRETS = ("secret", "certificate")


def wrong_in_sign_in(
    fields: Mapping[str, object], references: References | None
) -> Iterator[tuple[Loc, str]]:
    """Find combinations that no token could be got with, and references to nothing."""
    auth = table_of(table_of(fields, "api"), "auth")
    for name, why in _wrong_together(auth):
        yield ("api", "auth", name), why
    if references is None:
        return
    for name in _SECRETS:
        reference = text_of(auth, name).strip()
        if reference.startswith(("env:", "file:/")) and (why := _missing(references, reference)):
            yield ("api", "auth", name), why


def _wrong_together(auth: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    given = [name for name in _SECRETS if auth.get(name) is not None]
    if auth.get("sign_in") == SignIn.MANAGED_IDENTITY:
        for name in (*given, *(["directory"] if auth.get("directory") is not None else [])):
            yield name, "a managed identity has none: take it out"
        return
    if auth.get("sign_in") == SignIn.ON_BEHALF_OF and auth.get("app_id") is not None:
        # Entra exchanges a person's token for the application only that it was issued for.
        yield "app_id", "people sign in with our own application, which acts for them: take it out"
        return
    if len(given) > 1:
        yield "certificate", "either secret or certificate, not both"
    if auth.get("app_id") is not None and not given:
        why = "another application than ours needs its secret or certificate"
        yield "app_id", f'{why}: secret = "env:NAME", or certificate = "file:/path"'
    if auth.get("app_id") is None and given:
        yield given[0], "app_id says whose it is; without it we sign in as our own application"


def _missing(references: References, reference: str) -> str:
    try:
        references.read(reference)
    except SecretMissing as problem:
        return str(problem)
    return ""
