"""`store …`: copies everything from one store to another, and takes such a copy back."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial

from approvals_core.adapters.referenced import References, SecretMissing
from approvals_core.adapters.stores import check_address, open_made_store, open_store, place_of
from approvals_core.errors import StoreError
from approvals_core.keeping.clocks import ahead_of_store
from approvals_core.keeping.copying import Copied, Copying, End, reopen
from bots.cli.backup import back_up_store
from bots.cli.finding import Say

TOLD_EVERY = 10_000  # requests

_WORDS = {"note": "notes", "contact": "people reached in Teams"}  # as operators call them


async def copy_store(source: str, target: str, say: Say, *, now: Callable[[], datetime]) -> bool:
    """Copy the store at one address to the other; tell whether it was done, and why not."""
    try:
        taken = await open_made_store(source)
        try:
            given = await open_store(target)
            try:
                copying = Copying(
                    End(taken, place_of(source)),
                    End(given, place_of(target)),
                    now=now,
                    compare=partial(ahead_of_store, taken, now=now),
                    tell=_told(say),
                )
                _say_copied(await copying.run(), say, target)
            finally:
                await given.close()
        finally:
            await taken.close()
    except StoreError as problem:
        say(str(problem))
        return False
    return True


async def reopen_store(address: str, say: Say) -> bool:
    """Let a store be used again that was closed for a copy."""
    try:
        store = await open_made_store(address)
        try:
            was = await reopen(End(store, place_of(address)))
        finally:
            await store.close()
    except StoreError as problem:
        say(str(problem))
        return False
    say(f"{place_of(address)} can be used again. It had been closed for a copy: {was}.")
    say("Never let services run on both: each would decide for itself.")
    return True


def _told(say: Say) -> Callable[[str, int], None]:
    counts: Counter[str] = Counter()

    def tell(what: str, count: int) -> None:
        before = counts[what] // TOLD_EVERY
        counts[what] += count
        if counts[what] // TOLD_EVERY > before:
            say(f"{what} {counts[what]:,} requests")

    return tell


def _say_copied(copied: Copied, say: Say, target: str) -> None:
    say("Copied, and compared record by record:")
    for kind, count in sorted(copied.counts.items()):
        say(f"  {count:>12,}  {_WORDS.get(kind, f'{kind}s')}")
    say(f"  {copied.counts.get('request', 0):>12,}  histories, their hashes computed anew")
    for public_id in copied.altered:
        say(f"The history of {public_id} does not fit its hashes: it did not before either.")
    say(f"Now set APPROVALS_STORE_URL to the address of {place_of(target)} and start the service.")


def run_store(
    verb: str,
    source: str,
    target: str,
    say: Say,
    *,
    now: Callable[[], datetime],
    environment: Mapping[str, str],
) -> bool:
    """
    Run one `store` command; tell whether it was done.

    An address may be a reference to one (see `References`), so that nobody who may see what
    runs on this machine sees its password.
    """
    try:
        source, target = (_address(given, References(environment)) for given in (source, target))
    except SecretMissing as problem:
        say(f"There is no address of a store: {problem}.")
        return False
    named = {"SOURCE": source, "TARGET": target} if verb == "copy" else {"ADDRESS": source}
    for name, address in named.items():
        try:
            check_address(address)
        except ValueError as problem:
            say(f"{name} {problem}.")
            return False
    if verb == "backup":
        return back_up_store(source, target, say)
    if verb == "copy":
        return asyncio.run(copy_store(source, target, say, now=now))
    return asyncio.run(reopen_store(source, say))


def _address(given: str, references: References) -> str:
    return references.read(given) if given.startswith(("env:", "file:/")) else given
