"""The operators' commands: what may be typed, and what `--help` says about it."""

import argparse
import re
from collections.abc import Callable
from pathlib import Path

from approvals_core.models import Occasion
from approvals_core.rules.settling import Settlement
from approvals_core.tenant import WhileClosed
from bots.cli.doctor.teams import PACKAGE
from bots.cli.kept import add_kept

EXIT_CODES = "The exit code is 0 if it was done, 1 if not, 2 if settings or the command are wrong."
MOST = 100  # listed unless more are asked for
MOST_LINES = 1_000_000
MOST_DAYS = 36_500
LONGEST_NAME = 1000  # characters of an id, or of somebody
_NUMBER = re.compile(r"[0-9]{1,9}")
LONGEST_MESSAGE = 500  # characters, as in a tenant's file
PAYLOADS_OF_DAYS = 30  # unless others are asked for


def parser() -> argparse.ArgumentParser:
    """Return what reads the command line."""
    reads = argparse.ArgumentParser(
        prog="python -m bots.cli",
        description="Looks after requests beside a running service, with the service's settings.",
        epilog=EXIT_CODES,
    )
    reads.set_defaults(verb="")
    commands = reads.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("check-config", help="name every mistake in settings and tenants' files")
    _doctor(commands.add_parser("doctor", help="find out what is broken, and how to repair it"))
    _outlook_key(
        commands.add_parser("outlook-key", help="the public key of signed cards, for the portal")
    )
    _requests(commands.add_parser("requests", help="look at requests"))
    _jobs(commands.add_parser("jobs", help="look at the work that is queued"))
    _letters(commands.add_parser("dead-letters", help="look at jobs that were given up"))
    _mails(commands.add_parser("mails", help="look at mails that did not arrive"))
    _payloads(commands.add_parser("payloads", help="look at payloads that were taken"))
    _reconcile(commands.add_parser("reconcile", help="compare requests with what their tenant has"))
    _settle(commands.add_parser("settle", help="end a decision that the tenant did not confirm"))
    _rebind(commands.add_parser("rebind", help="put somebody else on a place"))
    _templates(commands.add_parser("templates", help="look after the templates of tenants' mails"))
    _tenants(commands.add_parser("tenants", help="look after the tenants and their files"))
    add_kept(commands)
    commands.add_parser("processes", help="list the running processes that use the store")
    return reads


def _doctor(reads: argparse.ArgumentParser) -> None:
    verbs = reads.add_subparsers(dest="verb", required=True, metavar="VERB")
    teams = verbs.add_parser("teams", help="every step of going live in Teams")
    teams.add_argument("--package", metavar="PATH", type=Path, default=PACKAGE, help="the app's")
    mail = verbs.add_parser("mail", help="every step of going live in Outlook")
    mail.set_defaults(package=PACKAGE)


def _outlook_key(reads: argparse.ArgumentParser) -> None:
    reads.add_argument(
        "--key",
        metavar="PATH",
        type=Path,
        help="PEM of the private key; else the one of APPROVALS_OUTLOOK_SIGNING_KEY",
    )


def _requests(reads: argparse.ArgumentParser) -> None:
    verbs = reads.add_subparsers(dest="verb", required=True, metavar="VERB")
    listed = verbs.add_parser("list", help="open requests, the oldest first")
    _of_tenant(listed)
    listed.add_argument("--attention", action="store_true", help="only what waits for an operator")
    shown = verbs.add_parser("show", help="the facts: places, decisions, cards, payloads, history")
    _named(shown)
    shown.add_argument("--comments", action="store_true", help="with what people and tenants wrote")
    explained = verbs.add_parser(
        "explain",
        help="the reasons: what each place waits for, what comes next, what you can do",
    )
    _named(explained)
    verified = verbs.add_parser("verify", help="of the store: compute the hashes of all histories")
    _of_tenant(verified)


def _jobs(reads: argparse.ArgumentParser) -> None:
    _of_tenant(reads)
    reads.add_argument("--late", action="store_true", help="only what should have been done by now")
    _limit(reads)


def _letters(reads: argparse.ArgumentParser) -> None:
    verbs = reads.add_subparsers(dest="verb", required=True, metavar="VERB")
    verbs.add_parser("list", help="one line each")
    inspected = verbs.add_parser("inspect", help="what failed, and what a replay would do")
    replayed = verbs.add_parser("replay", help="put the job back, to be done at once")
    for each in (inspected, replayed):
        each.add_argument("id", metavar="ID", type=_name, help="the letter's id, or how it begins")
    _signed(replayed)
    _dry_run(replayed)


def _mails(reads: argparse.ArgumentParser) -> None:
    verbs = reads.add_subparsers(dest="verb", required=True, metavar="VERB")
    listed = verbs.add_parser("list", help="those about open requests that failed, one line each")
    _of_tenant(listed)
    bounced = verbs.add_parser("bounced", help="write down that a mail came back")
    _named(bounced)
    bounced.add_argument("address", metavar="ADDRESS", type=_name, help="where it went")
    bounced.add_argument(
        "--reason", metavar="TEXT", default="", type=_sentence, help="what came back says"
    )
    _signed(bounced)


def _payloads(reads: argparse.ArgumentParser) -> None:
    verbs = reads.add_subparsers(dest="verb", required=True, metavar="VERB")
    listed = verbs.add_parser("list", help="one line each, the oldest first")
    late = verbs.add_parser("late", help="only those of which something came too late")
    for each in (listed, late):
        _of_tenant(each)
        _days(each)
    listed.add_argument("--document", metavar="ID", help="of the request with this id or number")
    _limit(listed)
    shown = verbs.add_parser("show", help="one: what it was, what came of it, what was odd")
    shown.add_argument("id", metavar="ID", type=_name, help="the PayloadId, or how it begins")
    shown.add_argument(
        "--body", action="store_true", help="with all it said, names and comments too"
    )


def _reconcile(reads: argparse.ArgumentParser) -> None:
    reads.add_argument("code", metavar="TENANT", help="its code")
    reads.add_argument(
        "number", metavar="NUMBER", nargs="?", help="of one request, or its id; else all open ones"
    )
    _dry_run(reads)


def _days(reads: argparse.ArgumentParser) -> None:
    reads.add_argument(
        "--days",
        metavar="N",
        type=_count_to(MOST_DAYS),
        default=PAYLOADS_OF_DAYS,
        help="how far back (%(default)s)",
    )


def _settle(reads: argparse.ArgumentParser) -> None:
    _place(reads)
    reads.add_argument(
        "found",
        choices=[each.value for each in Settlement],
        metavar="|".join(Settlement),
        help="what you found: the tenant has it, has it not, or may get the same id once more",
    )
    _signed(reads)


def _rebind(reads: argparse.ArgumentParser) -> None:
    _place(reads)
    reads.add_argument(
        "person",
        metavar="PERSON",
        type=_name,
        help="object id, UPN or alias in the tenant's directory",
    )
    _signed(reads)
    _dry_run(reads)


def _templates(reads: argparse.ArgumentParser) -> None:
    verbs = reads.add_subparsers(dest="verb", required=True, metavar="VERB")
    imported = verbs.add_parser("import", help="turn Assent's templates into ours")
    imported.add_argument(
        "source", metavar="SOURCE", type=Path, help="exported table (.csv), or folder of .html"
    )
    imported.add_argument(
        "destination", metavar="DESTINATION", type=Path, help="folder for ours; none is overwritten"
    )
    checked = verbs.add_parser("check", help="name every mistake in templates, in a tenant or not")
    checked.add_argument("files", metavar="FILE", type=Path, nargs="+", help="HTML file")
    _template_shown(verbs.add_parser("show", help="the mail that a template makes, as HTML"))


def _template_shown(reads: argparse.ArgumentParser) -> None:
    reads.add_argument("code", metavar="CODE", help="of the tenant")
    reads.add_argument("key", metavar="KEY", help="the template's name in [mail.templates]")
    about = reads.add_mutually_exclusive_group(required=True)
    about.add_argument("--request", metavar="ID", help="made of this request: its id or number")
    about.add_argument(
        "--sample", metavar="FILE", type=Path, help="made of what this ARX, as JSON, asks for"
    )
    reads.add_argument(
        "--occasion",
        choices=[each.value for each in Occasion],
        help="why it is sent; else as the template's name says, or because somebody is asked",
    )
    reads.add_argument(
        "--out", metavar="FILE", type=Path, help="write it here; nothing is overwritten"
    )


def _tenants(reads: argparse.ArgumentParser) -> None:
    verbs = reads.add_subparsers(dest="verb", required=True, metavar="VERB")
    verbs.add_parser("list", help="one line each: what is open, and whether it takes decisions")
    checked = verbs.add_parser("check", help="try the way to a tenant's APIs; nothing is posted")
    checked.add_argument("code", metavar="CODE", nargs="?", help="of this tenant only")
    checked.add_argument("--document", metavar="NUMBER", default="", help="ask for this document")
    checked.add_argument("--year", metavar="YEAR", default="", help="its fiscal year")
    disabled = verbs.add_parser("disable", help="let a tenant take no decisions for now")
    disabled.add_argument("code", metavar="CODE", help="of the tenant")
    disabled.add_argument(
        "--message", metavar="TEXT", default="", type=_sentence, help="what its cards say"
    )
    disabled.add_argument(
        "--decisions",
        choices=[each.value for each in WhileClosed],
        default=WhileClosed.REFUSE.value,
        help="what becomes of clicks: refused, or kept until it is enabled (%(default)s)",
    )
    enabled = verbs.add_parser("enable", help="let it take decisions again")
    enabled.add_argument("code", metavar="CODE", help="of the tenant")
    for each in (disabled, enabled):
        _signed(each)
    verbs.add_parser("reload", help="have the running services read the files anew")


def _name(text: str) -> str:
    """Refuse what names nobody and nothing: "" is how every id begins, and no name in a history."""
    if not text.strip() or len(text) > LONGEST_NAME:
        raise argparse.ArgumentTypeError(
            f"must not be blank, and have at most {LONGEST_NAME} characters"
        )
    return text


def _sentence(text: str) -> str:
    if len(text) > LONGEST_MESSAGE:
        raise argparse.ArgumentTypeError(f"may have at most {LONGEST_MESSAGE} characters")
    return text


def _limit(reads: argparse.ArgumentParser) -> None:
    reads.add_argument(
        "--limit",
        metavar="N",
        type=_count_to(MOST_LINES),
        default=MOST,
        help="at most so many (%(default)s)",
    )


def _of_tenant(reads: argparse.ArgumentParser) -> None:
    reads.add_argument("--tenant", metavar="CODE", help="of this tenant only")


def _named(reads: argparse.ArgumentParser) -> None:
    reads.add_argument("id", metavar="ID", type=_name, help="the request's id or number")


def _place(reads: argparse.ArgumentParser) -> None:
    _named(reads)
    reads.add_argument(
        "seat", metavar="SEAT", type=_seat_number, help="which place: see `requests show`"
    )


def _signed(reads: argparse.ArgumentParser) -> None:
    reads.add_argument(
        "--by", required=True, metavar="NAME", type=_name, help="who says so, for the history"
    )


def _dry_run(reads: argparse.ArgumentParser) -> None:
    reads.add_argument(
        "--dry-run", action="store_true", help="say what would happen, change nothing"
    )


def _count_to(most: int) -> Callable[[str], int]:
    def count(text: str) -> int:
        if not _NUMBER.fullmatch(text) or not 1 <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"must be a number from 1 to {most}")
        return int(text)

    return count


def _seat_number(text: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise argparse.ArgumentTypeError("must be a place's number: see `requests show`")
    return int(text)
