"""The world outside, as fixtures: a playground per test on free ports, one certificate authority and keys for all of them."""

from collections.abc import AsyncIterator
from typing import NamedTuple

import pytest

from playground.certificates import CertificateAuthority
from playground.outside import Playground
from playground.signing import KeyRing, SigningKey


class FirstKeys(NamedTuple):
    """What the issuers sign with until a test rotates: making one takes longer than many a test."""

    entra: SigningKey
    bot: SigningKey


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> CertificateAuthority:
    return CertificateAuthority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="session")
def first_keys() -> FirstKeys:
    return FirstKeys(SigningKey(), SigningKey())


@pytest.fixture
async def playground(
    authority: CertificateAuthority, first_keys: FirstKeys
) -> AsyncIterator[Playground]:
    """Everything the service talks to. Tell it where the service is with `meet`."""
    outside = Playground(authority)
    outside.issuer.entra = KeyRing(first_keys.entra)
    outside.issuer.bot = KeyRing(first_keys.bot, endorsements=["msteams"])
    async with outside:
        yield outside
