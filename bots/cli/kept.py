"""The commands about what becomes of what is stored: `store`, `archive` and `person`."""

import argparse
from typing import Any

_ADDRESS = "as in APPROVALS_STORE_URL, or env:NAME or file:/path of it: `ps` shows what is typed"


def add_kept(commands: Any) -> None:
    """Add them to *commands*, the subparsers of the command line."""
    _store(commands.add_parser("store", help="copy everything to another store"))
    _archive(commands.add_parser("archive", help="look at requests that were closed long ago"))
    _person(commands.add_parser("person", help="erase a person"))


def _store(reads: argparse.ArgumentParser) -> None:
    verbs = reads.add_subparsers(dest="verb", required=True, metavar="VERB")
    copied = verbs.add_parser(
        "copy", help="copy a store into an empty one, and close it: no service may run meanwhile"
    )
    copied.add_argument("source", metavar="SOURCE", help=_ADDRESS)
    copied.add_argument("target", metavar="TARGET", help=_ADDRESS)
    opened = verbs.add_parser("reopen", help="use a store again that was closed for a copy")
    opened.add_argument("source", metavar="ADDRESS", help=_ADDRESS)
    opened.set_defaults(target="")
    backed_up = verbs.add_parser(
        "backup", help="copy a store's file (SQLite) while services use it"
    )
    backed_up.add_argument("source", metavar="ADDRESS", help=_ADDRESS)
    backed_up.add_argument("target", metavar="FILE", help="a new file, which is a store of its own")


def _archive(reads: argparse.ArgumentParser) -> None:
    verbs = reads.add_subparsers(dest="verb", required=True, metavar="VERB")
    found = verbs.add_parser("find", help="all that is kept of one request")
    found.add_argument("number", metavar="NUMBER", help="the request's number or id")
    found.add_argument("--comments", action="store_true", help="with what people and tenants wrote")
    verified = verbs.add_parser(
        "verify", help="of the archive: compute all hashes anew, and find what is gone"
    )
    for each in (found, verified):
        each.add_argument("--tenant", metavar="CODE", help="of this tenant only")


def _person(reads: argparse.ArgumentParser) -> None:
    verbs = reads.add_subparsers(dest="verb", required=True, metavar="VERB")
    erased = verbs.add_parser(
        "erase", help="take somebody out of all closed requests, here and in the archive"
    )
    erased.add_argument("name", metavar="PERSON", help="DIRECTORY/OBJECTID or UPN")
    erased.add_argument("--by", required=True, metavar="NAME", help="who says so, for the history")
    erased.add_argument(
        "--dry-run", action="store_true", help="say what would happen, change nothing"
    )
