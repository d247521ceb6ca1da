"""The core: what is true about approvals, and the jobs that changes leave."""

import logging
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from aiohttp import ClientSession

from approvals_core.adapters.archive import FolderArchive
from approvals_core.adapters.entra import OwnTokens
from approvals_core.adapters.graph import GraphDirectory
from approvals_core.adapters.remembered import RememberedDirectory
from approvals_core.allowances import Allowances
from approvals_core.approvals import Approvals
from approvals_core.committing import Commits
from approvals_core.deadlines import Deadlines
from approvals_core.keeping.archiving import Archiving
from approvals_core.ports import Directory, Mails, Store, TenantApi, Tenants
from approvals_core.posting import Posting
from approvals_core.telemetry import Telemetry
from approvals_core.worker import Chores, Fetching, Nights, Reconciling
from config import Settings

log = logging.getLogger("approvals")

CUSTOM_LINE = "Test installation: not for real decisions."


class Ground(NamedTuple):
    """What every part stands on."""

    settings: Settings
    now: Callable[[], datetime]
    store: Store
    tenants: Tenants
    session: ClientSession
    tokens: OwnTokens  # our own, for other services
    telemetry: Telemetry
    allowances: Allowances
    notice_line: str | None
    deadlines: Deadlines


class Core(NamedTuple):
    """The use cases, and what the worker does beside cards."""

    commits: Commits
    approvals: Approvals
    chores: Chores
    directory: Directory


def make_core(
    ground: Ground, *, api: TenantApi, wake: Callable[[], None], mails: Mails | None = None
) -> Core:
    """
    Make the core; *wake* tells the worker that something was committed.

    *mails* None: no mail is set up here.
    """
    store, tenants = ground.store, ground.tenants
    commits = Commits(store, now=ground.now, wake=wake, telemetry=ground.telemetry)
    posting = Posting(store=store, commits=commits, tenants=tenants, api=api)
    directory = GraphDirectory(
        session=ground.session,
        tokens=ground.tokens,
        clock=ground.now,
        url=ground.settings.graph_url,
        scope=ground.settings.cloud.graph_scope,
    )
    folder = ground.settings.archive_folder
    archive = FolderArchive(folder) if folder else None
    approvals = Approvals(
        store=store,
        commits=commits,
        posting=posting,
        tenants=tenants,
        directory=directory,
        deadlines=ground.deadlines,
    )
    reconciling = Reconciling(store=store, commits=commits, tenants=tenants, api=api)
    chores = Chores(
        store=store,
        commits=commits,
        posting=posting,
        directory=RememberedDirectory(directory, now=ground.now),
        tenants=tenants,
        fetching=Fetching(store=store, commits=commits, tenants=tenants, api=api),
        reconciling=reconciling,
        nights=Nights(store=store, commits=commits, tenants=tenants, reconciling=reconciling),
        archiving=Archiving(store=store, commits=commits, tenants=tenants, archive=archive),
        mails=mails,
        mails_at_once=ground.settings.mail_at_once,
    )
    return Core(commits, approvals, chores, directory)


def notice_line(settings: Settings) -> str | None:
    """Return what stands on every card and mail, None unless this is a test installation."""
    if not settings.custom_issuers:
        return None
    log.warning("custom_issuers", extra={"issuers": settings.issuers})
    return CUSTOM_LINE
