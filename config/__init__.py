"""Settings: the only reader of the environment. Names have the prefix APPROVALS_."""

import os
from collections.abc import Mapping

from config.clouds import Cloud
from config.fitting import MailVia
from config.forms import LARGEST_KEY
from config.roles import Role
from config.settings import PREFIX, Settings
from config.told import misspelt, mistakes, strangers

__all__ = [
    "LARGEST_KEY",
    "PREFIX",
    "Cloud",
    "MailVia",
    "Role",
    "Settings",
    "environment",
    "misspelt",
    "mistakes",
    "strangers",
]


def environment() -> Mapping[str, str]:
    """Return the variables that the tenants' files may refer to for their secrets."""
    return os.environ  # noqa: TID251 (here is where it is read)
