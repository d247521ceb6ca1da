"""Where an operator types in the tests, and the requests he looks at."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from approvals_core.models import Approval, Decision, PlaceState
from approvals_core.ports import Store
from bots.cli.__main__ import parser, run
from config import Settings
from playground.outside import Playground
from tests.store_makers import ANN, NOON, a_change, a_place, an_approval

__all__ = ["Terminal", "a_decision", "given", "kept", "settings_of", "tenants", "terminal"]

ROOT = Path(__file__).parent.parent
DIRECTORY = "11111111-aaaa-4aaa-8aaa-111111111111"
APP = "22222222-bbbb-4bbb-8bbb-222222222222"


@dataclass
class Terminal:
    """Where an operator types, and everything he was told."""

    settings: Settings
    lines: list[str] = field(default_factory=list)

    async def type(self, *words: str) -> int:
        """Run one command; *lines* is what it said."""
        self.lines.clear()
        return await run(parser().parse_args(words), self.settings, self.lines.append)

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


def given(store_url: str, tenants: Path) -> dict[str, str]:
    return {
        "STORE_URL": store_url,
        "PUBLIC_URL": "https://approvals.example.com",
        "TENANTS": str(tenants),
        "BOT_APP_ID": APP,
        "BOT_DIRECTORY": DIRECTORY,
        "BOT_SECRET": "secret",
        "DIRECTORIES": DIRECTORY,
        "INTAKE_AUDIENCE": "api://approvals.example.com",
    }


def settings_of(values: dict[str, str]) -> Settings:
    return Settings.model_validate({name.lower(): value for name, value in values.items()})


@pytest.fixture
def tenants(tmp_path: Path) -> Path:
    """A folder with the sample tenant's file."""
    text = (ROOT / "playground/tenants/purchasing.toml").read_text(encoding="utf-8")
    folder = tmp_path / "tenants"
    folder.mkdir()
    (folder / "purchasing.toml").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def terminal(store: Store, store_url: str, tenants: Path) -> Terminal:
    """A terminal beside *store*, which stays open as a running service keeps it."""
    return Terminal(settings_of(given(store_url, tenants)))


def a_decision(**changes: object) -> Decision:
    fields: dict[str, object] = {
        "id": "decision-1",
        "action": "Approve",
        "comment": "Within budget",
        "by": ANN,
        "at": NOON,
        "channel": "teams",
        "round": 1,
        "revision": 1,
        "attempted_at": NOON,
    }
    return Decision.model_validate(fields | changes)


def unconfirmed(**changes: object) -> Approval:
    place = a_place(state=PlaceState.UNCONFIRMED, decision=a_decision(), round=1, attempt=1)
    return an_approval(places=(place,), round=1, revision=1, **changes)


async def kept(store: Store, *approvals: Approval) -> None:
    for approval in approvals:
        await store.commit(a_change(approval))


def settings_beside(playground: Playground, store_url: str, folder: Path) -> Settings:
    """Return the settings of the service that runs beside the playground."""
    tenants = folder / "tenants"
    return settings_of(playground.settings(store_url=store_url, tenants=tenants, port=0))
