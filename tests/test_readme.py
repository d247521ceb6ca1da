"""What the documents say is so: pictures, tables, commands, addresses and samples are held against the program."""

import argparse
import json
import re
import shlex
import textwrap
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

import pytest
from adaptivecards import adaptivecard, baseobject, containers
from adaptivecards import elements as package_elements

from approvals_core.adapters.tenant_files import load_tenants
from approvals_core.arx import parse_arx
from approvals_core.models import Disposition, PlaceState
from approvals_core.tenant import Limits, Tenant
from bots.cli.__main__ import parser
from cards import elements
from config import Settings
from playground.__main__ import FOLDER
from playground.names import DOCUMENT_TYPE
from playground.page_samples import samples
from playground.start import SETTINGS_FILE
from tests.outside import authority, playground
from tests.place_moves import BEFORE, moves_of_a_place
from tests.readme_tables import README, ROOT, TENANTS, tables_in, with_tables
from tests.running import Running, running

__all__ = ["authority", "playground", "running"]

CONTRACT = ROOT / "docs/tenant-contract.md"
DOCUMENTS = (README, TENANTS, CONTRACT, ROOT / "CHANGELOG.md")
TEXT = README.read_text(encoding="utf-8")
STATES = {state.value for state in PlaceState}


def section(title: str) -> str:
    """Return what stands below a heading, up to the next one of the same kind or a greater."""
    level, rest = (
        TEXT.split(f" {title}\n", 1)[0].rpartition("\n")[2],
        TEXT.split(f" {title}\n", 1)[1],
    )
    return re.split(rf"^#{{1,{len(level)}}} ", rest, maxsplit=1, flags=re.MULTILINE)[0]


def blocks(text: str, language: str) -> list[str]:
    """Return the code blocks in a language; "" for those that name none."""
    return re.findall(rf"^ *```{language}\n(.*?)^ *```$", text, re.DOTALL | re.MULTILINE)


def first_cells(table: str) -> list[str]:
    """Return the code in the first column of a table."""
    return re.findall(r"^\| `([^`]+)` \|", table, re.MULTILINE)


# -- the state diagram ----------------------------------------------------------


def drawn_moves(diagram: str) -> set[tuple[str, str]]:
    """Return the arrows of a mermaid state diagram; one from a group is one from each in it."""
    moves: set[tuple[str, str]] = set()
    groups: dict[str, set[str]] = {}
    inside = ""
    for line in map(str.strip, diagram.splitlines()):
        if opened := re.fullmatch(r"state (\w+) \{", line):
            inside = opened[1]
            groups[inside] = set()
        elif line == "}":
            inside = ""
        elif arrow := re.fullmatch(r"(\S+) --> (\w+): .+", line):
            old, new = arrow.groups()
            moves |= {(each, new) for each in groups.get(old, {old})}
            if inside:
                groups[inside] |= {old, new}
    return moves


@pytest.fixture(scope="module")
def tenant() -> Tenant:
    """The playground's tenant with few attempts, and one action of either kind."""
    text = (ROOT / "playground/tenants/purchasing.toml").read_text(encoding="utf-8")
    whole = Tenant.model_validate(tomllib.loads(text))
    actions = (whole.action("Approve"), whole.action("NeedMoreInformation"))
    assert all(actions)
    return whole.model_copy(update={"actions": actions, "limits": Limits(posts=2)})


def test_the_diagram_draws_exactly_the_moves_that_the_rules_allow(tenant: Tenant) -> None:
    [diagram] = [b for b in blocks(TEXT, "mermaid") if b.startswith("stateDiagram")]

    drawn = drawn_moves(diagram)

    assert drawn == moves_of_a_place(tenant)
    assert {state for move in drawn for state in move} == STATES | {BEFORE}


def test_the_table_of_states_has_each_of_them_once() -> None:
    assert sorted(first_cells(section("The life of a place"))) == sorted(STATES)


# -- tables -----------------------------------------------------------------------


@pytest.mark.parametrize("path", [README, TENANTS], ids=["settings", "tenants"])
def test_the_tables_are_those_of_the_program(path: Path) -> None:
    written = path.read_text(encoding="utf-8")

    assert written == with_tables(path), "python -m tests.readme_tables writes them anew"


def test_every_part_of_a_tenants_file_has_a_table_and_every_field_a_meaning() -> None:
    tables = tables_in(TENANTS)
    schema = Tenant.model_json_schema()
    parts = {name for name, part in schema["$defs"].items() if "properties" in part}

    silent = [
        line for table in tables.values() for line in table.splitlines() if line.endswith("|  |")
    ]

    assert set(tables) == parts | {"Tenant"}
    assert silent == []


def test_the_settings_have_a_meaning_each() -> None:
    table = tables_in(README)["Settings"]

    assert first_cells(table) == [f"APPROVALS_{name.upper()}" for name in Settings.model_fields]
    assert not any(line.endswith("|  |") for line in table.splitlines())


def test_every_disposition_is_explained() -> None:
    told = section("How a tenant calls us")

    assert {each.value for each in Disposition} <= set(first_cells(told))


# -- samples ------------------------------------------------------------------------


def test_the_smallest_payload_is_taken_without_a_warning() -> None:
    sample = blocks(section("How a tenant calls us"), "json")[0]
    sent = json.loads(sample)

    arx = parse_arx(sample.encode(), tenant_id=sent["DocumentTypeId"], now=datetime.now(UTC))

    assert [approver.alias for approver in arx.approvers] == ["johndoe1"]
    assert arx.warnings == ()


def test_the_sample_of_a_tenants_file_is_a_good_one(tmp_path: Path) -> None:
    sample, *_parts = blocks(TENANTS.read_text(encoding="utf-8"), "toml")
    (tmp_path / "hr.toml").write_text(sample, encoding="utf-8")

    [tenant] = load_tenants(tmp_path).all()

    assert tenant.code == "hr"


def test_the_further_parts_of_a_tenants_file_fit_into_the_sample(tmp_path: Path) -> None:
    sample, auth, condition, templates = blocks(TENANTS.read_text(encoding="utf-8"), "toml")
    with_all = sample.replace('code = "Approve"', f'{condition}code = "Approve"', 1) + auth
    with_all += templates
    (tmp_path / "mails").mkdir()
    for name in ("pending", "escalated"):
        (tmp_path / f"mails/{name}.html").write_text("<p>{{ Title }}</p>", encoding="utf-8")
    (tmp_path / "hr.toml").write_text(textwrap.dedent(with_all), encoding="utf-8")

    [tenant] = load_tenants(tmp_path).all()

    assert tenant.actions[0].condition is not None
    assert tenant.api.auth.secret == "env:HR_SECRET"
    assert "PendingApproval|Escalate" in tenant.mail.texts


# -- commands -------------------------------------------------------------------------


STANDS_FOR = {
    "ID": "pr-1",
    "SEAT": "0",
    "WHAT": "accepted",
    "NAME": "Olga",
    "PERSON": "johndoe1",
    "LETTER": "9f3c",
}


def test_the_operators_commands_are_all_of_those_there_are() -> None:
    lines = re.findall(r"^python -m bots\.cli (.+?)(?=  )", section("Operators"), re.MULTILINE)

    typed = [[STANDS_FOR.get(str(word), str(word)) for word in line.split()] for line in lines]
    read = [parser().parse_args(words) for words in typed]

    assert {(each.command, each.verb) for each in read} == set(commands(parser()))


def test_the_options_that_are_named_beside_a_command_are_its_own() -> None:
    found = re.findall(r"^python -m bots\.cli (.+?)  +(.*)$", section("Operators"), re.MULTILINE)
    values = {"CODE": "pr", "N": "7"}

    for line, told in found:
        options = re.findall(r"--[a-z-]+(?: [A-Z]+\b| wait\b)?", told)
        words = f"{line} {' '.join(options)}".split()
        parser().parse_args([values.get(word, STANDS_FOR.get(word, word)) for word in words])

    assert sum("--" in told for _line, told in found) > 3


def test_the_examples_of_trouble_type_what_can_be_typed() -> None:
    typed = re.findall(r"^\$ python -m bots\.cli (.+)$", section("Operators"), re.MULTILINE)

    read = [parser().parse_args(shlex.split(line)) for line in typed]

    assert {"rebind", "settle", "dead-letters"} <= {each.command for each in read}


def commands(reads: argparse.ArgumentParser) -> Iterator[tuple[str, str]]:
    """Yield every command with its verb, "" where it has none."""
    for name, command in _subcommands(reads):
        verbs = list(_subcommands(command))
        yield from ((name, verb) for verb, _ in verbs)
        if not verbs:
            yield name, ""


def _subcommands(reads: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    for action in reads._actions:
        if isinstance(action, argparse._SubParsersAction):
            yield from action.choices.items()


def test_every_make_target_that_is_named_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))

    named = {name for path in DOCUMENTS for name in _make_targets(path.read_text(encoding="utf-8"))}

    assert {"run", "test"} <= named <= targets


def _make_targets(text: str) -> set[str]:
    return set(re.findall(r"(?:`|^)make ([a-z-]+)", text, re.MULTILINE))


def test_the_line_for_a_look_into_the_playground_names_the_file_that_it_writes() -> None:
    line = next(block for block in blocks(section("Operators"), "bash"))

    assert line.strip() == f". {FOLDER.name}/{SETTINGS_FILE}"


# -- addresses, links, names --------------------------------------------------------------


async def test_every_address_that_is_named_is_one_of_the_services(running: Running) -> None:
    paths = {path.partition("?")[0] for path in re.findall(r"(?<=\$SERVICE)/[^\"]+", TEXT)}
    paths |= set(re.findall(r"`GET (/\w+)`", TEXT))
    resources = list(running.house.application().router.resources())

    unknown = {
        path
        for path in paths
        if not any(r.canonical == re.sub(r"\$(\w+)", "{payload_id}", path) for r in resources)
    }

    assert {"/livez", "/readyz", "/api/v1/PayloadReceiver"} <= paths
    assert unknown == set()


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(path: Path) -> None:
    links = re.findall(r"\]\(((?!https?://)[^)]+)\)", path.read_text(encoding="utf-8"))

    dead = [link for link in links if not _leads(path, link)]

    assert dead == []


def _leads(path: Path, link: str) -> bool:
    name, _, anchor = link.partition("#")
    target = path.parent / name if name else path
    if not anchor:
        return target.is_file()
    headings = re.findall(r"^#+ (.+)$", target.read_text(encoding="utf-8"), re.MULTILINE)
    return anchor in {re.sub(r"[^a-z0-9 -]", "", h.lower()).replace(" ", "-") for h in headings}


def test_what_is_to_be_pressed_is_on_the_page() -> None:
    page = "".join(p.read_text(encoding="utf-8") for p in (ROOT / "playground/page").rglob("*.js"))
    labels = {sample["label"] for sample in samples(DOCUMENT_TYPE)}
    labels |= {"Approve", "Reject", "Comment"}

    named = set(re.findall(r"\*\*(.+?)\*\*", section("A first approval in five minutes")))

    assert len(named) > 5
    assert {name for name in named if name not in labels and f'"{name}"' not in page} == set()


def test_every_event_to_watch_for_is_logged_somewhere() -> None:
    parts = [
        ROOT / "app.py",
        *(ROOT / "bots").rglob("*.py"),
        *(ROOT / "approvals_core").rglob("*.py"),
    ]
    code = "".join(path.read_text(encoding="utf-8") for path in parts)
    paragraph = next(p for p in section("Operators").split("\n\n") if p.startswith("The log"))

    events = re.findall(r"`([a-z]+_[a-z_]+)`", paragraph)

    assert len(events) > 3
    assert [event for event in events if f'"{event}"' not in code] == []


def test_the_readme_tells_which_card_elements_are_the_packages() -> None:
    paragraph = next(p for p in TEXT.split("\n\n") if p.startswith("**Cards are built on"))
    used, extended, own = (set(re.findall(r"\b([A-Z][a-zA-Z]+)\b", s)) for s in _claims(paragraph))
    files = Path(elements.__file__).parent.glob("*.py")
    source = "".join(path.read_text(encoding="utf-8") for path in files)

    assert used == set(re.findall(r"(?<!\()(?:containers|elements)\.([A-Z]\w+)\(", source))
    assert extended == {_package_base(c) for c in _our_classes()} - {None}
    assert own == {c.__name__ for c in _our_classes() if _package_base(c) is None}


def _claims(paragraph: str) -> list[str]:
    """Return the three sentences that name classes."""
    text = " ".join(paragraph.split())
    ends = ("are used as they are", "are extended", "are ours")
    sentences = re.split(r"(?<=\.) ", text)
    found = [next(s.partition(end)[0] for s in sentences if end in s) for end in ends]
    return [found[0].removeprefix("Of its classes "), *found[1:]]


def _our_classes() -> list[type]:
    mine = vars(elements).values()
    return [c for c in mine if _is_piece(c) and c.__module__.startswith(f"{elements.__name__}.")]


def _is_piece(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, baseobject.BareObject)


def _package_base(own: type) -> str | None:
    """Return which element of the package a class of ours extends, None if only its bases."""
    modules: tuple[ModuleType, ...] = (adaptivecard, containers, package_elements)
    names = {module.__name__ for module in modules}
    return next((base.__name__ for base in own.__mro__ if base.__module__ in names), None)
