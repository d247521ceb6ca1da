"""What operators see of mails, and what they may say of one: that it came back."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from approvals_core.committing import Commits
from approvals_core.ledger import UNDER_WAY, Delivery, Ledger
from approvals_core.models import OPEN, Approval, Letter, LetterState, tenant_scope
from approvals_core.ports import Store, Tenants
from approvals_core.tenant import Tenant
from bots.cli.finding import PAGE, Finder, Say
from bots.cli.telling import PROGRAM, at, from_now, plain

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
