"""What an operator can do about tenants: list and check them, close and open their doors, read their files anew."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Protocol

from approvals_core.committing import Commits
from approvals_core.errors import NotDone, TokenUnavailable
from approvals_core.models import (
    HOUSE,
    OPEN,
    Approval,
    ApprovalKey,
    Change,
    Decision,
    Mark,
    Person,
    Place,
    PlaceState,
    numbered,
    tenant_scope,
)
from approvals_core.onboarded import Onboarded
from approvals_core.onboarding import RELOAD, RELOADED, SWITCH, reloaded_in, switches_in
from approvals_core.ports import (
    AnswerKind,
    Fetched,
    FetchedKind,
    Posted,
    Store,
    TenantApi,
)
from approvals_core.tenant import Switch, Tenant, WhileClosed
from approvals_core.tenants_of_open import compare
from bots.cli.finding import Finder, Say
from bots.cli.telling import PROGRAM, at, plain

HEARD_WITHIN = 20.0  # seconds in which a running service takes up a reload, or says why not
LOOK = 0.5  # seconds between two looks whether it did
NO_PATH = (
    "Its file names no Summary, Details or status API; the Action API is posted to, so only a"
    " decision tries it."
)
UNCHANGED = "Nothing was changed: running services go on with the files that they took up last."


class Tokens(Protocol):
    """Where the tokens for tenants' APIs come from."""

    async def token(self, tenant: Tenant) -> str:
        """
        Return a token for the tenant's resource.

        Raises:
            TokenUnavailable: There is none now; the message says why.
        """
        ...


class TenantsDesk:
    """Says how tenants stand, and leaves the operator's word where every process finds it."""

    def __init__(
        self,
        store: Store,
        tenants: Onboarded,
        say: Say,
        *,
        now: Callable[[], datetime],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        broken: Sequence[str] = (),
    ) -> None:
        """*broken* names the files whose mistakes keep their tenants out of *tenants*."""
        self._store = store
        self._tenants = tenants
        self._say = say
        self._now = now
        self._sleep = sleep
        self._broken = broken
        self._commits = Commits(store, now=now, wake=lambda: None)
        self._find = Finder(store, tenants)

    async def list_tenants(self) -> None:
        """Say one line for each tenant and for each broken file, and what became of the last reload."""
        notes = await self._store.notes(HOUSE)
        self._tenants.switch(switches_in(notes))
        files = {tenant.code: name for name, tenant in self._tenants.files.items()}
        for tenant in self._tenants.all():
            count = await self._store.count(tenant_scope(tenant.document_type_id), OPEN)
            state = self._state(tenant)
            name = plain(tenant.name)
            self._say(f"{tenant.code}  {name}  {count} open  {state}  ({files[tenant.code]})")
        for name in self._broken:
            self._say(_left_out(name))
        if not self._broken:
            for mistake in (await compare(self._store, self._tenants.files)).mistakes:
                self._say(f"?  {plain(mistake)}")
        mistakes = reloaded_in(notes).mistakes
        for line in _refused(mistakes):
            self._say(line)
        if self._broken and not mistakes:
            taken = (
                "The last reload was taken up." if RELOADED in notes else "No reload was refused."
            )
            self._say(f"{taken} These mistakes are newer, or no service has read them.")

    async def disable(self, code: str, *, message: str, decisions: WhileClosed, by: str) -> None:
        """
        Have a tenant take no decisions until it is enabled again.

        Raises:
            NotThere: No tenant has this code.
        """
        [tenant] = self._find.tenants(code)
        switch = Switch(message=message.strip(), decisions=decisions, by=by, at=self._now())
        await self._note(tenant, switch.model_dump_json())
        kept = decisions is WhileClosed.WAIT
        what = "are kept and go out later" if kept else "are refused"
        self._say(f"{plain(tenant.name)} takes no decisions any more: clicks {what}.")
        self._say("Its payloads are still taken. Its cards say so within seconds.")
        self._say(f"  {PROGRAM} tenants enable {tenant.code} --by YOU")

    async def enable(self, code: str, *, by: str) -> None:
        """
        Take back what `disable` did.

        Raises:
            NotThere: No tenant has this code.

            NotDone: No operator closed it.
        """
        [tenant] = self._find.tenants(code)
        switches = switches_in(await self._store.notes(HOUSE))
        file = self._file_of(tenant)
        if tenant.document_type_id not in switches:
            mend = f" {file} says enabled = false: change that, then `tenants reload`."
            raise NotDone(
                f"No operator has closed {plain(tenant.name)}."
                + ("" if self._in_file(tenant).enabled else mend)
            )
        await self._note(tenant, None)
        self._say(f"{plain(tenant.name)} is as its file has it again, says {plain(by)}.")
        if (closed := self._in_file(tenant).closed(self._now())) is not None:
            until = f" until {at(closed.until)}" if closed.until else ""
            self._say(f"By {file} it still takes no decisions{until}.")

    async def reload(self) -> bool:
        """Have every running service read the files anew; False if that was refused or unheard."""
        asked, stamp = secrets.token_hex(8), self._commits.stamp()
        await self._commits.commit(Change(id=stamp.change, scope=HOUSE, notes={RELOAD: asked}))
        for _look in range(round(HEARD_WITHIN / LOOK)):
            heard = reloaded_in(await self._store.notes(HOUSE))
            if heard.asked == asked:
                for line in _refused(heard.mistakes):
                    self._say(line)
                if heard.mistakes:
                    self._say(UNCHANGED)
                else:
                    codes = ", ".join(tenant.code for tenant in self._tenants.all())
                    self._say(f"The service has taken up the files. Tenants: {codes}")
                return not heard.mistakes
            await self._sleep(LOOK)
        self._say("The files have no mistakes. No service answered; one that runs takes them up.")
        return False

    async def check(
        self, code: str | None, *, document: str, year: str, tokens: Tokens, api: TenantApi
    ) -> bool:
        """
        Say of each step to a tenant's APIs whether it works; False if one does not.

        Nothing is posted. Without a *document* only the token is tried.

        Raises:
            NotThere: No tenant has this code.
        """
        works = [
            await self._check(tenant, document, year, tokens, api)
            for tenant in self._find.tenants(code)
        ]
        if not document:
            self._say(
                "Its own address was not tried: with --document NUMBER its Summary, Details and"
                " status APIs are asked."
            )
        return all(works)

    async def _check(
        self, tenant: Tenant, document: str, year: str, tokens: Tokens, api: TenantApi
    ) -> bool:
        self._say(f"{tenant.code}  {self._file_of(tenant)}: no mistakes; its secrets are there")
        try:
            await tokens.token(tenant)
        except TokenUnavailable as problem:
            self._say(f"{tenant.code}  token: NO: {plain(str(problem))}")
            return False
        self._say(f"{tenant.code}  token: got one for {plain(tenant.api.resource)}")
        if not document:
            return True
        about = await self._about(tenant, document, year)
        told = [told async for told in _asked(tenant, about, api)]
        if not told:
            self._say(f"{tenant.code}  no path to try: its own address was not reached. {NO_PATH}")
        for what, wrong in told:
            self._say(f"{tenant.code}  {what}: {f'NO: {plain(wrong)}' if wrong else 'answers'}")
        return not any(wrong for _what, wrong in told)

    async def _about(self, tenant: Tenant, document: str, year: str) -> Approval:
        """Return the request of this number, or one made up for a document we never heard of."""
        scope = tenant_scope(tenant.document_type_id)
        page = await self._store.page(scope, numbered(document), limit=20)
        for approval in page.approvals:
            if year in ("", approval.key.year):
                return approval
        key = ApprovalKey(tenant.document_type_id, document, year)
        return Approval(key=key, id=f"{tenant.code}-check", display_number=document)

    async def _note(self, tenant: Tenant, text: str | None) -> None:
        stamp = self._commits.stamp()
        notes = {f"{SWITCH}{tenant.document_type_id}": text}
        await self._commits.commit(Change(id=stamp.change, scope=HOUSE, notes=notes))

    def _state(self, tenant: Tenant) -> str:
        closed = tenant.closed(self._now())
        if closed is None:
            return "takes decisions"
        why = f": {plain(closed.message)}" if closed.message else ""
        clicks = "clicks wait" if closed.decisions is WhileClosed.WAIT else "clicks are refused"
        switch = self._tenants.switches.get(tenant.document_type_id)
        if switch is not None:
            return f"closed by {plain(switch.by)} {at(switch.at)}, {clicks}{why}"
        if closed.until is not None:
            return f"in maintenance until {at(closed.until)}, {clicks}{why}"
        return f"closed by its file, {clicks}{why}"

    def _file_of(self, tenant: Tenant) -> str:
        files = self._tenants.files.items()
        return next(name for name, each in files if each.code == tenant.code)

    def _in_file(self, tenant: Tenant) -> Tenant:
        return self._tenants.files[self._file_of(tenant)]


def _left_out(name: str) -> str:
    goes_on = "a running service goes on with what it took up last"
    return f"?  {plain(name)} has mistakes; {goes_on}: {PROGRAM} check-config"


def _refused(mistakes: tuple[str, ...]) -> Iterator[str]:
    if mistakes:
        yield "The last reload was refused, and the tenants are as they were before:"
        yield from (f"  {plain(mistake)}" for mistake in mistakes)


async def _asked(tenant: Tenant, about: Approval, api: TenantApi) -> AsyncIterator[tuple[str, str]]:
    """Yield each API that the file names, and what is wrong with its answer, "" if nothing."""
    if tenant.api.summary is not None:
        yield "summary", _wrong(await api.summary(tenant, about))
    for operation in tenant.api.details:
        yield f"details {operation}", _wrong(await api.details(tenant, about, operation))
    if tenant.api.decision_status is not None:
        answer = await api.decision_status(tenant, _never_made(about))
        wrong = "" if answer.kind is AnswerKind.NOT_TAKEN else _unlike(answer.kind, answer.reason)
        yield "decision status", wrong


def _wrong(fetched: Fetched) -> str:
    if fetched.kind is FetchedKind.FOUND:
        return ""
    status = f"HTTP {fetched.status}" if fetched.status else ""
    return fetched.reason or status or fetched.kind.value


def _unlike(kind: AnswerKind, reason: str) -> str:
    said = reason or kind.value
    return f"of a decision that was never made it says: {said}; it should be HTTP 404"


def _never_made(about: Approval) -> Posted:
    nobody = Person(directory="", object_id="", name="")
    now = about.opened_at or datetime(1970, 1, 1, tzinfo=UTC)
    decision = Decision(
        id=f"check-{secrets.token_hex(8)}",
        action="",
        by=nobody,
        at=now,
        channel="",
        round=0,
        revision=0,
        attempted_at=now,
    )
    place = Place(seat=0, alias="", names=(), mark=Mark(0, 0), state=PlaceState.SUBMITTING)
    return Posted(approval=about, place=place, decision=decision)
