"""Erases a person: from requests that are closed, all that lies beside them, and the archive."""

import secrets
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import suppress
from datetime import datetime
from typing import NamedTuple

from pydantic import TypeAdapter, ValidationError

from approvals_core.errors import NotErased, VersionConflict
from approvals_core.keeping.archiving import WRITING, whole_of
from approvals_core.models import (
    Approval,
    ApprovalKey,
    Change,
    DeadLetter,
    Job,
    Payload,
    PersonId,
    tenant_of,
)
from approvals_core.models.archived import Archived
from approvals_core.models.held import Document, Held, Kind
from approvals_core.ports import Archive, Store
from approvals_core.rules.draft import Stamp
from approvals_core.rules.erasing import (
    erase_archived,
    erase_held_payload,
    erase_whole,
    is_about,
    is_his_job,
)
from approvals_core.rules.erasure import Erasure, names_in
from approvals_core.rules.mail_jobs import job_key, letter_id

PAGE = 100  # requests read together
ERASING = "erasing"  # note of a person's scope: what he is called, as JSON, until all is done

_PERSON = "p:"  # how the scopes of people begin (see `PersonId.scope`)
_NAMES = TypeAdapter(tuple[str, ...])


class Outcome(NamedTuple):
    """
    What became of it.

    *kept* are open requests that name him: they are as they were, and so is how he is
    reached, if there are any. *unreadable* are requests that this program cannot read.
    """

    person: PersonId
    requests: int
    archived: int
    kept: Sequence[str]
    unreadable: Sequence[str]


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

    async def erase(self, name: str) -> Outcome:
        """
        Erase the person called *name*: directory and object id with "/" between them, or UPN.

        It may be run again whenever it was cut off, or once more requests are closed.

        Raises:
            NotErased: Nobody, or more than one, is called so; or the archive is being written.
        """
        await self._nobody_archives()
        erasure = await self._known(await self._find(name))
        kept: list[str] = []
        unreadable: list[str] = []
        requests = 0
        for scope in await self._scopes():
            async for document in self._documents(scope, erasure):
                try:
                    approval = Approval.model_validate_json(document.record)
                except ValidationError:
                    unreadable.append(document.id)
                    continue
                if not is_about(document, erasure):
                    continue
                if approval.open:
                    kept.append(approval.id)
                else:
                    requests += await self._erase_one(approval.key, erasure)
            await self._erase_beside(scope, erasure)
        archived = await self._erase_archive(erasure)
        await self._nobody_archives()
        await self._note(erasure.person, None)
        if not kept:
            await self._store.holdings.forget(erasure.person.scope)
        await self._store.holdings.scrub()
        return Outcome(erasure.person, requests, archived, kept, unreadable)

    async def _find(self, name: str) -> PersonId:
        directory, slash, object_id = name.partition("/")
        if slash and "@" not in name:
            return PersonId(directory.strip().lower(), object_id.strip().lower())
        wanted = name.strip().casefold()
        found: set[PersonId] = set()
        async for approval in self._naming(Erasure(PersonId("", name), [name])):
            people = [place.person for place in approval.places if place.person is not None]
            found |= {person.id for person in people if person.upn.casefold() == wanted}
        found = found or {each async for each in self._begun(wanted)}
        if len(found) == 1:
            return found.pop()
        if not found:
            raise NotErased(
                f"No request names anybody with the UPN {name}. If he had another one, or is"
                " known here by his conversation only, name him as DIRECTORY/OBJECTID."
            )
        several = ", ".join(sorted(map(str, found)))
        raise NotErased(f"Several people had the UPN {name}. Name one of: {several}.")

    async def _known(self, person: PersonId) -> Erasure:
        """Learn everything that the person is called."""
        notes = await self._store.notes(person.scope)
        names = {person.object_id, *_NAMES.validate_json(notes.get(ERASING, "[]"))}
        contact = await self._store.contact(person)
        if contact is not None:
            names |= {contact.name, contact.user_id, contact.conversation}
        async for approval in self._naming(Erasure(person)):
            names |= names_in(approval, person)
            if await self._store.approval(approval.key) is not None:
                letters = await self._store.letters(approval.key)
                names |= {each.address for each in letters if each.person == person}
        await self._note(person, _NAMES.dump_json(tuple(sorted(names))).decode())
        return Erasure(person, names)

    async def _begun(self, wanted: str) -> AsyncIterator[PersonId]:
        """Yield whom an erasing that was cut off called so: nothing else may name him any more."""
        for scope in await self._store.scopes():
            if scope.startswith(_PERSON):
                names = (await self._store.notes(scope)).get(ERASING, "[]")
                if wanted in (name.casefold() for name in _NAMES.validate_json(names)):
                    yield PersonId(*scope.removeprefix(_PERSON).split("/", 1))

    async def _naming(self, erasure: Erasure) -> AsyncIterator[Approval]:
        """Yield all requests that may name him, of the store and of the archive."""
        for scope in await self._scopes():
            async for document in self._documents(scope, erasure):
                with suppress(ValidationError):
                    yield Approval.model_validate_json(document.record)
        async for _name, lines in self._files():
            for line in lines:
                if erasure.may_be_in(line):
                    yield Archived.model_validate_json(line).approval

    async def _scopes(self) -> Sequence[str]:
        return [scope for scope in await self._store.scopes() if tenant_of(scope)]

    async def _documents(self, scope: str, erasure: Erasure) -> AsyncIterator[Document]:
        after: str | None = ""
        while after is not None:
            found = await self._store.holdings.documents(scope, after=after, limit=PAGE)
            for document in await self._store.holdings.read_documents(scope, found.names):
                if _may_name(document, erasure):
                    yield document
            after = found.after

    async def _erase_one(self, key: ApprovalKey, erasure: Erasure) -> int:
        """Erase him from one request, anew whenever somebody commits in between."""
        while True:
            approval = await self._store.approval(key)
            whole = await whole_of(self._store, approval) if approval else None
            if whole is None:
                return 0  # archived meanwhile
            approval = Approval.model_validate_json(whole.document.record)
            if approval.open:
                return 0  # opened meanwhile
            awaited = await self._awaited(approval)
            after = erase_whole(whole, erasure, by=self._by, stamp=self._stamp(), awaited=awaited)
            with suppress(VersionConflict):
                await self._store.holdings.swap(key.scope, whole, after)
                return 1

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

    async def _erase_beside(self, scope: str, erasure: Erasure) -> None:
        """Erase him from payloads, and take away jobs about him, unless their requests are open."""
        await self._erase_payloads(scope, erasure)
        for kind in (Kind.JOB, Kind.DEAD_LETTER):
            after: str | None = ""
            while after is not None:
                found = await self._store.holdings.names(scope, kind, after=after, limit=PAGE)
                held = await self._store.holdings.read(scope, kind, found.names)
                gone = [each.name for each in held if await self._is_his_and_over(each, erasure)]
                await self._store.holdings.remove(scope, kind, gone)
                after = found.after

    async def _erase_payloads(self, scope: str, erasure: Erasure) -> None:
        after: str | None = ""
        while after is not None:
            found = await self._store.holdings.names(scope, Kind.PAYLOAD, after=after, limit=PAGE)
            for held in await self._store.holdings.read(scope, Kind.PAYLOAD, found.names):
                if not erasure.may_be_in(str(held.values[-1])):
                    continue
                if await self._is_over(_request_of(held)):
                    erased = erase_held_payload(held, erasure)
                    await self._store.holdings.write(scope, held=[erased])
            after = found.after

    async def _is_his_and_over(self, held: Held, erasure: Erasure) -> bool:
        """Tell whether a job or dead letter is his, and about a request that is not open."""
        try:
            job = _job_of(held)
        except ValidationError:
            return False
        his = job.approval is not None and is_his_job(job, erasure)
        return his and await self._is_over(job.approval)

    async def _is_over(self, key: ApprovalKey | None) -> bool:
        approval = await self._store.approval(key) if key else None
        return approval is None or not approval.open

    async def _erase_archive(self, erasure: Erasure) -> int:
        """Write each file anew that names him; return how many requests he was erased from."""
        count = 0
        async for name, lines in self._files():
            written = [self._erase_line(line, erasure) for line in lines]
            changed = sum(new != old for new, old in zip(written, lines, strict=True))
            if changed and self._archive is not None:
                await self._archive.write(name, written)
            count += changed
        return count

    def _erase_line(self, line: str, erasure: Erasure) -> str:
        if not erasure.may_be_in(line):
            return line
        archived = Archived.model_validate_json(line)
        erased = erase_archived(archived, erasure, by=self._by, stamp=self._stamp())
        return line if erased is archived else erased.model_dump_json()

    async def _files(self) -> AsyncIterator[tuple[str, Sequence[str]]]:
        for name in await self._archive.names() if self._archive else ():
            if self._archive is not None:
                yield name, await self._archive.read(name)

    async def _nobody_archives(self) -> None:
        for scope in await self._scopes():
            if WRITING in await self._store.notes(scope):
                raise NotErased(
                    "Requests are being moved to the archive just now. Run the same again in a"
                    " minute; what was erased stays erased."
                )

    async def _note(self, person: PersonId, names: str | None) -> None:
        token = secrets.token_hex(16)
        await self._store.commit(Change(id=token, scope=person.scope, notes={ERASING: names}))

    def _stamp(self) -> Stamp:
        token = secrets.token_hex(16)
        return Stamp(at=self._now(), change=token, salt=secrets.token_hex(16), name="")


def _request_of(held: Held) -> ApprovalKey | None:
    """Return the request that a payload is about."""
    return Payload.model_validate_json(str(held.values[-1])).approval


def _job_of(held: Held) -> Job:
    """Return a job, or the one that a dead letter is about."""
    record = str(held.values[-1])
    if held.kind is Kind.DEAD_LETTER:
        return DeadLetter.model_validate_json(record).job
    return Job.model_validate_json(record)


def _may_name(document: Document, erasure: Erasure) -> bool:
    texts = (document.record, *document.events, *(each[-1] for each in document.receipts))
    beside = (*(each[-1] for each in document.letters), *(text for _name, text in document.bodies))
    return any(erasure.may_be_in(text) for text in (*texts, *beside))
