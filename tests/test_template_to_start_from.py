"""The whole template of a mail that a tenant's document offers as a start: it is one, and every mail can be made of it."""

import re
from pathlib import Path

import pytest

from approvals_core.adapters.tenant_files import load_tenants
from approvals_core.models import Occasion
from bots.cli.templates import check_templates
from cards.mail import mistakes_in, parse
from tests.card_faces import views
from tests.card_makers import a_view
from tests.html_reading import read_html
from tests.mail_faces import PAGE, a_mail

DOCUMENT = Path(__file__).parent.parent / "tenants/README.md"
PURCHASING = DOCUMENT.parent.parent / "playground/tenants/purchasing.toml"


def example() -> str:
    """Return the document's only block that is a whole HTML document."""
    text = DOCUMENT.read_text(encoding="utf-8")
    [whole] = re.findall(r"^```html\n(<!DOCTYPE html>.*?)^```$", text, re.DOTALL | re.MULTILINE)
    return whole


def test_it_has_no_mistakes_and_nothing_of_it_is_left_out_of_mails(tmp_path: Path) -> None:
    file = tmp_path / "mail.html"
    file.write_text(example(), encoding="utf-8")
    said: list[str] = []

    assert check_templates([file], said.append)

    assert said == [f"{file}: no mistakes found"]


def test_a_tenants_file_takes_it(tmp_path: Path) -> None:
    named = '\n[mail.templates]\nPendingApproval = "mail.html"\n'
    (tmp_path / "mail.html").write_text(example(), encoding="utf-8")
    (tmp_path / "pr.toml").write_text(PURCHASING.read_text(encoding="utf-8") + named, "utf-8")

    [tenant] = load_tenants(tmp_path, check=mistakes_in).all()

    assert tenant.mail.texts == {"PendingApproval": example()}


@pytest.mark.parametrize("occasion", list(Occasion))
def test_every_request_makes_a_mail_of_it_that_says_all_once(occasion: Occasion) -> None:
    template = parse(example())

    for name, view in views().items():
        mail = a_mail(view, occasion=occasion, template=template)

        body = read_html(mail.html).one("body")
        assert mail.trouble == "", name
        assert mail.subject == a_mail(view, occasion=occasion).subject, name
        links = [a for a in body.all("a") if a.attributes.get("href") == PAGE]
        assert [a.text for a in links if a.text.startswith("Open the request")], name
        assert body.text.count("You get this mail") == 1, name
        assert "What to do" not in body.text, name  # else ours stood beneath it, too


def test_it_looks_like_something_in_the_light_in_the_dark_and_on_a_phone() -> None:
    mail = a_mail(a_view(), template=parse(example()))

    page = read_html(mail.html)
    styles = "".join(style.raw for style in page.all("style"))
    classes = {str(each.attributes.get("class")): each for each in page.all("div", "a")}
    assert "Laptops for the Lisbon design team" in classes["sheet"].text
    assert "max-width:600px" in str(classes["sheet"].attributes["style"])
    assert "background-color" in str(classes["go"].attributes["style"])
    assert "font-family" in "".join(str(each.attributes.get("style")) for each in page.all("div"))
    # Of the template's own rules, which stand behind ours, those of one @media each.
    assert re.search(r"prefers-color-scheme:\s*dark[^@]*\.sheet[^@]*\.go", styles)
    assert re.search(r"max-width:\s*480px[^@]*\.sheet", styles)
