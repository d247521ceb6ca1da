"""Does what was typed: which desk it is for, and what that is asked."""

import argparse
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime

from approvals_core.adapters.entra import TenantSignIn
from approvals_core.adapters.tenant_api import HttpTenantApi
from approvals_core.committing import Commits
from approvals_core.keeping.erasing import Erasing
from approvals_core.models import Occasion
from approvals_core.onboarded import Onboarded
from approvals_core.ports import Archive, Directory, Store
from approvals_core.rules.settling import Settlement
from approvals_core.tenant import WhileClosed
from bots.cli.archive import ArchiveDesk
from bots.cli.desk import Desk
from bots.cli.finding import Say
from bots.cli.mails import MailsDesk
from bots.cli.payload_log import PayloadDesk
from bots.cli.persons import erase_person
from bots.cli.places import PlacesDesk
from bots.cli.queue import QueueDesk
from bots.cli.reconciling import ReconcilingDesk
from bots.cli.template_shown import TemplatesDesk, Wanted
from bots.cli.tenants import TenantsDesk
from bots.cli.verifying import VerifyingDesk

# Commands that change something, whatever their verb, or with this one.
WRITE = frozenset(
    {
        "person",
        "reconcile",
        "rebind",
        "settle",
        ("dead-letters", "replay"),
        ("mails", "bounced"),
        ("tenants", "disable"),
        ("tenants", "enable"),
        ("tenants", "reload"),
    }
)


def utc_now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Room:
    """
    All that the desks stand in.

    *broken* names the tenants' files that were left out of *tenants*. *directory* and
    *tenant_apis* open the ways out, as the service does; most commands need neither.
    """

    store: Store
    tenants: Onboarded
    broken: Sequence[str]
    say: Say
    public_url: str
    archive: Archive | None
    directory: Callable[[], AbstractAsyncContextManager[Directory]]
    tenant_apis: Callable[[], AbstractAsyncContextManager[tuple[TenantSignIn, HttpTenantApi]]]


async def do(chosen: argparse.Namespace, room: Room) -> bool:
    """
    Do what was typed; False if it could not be done, and that was said.

    Raises:
        NotThere, NotDone: The message says what to do.

        StoreError, DirectoryUnavailable: Nothing was changed.
    """
    store, tenants, say = room.store, room.tenants, room.say
    match chosen.command:
        case "tenants":
            return await _with_tenants(chosen, room)
        case "reconcile":
            await _reconcile(chosen, room)
        case "payloads" if chosen.verb != "late":
            await _with_payloads(chosen, PayloadDesk(store, tenants, say, now=utc_now))
        case "mails":
            commits = Commits(store, now=utc_now, wake=_nobody)
            await _with_mails(chosen, MailsDesk(store, tenants, say, commits=commits))
        case "templates":
            return await _show_stored(chosen, room)
        case "archive" | "person":
            return await _with_kept(chosen, room)
        case "settle" | "rebind":
            await _with_places(chosen, room)
        case "jobs" | "dead-letters":
            return await _with_jobs(chosen, QueueDesk(store, tenants, say, now=utc_now))
        case _:
            return await _with_requests(chosen, room)
    return True


def writes(chosen: argparse.Namespace) -> bool:
    """Tell whether what was typed may change something in the store."""
    if getattr(chosen, "dry_run", False):
        return False
    return chosen.command in WRITE or (chosen.command, chosen.verb) in WRITE


def _nobody() -> None:
    """Wake nobody: the service's worker looks for jobs of other processes every second."""


async def _with_kept(chosen: argparse.Namespace, room: Room) -> bool:
    if chosen.command == "person":
        erasing = Erasing(store=room.store, archive=room.archive, now=utc_now, by=chosen.by)
        dry_run, archive = chosen.dry_run, room.archive
        return await erase_person(chosen.name, erasing, room.say, archive=archive, dry_run=dry_run)
    desk = ArchiveDesk(room.archive, room.store, room.tenants, room.say)
    if chosen.verb == "find":
        return await desk.find(chosen.number, code=chosen.tenant, comments=chosen.comments)
    verifying = VerifyingDesk(room.store, room.tenants, room.say)
    return await verifying.archive(desk.archive, code=chosen.tenant)


async def _with_requests(chosen: argparse.Namespace, room: Room) -> bool:
    desk = Desk(room.store, room.tenants, room.say, now=utc_now)
    match chosen.command, chosen.verb:
        case "requests", "list":
            await desk.list_requests(chosen.tenant, attention=chosen.attention)
        case "requests", "show":
            await desk.show(chosen.id, comments=chosen.comments)
        case "requests", "verify":
            verifying = VerifyingDesk(room.store, room.tenants, room.say)
            return await verifying.store(code=chosen.tenant)
        case "requests", _:
            await desk.explain(chosen.id)
        case _:
            await desk.list_payloads(chosen.tenant, days=chosen.days)
    return True


async def _with_places(chosen: argparse.Namespace, room: Room) -> None:
    desk = PlacesDesk(room.store, room.tenants, room.say, now=utc_now)
    if chosen.command == "settle":
        await desk.settle(chosen.id, chosen.seat, Settlement(chosen.found), by=chosen.by)
        return
    async with room.directory() as directory:
        await desk.rebind(
            *(chosen.id, chosen.seat, chosen.person, directory),
            by=chosen.by,
            dry_run=chosen.dry_run,
        )


async def _with_jobs(chosen: argparse.Namespace, queue: QueueDesk) -> bool:
    match chosen.command, chosen.verb:
        case "dead-letters", "list":
            await queue.list_letters()
        case "dead-letters", "inspect":
            await queue.inspect(chosen.id)
        case "dead-letters", _:
            return await queue.replay(chosen.id, by=chosen.by, dry_run=chosen.dry_run)
        case _:
            await queue.list_jobs(chosen.tenant, late=chosen.late, limit=chosen.limit)
    return True


async def _reconcile(chosen: argparse.Namespace, room: Room) -> None:
    desk = ReconcilingDesk(room.store, room.tenants, room.say, now=utc_now)
    if not chosen.dry_run:
        await desk.ask(chosen.code, chosen.number)
        return
    async with room.tenant_apis() as (_tokens, api):
        await desk.try_out(chosen.code, chosen.number, api)


async def _with_mails(chosen: argparse.Namespace, desk: MailsDesk) -> None:
    if chosen.verb == "list":
        await desk.list_failed(chosen.tenant)
        return
    await desk.bounced(chosen.id, chosen.address, reason=chosen.reason, by=chosen.by)


async def _with_payloads(chosen: argparse.Namespace, desk: PayloadDesk) -> None:
    if chosen.verb == "show":
        await desk.show(chosen.id, body=chosen.body)
        return
    tenant, document = chosen.tenant, chosen.document
    await desk.list_all(tenant, document=document, days=chosen.days, limit=chosen.limit)


async def _show_stored(chosen: argparse.Namespace, room: Room) -> bool:
    desk = TemplatesDesk(room.tenants, room.say, now=utc_now, public_url=room.public_url)
    return await desk.show_stored(
        chosen.code, chosen.key, chosen.request, room.store, _wanted(chosen)
    )


def show_sample(
    chosen: argparse.Namespace, tenants: Onboarded, say: Say, *, public_url: str
) -> bool:
    """
    Do `templates show … --sample`, for which there need be no store. Blocking.

    Raises:
        NotThere: The message says what to do.
    """
    desk = TemplatesDesk(tenants, say, now=utc_now, public_url=public_url)
    return desk.show_sample(chosen.code, chosen.key, chosen.sample, _wanted(chosen))


def _wanted(chosen: argparse.Namespace) -> Wanted:
    return Wanted(Occasion(chosen.occasion) if chosen.occasion else None, chosen.out)


async def _with_tenants(chosen: argparse.Namespace, room: Room) -> bool:
    desk = TenantsDesk(room.store, room.tenants, room.say, now=utc_now, broken=room.broken)
    match chosen.verb:
        case "list":
            await desk.list_tenants()
        case "check":
            async with room.tenant_apis() as (tokens, api):
                return await desk.check(
                    chosen.code, document=chosen.document, year=chosen.year, tokens=tokens, api=api
                )
        case "disable":
            decisions = WhileClosed(chosen.decisions)
            message, by = chosen.message, chosen.by
            await desk.disable(chosen.code, message=message, decisions=decisions, by=by)
        case "enable":
            await desk.enable(chosen.code, by=chosen.by)
        case _:
            return await desk.reload()
    return True
