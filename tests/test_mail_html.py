"""Mails as an independent reader finds them: complete without styles and in plain text, accessible, and inert."""

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from playwright.async_api import Browser

from approvals_core.models import ActionTaken, Attachment, Named, Occasion, PlaceState
from approvals_core.ports import View
from approvals_core.tenant import Action, People
from cards.html import STYLESHEET, request_html
from cards.html.steps import route_steps
from cards.html.styles import STYLES
from cards.mail import Composed, parse
from cards.mail.document import in_script
from cards.text import clean
from tests.card_faces import REJECTION, views
from tests.card_makers import (
    APPROVE,
    DIRECTORY,
    MARIA,
    REJECT,
    VIEWER,
    a_content,
    a_place,
    a_tenant,
    a_view,
    an_approval,
    taken,
)
from tests.html_reading import Element, comments_in, read_html, shape
from tests.mail_faces import GOLDEN, PAGE, SIGNED, a_mail, card_of, files, mails, without_styles

STATES = sorted(views())
BIDI = "\u202a\u202b\u202d\u202e\u2066\u2067\u2068\u200f"
HOSTILE = (
    "</script><script>alert(1)</script><!-- <img src=x onerror=alert(2)> --> \"'><b>x</b> {{ 7*7 }}"
    " {% for x in y %} &lt;i&gt; javascript:alert(3) \u2028\r\nBcc: evil@example.org"
)


def body_of(mail: Composed) -> Element:
    return read_html(mail.html).one("body")


def words_of(text: str) -> str:
    """Return the words in one line, without signs, as they are compared."""
    return " ".join(re.findall(r"\w+", text.replace("\u200b", "").casefold()))


# -- complete ----------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(files()))
def test_mails_are_as_the_golden_files_show_them(name: str) -> None:
    assert files()[name] == (GOLDEN / name).read_text(encoding="utf-8")


def test_there_is_no_golden_file_that_nobody_makes() -> None:
    assert {each.name for each in GOLDEN.iterdir()} == set(files())


@pytest.mark.parametrize("state", STATES)
def test_the_text_part_says_all_that_the_html_says(state: str) -> None:
    mail = a_mail(views()[state])
    texts = words_of(re.sub(r"^> ?", "", mail.text, flags=re.MULTILINE))

    for line in _said_in(body_of(mail)):
        assert line in texts, line


def _said_in(body: Element) -> list[str]:
    """Return the texts of paragraphs, headings and cells, without the link that stands twice."""
    blocks = [*body.all("p", "h1", "h2", "li", "dt", "dd", "blockquote")]
    blocks += [each for each in body.all("td") if each.attributes["class"] != "ml-gap"]
    blocks += [each for each in body.all("th") if each.attributes["scope"] == "row"]
    lines = [line for block in blocks for line in block.text.split("\n")]
    said = [words_of(line).removesuffix(" open the request") for line in lines]
    assert len(said) > 5
    return [line for line in said if line]


def test_html_and_text_say_it_in_the_same_order() -> None:
    mail = a_mail(views()["details-mapped"])

    headings = [words_of(each.text) for each in body_of(mail).all("h2")]
    text = [words_of(line) for line in mail.text.splitlines()]

    places = [text.index(heading) for heading in headings]
    assert len(places) > 3
    assert places == sorted(places)


def test_a_mail_says_what_the_card_says() -> None:
    view = views()["approved"]

    text = body_of(a_mail(view)).text

    card = json.dumps(card_of(view), ensure_ascii=False)
    for words in (
        "Approved by",
        "Maria Keller",
        "€12,480.00",
        "4210",
        "Nordlicht",
    ):
        assert words in text
        assert words in card or words == "Approved by"


@pytest.mark.parametrize("name", sorted(mails()))
def test_lines_of_the_text_part_are_short(name: str) -> None:
    for line in mails()[name].text.splitlines():
        assert len(line) <= 72 or " " not in line.strip(" >-")


def test_an_earlier_round_is_told_with_its_comment() -> None:
    mail = a_mail(views()["second-round"])

    assert "Before it was opened again" in body_of(mail).text
    assert "The quote is older than 30 days." in body_of(mail).text
    assert "> The quote is older than 30 days." in mail.text


def test_a_comment_on_the_route_stands_there_once() -> None:
    mail = a_mail(views()["approved"])

    assert body_of(mail).text.count("budget line is confirmed") == 1


def route_of(name: str) -> dict[str, tuple[str, bool]]:
    """Return what the route says of each row in that state, and whether it is that row's turn."""
    return {s.words: (s.state, s.is_now) for s in route_steps(views()[name], VIEWER)}


def test_who_is_asked_and_may_decide_is_asked_now() -> None:
    assert route_of("pending")["Finance — you"] == ("are asked now", True)


def test_whose_decision_is_under_way_is_not_asked_any_more() -> None:
    assert route_of("sending")["Finance — you"] == ("a decision is under way", True)


@pytest.mark.parametrize("name", ["held-sending", "held-unconfirmed", "held-approved"])
def test_who_is_held_by_the_decision_of_another_is_not_asked_now(name: str) -> None:
    assert route_of(name)["CFO — you"] == ("wait: somebody else has decided", False)


def test_where_each_decides_for_himself_nobody_waits_for_another() -> None:
    assert ("are asked now", True) in route_of("each-for-himself").values()
    assert "wait: somebody else has decided" not in str(route_of("each-for-himself"))
    assert "waits: somebody else has decided" not in str(route_of("each-for-himself"))


# -- for whom ----------------------------------------------------------------------


def test_an_approver_is_told_what_he_can_choose_and_where() -> None:
    mail = a_mail(views()["pending"])

    body = body_of(mail)
    links = [each.attributes["href"] for each in body.all("a")]
    assert "You can choose: Approve, Reject, Need info." in body.text
    assert links.count(PAGE) == 2
    assert "You sign in there first" in body.text
    assert mail.subject == ("Approval needed: Laptops for the Lisbon design team (PR-2026-00417)")


IF_ASKED = "If you are asked to decide,"
FOR_INFORMATION = "This mail is for your information"
MARIAS = "Maria.Keller@Organization.com"  # as she signs in


def in_one_line(mail: Composed) -> str:
    return " ".join(mail.text.split())


def with_upn(view: View, upn: str = MARIAS.casefold()) -> View:
    """Return the view of a request whose Maria signs in with an address."""
    places = [
        each.model_copy(update={"person": each.person.model_copy(update={"upn": upn})})
        if each.person and each.person.name == MARIA.name
        else each
        for each in view.approval.places
    ]
    approval = view.approval.model_copy(update={"places": tuple(places)})
    return view.model_copy(update={"approval": approval})


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("occasion", [Occasion.ASKED, Occasion.ENDED])
def test_a_mail_without_a_card_claims_nothing_of_its_reader(state: str, occasion: Occasion) -> None:
    view = views()[state]

    mail = a_mail(view, seat=None, occasion=occasion)

    for said in (body_of(mail).text, in_one_line(mail)):
        assert "Nothing is asked of you" not in said
        assert "your decision" not in said.casefold()
        assert "You can choose" not in said
        assert "asked you to decide" not in said
        assert "asks you to decide" not in said
        assert "Nothing more for you to do" not in said
        assert "named your address for this request" in said
        assert FOR_INFORMATION in said
        assert (IF_ASKED in said) == view.approval.open
        if view.approval.open:
            assert "nothing for you to decide" not in said
    assert not list(read_html(mail.html).all("script"))


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("occasion", [Occasion.ASKED, Occasion.ENDED])
def test_no_link_leads_an_onlooker_to_a_page_that_is_shut_for_him(
    state: str, occasion: Occasion
) -> None:
    mail = a_mail(views()[state], seat=None, occasion=occasion)

    assert PAGE not in mail.html
    assert PAGE not in mail.text
    assert "Open the request" not in body_of(mail).text
    assert "sign in" not in in_one_line(mail)


def test_an_onlooker_is_told_where_he_would_be_asked() -> None:
    mail = a_mail(views()["pending"], seat=None)

    assert f"{IF_ASKED} please look in Teams, or in Contoso Purchasing." in in_one_line(mail)
    assert "Finance — you" not in mail.text
    assert "Finance — Maria Keller" in mail.text
    assert mail.subject.startswith("Approval requested: ")
    assert mail.text.startswith("Purchase requisition PR-2026-00417 waits for a decision.")


@pytest.mark.parametrize("address", [MARIAS, "johndoe1", "JohnDoe1@contoso.com"])
def test_whoever_is_asked_and_stands_in_cc_is_led_to_the_page(address: str) -> None:
    people = People(directory=DIRECTORY, mail_domains=("contoso.com",))
    view = with_upn(views()["pending"]).model_copy(update={"tenant": a_tenant(people=people)})

    body = body_of(a_mail(view, seat=None, address=address))

    [link] = [each for each in body.all("a") if each.attributes["href"] == PAGE]
    assert link.attributes["class"] == "rq-link"
    assert f"{IF_ASKED} open the request: after signing in you can do it there." in body.text
    assert "You sign in there first." in body.text
    assert FOR_INFORMATION not in body.text
    assert "Finance — Maria Keller" in body.text


def test_an_alias_in_a_domain_of_strangers_is_nobody_who_was_asked() -> None:
    mail = a_mail(views()["pending"], seat=None, address="johndoe1@elsewhere.example")

    assert PAGE not in mail.html


def test_while_a_decision_is_under_way_a_mail_without_a_card_promises_no_button() -> None:
    view = with_upn(views()["held-approved"], "jonas@contoso.com")
    asked = next(place for place in view.approval.places if place.seat == view.place.seat)

    mail = a_mail(view, seat=None, address=asked.alias)

    assert f"{IF_ASKED} open the request: it shows whether something waits for you." in (
        in_one_line(mail)
    )


def test_whoever_was_asked_is_not_told_at_the_end_that_he_never_was() -> None:
    mail = a_mail(
        with_upn(views()["done"]), seat=None, occasion=Occasion.ENDED, address=MARIAS.lower()
    )

    said = in_one_line(mail)
    assert FOR_INFORMATION not in said
    assert "There is nothing for you to decide now." in said
    assert "asked you to decide" in said
    assert "named your address" not in said
    assert PAGE in mail.text


def test_whoever_was_asked_in_an_earlier_round_alone_is_an_onlooker_of_this_one() -> None:
    place = a_place(state=PlaceState.REMOVED, round=1)
    others = a_place(1, round=2)
    approval = an_approval(place, others).model_copy(update={"round": 2, "taken": ()})

    mail = a_mail(a_view(approval, round=2), seat=None, address="johndoe1")

    assert PAGE not in mail.html


def test_a_tenants_mail_without_a_card_says_so_beneath_a_link_of_its_own() -> None:
    own = parse('{% if PageURL %}<p><a href="{{ PageURL }}">Go</a></p>{% endif %}')

    body = body_of(a_mail(views()["pending"], seat=None, template=own))
    known = body_of(a_mail(with_upn(views()["pending"]), seat=None, template=own, address=MARIAS))

    assert FOR_INFORMATION in body.text
    assert "Go" not in [each.text for each in body.all("a")]
    assert IF_ASKED in known.text
    assert PAGE in {each.attributes["href"] for each in known.all("a")}


def test_the_subject_of_a_mail_without_a_card_tells_what_its_text_does() -> None:
    decided = a_mail(views()["held-approved"], seat=None)
    under_way = a_mail(views()["held-sending"], seat=None)

    first = decided.text.partition("\n")[0]
    assert decided.subject == (
        "Approved by Maria Keller: Laptops for the Lisbon design team (PR-2026-00417)"
    )
    assert "Approved by Maria Keller" in first
    assert under_way.subject.startswith("Approval requested: ")


def test_whoever_is_told_hears_how_it_ended() -> None:
    mail = a_mail(views()["done"], seat=None, occasion=Occasion.ENDED)

    assert "Approved by Maria Keller" in body_of(mail).text
    assert mail.subject.startswith("Approved: ")
    assert "Nothing more for you to do" not in mail.text


@pytest.mark.parametrize(
    ("done", "says"),
    [
        ((taken(),), "Approved"),
        ((taken(**REJECTION),), "Rejected"),
        ((taken(), taken(**REJECTION)), "Rejected"),
        ((taken(action="Remark"),), "Completed"),  # what only says something ends nothing
        ((taken(failed="No budget"),), "Completed"),
        ((taken(round=0),), "Completed"),
        ((), "Completed"),
    ],
)
def test_the_subject_says_how_the_request_ended_as_far_as_that_is_known(
    done: tuple[ActionTaken, ...], says: str
) -> None:
    gone = a_place(state=PlaceState.REMOVED)
    remark = Action(code="Remark", label="Remark", past="Remarked", holds=False)
    tenant = a_tenant(actions=(APPROVE, REJECT, remark))
    over = a_view(an_approval(gone).model_copy(update={"taken": done}), tenant=tenant)

    mail = a_mail(over, seat=None, occasion=Occasion.ENDED)

    assert mail.subject == f"{says}: Laptops for the Lisbon design team (PR-2026-00417)"


def test_an_end_for_one_is_no_end_for_those_who_are_asked_still() -> None:
    mail = a_mail(views()["pending"], seat=None, occasion=Occasion.ENDED)

    assert mail.subject.startswith("Update: ")
    assert "waits for a decision" in mail.text
    assert IF_ASKED in in_one_line(mail)


def test_a_reminder_says_that_it_is_one_while_the_request_waits() -> None:
    waiting = a_mail(views()["pending"], occasion=Occasion.REMINDER)
    over = a_mail(views()["done"], occasion=Occasion.REMINDER)

    assert waiting.subject.startswith("Reminder: ")
    assert waiting.text.startswith("Reminder: Purchase requisition")
    assert not over.text.startswith("Reminder: ")


def test_the_subject_is_the_same_for_every_attempt() -> None:
    later = views()["approved"]

    assert a_mail(views()["pending"]).subject == a_mail(later).subject


def test_without_a_page_of_ours_the_mail_says_where_else_to_decide() -> None:
    mail = a_mail(views()["pending"], page_url="")

    assert "Please decide in Teams, or in Contoso Purchasing." in body_of(mail).text
    assert "Open the request" not in mail.html


def test_a_service_that_is_not_the_usual_one_says_so() -> None:
    mail = a_mail(views()["pending"], notice_line="Playground: <b>not</b> real")

    assert "Playground: <b>not</b> real" in body_of(mail).text
    assert "Playground: <b>not</b> real" in mail.text


@pytest.mark.parametrize("state", STATES)
def test_a_mail_does_not_promise_to_change(state: str) -> None:
    for seat in (0, None):
        assert "card changes" not in a_mail(views()[state], seat=seat, card=None).text.replace(
            "\n", " "
        )


def test_a_mail_says_that_it_is_as_it_was_when_it_was_sent() -> None:
    mail = a_mail(views()["held-unconfirmed-asked"])

    assert "It shows the request as it stood when it was sent." in body_of(mail).text
    assert (
        "We ask Contoso Purchasing what became of it. Please look again later."
        in body_of(mail).text
    )


# -- the card inside ---------------------------------------------------------------


@pytest.mark.parametrize("state", STATES)
def test_the_card_in_the_head_is_the_card(state: str) -> None:
    view = views()[state]

    head = read_html(a_mail(view).html).one("head")

    script = head.one("script")
    assert script.attributes == {"type": "application/adaptivecard+json"}
    assert json.loads(script.raw) == card_of(view)


@given(
    st.recursive(st.text() | st.sampled_from([HOSTILE, "<!--", "</SCRIPT", "<script"]), st.lists)
)
@settings(max_examples=200)
def test_nothing_in_a_card_ends_its_script_or_opens_a_comment(said: Any) -> None:
    written = in_script({"body": said})

    assert "<" not in written
    assert not set("\u2028\u2029") & set(written)
    assert json.loads(written) == {"body": said}


def test_the_signed_card_stands_last_in_the_body() -> None:
    mail = a_mail(views()["pending"], signed=SIGNED)

    body = body_of(mail)
    last = [each for each in body.children if isinstance(each, Element)][-1]
    assert last.name == "section"
    assert last.attributes == {
        "itemscope": None,
        "itemtype": "http://schema.org/SignedAdaptiveCard",
    }
    context, kind, holder = (each for each in last.children if isinstance(each, Element))
    assert context.attributes == {
        "itemprop": "@context",
        "content": "http://schema.org/extensions",
    }
    assert kind.attributes == {"itemprop": "@type", "content": "SignedAdaptiveCard"}
    assert holder.attributes["itemprop"] == "signedAdaptiveCard"
    assert holder.raw == SIGNED


# -- accessible --------------------------------------------------------------------


@pytest.mark.parametrize("state", STATES)
def test_a_mail_is_well_formed_and_has_a_good_outline(state: str) -> None:
    page = read_html(a_mail(views()[state]).html)

    levels = [int(each.name[1]) for each in page.all("h1", "h2", "h3")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert page.one("html").attributes["lang"] == "en"
    assert page.one("title").text
    assert len(list(page.all("main"))) == 1
    for cell in page.all("th"):
        assert cell.attributes["scope"] in ("row", "col")
    for table in page.all("table"):
        assert table.attributes.get("role") == "presentation" or list(table.all("thead"))
    for row in page.all("tr"):
        cells = [each.name for each in row.children if isinstance(each, Element)]
        assert cells.count("th") == 1 or "td" not in cells or cells == ["td"]
    for facts in page.all("dl"):
        for pair in facts.all("div"):
            assert [e.name for e in pair.children if isinstance(e, Element)] == ["dt", "dd"]


@pytest.mark.parametrize("state", STATES)
def test_texts_of_others_find_their_own_direction(state: str) -> None:
    for each in body_of(a_mail(views()[state])).all("h1", "dt", "dd", "blockquote"):
        assert each.attributes["dir"] == "auto"


def test_an_arabic_title_runs_from_the_right() -> None:
    title = body_of(a_mail(views()["stress-rtl"])).one("h1")

    assert title.text.startswith("أجهزة")
    assert title.attributes["dir"] == "auto"
    assert "text-align:left;" not in str(title.attributes["style"])


def _colour(style: str, name: str) -> str | None:
    found = re.search(rf"(?:^|;){name}:(#[0-9a-f]{{6}})", style)
    return found[1] if found else None


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one: str, other: str) -> float:
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_every_text_has_contrast_enough_on_every_ground_it_may_stand_on(dark: bool) -> None:  # noqa: FBT001 - a case
    styles = {name: (s.dark if dark else s.light) for name, s in STYLES.items()}
    sheets = ["#252423", "#1b1a19"] if dark else ["#ffffff", "#f5f4f3"]
    boxes = {
        name: ground
        for name, style in styles.items()
        if (ground := _colour(style, "background-color"))
    }
    inks = {name: ink for name, style in styles.items() if (ink := _colour(style, "color"))}

    low = [
        (n, g, ink)
        for n, ink in inks.items()
        for g in ([boxes[n]] if n in boxes else sheets)
        if _contrast(ink, g) < 4.5
    ]
    low += [
        ("link", g, inks["rq-link"]) for g in boxes.values() if _contrast(inks["rq-link"], g) < 4.5
    ]

    assert len(inks) > 20
    assert not low


# -- inert -------------------------------------------------------------------------


def hostile(word: str) -> View:
    content = a_content(
        title=word,
        submitter=Named(alias="a", name=word),
        custom_attribute=(word, word),
        additional={word: word, "Due": word},
        attachments=(Attachment(id="1", name=word, url="javascript:alert(1)", size=1),),
        notes=word,
        detail_page_url="https://erp.example.com/\"'><b>{{7*7}}",
        unit_of_measure=word,
    )
    done: ActionTaken = taken(1, comment=word, name=word, reason=word)
    return a_view(
        an_approval(a_place(), a_place(1), content=content, taken=(done,), display_number=word),
        details={"LINE": json.dumps({"LineItems": [{"Description": word, "Amount": "1"}] * 2})},
    )


@pytest.mark.parametrize("seat", [0, None])
def test_hostile_texts_change_no_element_and_no_attribute(seat: int | None) -> None:
    calm, wild = (a_mail(hostile(word), seat=seat) for word in ("Calm", HOSTILE + BIDI))

    assert shape(read_html(calm.html)) == shape(read_html(wild.html))
    assert comments_in(calm.html) == comments_in(wild.html)
    assert "alert(1)" in read_html(wild.html).one("body").text


def test_hostile_texts_bring_no_address_and_no_header() -> None:
    mail = a_mail(hostile(HOSTILE + BIDI))

    page = read_html(mail.html)
    for each in page.all("a"):
        assert str(each.attributes["href"]).startswith(("https://erp.example.com/", PAGE))
    assert "\n" not in mail.subject
    assert "\r" not in mail.subject
    for said in (mail.subject, mail.text, page.one("body").text, page.one("title").text):
        assert not set(BIDI[:-1]) & set(said)
        assert clean(said.strip()).count("\x00") == 0


@given(st.text(max_size=80))
@settings(max_examples=60)
def test_whatever_somebody_writes_the_mail_stays_well_formed(word: str) -> None:
    mail = a_mail(hostile(word))

    page = read_html(mail.html)
    assert len(list(page.all("script"))) == 1
    assert "\n" not in mail.subject
    mail.html.encode("utf-8")
    mail.text.encode("utf-8")


@pytest.mark.parametrize("name", sorted(mails()))
def test_a_mail_asks_nobody_for_anything(name: str) -> None:
    html = mails()[name].html

    for element in read_html(html).all():
        assert element.name not in ("img", "link", "iframe", "object", "form", "input", "button")
        assert not [each for each in element.attributes if each.startswith("on") or each == "src"]
        assert "url(" not in str(element.attributes.get("style"))
    assert "@import" not in html
    assert "url(" not in html


def test_details_without_end_leave_a_mail_of_bounded_size() -> None:
    rows = [{"Name": f"Row {at}", "Amount": at, "Text": f"{at} x" * 60} for at in range(5000)]
    view = a_view(details={f"OP{at}": json.dumps({"Rows": rows[: 500 + at]}) for at in range(12)})

    mail = a_mail(view, card={})

    assert len(mail.html) < 250_000
    assert "more parts of the details are not shown here" in body_of(mail).text


# -- the page's own use ------------------------------------------------------------


@pytest.mark.parametrize("state", STATES)
def test_a_page_gets_classes_and_no_styles(state: str) -> None:
    page = read_html(request_html(views()[state], VIEWER, said="Jonas was <faster>."))

    used = {str(e.attributes["class"]) for e in page.all() if "class" in e.attributes}
    assert used <= STYLES.keys()
    assert all(f".{name}{{" in STYLESHEET for name in used)
    assert not [e for e in page.all() if "style" in e.attributes]
    assert "Jonas was <faster>." in page.text


def test_a_page_may_link_the_files_that_only_we_can_read() -> None:
    given_links = lambda file: f"https://approvals.example.com/f/{file.id}" if file.id else ""  # noqa: E731

    page = read_html(request_html(views()["pending"], VIEWER, file_links=given_links))

    links = {each.text.strip(): each.attributes["href"] for each in page.all("a")}
    assert links["Headcount-plan-LIS.xlsx"] == "https://approvals.example.com/f/77"
    assert "can only be opened" not in page.text


# -- in a browser ------------------------------------------------------------------

_OUT = """() => [...document.querySelectorAll("body *")]
  .filter((e) => e.childElementCount === 0 && e.offsetParent && !e.closest('[class="rq-scroll"]'))
  .filter((e) => e.getBoundingClientRect().right > innerWidth + 1)
  .map((e) => e.textContent)"""


@pytest.mark.browser
async def test_mails_fit_a_phone_and_ask_nobody(browser: Browser) -> None:
    context = await browser.new_context(viewport={"width": 320, "height": 600})
    page = await context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))

    for name, mail in mails().items():
        for width, html in ((320, mail.html), (800, without_styles(mail.html))):
            await page.set_viewport_size({"width": width, "height": 600})
            await page.set_content(html)
            assert await page.evaluate(_OUT) == [], (name, width)
            assert await page.evaluate("document.scripts.length") == html.count("adaptivecard+json")

    assert not asked
    await context.close()
