"""`templates show`: what a tenant's template makes of a stored request, or of a payload in a file."""

import json
from pathlib import Path
from typing import Any

import pytest

from approvals_core.models import Content, Named, Occasion
from approvals_core.ports import Store
from bots.cli.template_shown import occasion_of, say_mail
from cards.mail import Composed
from tests.html_reading import read_html
from tests.store_makers import a_place, an_approval
from tests.terminal import ROOT, Terminal, kept, tenants, terminal

__all__ = ["tenants", "terminal"]

OURS = "<p>{{ Occasion }}: {{ Title }} for {{ Approver.Name }}, {{ PageURL }}{% if ActionDetail.Past %}, {{ ActionDetail.Past | lower }} by {{ ActionDetail.ActionBy.Name }}{% endif %}</p>"
HOSTILE = "<script>alert(1)</script>{{ 7 * 7 }}"


@pytest.fixture(autouse=True)
def templates(tenants: Path) -> None:
    """Give the tenant templates of its own."""
    file = tenants / "purchasing.toml"
    for name, html in (("ours", OURS), ("empty", "<p>{{ AdditionalData.Nothing }}</p>")):
        (tenants / f"{name}.html").write_text(html, encoding="utf-8")
    table = '"PendingApproval" = "ours.html"\n"Late|Reminder" = "ours.html"\nEmpty = "empty.html"'
    file.write_text(f"{file.read_text()}\n[mail.templates]\n{table}\n", encoding="utf-8")


def a_sample(folder: Path, **fields: Any) -> str:
    arx = json.loads((ROOT / "playground/samples/laptops-create.json").read_text(encoding="utf-8"))
    file = folder / "sample.json"
    file.write_text(json.dumps(arx | fields), encoding="utf-8")
    return str(file)


async def shown(terminal: Terminal, *words: str) -> str:
    assert await terminal.type("templates", "show", "pr", *words) == 0, terminal.text
    texts = (p.text.strip() for p in read_html(terminal.text).all("p"))
    return next(text for text in texts if text.startswith(("asked:", "ended:", "reminder:")))


async def test_a_stored_request_is_shown_as_its_mail_would_be(
    store: Store, terminal: Terminal
) -> None:
    content = Content(title=f"Chairs {HOSTILE}", submitter=Named(alias="eve"))
    await kept(store, an_approval(places=(a_place(round=1),), round=1, content=content))

    said = await shown(terminal, "pendingapproval", "--request", "REQ-1")

    assert said == (
        f"asked: Chairs {HOSTILE} for Ann, https://approvals.example.com/requests/pr-one"
    )
    assert "<script" not in terminal.text


async def test_a_sample_needs_no_store_and_its_approvers_are_taken_as_found(
    terminal: Terminal, tmp_path: Path
) -> None:
    nowhere = {"store_url": f"sqlite:///{tmp_path}/none.db"}
    terminal.settings = terminal.settings.model_copy(update=nowhere)

    said = await shown(terminal, "PendingApproval", "--sample", a_sample(tmp_path))

    assert said.startswith("asked: Laptops for the Lisbon design team for Maria Keller,")
    assert "Contoso Purchasing asks you to decide." in terminal.text
    assert not (tmp_path / "none.db").exists()


@pytest.mark.parametrize(
    ("key", "more", "occasion"),
    [
        ("Late|Reminder", [], "reminder"),
        ("PendingApproval", ["--occasion", "ended"], "ended"),
    ],
)
async def test_the_occasion_is_as_the_name_says_or_as_typed(
    terminal: Terminal, tmp_path: Path, key: str, more: list[str], occasion: str
) -> None:
    said = await shown(terminal, key, "--sample", a_sample(tmp_path), *more)

    assert said.startswith(f"{occasion}: ")


async def test_a_tenant_without_templates_can_look_at_our_own_mail(
    terminal: Terminal, tenants: Path, tmp_path: Path
) -> None:
    file = tenants / "purchasing.toml"
    file.write_text(file.read_text().partition("[mail.templates]")[0], encoding="utf-8")
    sample = a_sample(tmp_path)

    shown_ = await terminal.type("templates", "show", "pr", "PendingApproval", "--sample", sample)
    html = terminal.text
    other = await terminal.type("templates", "show", "pr", "Other", "--sample", sample)

    assert (shown_, other) == (0, 1)
    assert "Laptops for the Lisbon design team" in html


async def test_a_sample_that_ended_was_approved_by_the_first_approver(
    terminal: Terminal, tmp_path: Path
) -> None:
    said = await shown(
        terminal, "PendingApproval", "--sample", a_sample(tmp_path), "--occasion", "ended"
    )

    assert said.startswith("ended: ")
    assert "approved by Maria Keller" in said
    assert "waits for" not in terminal.text


@pytest.mark.parametrize(
    ("key", "occasion"),
    [
        ("ApprovalComplete", Occasion.ENDED),
        ("reminder", Occasion.REMINDER),
        ("Demo | Reminder", Occasion.REMINDER),
        ("PendingApproval|Approve", Occasion.ASKED),
    ],
)
def test_names_say_on_what_occasion_a_template_is_used(key: str, occasion: Occasion) -> None:
    assert occasion_of(key) is occasion


async def test_it_can_be_written_to_a_file_that_is_not_there_yet(
    terminal: Terminal, tmp_path: Path
) -> None:
    out = tmp_path / "preview.html"
    words = ("templates", "show", "pr", "PendingApproval", "--sample", a_sample(tmp_path))

    first = await terminal.type(*words, "--out", str(out))
    told = terminal.text
    html = out.read_text(encoding="utf-8")
    again = await terminal.type(*words, "--out", str(out))

    assert (first, again) == (0, 1)
    assert "written, without the card" in told
    assert "subject: Approval needed: Laptops for the Lisbon design team" in told
    assert "asked: Laptops for" in html
    assert terminal.text == f"{out}: not written: File exists"
    assert out.read_text(encoding="utf-8") == html


@pytest.mark.parametrize("name", ["\ud800.html", "a\0b.html"], ids=["half", "nul"])
async def test_a_name_that_no_file_can_have_is_told(
    terminal: Terminal, tmp_path: Path, name: str
) -> None:
    words = ("templates", "show", "pr", "PendingApproval", "--sample", a_sample(tmp_path))

    code = await terminal.type(*words, "--out", str(tmp_path / name))

    assert code == 1
    assert terminal.text.endswith(": not written: no file can have this name")


@pytest.mark.parametrize("to_file", [True, False], ids=["file", "terminal"])
def test_half_of_a_sign_is_shown_as_the_mail_has_it(tmp_path: Path, to_file: bool) -> None:  # noqa: FBT001 - a case
    told: list[str] = []
    out = tmp_path / "out.html" if to_file else None

    assert say_mail(Composed("s", "<p>\ud83d half</p>", ""), out, told.append)

    assert (out.read_text(encoding="utf-8") if out else told[0]) == "<p>\ufffd half</p>"


async def test_a_template_that_gives_way_to_our_own_mail_is_told(
    terminal: Terminal, tmp_path: Path
) -> None:
    code = await terminal.type("templates", "show", "pr", "Empty", "--sample", a_sample(tmp_path))

    assert code == 1
    assert terminal.lines == [
        "The template was not used: it came out empty. Such a request's mail is ours."
    ]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("xx", "A", "--request", "REQ-1"), "No tenant has the code xx. There are: pr."),
        (("pr", "A", "--request", "REQ-9"), "No request has the id or the number REQ-9."),
        (("pr", "A", "--request", "REQ-1"), "has no template A. There are: PendingApproval,"),
        (("pr", "Empty", "--sample", "none.json"), "none.json cannot be read: No such file"),
    ],
)
async def test_what_is_not_there_is_told(
    store: Store, terminal: Terminal, words: tuple[str, ...], told: str
) -> None:
    await kept(store, an_approval())

    assert await terminal.type("templates", "show", *words) == 1

    assert told in terminal.text


async def test_a_sample_that_would_not_be_taken_is_told_with_each_problem(
    terminal: Terminal, tmp_path: Path
) -> None:
    file = a_sample(tmp_path, Operation=9, Approvers=None)

    assert await terminal.type("templates", "show", "pr", "Empty", "--sample", file) == 1

    assert "is no payload that would be taken: " in terminal.text
    assert "/Operation: " in terminal.text


async def test_a_broken_file_of_another_tenant_does_not_get_into_the_html(
    terminal: Terminal, tenants: Path, tmp_path: Path
) -> None:
    (tenants / "broken.toml").write_text("code = ", encoding="utf-8")

    await shown(terminal, "PendingApproval", "--sample", a_sample(tmp_path))

    assert terminal.text.startswith("<!")
