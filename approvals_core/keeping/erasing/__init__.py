"""Erases a person: from requests that are closed, all that lies beside them, and the archive."""

import secrets
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from datetime import datetime
from typing import NamedTuple

from pydantic import ValidationError

from approvals_core.errors import NotErased, VersionConflict
from approvals_core.keeping.alone import alone
from approvals_core.keeping.archiving import ARCHIVE
from approvals_core.keeping.erasing.beside import Beside
from approvals_core.keeping.erasing.files import Files, Named
from approvals_core.keeping.erasing.known import ERASING, PAGE, Known
from approvals_core.keeping.leaving import WRITING, end_begun, whole_of
from approvals_core.keeping.shelf import Shelf, is_archived
from approvals_core.models import Approval, ApprovalKey, PersonId
from approvals_core.models.held import Document, Kind
from approvals_core.ports import Archive, Store
from approvals_core.rules.draft import Stamp
from approvals_core.rules.erasing import erase_whole, is_about
from approvals_core.rules.erasure import Erasure
from approvals_core.rules.mail_jobs import job_key, letter_id

__all__ = ["ERASING", "Erasing", "Named", "Outcome"]


class Outcome(NamedTuple):
    """
    What became of it, or would.

    *requests* are those of the store from which he was erased, *archived* those of the archive.
    *kept* are open ones that name him: they are as they were, and so is how he is reached, if
    there are any. *unreadable* are the ids of requests that this program cannot read.
    """

    person: PersonId
    requests: Sequence[Named]
    archived: Sequence[Named]
    kept: Sequence[Named]
    unreadable: Sequence[str]


class _Pass:
    """What was found of him, by the ids of the requests."""

    def __init__(self) -> None:
        self.erased: dict[str, Named] = {}
        self.kept: dict[str, Named] = {}
        self.unreadable: dict[str, None] = {}

    def outcome(self, person: PersonId, archived: Sequence[Named]) -> Outcome:
        requests, kept = list(self.erased.values()), list(self.kept.values())
        return Outcome(person, requests, archived, kept, list(self.unreadable))


class Erasing:
    """Goes through all that is stored, once to learn what a person is called, then to erase it."""

    def __init__(
        self, *, store: Store, archive: Archive | None, now: Callable[[], datetime], by: str
    ) -> None:
        """*by* is the operator, for the histories."""
        self._store = store
        self._archive = archive
        self._now = now
        self._by = by
        self._known = Known(store, archive)
        self._beside = Beside(store)

    async def look(self, name: str) -> Outcome:
        """
        Return what `erase` would do, and do nothing.

        Raises:
            NotErased: Nobody, or more than one, is called so.
        """
        await self._archive_is_here()
        person = await self._known.find(name)
        erasure = await self._known.names_of(person)
        pass_ = _Pass()
        for scope in await self._known.scopes():
            async for document in self._known.documents(scope, erasure):
                approval = self._read(document, erasure, pass_)
                if approval is not None:
                    pass_.erased[approval.id] = _named(approval)
        archived = await self._files().naming(erasure, stamp=self._stamp)
        return pass_.outcome(person, archived)

    async def erase(self, name: str) -> Outcome:
        """
        Erase the person called *name*: directory and object id with "/" between them, or UPN.

        It may be run again whenever it was cut off, or once more requests are closed.

        Raises:
            NotErased: Nobody, or more than one, is called so; the archive is being written, or
                not named here; or somebody else is being erased.
        """
        await self._archive_is_here()
        async with alone(self._store, now=self._now) as word:
            await self._nobody_archives()
            await self._end_what_was_begun()
            person = await self._known.find(name)
            erasure = await self._known.names_of(person)
            await self._known.note(erasure)
            pass_ = _Pass()
            for scope in await self._known.scopes():
                await self._erase_closed(scope, erasure, pass_)
                await self._beside.erase(scope, erasure)
            archived = await self._files().erase(erasure, stamp=self._stamp, check=word.check)
            # Once more: what was under way for him then may have written his card after that.
            for scope in await self._known.scopes():
                await self._erase_closed(scope, erasure, pass_)
            await self._nobody_archives()
            await self._known.forget(person)
            if not pass_.kept:
                await self._store.holdings.forget(person.scope)
            await self._store.holdings.scrub()
        return pass_.outcome(person, archived)

    def _files(self) -> Files:
        return Files(self._store, self._archive, by=self._by)

    async def _erase_closed(self, scope: str, erasure: Erasure, pass_: _Pass) -> None:
        async for document in self._known.documents(scope, erasure):
            approval = self._read(document, erasure, pass_)
            if approval is not None and await self._erase_one(approval.key, erasure):
                pass_.erased[approval.id] = _named(approval)

    def _read(self, document: Document, erasure: Erasure, pass_: _Pass) -> Approval | None:
        """Return the request if it is closed and about him; note it if it cannot be erased from."""
        try:
            approval = Approval.model_validate_json(document.record)
        except ValidationError:
            pass_.unreadable[document.id] = None
            return None
        if not is_about(document, erasure):
            return None
        if approval.open:
            pass_.kept[approval.id] = _named(approval)
            return None
        return approval

    async def _erase_one(self, key: ApprovalKey, erasure: Erasure) -> bool:
        """Erase him from one request, anew whenever somebody commits in between."""
        while True:
            approval = await self._store.approval(key)
            whole = await whole_of(self._store, approval) if approval else None
            if whole is None:
                return False  # archived meanwhile
            approval = Approval.model_validate_json(whole.document.record)
            if approval.open:
                return False  # opened meanwhile
            awaited = await self._awaited(approval)
            after = erase_whole(whole, erasure, by=self._by, stamp=self._stamp(), awaited=awaited)
            with suppress(VersionConflict):
                await self._store.holdings.swap(key.scope, whole, after)
                return True

    async def _awaited(self, approval: Approval) -> Collection[str]:
        """Return the ids of the notifications of which a mail to anybody is still to be sent."""
        wanted = {
            job_key(approval, letter_id(approval, each.id, number, address)): each.id
            for each in approval.notifications
            for address in (*each.to, *each.cc, *each.bcc)
            for number in {0, each.reminded}
        }
        names, found = sorted(wanted), set[str]()
        for at in range(0, len(names), PAGE):
            page = names[at : at + PAGE]
            held = await self._store.holdings.read(approval.key.scope, Kind.JOB, page)
            found |= {wanted[each.name] for each in held}
        return found

    async def _archive_is_here(self) -> None:
        if self._archive is not None:
            return
        notes = [await self._store.notes(scope) for scope in await self._known.scopes()]
        if await is_archived(self._store) or any(WRITING in each for each in notes):
            raise NotErased(
                "Requests of this store are in an archive, and APPROVALS_ARCHIVE_FOLDER names none"
                " here: set it as for the service. Nothing was erased."
            )

    async def _nobody_archives(self) -> None:
        """Make sure that nobody has the job of archiving; who takes it now sees that we erase."""
        for scope in await self._known.scopes():
            queued = await self._store.queued(scope, ARCHIVE)
            if queued is not None and queued.leased and queued.next > self._now():
                raise NotErased(
                    "Requests are being moved to the archive just now. Run the same again in a"
                    " few minutes; what was erased stays erased."
                )

    async def _end_what_was_begun(self) -> None:
        """End what a process left that was killed while it archived, or erased."""
        if self._archive is None:
            return
        await Shelf(self._store, self._archive).claim()
        await self._archive.tidy()
        for scope in await self._known.scopes():
            await end_begun(self._store, self._archive, scope)

    def _stamp(self) -> Stamp:
        token = secrets.token_hex(16)
        return Stamp(at=self._now(), change=token, salt=secrets.token_hex(16), name="")


def _named(approval: Approval) -> Named:
    return Named(approval.id, approval.display_number)
