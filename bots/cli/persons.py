"""`person erase`: who shall be in neither the store nor the archive."""

from collections.abc import Iterator

from approvals_core.keeping.erasing import Erasing, Named, Outcome
from approvals_core.ports import Archive
from bots.cli.finding import Say
from bots.cli.telling import counted, plain


async def erase_person(
    name: str, erasing: Erasing, say: Say, *, archive: Archive | None, dry_run: bool
) -> bool:
    """
    Erase somebody, and say what became of it; False if open requests still name him.

    Raises:
        NotErased: Nobody, or not only one, is called so.

        ArchiveUnavailable: The archive could not be read or written; run it again.
    """
    if dry_run:
        return _say_all(_would(await erasing.look(name), archive), say)
    say("This goes through everything several times, then writes the store's files anew.")
    told = await erasing.erase(name)
    _say_all(_was(told, archive), say)
    return not told.kept and not told.unreadable


def _say_all(lines: Iterator[str], say: Say) -> bool:
    for line in lines:
        say(line)
    return True


def _was(told: Outcome, archive: Archive | None) -> Iterator[str]:
    yield f"{told.person} was erased from {counted(len(told.requests), 'request')} in the store"
    yield f"and {len(told.archived)} in the archive." if archive else "and there is no archive."
    yield from _left(told)
    if told.kept:
        yield "Run the same again once those are closed."
    yield "Copies made by others (backups, snapshots, the tenants' own systems) are not touched."


def _would(told: Outcome, archive: Archive | None) -> Iterator[str]:
    there = "the store and the archive" if archive else "the store; there is no archive"
    yield f"{told.person} would be erased from these requests of {there}:"
    yield from (f"  {_line(each)}" for each in told.requests)
    yield from (f"  {_line(each)}  in the archive" for each in told.archived)
    if not told.requests and not told.archived:
        yield "  none"
    yield from _left(told)
    yield "His payloads, jobs and dead letters beside closed requests would go, too."
    yield "Nothing was changed. Without --dry-run it is done, and nobody can undo it."


def _left(told: Outcome) -> Iterator[str]:
    for public_id in told.unreadable:
        yield f"{public_id} may name him and cannot be read by this program. Update it."
    for each in told.kept:
        yield (
            f"{_line(each)} is open and names him: it stays as it is, and so does how he is"
            " reached."
        )


def _line(named: Named) -> str:
    return f"{named.id} ({plain(named.number)})"
