"""What operators see of mails, and what they may say of one: that it came back."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from approvals_core.committing import Commits
from approvals_core.ledger import UNDER_WAY, Delivery, Ledger
from approvals_core.models import (
    OPEN,
    Approval,
    Letter,
    LetterState,
    Occasion,
    Payload,
    Person,
    Place,
    PlaceState,
    Receipt,
    ReceiptState,
    tenant_scope,
)
from approvals_core.ports import Store, Tenants
from approvals_core.rules.standing import name_of
from approvals_core.tenant import Tenant
from bots.cli.finding import PAGE, Finder, Say
from bots.cli.telling import PROGRAM, at, from_now, in_one_line, plain

FAILED = (LetterState.REFUSED, LetterState.BOUNCED)
LISTED = (*FAILED, LetterState.LOST)  # nobody knows of a lost one whether it went out


class MailsDesk:
    """Says which mails did not arrive, and takes an operator's word about one."""

    def __init__(self, store: Store, tenants: Tenants, say: Say, *, commits: Commits) -> None:
        self._store = store
        self._say = say
        self._find = Finder(store, tenants)
        self._ledger = Ledger(store=store, commits=commits)

    async def list_failed(self, code: str | None) -> None:
        """
        Say one line for each mail about an open request that was refused, was lost or came back.

        Raises:
            NotThere: No tenant has this code.
        """
        listed = 0
        for tenant in self._find.tenants(code):
            listed += await self._list_of(tenant)
        if not listed:
            self._say("No mail about an open request was refused, was lost or came back.")

    async def bounced(self, name: str, address: str, *, reason: str, by: str) -> None:
        """
        Write down that the newest mail to *address* came back, as the operator *by* says.

        Raises:
            NotThere: There is no such request, or there are several.

            NotBounced: No mail went there.
        """
        approval, _tenant = await self._find.request(name)
        letter = await self._ledger.bounced(approval.key, address, reason=reason, by=by)
        self._say(f"{approval.id}: {mail_line(letter)}")

    async def _list_of(self, tenant: Tenant) -> int:
        scope, after, listed = tenant_scope(tenant.document_type_id), None, 0
        while True:
            page = await self._store.page(scope, OPEN, after=after, limit=PAGE)
            for approval in page.approvals:
                listed += await self._list_about(approval)
            if page.after is None:
                return listed
            after = page.after

    async def _list_about(self, approval: Approval) -> int:
        letters = await self._store.letters(approval.key)
        failed = [letter for letter in letters if letter.state in LISTED]
        for letter in failed:
            number = plain(approval.display_number)
            self._say(f"{approval.id}  {number}  {mail_line(letter)}")
        return len(failed)


def unreached(
    approval: Approval, tenant: Tenant, letters: Sequence[Letter], receipts: Sequence[Receipt]
) -> Iterator[Place]:
    """Yield the places where somebody is asked whom neither a mail nor a card reached."""
    for place in approval.places:
        if place.state is not PlaceState.PENDING or place.person is None:
            continue
        mails = [each for each in letters if _is_his(each, place.person, approval.round)]
        cards = [
            each
            for each in receipts
            if each.person == place.person.id and each.round == place.round
        ]
        shown = any(each.state is ReceiptState.SHOWN or each.address for each in cards)
        # As long as no try at a card is written down, one may be on its way.
        tried = bool(cards) or not tenant.pushed
        if tried and not shown and mails and all(map(_failed, mails)):
            yield place


def _is_his(letter: Letter, person: Person, round_: int) -> bool:
    """Tell whether a mail was to ask this person; what was dropped was not needed."""
    if letter.round != round_ or letter.occasion is Occasion.ENDED:
        return False
    his = letter.person == person.id or letter.address.casefold() == person.upn.casefold()
    return his and letter.state is not LetterState.DROPPED


def _failed(letter: Letter) -> bool:
    return letter.state in LISTED and letter.seen_at is None


def unreached_line(approval: Approval, places: Sequence[Place], receipts: Sequence[Receipt]) -> str:
    """Say who is asked in a request and cannot know it."""
    who = ", ".join(plain(name_of(place)) for place in places)
    look = f"{PROGRAM} requests explain {approval.id}"
    return f"{in_one_line(approval, receipts)}  (no mail and no card reached {who}: {look})"


def left_out_lines(payloads: Iterable[Payload]) -> Iterator[str]:
    """Yield whom payloads named that got no mail, and which reminders cannot come, without addresses."""
    for payload in payloads:
        for warning in payload.warnings:
            if warning.startswith("NotificationDetail"):
                yield f"payload {plain(payload.id)}: {plain(warning)}"


def mail_lines(found: Sequence[Delivery], approval: Approval, now: datetime) -> Iterator[str]:
    """Yield a line for each mail of the newest round, and what can be done about those that failed."""
    mine = [delivery.letter for delivery in found]
    for delivery in found:
        yield f"{mail_line(delivery.letter)}{_next_look(delivery, now)}"
    if any(letter.state in FAILED for letter in mine):
        yield "What failed is not sent again. Mend what the line says; the next ARX sends its mails."
    gone = (LetterState.SENT, LetterState.LOST)
    if any(letter.state in gone and letter.seen_at is None for letter in mine):
        say_so = f"{PROGRAM} mails bounced {approval.id} ADDRESS --by YOU"
        yield f"Whether a mail that was sent arrived cannot be seen from here. If it came back: {say_so}"


def mail_line(letter: Letter) -> str:
    """Say what became of one mail."""
    number = f" {letter.number}" if letter.number else ""
    what = f"{letter.occasion.value}{number} to {plain(letter.address)}"
    card = "" if letter.seat is None else f", with the card of place {letter.seat}"
    why = f": {plain(letter.reason)}" if letter.reason else ""
    return f"{what}{card}: {letter.state.value} at {_when(letter)}{why}{_seen(letter)}"


def _next_look(delivery: Delivery, now: datetime) -> str:
    """Say when a mail that is under way, or waits, is looked at again."""
    letter, job = delivery
    if letter.state not in UNDER_WAY:
        return ""
    if job is None:
        return f"; nothing sends it any more, see `{PROGRAM} dead-letters list`"
    when = from_now(job.next, now)
    if letter.state is LetterState.SENDING:
        return f"; if that process died, it is looked at again at {when}"
    if job.next <= now and not job.leased:
        return f"; it is due since {at(job.next)}, and goes once the mailbox takes it"
    return f"; tried again at {when}" if letter.attempts else f"; looked at next at {when}"


def _when(letter: Letter) -> str:
    moment: datetime | None = letter.sent_at if letter.state is LetterState.SENT else letter.at
    return at(moment)


def _seen(letter: Letter) -> str:
    return f", opened first at {at(letter.seen_at)}" if letter.seen_at else ""
