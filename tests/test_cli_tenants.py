"""What an operator does about tenants at the terminal: list, check, close, open, reload."""

from pathlib import Path

import pytest

from approvals_core.adapters.tenant_files import BadTenantFiles, load_tenants
from approvals_core.models import HOUSE, Change
from approvals_core.onboarding import RELOADED, SWITCH, Reloaded, switches_in
from approvals_core.ports import Store
from approvals_core.tenant import WhileClosed
from bots.cli.tenants import HEARD_WITHIN, UNCHANGED, TenantsDesk
from playground.outside import Playground
from tests.card_makers import TENANT_ID
from tests.clock import Clock
from tests.running import Running
from tests.store_makers import an_approval
from tests.terminal import Terminal, kept, settings_beside, tenants, terminal

__all__ = ["tenants", "terminal"]


async def test_tenants_are_listed_with_what_is_open_and_how_they_stand(
    terminal: Terminal, store: Store
) -> None:
    await kept(store, an_approval())

    assert await terminal.type("tenants", "list") == 0

    assert terminal.text == "pr  Contoso Purchasing  1 open  takes decisions  (purchasing.toml)"


async def test_the_list_tells_of_open_requests_whose_file_is_gone(
    terminal: Terminal, store: Store, tenants: Path
) -> None:
    await kept(store, an_approval())
    await store.commit(Change(id="a start", scope=HOUSE, notes={f"code/{TENANT_ID}": "pr"}))
    file = tenants / "purchasing.toml"
    file.write_text(file.read_text("utf-8").replace('code = "pr"', 'code = "px"'), encoding="utf-8")

    assert await terminal.type("tenants", "list") == 0

    assert "?  purchasing.toml: code: pr became px, and an open request would be" in terminal.text


async def test_a_tenant_is_closed_and_opened_again(terminal: Terminal, store: Store) -> None:
    closing = ("--message", "We move.", "--decisions", "wait", "--by", "Olga")

    assert await terminal.type("tenants", "disable", "pr", *closing) == 0
    assert "clicks are kept and go out later" in terminal.text
    switch = switches_in(await store.notes(HOUSE))[TENANT_ID]
    assert (switch.message, switch.decisions) == ("We move.", WhileClosed.WAIT)
    assert await terminal.type("tenants", "list") == 0
    assert "closed by Olga" in terminal.text
    assert "clicks wait: We move." in terminal.text

    assert await terminal.type("tenants", "enable", "pr", "--by", "Olga") == 0
    assert switches_in(await store.notes(HOUSE)) == {}
    assert await terminal.type("tenants", "list") == 0
    assert "takes decisions" in terminal.text


async def test_what_nobody_closed_cannot_be_opened(terminal: Terminal, tenants: Path) -> None:
    assert await terminal.type("tenants", "enable", "pr", "--by", "Olga") == 1
    assert terminal.text == "No operator has closed Contoso Purchasing."

    file = tenants / "purchasing.toml"
    file.write_text("enabled = false\n" + file.read_text("utf-8"), encoding="utf-8")
    assert await terminal.type("tenants", "enable", "pr", "--by", "Olga") == 1
    assert "purchasing.toml says enabled = false" in terminal.text
    assert await terminal.type("tenants", "list") == 0
    assert "closed by its file, clicks are refused" in terminal.text


async def test_opening_tells_that_the_file_still_keeps_it_closed(
    terminal: Terminal, tenants: Path
) -> None:
    window = '\n[maintenance]\nstarts = 2020-01-01T00:00:00Z\nends = 2090-01-01T00:00:00Z\nmessage = "x"\n'
    file = tenants / "purchasing.toml"
    file.write_text(file.read_text("utf-8") + window, encoding="utf-8")

    assert await terminal.type("tenants", "list") == 0
    assert "in maintenance until 2090-01-01 00:00:00 UTC, clicks are refused: x" in terminal.text

    await terminal.type("tenants", "disable", "pr", "--by", "Olga")
    assert await terminal.type("tenants", "enable", "pr", "--by", "Olga") == 0
    said = "By purchasing.toml it still takes no decisions until 2090-01-01 00:00:00 UTC."
    assert terminal.lines[-1] == said


async def test_a_tenant_that_there_is_not(terminal: Terminal) -> None:
    assert await terminal.type("tenants", "disable", "xy", "--by", "Olga") == 1
    assert terminal.text == "No tenant has the code xy. There are: pr."


async def test_why_the_last_reload_was_refused_stands_in_the_list(
    terminal: Terminal, store: Store
) -> None:
    refused = Reloaded(mistakes=("a.toml:3: code: is missing",)).model_dump_json()
    await store.commit(Change(id="1", scope=HOUSE, notes={RELOADED: refused}))

    assert await terminal.type("tenants", "list") == 0

    assert terminal.lines[-2].startswith("The last reload was refused")
    assert terminal.lines[-1] == "  a.toml:3: code: is missing"


async def test_nobody_answers_a_reload_where_nobody_runs(store: Store, terminal: Terminal) -> None:
    clock = Clock()
    said: list[str] = []
    known = load_tenants(terminal.settings.tenants)
    desk = TenantsDesk(store, known, said.append, now=clock.now, sleep=clock.sleep)

    assert await desk.reload() is False

    assert "No service answered" in said[0]
    assert sum(clock.slept) == pytest.approx(HEARD_WITHIN)


# -- files with mistakes ----------------------------------------------------------------


LEFT_OUT = "mine.toml has mistakes; its tenant is left out here: python -m bots.cli check-config"


def add_broken(folder: Path, *, old: str = 'name = "', new: str = 'nam = "') -> None:
    """Put a file of another tenant beside the one that is whole, with a mistake."""
    text = (folder / "purchasing.toml").read_text("utf-8").replace('code = "pr"', 'code = "mine"')
    text = text.replace(TENANT_ID, "0c3f8a52-6f2e-4b7a-9d54-2f0c6d1e8b90")
    assert old in text
    (folder / "mine.toml").write_text(text.replace(old, new, 1), encoding="utf-8")


async def test_a_broken_file_keeps_no_command_from_the_other_tenants(
    terminal: Terminal, store: Store, tenants: Path
) -> None:
    await kept(store, an_approval())
    add_broken(tenants)
    said: dict[str, str] = {}

    for command in (
        "requests list",
        "requests explain pr-one",
        "payloads list",
        "jobs",
        "dead-letters list",
        "reconcile pr",
        "tenants disable pr --by Olga",
        "tenants enable pr --by Olga",
    ):
        code = await terminal.type(*command.split())
        warning, *rest = terminal.lines
        assert (command, code, warning) == (command, 0, LEFT_OUT)
        said[command] = "\n".join(rest)

    assert said["requests list"].startswith("pr-one  REQ-1")
    assert "takes no decisions any more" in said["tenants disable pr --by Olga"]
    assert all(LEFT_OUT not in each for each in said.values())


async def test_what_two_files_share_is_neither_ones(terminal: Terminal, tenants: Path) -> None:
    add_broken(tenants, old='code = "mine"', new='code = "pr"')
    add_other = (tenants / "mine.toml").read_text("utf-8").replace('code = "pr"', 'code = "ot"')
    (tenants / "other.toml").write_text(add_other.replace("0c3f8a52", "1c3f8a52"), encoding="utf-8")

    assert await terminal.type("requests", "list", "--tenant", "pr") == 1

    assert [line.split()[0] for line in terminal.lines[:2]] == ["mine.toml", "purchasing.toml"]
    assert terminal.lines[-1] == "No tenant has the code pr. There are: ot."


async def test_the_list_has_a_line_for_each_broken_file(
    terminal: Terminal, store: Store, tenants: Path
) -> None:
    add_broken(tenants)

    assert await terminal.type("tenants", "list") == 0
    assert terminal.lines[0].startswith("pr  Contoso Purchasing  0 open  takes decisions")
    assert terminal.lines[1].startswith("?  mine.toml has mistakes; a running service goes on")
    assert terminal.lines[2].startswith("No reload was refused. These mistakes are newer")

    taken = Change(id="1", scope=HOUSE, notes={RELOADED: Reloaded().model_dump_json()})
    await store.commit(taken)
    await terminal.type("tenants", "list")
    assert terminal.lines[2].startswith("The last reload was taken up. These mistakes are newer")

    (tenants / "purchasing.toml").unlink()
    assert await terminal.type("tenants", "list") == 0
    assert terminal.lines[0].startswith("?  mine.toml has mistakes")


@pytest.mark.parametrize("words", [("tenants", "check"), ("tenants", "reload")])
async def test_what_is_about_the_files_wants_them_whole(
    terminal: Terminal, tenants: Path, store: Store, words: tuple[str, ...]
) -> None:
    add_broken(tenants)

    with pytest.raises(BadTenantFiles, match=r"mine\.toml"):
        await terminal.type(*words)

    assert await store.notes(HOUSE) == {}


async def test_with_no_file_whole_there_is_nobody_to_look_after(
    terminal: Terminal, tenants: Path
) -> None:
    add_broken(tenants)
    (tenants / "purchasing.toml").unlink()

    with pytest.raises(BadTenantFiles, match=r"mine\.toml"):
        await terminal.type("requests", "list")


# -- beside a running service -----------------------------------------------------------


@pytest.fixture
def beside(running: Running, playground: Playground, store_url: str, tmp_path: Path) -> Terminal:
    """A terminal with the settings of the service that runs."""
    return Terminal(settings_beside(playground, store_url, tmp_path))


async def test_a_running_service_takes_up_the_files_or_says_why_not(
    running: Running, beside: Terminal, tmp_path: Path
) -> None:
    file = tmp_path / "tenants" / "purchasing.toml"
    text = file.read_text("utf-8")
    await running.send("wiki-create")
    file.write_text(text.replace("Contoso Purchasing", "Contoso Procurement"), encoding="utf-8")

    assert await beside.type("tenants", "reload") == 0
    assert terminal_says(beside, "The service has taken up the files.")
    assert running.house.tenants.by_code("pr").name == "Contoso Procurement"  # type: ignore[union-attr]

    file.write_text(text.replace('code = "pr"', 'code = "px"'), encoding="utf-8")
    assert await beside.type("tenants", "reload") == 1
    assert terminal_says(beside, "purchasing.toml: code: pr became px")
    assert beside.lines[-1] == UNCHANGED


def terminal_says(terminal: Terminal, words: str) -> bool:
    return words in terminal.text


async def test_a_closed_tenants_cards_say_so_and_what_was_kept_goes_out_when_it_opens(
    running: Running, beside: Terminal
) -> None:
    await running.send("wiki-create")
    await running.asked("johndoe1", "johndoe2")

    await beside.type(
        *("tenants", "disable", "pr", "--message", "Audit.", "--decisions", "wait"),
        *("--by", "Olga"),
    )
    await running.says("johndoe1", "Audit.", "You can decide")
    await running.click("johndoe1", "Approve", "Fine")
    await running.says("johndoe1", "The decision is kept")
    assert running.told() == []

    await beside.type("tenants", "enable", "pr", "--by", "Olga")
    await running.says("johndoe1", "Approved by")
    await running.says("johndoe2", "Approved by")
    assert len(running.told()) == 1


async def test_a_click_on_an_old_card_of_a_closed_tenant_is_refused(
    running: Running, beside: Terminal
) -> None:
    await running.send("wiki-create")
    await running.asked("johndoe1")
    approve = running.button("johndoe1", "Approve")  # the card says it soon, and has none then
    await beside.type("tenants", "disable", "pr", "--message", "Audit.", "--by", "Olga")
    await running.house.onboarding.look()

    answered = await running.press("johndoe1", approve)

    assert "takes no decisions at the moment" in str(answered.card)
    assert running.told() == []
    assert (await running.house.store.notes(HOUSE))[f"{SWITCH}{TENANT_ID}"]


async def test_the_way_to_the_apis_is_tried_step_by_step(
    running: Running, beside: Terminal
) -> None:
    await running.send("wiki-create")

    assert await beside.type("tenants", "check", "pr", "--document", "REQ-34562-126") == 0

    assert beside.lines[0] == "pr  purchasing.toml: no mistakes; its secrets are there"
    assert beside.lines[1] == "pr  token: got one for api://purchasing.contoso.example"
    assert "pr  summary: answers" in beside.lines
    assert running.told() == []


async def test_an_api_that_does_not_answer_is_told(running: Running, beside: Terminal) -> None:
    assert await beside.type("tenants", "check", "pr", "--document", "NO-SUCH") == 1

    assert any(line.startswith("pr  summary: NO: ") for line in beside.lines)


async def test_a_file_without_an_api_to_ask_says_that_nothing_was_reached(
    running: Running, beside: Terminal
) -> None:
    file = beside.settings.tenants / "purchasing.toml"
    asked = ("summary = ", "[api.details]", "DT1 = ", "LINE = ")
    lines = file.read_text("utf-8").splitlines()
    file.write_text("\n".join(line for line in lines if not line.startswith(asked)), "utf-8")

    assert await beside.type("tenants", "check", "pr", "--document", "REQ-34562-126") == 0

    assert "its own address was not reached" in beside.text


async def test_without_a_document_only_the_token_is_tried(
    running: Running, beside: Terminal
) -> None:
    assert await beside.type("tenants", "check", "pr") == 0

    assert [line.split(":")[0] for line in beside.lines[:2]] == ["pr  purchasing.toml", "pr  token"]
    assert "--document NUMBER" in beside.lines[2]
