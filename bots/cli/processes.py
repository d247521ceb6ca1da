"""`processes`: which processes write to the store, as each of them says of itself."""

from collections.abc import Callable
from datetime import datetime, timedelta

from approvals_core.adapters.code_version import VERSION
from approvals_core.keeping.clocks import BEARABLE, ahead_of_store, said
from approvals_core.keeping.writers import ALIVE, Word, writers_in
from approvals_core.models import HOUSE
from approvals_core.ports import Store
from bots.cli.finding import Say
from bots.cli.telling import plain


async def list_processes(store: Store, say: Say, *, now: Callable[[], datetime]) -> None:
    """Say of each process what it is, when it was heard last, and what is odd about it."""
    by_store = now() - timedelta(seconds=await ahead_of_store(store, now=now))
    words = writers_in(await store.notes(HOUSE)).values()
    for word in sorted(words, key=lambda word: (word.role, word.name)):
        say(_line(word, by_store))
    if not words:
        say("No process writes to this store.")


def _line(word: Word, by_store: datetime) -> str:
    silent = max(0, round((by_store - word.by_store).total_seconds()))
    version = word.version or "one that does not say"
    line = (
        f"{word.role or '-':<8} {plain(word.name)}  version {plain(version)}  heard {silent} s ago"
    )
    odd: list[str] = []
    if silent >= ALIVE.seconds:
        odd.append("silent: killed, cut off, or standing still")
    if abs(word.ahead) > BEARABLE:
        odd.append(f"its clock is {said(word.ahead)} the store's")
    if word.version and word.version != VERSION:
        odd.append("another version than this command")
    return f"{line}  ({'; '.join(odd)})" if odd else line
