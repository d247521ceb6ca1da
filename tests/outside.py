"""The world outside, as fixtures: a playground per test on free ports, one certificate authority for all of them."""

from collections.abc import AsyncIterator

import pytest

from playground.certificates import CertificateAuthority
from playground.outside import Playground


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> CertificateAuthority:
    return CertificateAuthority(tmp_path_factory.mktemp("ca"))


@pytest.fixture
async def playground(authority: CertificateAuthority) -> AsyncIterator[Playground]:
    """Everything the service talks to. Tell it where the service is with `meet`."""
    async with Playground(authority) as outside:
        yield outside
