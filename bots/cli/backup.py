"""`store backup`: copies a store's file while services use it."""

from pathlib import Path

from approvals_core.adapters.sqlite_store.backup import back_up
from approvals_core.adapters.stores import file_of
from approvals_core.errors import StoreError
from bots.cli.finding import Say

REDIS = (
    "Only a store in SQLite is copied by this command. For Redis copy the folder of its append-only"
    " files as docs/backup.md says."
)


def back_up_store(source: str, target: str, say: Say) -> bool:
    """Copy the file of the store at the address *source* into the file *target*; tell whether it was done."""
    path = file_of(source)
    if path is None:
        say(REDIS)
        return False
    try:
        size = back_up(path, Path(target))
    except StoreError as problem:
        say(str(problem))
        return False
    say(f"{target} holds all that was committed when this began ({size:,} bytes), and is sound.")
    say("It has everything that people wrote: keep it as well guarded as the store.")
    return True
