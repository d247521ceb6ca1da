"""A tenant's icon on cards, in mails and on the page: where it is seen, and what stays as it was."""

import copy
import hashlib
from typing import Any

import pytest

from approvals_core.ports import View
from approvals_core.rules.renewing import shown_digest
from approvals_core.tenant import Icons, Tenant
from cards.approval import approval_card
from cards.elements import LIMIT_IN_BYTES
from cards.html import request_html
from tests import card_schema, outlook_schema
from tests.card_extremes import HOSTILE
from tests.card_faces import views
from tests.card_makers import DECIDED_AT, VIEWER, a_tenant, a_view
from tests.html_reading import read_html
from tests.mail_faces import a_mail
from tests.outlook_faces import in_mail

CONTENTS = {"small": b"small", "medium": b"medium", "large": b"large"}
DIGESTS = {name: hashlib.sha256(each).hexdigest() for name, each in CONTENTS.items()}
BASE = "https://approvals.example.com"
VIEWS = views()


def drawn(tenant: Tenant, contents: dict[str, bytes] = CONTENTS, base: str = BASE) -> Tenant:
    """Return the tenant as the service has it whose file names icons."""
    icons = Icons(small="16.png", medium="30.png", large="40.png").with_contents(contents)
    return tenant.model_copy(update={"icons": icons.served_at(base)})


def with_icons(view: View) -> View:
    return view.model_copy(update={"tenant": drawn(view.tenant)})


def in_teams(view: View) -> dict[str, Any]:
    return approval_card(view, VIEWER).to_dict()


def header_of(card: dict[str, Any]) -> list[dict[str, Any]]:
    return card["body"][0]["items"]


def image_of(card: dict[str, Any]) -> dict[str, Any]:
    [image] = header_of(card)[0]["columns"][0]["items"]
    return image


@pytest.mark.parametrize("card_of", [in_teams, in_mail], ids=["Teams", "Outlook"])
def test_a_card_begins_with_the_tenants_icon_and_name(card_of: Any) -> None:
    card = card_of(with_icons(a_view()))

    assert image_of(card) == {
        "type": "Image",
        "url": f"{BASE}/icons/{DIGESTS['medium']}.png",
        "altText": "",  # the name is read beside it
        "width": "20px",
    }
    [name] = header_of(card)[0]["columns"][1]["items"]
    assert name["text"] == "Contoso Purchasing"


@pytest.mark.parametrize("card_of", [in_teams, in_mail], ids=["Teams", "Outlook"])
def test_nothing_else_of_a_card_changes_by_it(card_of: Any) -> None:
    before, card = card_of(a_view()), copy.deepcopy(card_of(with_icons(a_view())))

    name = header_of(card)[0]["columns"][1]["items"][0]
    assert header_of(before)[0] == name
    assert header_of(card)[1:] == header_of(before)[1:]
    assert card["body"][1:] == before["body"][1:]


@pytest.mark.parametrize("name", VIEWS)
def test_every_card_with_an_icon_is_what_teams_and_outlook_take(name: str) -> None:
    view = with_icons(VIEWS[name])

    assert card_schema.problems(in_teams(view)) == []
    assert outlook_schema.problems(in_mail(view)) == []
    assert approval_card(view, VIEWER).size <= LIMIT_IN_BYTES


def test_icons_that_nobody_read_are_shown_nowhere() -> None:
    icons = Icons(small="16.png", medium="30.png", large="40.png")
    view = a_view(tenant=a_tenant(icons=icons.served_at(BASE)))

    assert in_teams(view) == in_teams(a_view())
    assert request_html(view, VIEWER) == request_html(a_view(), VIEWER)


@pytest.mark.parametrize("card_of", [in_teams, in_mail], ids=["Teams", "Outlook"])
@pytest.mark.parametrize("name", ["Contoso Purchasing", "{{DATE(2026)}}", "a](b", "x\u202ey"])
def test_the_tenants_name_is_heard_once_however_it_is_spelt(card_of: Any, name: str) -> None:
    header = header_of(card_of(with_icons(a_view(tenant=a_tenant(name=name)))))

    spoken = [
        str(piece[key])
        for column in header[0]["columns"]
        for piece in column["items"]
        for key in ("text", "altText")
        if piece.get(key)
    ]
    assert len(spoken) == 1
    assert "{{" not in spoken[0]
    assert "](" not in spoken[0]
    assert "\u202e" not in spoken[0]


def test_the_page_shows_it_beside_the_name_from_our_own_address() -> None:
    view = with_icons(a_view(tenant=a_tenant(name=HOSTILE[:160])))

    [line, *_] = read_html(str(request_html(view, VIEWER))).all("p")

    image = line.one("img")
    assert image.attributes["src"] == f"/icons/{DIGESTS['medium']}.png"
    assert image.attributes["srcset"] == f"/icons/{DIGESTS['large']}.png 2x"
    assert (image.attributes["width"], image.attributes["height"]) == ("20", "20")
    assert image.attributes["alt"] == ""  # the name is read beside it
    assert [each.name for each in line.all()] == ["p", "img", "bdi"]
    assert "[Approve here](https://e" in line.text


def test_a_page_without_an_icon_names_the_tenant_beside_the_kind() -> None:
    line = next(read_html(str(request_html(a_view(), VIEWER))).all("p"))

    assert line.text.strip() == "Purchase requisition · Contoso Purchasing · PR-2026-00417"


def test_the_html_of_a_mail_loads_no_picture() -> None:
    before, after = (a_mail(view, card=None) for view in (a_view(), with_icons(a_view())))

    assert after.html == before.html
    assert after.text == before.text


def test_another_picture_or_address_has_the_open_cards_made_anew() -> None:
    plain = a_tenant()
    tenants = (
        drawn(plain),
        drawn(plain, CONTENTS | {"medium": b"another"}),
        drawn(plain, base="https://elsewhere.example.com"),
        plain,
    )

    digests = {shown_digest(tenant, DECIDED_AT) for tenant in tenants}

    assert len(digests) == len(tenants)
    assert shown_digest(drawn(plain), DECIDED_AT) == shown_digest(drawn(plain), DECIDED_AT)


def test_a_tenant_whose_doors_an_operator_closed_keeps_its_icon() -> None:
    tenant = drawn(a_tenant()).model_copy(update={"enabled": False})

    assert in_teams(a_view(tenant=tenant)) != in_teams(a_view(tenant=a_tenant(enabled=False)))
    assert tenant.icons is not None
    assert tenant.icons.served[DIGESTS["medium"]] == b"medium"
