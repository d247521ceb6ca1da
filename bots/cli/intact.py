"""Which of the tenants' files a command works with: one that is broken keeps nobody from the others."""

import argparse
from collections.abc import Iterator
from pathlib import Path

from approvals_core.adapters.referenced import References
from approvals_core.adapters.tenant_files import Intact, read_intact, read_tenants
from bots.cli.telling import PROGRAM, plain
from cards.mail import mistakes_in


def files_for(chosen: argparse.Namespace, folder: Path, references: References) -> Intact:
    """
    Read what the command needs of the tenants' files. Blocking.

    *references* reads the secrets, where the command is about them.

    Raises:
        BadTenantFiles: It cannot do with what is there: there is none without mistakes, or
            some have mistakes and the command is about what is in them.
    """
    if chosen.command == "tenants" and chosen.verb in ("check", "reload"):
        return Intact(read_tenants(folder, references, check=mistakes_in), ())
    # The secrets are the service's: an operator's shell need not have them.
    found = read_intact(folder, check=mistakes_in)
    if not found.files and not _lists_tenants(chosen):
        read_tenants(folder, check=mistakes_in)  # says what is wrong with them
    return found


def left_out(chosen: argparse.Namespace, found: Intact) -> Iterator[str]:
    """
    Yield a warning for each broken file.

    Not for the command that has a line for each anyway, nor before HTML that somebody asked for.
    """
    known = {tenant.code for tenant in found.files.values()}
    if _lists_tenants(chosen) or (chosen.command == "templates" and chosen.code in known):
        return
    for name in found.broken:
        yield f"{plain(name)} has mistakes; its tenant is left out here: {PROGRAM} check-config"


def _lists_tenants(chosen: argparse.Namespace) -> bool:
    return chosen.command == "tenants" and chosen.verb == "list"
