"""`python -m bots.cli …`: looks after requests beside a running service, on the same settings."""

import argparse
import asyncio
import logging
import sys
from pathlib import Path

from pydantic import ValidationError
from pydantic_settings import EnvSettingsSource

from approvals_core.adapters.stores import open_store
from approvals_core.adapters.tenant_files import BadTenantFiles, load_tenants
from approvals_core.errors import NotSettled, StoreError, StoreRefused
from approvals_core.ports import Store
from approvals_core.rules.answering import Settlement
from bots.cli.desk import Desk, NotThere, Say
from config import Settings, mistakes

DONE, NOT_DONE, MISTAKES = 0, 1, 2  # exit codes; 2 is argparse's own for what was mistyped
SQLITE = "sqlite:///"


def main() -> int:
    """Run one command; return its exit code."""
    chosen = parser().parse_args()
    logging.basicConfig(handlers=[logging.NullHandler()])  # what fails is said in plain words
    if chosen.command == "check-config":
        return check_config(say)
    try:
        settings = Settings()  # pyright: ignore[reportCallIssue] (the environment fills it)
        return asyncio.run(run(chosen, settings, say))
    except (ValidationError, BadTenantFiles):
        return check_config(say)


def say(line: str) -> None:
    print(line)  # noqa: T201 (for the operator at the terminal)


def check_config(say: Say) -> int:
    """Say every mistake in the settings and in the tenants' files."""
    found = _mistakes_in_settings()
    folder = EnvSettingsSource(Settings)().get("tenants")
    codes: list[str] = []
    try:
        codes = [tenant.code for tenant in load_tenants(Path(folder)).all()] if folder else []
    except BadTenantFiles as bad:
        found += bad.mistakes
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

    Raises:
        BadTenantFiles: There are none, or some are wrong.
    """
    tenants = await asyncio.to_thread(load_tenants, settings.tenants)
    try:
        store = await _open(settings)
        try:
            await store.stamp(settings.issuers)  # a store of other issuers is not ours to touch
            await _do(chosen, Desk(store, tenants, say))
        finally:
            await store.close()
    except (NotThere, NotSettled, StoreError) as problem:
        say(str(problem))
        return NOT_DONE
    return DONE


async def _open(settings: Settings) -> Store:
    """Open the store, but make none: an empty list would look like good news."""
    url = settings.store_url
    if url.startswith(SQLITE):
        path = Path(url.removeprefix(SQLITE))
        if not await asyncio.to_thread(path.exists):
            raise StoreRefused(f"There is no store at {path}.")
    return await open_store(url)


async def _do(chosen: argparse.Namespace, desk: Desk) -> None:
    match chosen.command, chosen.verb:
        case "requests", "list":
            await desk.list_requests(chosen.tenant, attention=chosen.attention)
        case "requests", _:
            await desk.show(chosen.id, comments=chosen.comments)
        case "settle", _:
            await desk.settle(chosen.id, chosen.seat, Settlement(chosen.found), by=chosen.by)
        case _:
            await desk.list_dead_letters()


def parser() -> argparse.ArgumentParser:
    """Return what reads the command line."""
    reads = argparse.ArgumentParser(prog="python -m bots.cli", description="For operators.")
    reads.set_defaults(verb="")
    commands = reads.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("check-config", help="name every mistake in settings and tenants' files")
    _requests(commands.add_parser("requests", help="look at requests"))
    _settle(commands.add_parser("settle", help="end a decision that the tenant did not confirm"))
    letters = commands.add_parser("dead-letters", help="look at jobs that were given up")
    verbs = letters.add_subparsers(dest="verb", required=True, metavar="VERB")
    verbs.add_parser("list", help="one line each")
    return reads


def _requests(reads: argparse.ArgumentParser) -> None:
    verbs = reads.add_subparsers(dest="verb", required=True, metavar="VERB")
    listed = verbs.add_parser("list", help="open requests, the oldest first")
    listed.add_argument("--tenant", metavar="CODE", help="of this tenant only")
    listed.add_argument("--attention", action="store_true", help="only what waits for an operator")
    shown = verbs.add_parser("show", help="one request: places, decisions, cards, history")
    shown.add_argument("id", metavar="ID", help="its id or number")
    shown.add_argument("--comments", action="store_true", help="with what people and tenants wrote")


def _settle(reads: argparse.ArgumentParser) -> None:
    reads.add_argument("id", metavar="ID", help="the request's id or number")
    reads.add_argument("seat", metavar="SEAT", type=int, help="which place: see `requests show`")
    reads.add_argument("found", choices=[each.value for each in Settlement])
    reads.add_argument("--by", required=True, metavar="NAME", help="who says so, for the history")


if __name__ == "__main__":
    sys.exit(main())
