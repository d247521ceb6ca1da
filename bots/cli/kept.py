"""The commands about what becomes of what is stored: `store`, `archive` and `person`."""

import argparse
from typing import Any


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
    copied.add_argument("source", metavar="SOURCE", help="as in APPROVALS_STORE_URL")
    copied.add_argument("target", metavar="TARGET", help="as in APPROVALS_STORE_URL")
    opened = verbs.add_parser("reopen", help="use a store again that was closed for a copy")
    opened.add_argument("source", metavar="ADDRESS", help="as in APPROVALS_STORE_URL")
    opened.set_defaults(target="")


def _archive(reads: argparse.ArgumentParser) -> None:
    verbs = reads.add_subparsers(dest="verb", required=True, metavar="VERB")
    found = verbs.add_parser("find", help="all that is kept of one request")
    found.add_argument("number", metavar="NUMBER", help="the request's number or id")
    found.add_argument("--comments", action="store_true", help="with what people and tenants wrote")
    verified = verbs.add_parser("verify", help="compute the hashes of all histories anew")
    for each in (found, verified):
        each.add_argument("--tenant", metavar="CODE", help="of this tenant only")


def _person(reads: argparse.ArgumentParser) -> None:
    verbs = reads.add_subparsers(dest="verb", required=True, metavar="VERB")
    erased = verbs.add_parser(
        "erase", help="take somebody out of all closed requests, here and in the archive"
    )
    erased.add_argument("name", metavar="PERSON", help="DIRECTORY/OBJECTID or UPN")
    erased.add_argument("--by", required=True, metavar="NAME", help="who says so, for the history")
