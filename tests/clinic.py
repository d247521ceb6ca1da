"""An installation that runs beside its playground, and the doctor who looks at it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bots.cli.__main__ import doctor
from bots.cli.doctor.finding import Verdict
from config import Settings
from manifest.package import manifest_of, zipped
from playground import names
from playground.outside import Playground
from tests.running import run_service

PUBLISHER = {
    "PUBLISHER_NAME": "Contoso",
    "PUBLISHER_URL": "https://contoso.example",
    "PRIVACY_URL": "https://contoso.example/privacy",
    "TERMS_URL": "https://contoso.example/terms",
}


@dataclass
class Clinic:
    """An installation that runs, and the doctor who looks at it."""

    playground: Playground
    settings: dict[str, str]
    folder: Path
    lines: list[str] = field(default_factory=list)
    ahead: timedelta = timedelta(0)
    of: str = "teams"

    @property
    def package(self) -> Path:
        return self.folder / "approvals-teams.zip"

    async def examine(self) -> int:
        """Let the doctor come, and return the exit code."""
        self.lines.clear()
        settings = settings_of(self.settings)
        return await doctor(
            settings,
            self.lines.append,
            of=self.of,
            package=self.package,
            now=lambda: datetime.now(UTC) + self.ahead,
        )

    def steps(self, verdict: Verdict) -> list[str]:
        """Return the steps that the doctor judged so."""
        found = [line for line in self.lines if line.startswith(verdict.value)]
        return [line.removeprefix(verdict.value).strip().split(": ")[0] for line in found]

    def bot(self, **changes: object) -> None:
        """Change how the bot's application is registered in Entra."""
        applications = self.playground.issuer.applications
        applications[names.BOT_APP] = applications[names.BOT_APP].model_copy(update=changes)

    def without_role(self, role: str) -> None:
        self.playground.issuer.roles[names.BOT_APP, names.GRAPH].remove(role)

    def pack(self, **changes: str) -> None:
        """Build the app package, for settings of which some are others."""
        settings = settings_of(self.settings | PUBLISHER | changes)
        self.package.write_bytes(zipped(manifest_of(settings)))


def settings_of(values: dict[str, str]) -> Settings:
    return Settings.model_validate({name.lower(): value for name, value in values.items()})


@pytest.fixture
async def clinic(playground: Playground, tmp_path: Path) -> AsyncIterator[Clinic]:
    """A service that runs well beside its playground, with its app package."""
    store_url = f"sqlite:///{tmp_path}/approvals.db"
    async with run_service(playground, store_url=store_url, folder=tmp_path):
        for more in ("expenses.toml", "capex.toml"):  # one tenant shows all there is to see
            (tmp_path / "tenants" / more).unlink()
        given = playground.settings(store_url=store_url, tenants=tmp_path / "tenants", port=0)
        clinic = Clinic(playground, given | {"PUBLIC_URL": playground.teams.bot}, tmp_path)
        clinic.pack()
        yield clinic
