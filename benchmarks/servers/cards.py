"""One approval card: built, escaped and serialized; or written down as dict literals and serialized."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import cycle
from pathlib import Path

from approvals_core.adapters.tenant_files import load_tenants
from approvals_core.arx import parse_arx
from approvals_core.models import Person
from approvals_core.ports import View
from approvals_core.rules import intake
from approvals_core.rules.draft import Stamp
from benchmarks.servers.changes import the_tenant
from benchmarks.servers.control import obey, settings
from benchmarks.servers.work import Work
from cards.approval import approval_card
from cards.approval.lately import KEPT
from cards.elements import Card
from cards.viewer import Viewer


def a_view(body: str, tenants: Path) -> View:
    """Return what the first approver's card of this payload is made from, details and all."""
    tenant = the_tenant(load_tenants(tenants))
    stamp = Stamp(at=datetime.now(UTC), change="0" * 32, salt="0" * 32, name="a" * 16)
    arx = parse_arx(body.encode(), tenant_id=tenant.document_type_id, now=stamp.at)
    change = intake.receive(None, arx, tenant=tenant, payload_id="0", stamp=stamp).change
    assert change.approval is not None
    first = change.approval.places[0].model_copy(update={"person": _somebody()})
    approval = change.approval.model_copy(update={"places": (first, *change.approval.places[1:])})
    return View(
        tenant=tenant, approval=approval, place=first, round=first.round, details=arx.details
    )


def a_card(view: View) -> Card:
    """Return the card that its approver is shown."""
    return approval_card(view, Viewer(user_id="29:1", zone="Europe/Berlin"))


def _somebody() -> Person:
    guid = "00000000-0000-4000-8000-000000000000"
    return Person(directory=guid, object_id=guid, name="Maria Keller")


def _built(view: View) -> Callable[[], object]:
    """Return a function that builds the card of another request each time: nothing of it was drawn lately."""
    views = cycle([_numbered(view, number) for number in range(2 * KEPT)])
    return lambda: a_card(next(views)).to_json()


def _numbered(view: View, number: int) -> View:
    approval = view.approval.model_copy(update={"display_number": f"REQ-{number:08}"})
    return view.model_copy(update={"approval": approval})


def _literals(view: View) -> Callable[[], object]:
    """Return a function whose source is the finished card: what somebody would write by hand."""
    source = f"lambda: dumps({a_card(view).to_dict()!r})"
    return eval(source, {"dumps": json.dumps})  # noqa: S307 (our own card, written out)


async def _run() -> None:
    told = settings()
    view = a_view(told["body"], Path(told["tenants"]))
    make = {"built": _built, "literals": _literals}[told["how"]](view)

    async def one(_number: int) -> None:
        make()

    await obey({"card": a_card(view).to_dict()}, Work(range, one).orders())


if __name__ == "__main__":
    asyncio.run(_run())
