"""The whole service with a tenant whose actions ask for more than a comment."""

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest

from playground.outside import Playground
from tests.running import Running, run_service

MARIA, JONAS, PRIYA, ANA = "johndoe1", "johndoe2", "johndoe3", "johndoe11"

ACTIONS = """
[[actions]]
code = "Approve"
label = "Approve"
past = "Approved"
style = "positive"

[[actions]]
code = "Reject"
label = "Reject"
past = "Rejected"
style = "destructive"
justification = "required"
justifications = [
  { code = "PRICE", text = "Too expensive" },
  { code = "CHEAP", text = "Too cheap", condition = "summary.UnitValue < 1.0" },
]

[[actions]]
code = "Reassign"
label = "Reassign"
past = "Reassigned"
primary = false
new_approver = true
approver_type = "Interim"
placements = [{ code = "After", text = "After me" }]

[[actions]]
code = "Release"
label = "Release payment"
past = "Payment released"
confirmation = "I checked the account."
comment = "none"

[[actions.inputs]]
code = "Reference"
label = "Payment reference"
required = true
length = 35

[[actions]]
code = "Never"
label = "Never"
past = "Never"
condition = "summary.UnitValue < 0.0"

[[actions]]
code = "Broken"
label = "Broken"
past = "Broken"
condition = "summary.AdditionalData.Nothing == ''"

[[actions]]
code = "Greyed"
label = "Greyed"
past = "Greyed"
enabled = false
"""


class WithForms:
    """The playground, whose purchasing tenant has these actions instead of its own."""

    def __init__(self, playground: Playground) -> None:
        self._playground = playground

    def __getattr__(self, name: str) -> Any:
        return getattr(self._playground, name)

    def write_tenants(self, folder: Path) -> Path:
        written = self._playground.write_tenants(folder)
        file = written / "purchasing.toml"
        text = file.read_text(encoding="utf-8")
        tables = re.split(r"(?m)^(?=\[)", text)
        others = [table for table in tables if not table.startswith("[[actions")]
        file.write_text("".join([*others, ACTIONS]), encoding="utf-8")
        return written


def a_summary(playground: Playground, **fields: Any) -> dict[str, Any]:
    """Return the sample's summary from Ana, which narrows nothing."""
    summary = json.loads(playground.sample("wiki-create"))["SummaryData"]
    submitter = {"Alias": ANA, "Name": "Ana Ruiz"}
    return summary | {"ApprovalActionsApplicable": [], "Submitter": submitter} | fields


@pytest.fixture
async def forms(playground: Playground, tmp_path: Path) -> AsyncIterator[Running]:
    """The service on SQLite, with a request that Maria, Jonas and Priya are asked about."""
    world = cast("Playground", WithForms(playground))
    store_url = f"sqlite:///{tmp_path}/store.db"
    async with run_service(world, store_url=store_url, folder=tmp_path) as running:
        for alias in (MARIA, JONAS, PRIYA):
            await playground.teams.install(alias)
        await running.send("wiki-create", SummaryData=a_summary(playground))
        await running.asked(MARIA)
        yield running
