"""Learns what a person is called, wherever something is stored of him."""

import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress

from pydantic import TypeAdapter, ValidationError

from approvals_core.errors import NotErased
from approvals_core.models import Approval, Change, PersonId, tenant_of
from approvals_core.models.archived import Archived
from approvals_core.models.held import Document
from approvals_core.ports import Archive, Store
from approvals_core.rules.erasure import Erasure, names_in

PAGE = 100  # requests read together
ERASING = "erasing"  # note of a person's scope: what he is called, as JSON, until all is done

_PERSON = "p:"  # how the scopes of people begin (see `PersonId.scope`)
_NAMES = TypeAdapter(tuple[str, ...])


class Known:
    """All requests, as somebody may be named in them; *archive* None: there is none."""

    def __init__(self, store: Store, archive: Archive | None) -> None:
        self._store = store
        self._archive = archive

    async def find(self, name: str) -> PersonId:
        """
        Return who is called *name*: directory and object id with "/" between them, or UPN.

        Raises:
            NotErased: Nobody, or more than one.
        """
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

    async def names_of(self, person: PersonId) -> Erasure:
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
        return Erasure(person, names)

    async def note(self, erasure: Erasure) -> None:
        """Keep what he is called until all is done: after a crash nothing else may tell."""
        names = _NAMES.dump_json(tuple(sorted(erasure.names))).decode()
        await self._note(erasure.person, names)

    async def forget(self, person: PersonId) -> None:
        """Keep that no longer."""
        await self._note(person, None)

    async def _begun(self, wanted: str) -> AsyncIterator[PersonId]:
        """Yield whom an erasing that was cut off called so: nothing else may name him any more."""
        for scope in await self._store.scopes():
            if scope.startswith(_PERSON):
                names = (await self._store.notes(scope)).get(ERASING, "[]")
                if wanted in (name.casefold() for name in _NAMES.validate_json(names)):
                    yield PersonId(*scope.removeprefix(_PERSON).split("/", 1))

    async def _naming(self, erasure: Erasure) -> AsyncIterator[Approval]:
        """Yield all requests that may name him, of the store and of the archive."""
        for scope in await self.scopes():
            async for document in self.documents(scope, erasure):
                with suppress(ValidationError):
                    yield Approval.model_validate_json(document.record)
        async for _name, lines in self._files():
            for line in lines:
                if erasure.may_be_in(line):
                    yield Archived.model_validate_json(line).approval

    async def scopes(self) -> Sequence[str]:
        """Return the scopes of all tenants."""
        return [scope for scope in await self._store.scopes() if tenant_of(scope)]

    async def documents(self, scope: str, erasure: Erasure) -> AsyncIterator[Document]:
        """Yield the requests of the store that may name him."""
        after: str | None = ""
        while after is not None:
            found = await self._store.holdings.documents(scope, after=after, limit=PAGE)
            for document in await self._store.holdings.read_documents(scope, found.names):
                if _may_name(document, erasure):
                    yield document
            after = found.after

    async def _files(self) -> AsyncIterator[tuple[str, Sequence[str]]]:
        for name in await self._archive.names() if self._archive else ():
            if self._archive is not None:
                yield name, await self._archive.read(name)

    async def _note(self, person: PersonId, names: str | None) -> None:
        token = secrets.token_hex(16)
        await self._store.commit(Change(id=token, scope=person.scope, notes={ERASING: names}))


def _may_name(document: Document, erasure: Erasure) -> bool:
    texts = (document.record, *document.events, *(each[-1] for each in document.receipts))
    beside = (*(each[-1] for each in document.letters), *(text for _name, text in document.bodies))
    return any(erasure.may_be_in(text) for text in (*texts, *beside))
