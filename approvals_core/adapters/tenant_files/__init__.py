"""The tenants' files: a folder of TOML, every mistake of every file told at once."""

from approvals_core.adapters.tenant_files.reading import (
    Intact,
    load_tenants,
    read_intact,
    read_tenants,
)
from approvals_core.errors import BadTenantFiles

__all__ = ["BadTenantFiles", "Intact", "load_tenants", "read_intact", "read_tenants"]
