"""`python -m bots.cli …`: looks after requests beside a running service, on the same settings."""

import argparse
import asyncio
import logging
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from datetime import UTC, datetime
from functools import partial
from io import TextIOWrapper
from pathlib import Path

from pydantic import ValidationError
from pydantic_settings import EnvSettingsSource

from approvals_core.adapters.archive import FolderArchive
from approvals_core.adapters.code_version import VERSION
from approvals_core.adapters.entra import OwnTokens, TenantSignIn
from approvals_core.adapters.graph import GraphDirectory
from approvals_core.adapters.outgoing import session_trusting
from approvals_core.adapters.referenced import References
from approvals_core.adapters.stores import open_made_store
from approvals_core.adapters.tenant_api import HttpTenantApi
from approvals_core.adapters.tenant_files import BadTenantFiles, load_tenants
from approvals_core.errors import ArchiveUnavailable, DirectoryUnavailable, NotDone, StoreError
from approvals_core.keeping.clocks import ahead_of_store
from approvals_core.keeping.writers import refuse_closed, writing
from approvals_core.models import HOUSE
from approvals_core.onboarded import Onboarded
from approvals_core.onboarding import switches_in
from approvals_core.ports import Directory, Store
from bots.cli.commands import parser
from bots.cli.doctor.mail import doctor_mail
from bots.cli.doctor.teams import PACKAGE, doctor_teams
from bots.cli.doing import Room, do, show_sample, utc_now, writes
from bots.cli.finding import NotThere, Say
from bots.cli.intact import files_for, left_out
from bots.cli.moving import run_store
from bots.cli.outlook_key import say_public_key
from bots.cli.processes import list_processes
from bots.cli.templates import check_templates, import_templates
from bots.cli.tenants import UNCHANGED
from cards.mail import mistakes_in
from config import Settings, environment, misspelt, mistakes, strangers

__all__ = ["check_config", "doctor", "main", "parser", "run"]

DONE, NOT_DONE, MISTAKES = 0, 1, 2  # exit codes; 2 is argparse's own for what was mistyped


def main() -> int:
    """Run one command; return its exit code."""
    chosen = parser().parse_args()
    logging.basicConfig(handlers=[logging.NullHandler()])  # what fails is said in plain words
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # whatever the terminal cannot show
    code = _without_settings(chosen)
    return _with_settings(chosen) if code is None else code


def _without_settings(chosen: argparse.Namespace) -> int | None:
    """Run what needs no settings, or must find out what is wrong with them; None: it is no such command."""
    if chosen.command == "check-config":
        return check_config(say)
    if chosen.command == "outlook-key" and chosen.key is not None:
        return DONE if say_public_key(chosen.key, say) else NOT_DONE
    if chosen.command == "store":
        about = chosen.verb, chosen.source, chosen.target
        done = run_store(*about, say, now=utc_now, environment=environment())
        return DONE if done else NOT_DONE
    if chosen.command == "templates" and chosen.verb != "show":
        return _templates(chosen)
    return None


def _with_settings(chosen: argparse.Namespace) -> int:
    try:
        settings = Settings()  # pyright: ignore[reportCallIssue] (the environment fills it)
    except ValidationError:
        return check_config(say)
    try:
        if chosen.command == "outlook-key":
            return DONE if say_public_key(settings.outlook_signing_key, say) else NOT_DONE
        if chosen.command == "doctor":
            examined = doctor(settings, say, of=chosen.verb, package=chosen.package)
            return asyncio.run(examined)
        return asyncio.run(run(chosen, settings, say))
    except BadTenantFiles:
        return _wrong_files(chosen, say)
    except KeyboardInterrupt:
        return NOT_DONE


def say(line: str) -> None:
    """Print *line*; once nobody reads any more, as behind `| head`, say nothing and go on."""
    try:
        print(line, flush=True)  # noqa: T201 (for the operator at the terminal)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _wrong_files(chosen: argparse.Namespace, say: Say) -> int:
    code = check_config(say)
    if (chosen.command, chosen.verb) == ("tenants", "reload"):
        say(UNCHANGED)
    return code


def _templates(chosen: argparse.Namespace) -> int:
    if chosen.verb == "import":
        done = import_templates(chosen.source, chosen.destination, say)
    else:
        done = check_templates(chosen.files, say)
    return DONE if done else NOT_DONE


def check_config(say: Say) -> int:
    """Say every mistake in the settings and in the tenants' files."""
    found = _mistakes_in_settings() + misspelt(os.environ)
    given = EnvSettingsSource(Settings)()
    codes: list[str] = []
    if folder := given.get("tenants"):
        try:
            tenants = load_tenants(Path(folder), References(environment()), check=mistakes_in).all()
        except BadTenantFiles as bad:
            found += bad.mistakes
        else:
            codes = [tenant.code for tenant in tenants]
            if directories := given.get("directories"):
                found += strangers(directories.split(","), tenants)
    for mistake in found:
        say(mistake)
    if not found:
        say(f"No mistakes found. Tenants: {', '.join(codes)}")
    return MISTAKES if found else DONE


def _mistakes_in_settings() -> list[str]:
    try:
        Settings()  # pyright: ignore[reportCallIssue] (the environment fills it)
    except ValidationError as problem:
        return mistakes(problem)
    return []


async def run(chosen: argparse.Namespace, settings: Settings, say: Say) -> int:
    """
    Run one command on the store of *settings*; return its exit code.

    A file with mistakes leaves out its tenant, and that is said.

    Raises:
        BadTenantFiles: There are no files, none without mistakes, or some have mistakes
            and the command is about what is in them.
    """
    references = References(environment())
    found = await asyncio.to_thread(files_for, chosen, settings.tenants, references)
    tenants = Onboarded(found.files)
    for warning in left_out(chosen, found):
        say(warning)
    try:
        if chosen.command == "templates" and chosen.sample is not None:
            shown = partial(show_sample, chosen, tenants, say, public_url=settings.public_url)
            return DONE if await asyncio.to_thread(shown) else NOT_DONE
        store = await open_made_store(settings.store_url)
        try:
            if chosen.command == "processes":  # of a closed store, too
                await list_processes(store, say, now=utc_now)
                return DONE
            refuse_closed(await store.holdings.about())
            await store.stamp(settings.issuers)  # a store of other issuers is not ours to touch
            tenants.switch(switches_in(await store.notes(HOUSE)))
            room = Room(
                store=store,
                tenants=tenants,
                broken=found.broken,
                say=say,
                public_url=settings.public_url,
                archive=FolderArchive(settings.archive_folder) if settings.archive_folder else None,
                directory=partial(_directory, settings),
                tenant_apis=partial(_tenant_apis, settings),
            )
            async with _said(chosen, store):
                return DONE if await do(chosen, room) else NOT_DONE
        finally:
            await store.close()
    except (NotThere, NotDone, StoreError, ArchiveUnavailable) as problem:
        say(str(problem))
    except DirectoryUnavailable as problem:
        say(f"The directory could not be asked ({problem}). Nothing was changed; try again.")
    except ValidationError as problem:
        say(f"The store holds a record ({problem.title}) that this program cannot read. Was it")
        say("written by a newer one? Then update this one. Nothing was changed.")
    return NOT_DONE


def _said(chosen: argparse.Namespace, store: Store) -> AbstractAsyncContextManager[object]:
    """Say that we write while we do: else somebody may copy the store meanwhile."""
    if not writes(chosen):
        return nullcontext()
    compare = partial(ahead_of_store, store, now=utc_now)
    return writing(store, now=utc_now, role="command", version=VERSION, compare=compare)


def _own_tokens(settings: Settings) -> OwnTokens:
    return OwnTokens(
        app_id=settings.bot_app_id,
        secret=settings.bot_secret.get_secret_value(),
        clock=utc_now,
        login_url=settings.entra_login_url,
        ca_file=settings.ca_file,
    )


@asynccontextmanager
async def _directory(settings: Settings) -> AsyncIterator[Directory]:
    """Open what people are looked up in, as the service does."""
    tokens = _own_tokens(settings)
    try:
        async with session_trusting(settings.ca_file) as session:
            yield GraphDirectory(
                session=session,
                tokens=tokens,
                clock=utc_now,
                url=settings.graph_url,
                scope=settings.cloud.graph_scope,
            )
    finally:
        await tokens.close()


@asynccontextmanager
async def _tenant_apis(settings: Settings) -> AsyncIterator[tuple[TenantSignIn, HttpTenantApi]]:
    """Open the way to the tenants' own APIs, as the service does."""
    own = _own_tokens(settings)
    try:
        tokens = TenantSignIn(own, References(environment()))
        api = HttpTenantApi(tokens, clock=utc_now, loopback=settings.loopback)
        try:
            yield tokens, api
        finally:
            await api.close()
    finally:
        await own.close()


async def doctor(
    settings: Settings,
    say: Say,
    *,
    package: Path = PACKAGE,
    of: str = "teams",
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> int:
    """Examine the installation of *settings*, *of* "teams" or "mail"; return the exit code."""
    open_store = partial(open_made_store, settings.store_url)
    if of == "mail":
        healthy = await doctor_mail(settings, say, open_store=open_store, now=now)
    else:
        healthy = await doctor_teams(settings, say, open_store=open_store, now=now, package=package)
    return DONE if healthy else NOT_DONE


if __name__ == "__main__":
    sys.exit(main())
