"""The tenants' own templates of mails: chosen, checked when files are read, filled safely, and never in the way."""

import json
import random
import re
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from playwright.async_api import Browser, expect

from approvals_core.adapters.tenant_files import BadTenantFiles, load_tenants, read_tenants
from approvals_core.models import Named, Occasion, PlaceState, Reminder
from approvals_core.tenant import Mail, Tenant
from bots.cli.templates import check_templates
from cards.html import request_html
from cards.mail import BadTemplate, left_out, mistakes_in, parse, template_for
from cards.mail.allowed import FILTERS, LOOP
from cards.mail.filling import MOST, parsed
from cards.mail.inert import inert
from cards.mail.names import NAMES
from cards.mail.stylesheets import harmless
from cards.mail.templates import Template
from cards.text import safe_url
from tests.card_faces import views
from tests.card_makers import VIEWER, a_content, a_place, a_tenant, a_view, an_approval, taken
from tests.html_reading import Element, read_html, shape
from tests.mail_faces import PAGE, SIGNED, a_mail, a_notification, card_of
from tests.test_mail_html import HOSTILE

README = Path(__file__).parent.parent / "tenants" / "README.md"
PLAYGROUND = Path(__file__).parent.parent / "playground" / "tenants"
PURCHASING = PLAYGROUND / "purchasing.toml"


def with_templates(**texts: str) -> Tenant:
    """Return a tenant whose files held *texts*; "__" in a name stands for the bar."""
    named = {name.replace("__", "|"): text for name, text in texts.items()}
    mail = Mail(templates=dict.fromkeys(named, "mail.html")).with_texts(named)
    return a_tenant(mail=mail)


def body_with(text: str, view: Any = None, **more: Any) -> Element:
    """Return the body of a mail made by this template."""
    mail = a_mail(view or a_view(), template=parse(text), **more)
    assert mail.trouble == ""
    return read_html(mail.html).one("body")


# -- choosing ----------------------------------------------------------------------


def chosen(tenant: Tenant, occasion: Occasion = Occasion.ASKED, **fields: Any) -> str:
    template = template_for(tenant, a_notification(**fields), occasion)
    if template is None:
        return "ours"
    return str(template.filled({}, VIEWER).body)


def test_the_key_with_its_action_comes_first_then_the_key_then_the_occasion() -> None:
    own = with_templates(
        Pending="key", Pending__Approve="both", PendingApproval="occasion", ApprovalComplete="end"
    )

    assert chosen(own, template="pending", action="approve") == "both"
    assert chosen(own, template="PENDING", action="Reject") == "key"
    assert chosen(own, template="Unknown") == "occasion"
    assert chosen(own, Occasion.ENDED, template="Unknown") == "end"
    assert chosen(a_tenant(), template="Pending") == "ours"
    assert chosen(with_templates(Other="x"), template="Pending") == "ours"


def test_a_reminder_has_its_own_key() -> None:
    own = with_templates(Pending="asked", Purchasing__Reminder="own", Reminder="occasion")
    named = Reminder(template="Purchasing|Reminder")

    assert chosen(own, Occasion.REMINDER, template="Pending", reminder=named) == "own"
    assert chosen(own, Occasion.REMINDER, template="Pending", reminder=Reminder()) == "occasion"


# -- checking ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("<p>\n{{ SummaryData.Titel }}", 2, "did you mean SummaryData.Title"),
        ("{{ Sumarydata.Title }}", 1, "did you mean SummaryData?"),
        ("\n\n{{ Submitter.Mail }}", 3, "Submitter.Mail is not known"),
        ("{{ Title", 1, "has no end: put }}"),
        ("{% if Title %}", 1, "put {% endif %} behind it"),
        ("{% set a = Title %}", 1, "cannot stand"),
        ("{% include 'x' %}", 1, "cannot stand"),
        ("{% macro m() %}{% endmacro %}", 1, "cannot stand"),
        ("{{ range(9) }}", 1, "cannot stand"),
        ("{{ Title.upper() }}", 1, "cannot stand"),
        ("{{ Title * 9 }}", 1, "cannot stand"),
        ("{{ Title.__class__ }}", 1, "Title.__class__ is not known"),
        ("{{ Title|safe }}", 1, "the filter safe is not known"),
        ("{{ Title|attr('x') }}", 1, "the filter attr is not known"),
        ("{% if Title is callable %}x{% endif %}", 1, "the test callable is not known"),
        ("{% if Total > 5 %}x{% endif %}", 1, "only == and != compare"),
        ("{{ AdditionalData[Title] }}", 1, "in brackets stands a name"),
        ("{{ loop.index }}", 1, "loop is not known"),
        ("{% for x in Details.A %}{{ loop.cycle }}{% endfor %}", 1, "loop.cycle is not known"),
        ("{% for a, b in Details.A %}{% endfor %}", 1, "for NAME in LIST"),
        ("{% for a in Details.A if a.b %}{% endfor %}", 1, "for NAME in LIST"),
        ("<style>p{color:{{ Title }}}</style>", 1, "inside of styles"),
        ("<p style='color:{{ Title }}'>", 1, "inside of styles"),
        ("<!-- {{ Title }} -->", 1, "inside of styles and comments"),
        ("<script>x</script>", 1, "a mail runs no script"),
        ("<scr{# #}ipt>x</script>", 1, "a mail runs no script"),
        ("<st{#\n#}yle>p{color:{{ Title }}}</style>", 1, "inside of styles"),
        ("<!{# #}-- {{ Title }} -->", 1, "inside of styles and comments"),
        ("<p class='a'style='{{ Title }}'>", 1, "inside of styles"),
        ("<p/style='{{ Title }}'>", 1, "inside of styles"),
        ("{# a\nb #}\n<p title={{ Title }}>", 3, "put quotes round it"),
        ("{%- if Title -%}\n\n<p title= a{{ Title }}>{% endif %}", 3, "put quotes round it"),
        ("<p class='a' {{ Title }}>", 1, "put quotes round it"),
        ("{{ Title ~ Title }}", 1, "cannot stand"),
        ("<p>{{ Title }}</p>\n" + "<a " * 6666, 2, "has no end"),
        ("<p>\n<a title='>", 2, "has no end"),
        ("x\n<!-- {# -->\n #}", 2, "has no end"),
        ("<p>\n<![foo]>", 2, "take this out"),
        ("{{ " + "(" * 4000 + "1" + ")" * 4000 + " }}", 1, "nested too deep"),
        ("{% if Title %}" * 99 + "{% endif %}" * 99, 1, "nested too deep"),
        ("x" * 262_145, 1, "larger than 256 KB"),
    ],
)
def test_a_mistake_is_told_with_its_line(text: str, line: int, words: str) -> None:
    with pytest.raises(BadTemplate) as caught:
        parse(text)

    assert [m for m in caught.value.mistakes if m.line == line and words in m.why], caught.value


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{{ Title }", "has no end: put }} or %} behind it"),
        ("{{ Title } }", "both signs without a space"),
        ("{{ Title %}", "has no end: put }} or %} behind it"),
        ("{% if Title", "has no end: put }} or %} behind it"),
        ("{# Title", "this {# has no end: put #} behind it"),
        ("{{ 'Title }}", "a quote has no end"),
        ("{{ }}", "something is missing"),
        ("{{ Title| }}", "something is missing"),
        ("{% if Title == %}x{% endif %}", "something is missing"),
        ("{% for x %}x{% endfor %}", "something is missing"),
        ("{{ Title Title }}", "“Title” is too much here"),
        ("{% if Title = 'x' %}x{% endif %}", "write == between two values"),
        ("{{ (Title }}", "“)” is missing before “}”"),
        ("{{ Title? }}", "“?” cannot stand in {{ … }} or {% … %}: take it out"),
        ("{% shout Title %}", "{% shout … %} is not known; known are if, elif"),
        ("{% if Title %}{% shout %}{% endif %}", "{% shout … %} is not known"),
        ("{% endif %}", "{% endif %} belongs to nothing: put {% if … %}"),
        ("{% else %}", "{% else %} belongs to nothing"),
        ("{% if Title %}{% endfor %}", "{% endfor %} comes too early: put {% endif %} before it"),
        ("{% for x in Details %}", "{% for … %} has no end: put {% endfor %} behind it"),
        ("{% for loop in Details %}{% endfor %}", "“loop” is our own name"),
        ("{% macro m(a=1, b) %}{% endmacro %}", "see the examples in tenants/README.md"),
    ],
)
def test_what_cannot_be_read_is_told_in_plain_words(text: str, words: str) -> None:
    [mistake] = mistakes_in(f"<p>\n{text}")

    assert mistake.startswith("line 2: ")
    assert words in mistake
    assert not re.search(r"[Jj]inja|token|expected|statement|block", mistake)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("{# <![x]> #}<p>{{ Title }}</p>", ()),
        ("{# <script> #}<img alt='{{ Title }}'>", ("<img>: its alternative text is shown",)),
        ('<a href="{{ PageURL }}">x</a>', ()),
        ("<p onclick='x()'>{% if Title %}<svg></svg>{% endif %}", ("onclick of <p>", "<svg>")),
        ("<{% if Title %}a title='{% endif %}x", ()),
    ],
)
def test_what_no_mail_will_have_is_named_and_nothing_makes_that_fail(
    text: str, named: tuple[str, ...]
) -> None:
    assert mistakes_in(text) == []
    assert left_out(text) == named


def test_the_operators_check_passes_a_comment_with_anything_in_it(tmp_path: Path) -> None:
    file, said = tmp_path / "mail.html", list[str]()
    file.write_text("{# <![x]> #}<p>{{ Title }}</p>", encoding="utf-8")

    assert check_templates([file], said.append)

    assert said == [f"{file}: no mistakes found"]


def test_a_section_that_nobody_knows_is_found_behind_a_condition_too() -> None:
    [mistake] = mistakes_in("<p>\n<{% if Title %}![x]>{% endif %}")

    assert mistake.startswith("line 2: ")
    assert "take this out" in mistake


def test_all_mistakes_are_told_at_once() -> None:
    assert len(mistakes_in("{{ Foo }}\n{{ Bar }}\n<script></script>\n{{ Title|safe }}")) == 4


def test_loops_have_a_bound() -> None:
    nested = "{% for a in Details.A %}" * 3 + "{% endfor %}" * 3
    many = "{% for a in Details.A %}{% endfor %}" * 21

    assert any("at most 20 loops" in mistake for mistake in mistakes_in(nested))
    assert any("at most 20 loops" in mistake for mistake in mistakes_in(many))
    assert not mistakes_in("{% for a in Details.A %}{% for b in a.B %}{% endfor %}{% endfor %}")


@given(
    st.text(max_size=200)
    | st.lists(
        st.sampled_from(
            [
                "{{",
                "}}",
                "{%",
                "%}",
                "Title",
                "for x in",
                "[",
                "'",
                "|",
                ".",
                "if",
                "endif",
                "<style",
                ">",
                "1",
            ]
        )
    ).map(" ".join)
)
@settings(max_examples=200)
def test_whatever_stands_in_a_file_it_is_a_template_or_a_mistake(text: str) -> None:
    mistakes = mistakes_in(text)

    assert mistakes or parse(text).names <= NAMES.keys()


def write(folder: Path, template: str, more: str = 'PendingApproval = "pending.html"\n') -> Path:
    text = PURCHASING.read_text(encoding="utf-8")
    (folder / "pr.toml").write_text(f"{text}\n[mail.templates]\n{more}", encoding="utf-8")
    (folder / "pending.html").write_text(template, encoding="utf-8")
    return folder


def test_a_mistake_stops_the_start_and_names_file_line_and_name(tmp_path: Path) -> None:
    write(tmp_path, "<title>x</title>\n<p>{{ SummaryData.Titel }}</p>")

    with pytest.raises(BadTenantFiles) as caught:
        read_tenants(tmp_path, check=mistakes_in)

    [mistake] = caught.value.mistakes
    assert mistake.startswith("pr.toml:")
    assert "mail.templates.PendingApproval: pending.html, line 2: SummaryData.Titel" in mistake
    assert "did you mean SummaryData.Title" in mistake


def test_names_that_differ_in_capitals_only_are_a_mistake(tmp_path: Path) -> None:
    write(tmp_path, "x", 'Pending = "pending.html"\npending = "pending.html"\n')

    with pytest.raises(BadTenantFiles, match="capitals make no difference"):
        read_tenants(tmp_path, check=mistakes_in)


def test_templates_are_read_with_the_tenant_and_not_later(tmp_path: Path) -> None:
    write(tmp_path, "\ufeff<p>first</p>")
    [before] = load_tenants(tmp_path, check=mistakes_in).all()

    (tmp_path / "pending.html").write_text("<p>second</p>", encoding="utf-8")
    [after] = load_tenants(tmp_path, check=mistakes_in).all()

    assert chosen(before) == "<p>first</p>"
    assert chosen(after) == "<p>second</p>"
    assert chosen(after.switched(None)) == "<p>second</p>"


def test_the_playgrounds_templates_have_no_mistakes() -> None:
    [tenant] = [t for t in load_tenants(PLAYGROUND, check=mistakes_in).all() if t.mail.templates]

    assert tenant.code == "expenses"
    assert template_for(tenant, a_notification(), Occasion.ASKED) is not None


def test_the_documents_example_has_no_mistakes_and_names_all_there_is() -> None:
    section = README.read_text(encoding="utf-8").partition("### Templates of mails")[2]
    example = section.partition("```html\n")[2].partition("```")[0]

    assert "{{ request }}" in example
    assert mistakes_in(example) == []
    for name in (*NAMES.keys() - {"SummaryData"}, *FILTERS - {"count", "d"}, *LOOP - {"index0"}):
        assert re.search(rf"\b{name}\b", section), name


# -- filling -----------------------------------------------------------------------


def test_every_name_can_be_filled_with_and_without_content() -> None:
    every = "".join(f"<p>{name}: {{{{ {name} }}}}</p>" for name in NAMES)

    for name, view in views().items():
        mail = a_mail(view, template=parse(every))
        assert mail.trouble == "", name
        assert len(list(read_html(mail.html).one("body").all("p"))) >= len(NAMES)


def test_what_the_summary_says_goes_by_its_names_on_the_wire() -> None:
    said = body_with(
        "<p>{{ SummaryData.Title }}|{{ title }}|{{ UnitValue }}|{{ UnitOfMeasure }}|{{ Total }}|"
        "{{ SubmittedDate }}|{{ Submitter.Name }}|{{ submitter.alias }}|"
        "{{ ApprovalIdentifier.DisplayDocumentNumber }}|{{ CustomAttribute.CustomAttributeValue }}|"
        "{{ AdditionalData.CostCentre }}|{{ AdditionalData['Project'] }}|{{ CompanyCode }}|"
        "{{ Approver.Name }}|{{ Approver.Alias }}|{{ Tenant.Name }}|{{ State }}|{{ DecideBy }}</p>"
    )

    assert next(iter(said.all("p"))).text.strip().split("|") == [
        *("Laptops for the Lisbon design team",) * 2,
        *("12,480", "EUR", "€12,480.00", "Wed, 18 Nov 2026", "Ana Ruiz", "johndoe11"),
        *("PR-2026-00417", "Nordlicht IT GmbH", "4210 – Product Design", "LIS-EXPANSION_2026"),  # noqa: RUF001 - as people type it
        *("1010", "Maria Keller", "johndoe1", "Contoso Purchasing", "Pending", "Tue, 24 Nov 2026"),
    ]


def test_details_can_be_gone_through() -> None:
    said = body_with(
        "<ul>{% for line in Details.LINE.LineItems %}<li>{{ loop.index }} of {{ loop.length }}: "
        "{{ line.Description }}, {{ line.ExtendedPrice|amount(UnitOfMeasure) }}</li>{% endfor %}</ul>"
    )

    assert [each.text.strip() for each in said.all("li")] == [
        "1 of 3: ThinkPad P16s Gen 4, 64 GB, €8,960.00",
        '2 of 3: Dell U3225QE 32" monitor, €2,440.00',
        "3 of 3: USB-C dock, 130 W, €1,080.00",
    ]


def test_what_is_not_there_is_empty() -> None:
    said = body_with(
        "<p>[{{ AdditionalData.Nothing }}{{ AdditionalData.No.Such[3].Thing|upper|title }}"
        "{{ Details.NONE|date }}{{ Details.A.B|amount }}{{ AdditionalData.X|join(',') }}"
        "{% for x in AdditionalData.No %}x{% endfor %}{% for x in Title %}x{% endfor %}"
        "{% if AdditionalData.Y == 'y' %}y{% endif %}{{ AdditionalData.Z|default('-') }}]</p>"
    )

    assert next(iter(said.all("p"))).text.strip() == "[-]"


def test_what_was_done_last_can_be_told() -> None:
    view = views()["done"]

    said = body_with(
        "<p>{{ ActionDetail.Name }} {{ ActionDetail.ActionBy.Name }} {{ ActionDetail.Comment }}</p>",
        view,
    )

    assert next(iter(said.all("p"))).text.startswith("Approve Maria Keller Fine for Q4")


def test_an_approvers_names_are_all_that_are_asked_for_one_who_is_told_only() -> None:
    both = a_view(an_approval(a_place(), a_place(1), a_place(2, state=PlaceState.REMOVED)))

    said = body_with("<p>{{ Approver.Name }}</p>", both, seat=None)

    assert next(iter(said.all("p"))).text.strip() == "Maria Keller, Jonas Berg"


@pytest.mark.parametrize("seat", [1, None], ids=["he himself", "who is told only"])
def test_an_approver_who_is_not_found_is_called_as_the_plan_calls_him(seat: int | None) -> None:
    priya = a_place(2, person=None).model_copy(update={"seat": 1})
    view = a_view(an_approval(a_place(state=PlaceState.REMOVED), priya), seat=1)

    said = body_with("<p>{{ Approver.Name }}</p>", view, seat=seat)

    assert next(iter(said.all("p"))).text.strip() == "Priya Nair"


def test_the_title_is_the_subject_in_one_line() -> None:
    view = a_view(an_approval(content=a_content(title="A\r\nBcc: evil@example.org")))

    mail = a_mail(view, template=parse("<title>Please:\n {{ Title }}</title><p>x</p>"))

    assert mail.subject == "Please: A Bcc: evil@example.org"
    assert read_html(mail.html).one("title").text == mail.subject


def test_without_a_title_the_subject_is_ours() -> None:
    assert a_mail(a_view(), template=parse("<p>x</p>")).subject.startswith("Approval needed: ")


def test_a_long_list_is_cut() -> None:
    view = a_view(details={"A": json.dumps(list(range(1000)))})

    said = body_with("{% for x in Details.A %}<i>{{ x }}</i>{% endfor %}", view)

    assert len(list(said.all("i"))) == MOST


def test_a_template_that_comes_out_too_long_gives_way_to_ours() -> None:
    view = a_view(details={"A": json.dumps(["x" * 9000] * 100)})
    text = "{% for x in Details.A %}{{ x }}{% endfor %}"

    mail = a_mail(view, template=parse(text))

    assert mail.trouble == "it came out longer than 512 KB"
    assert mail.html == a_mail(view).html


def test_a_template_whose_loops_take_too_long_gives_way_to_ours() -> None:
    view = a_view(details={"A": json.dumps([{"B": list(range(100))}] * 100)})

    mail = a_mail(
        view, template=parse("{% for a in Details.A %}{% for b in a.B %}{% endfor %}{% endfor %}x")
    )

    assert mail.trouble == "its loops go round more than 5000 times"


LONG = "a " * 5000


def with_details(text: str, **details: object) -> str:
    """Return why the mail by this template was not made, "" if it was."""
    view = a_view(details={name: json.dumps(value) for name, value in details.items()})
    return a_mail(view, template=parse(f"{text}x")).trouble


@pytest.mark.parametrize(
    "inside",
    [
        "{% if a|upper == 'x' %}{% endif %}",
        "{% if Details.A|length == 1 %}{% endif %}",
        "{% if ''|default(Details.A|first) == 'x' %}{% endif %}",
        "{% if Details.A == Details.B %}{% endif %}",
        "{% if 'x' == 'y' == Details.A %}{% endif %}{% if a.b == c.d %}{% endif %}" * 300,
        "{% if a.b.c.d %}{% endif %}" * 1500,
        "{{ a }}",
    ],
)
def test_a_template_that_works_too_much_gives_way_to_ours(inside: str) -> None:
    text = "{% for a in Details.A %}{% for c in Details.B %}" + inside + "{% endfor %}{% endfor %}"
    many = ["\x01" * 6000] * 60

    assert with_details(text, A=many, B=many) == "its filters and loops have too much to do"
    assert with_details(text, A=["x"], B=["x"]) == ""


def test_joining_goes_round_like_a_loop() -> None:
    text = "{% for a in Details.A %}{% if Details.A|join == 'x' %}{% endif %}{% endfor %}"

    assert with_details(text, A=["x"] * 100) == "its loops go round more than 5000 times"


def test_what_is_joined_has_a_bound() -> None:
    body = body_with(
        "<p>{{ Details.A|join }}</p><p>{{ Details.B|join(request) }}</p>",
        a_view(details={"A": json.dumps([LONG] * 9), "B": json.dumps(["x", "y"])}),
    )

    long, parted = islice((each.text.strip() for each in body.all("p")), 2)
    assert 19_000 < len(long) <= 20_000
    assert len(parted) <= 102


def test_a_line_of_items_is_not_too_much() -> None:
    text = (
        "{% for a in Details.A %}{% for b in a.B %}{% if b.C|upper == 'C' %}{{ b.C|lower|title }}"
        "{{ b.D|date }}{{ b.E|amount(UnitOfMeasure) }}{% endif %}{% endfor %}{% endfor %}"
    )
    item = {"C": "C", "D": "2026-11-18", "E": "12.50"}

    assert with_details(text, A=[{"B": [item] * 90}] * 50) == ""


@pytest.mark.parametrize("text", ["<p>{{ Title }}</p>" + "<a " * 6666, "<p>{{ Title }}</p><a x='>"])
def test_what_comes_out_with_a_tag_without_end_gives_way_to_ours(text: str) -> None:
    mail = a_mail(a_view(), template=Template(*_compiled(text)))

    assert mail.trouble == "a tag or comment in it has no end"


def test_a_section_that_nobody_knows_gives_way_to_ours() -> None:
    mail = a_mail(a_view(), template=Template(*_compiled("<p>x</p><![foo]>")))

    assert mail.trouble == "it failed: AssertionError"


def test_what_is_no_text_is_told_in_short() -> None:
    said = body_with(
        "<p>{{ Details.A }}|{{ Details.B }}|{{ Details.B|join('-') }}|{{ Details.B|length }}</p>",
        a_view(
            details={"A": '{"x": 1, "y": {"z": 2}, "w": true}', "B": json.dumps(list(range(500)))}
        ),
    )

    told = next(iter(said.all("p"))).text.strip().split("|")
    assert told[:2] == ["1, Yes", "0, 1, 2"]
    assert told[2].split("-") == [str(each) for each in range(MOST)]
    assert told[3] == "500"


def test_a_template_that_fails_gives_way_to_ours() -> None:
    mail = a_mail(a_view(details={"A": "true"}), template=parse("{{ Details.A|length }}"))

    assert mail.trouble == "it failed: TypeError"
    assert mail.subject.startswith("Approval needed: ")
    assert "Laptops for the Lisbon design team" in mail.html


def test_a_template_that_comes_out_empty_gives_way_to_ours() -> None:
    mail = a_mail(a_view(), template=parse("<title>x <p>all of it in the title"))

    assert mail.trouble == "it came out empty"
    assert "Laptops for the Lisbon design team" in mail.html


# -- what is around it -------------------------------------------------------------


def test_a_template_without_the_link_gets_it_and_one_with_it_does_not_twice() -> None:
    without = body_with("<p>Hello</p>")
    own = body_with('<p><a href="{{ PageURL }}">Go</a></p>')

    assert [each.attributes["href"] for each in without.all("a")] == [PAGE]
    assert [each.text for each in own.all("a")] == ["Go"]
    for body in (without, own):
        assert "You get this mail because Contoso Purchasing asks you to decide." in body.text


def test_a_notice_stands_under_every_template() -> None:
    assert "Not real" in body_with("<p>x</p>", notice_line="Not real").text


BROKEN = [
    "<table><tr><td><div><p>never closed <a href='https://x.example'>",
    "</div></table></body></html></section></head><p>x",
    "<!-- never ends <p>x</p>",
    "<p>x</p><style>p {} ",
    "<p>x</p><textarea>",
    "<p>x</p><plaintext>",
    "<p>x</p><noscript><p>",
    "<p>x</p><svg><style><img src=x onerror=alert(1)>",
    "<p>x</p><![CDATA[ <script type='application/adaptivecard+json'>{}",
    "<p>x</p></p></p><b><i></b></i>",
    "<p x='\">'>x</p><p y=\"'>",
    "<p>" * 3000 + "x",
]


@pytest.mark.parametrize("text", BROKEN, ids=range(len(BROKEN)))
def test_a_broken_template_breaks_neither_card_nor_signature(text: str) -> None:
    view = a_view()
    template = Template(*_compiled(text))

    mail = a_mail(view, template=template, signed=SIGNED)

    page = read_html(mail.html)
    assert json.loads(page.one("head").one("script").raw) == card_of(view)
    last = [each for each in page.one("body").children if isinstance(each, Element)][-1]
    assert last.name == "section"
    assert SIGNED in last.text
    assert len(list(page.all("body"))) == 1
    assert len(list(page.all("script"))) == 1


def _compiled(text: str) -> tuple[Any, frozenset[str]]:
    """Compile a text past its checks: some of it would be a mistake, and must do no harm either."""
    return parsed(text), frozenset()


def test_what_runs_or_loads_is_left_out() -> None:
    found = inert(
        '<body onload="x()" style="color:red;background:url(https://x.example/p.png)" class="c">'
        '<img src="https://x.example/p.png" alt="Logo"><a href="javascript:x()" onclick="x()">a</a>'
        '<a href=" java\nscript:x()">b</a><a href="data:text/html,x">c</a><p id="x" style="width:expression(x)">d</p>'
        '<iframe src="https://x.example">e</iframe><form action="/x"><input value="f"><button>g</button></form>'
        '<link rel="stylesheet" href="https://x.example"><style>@import "x";p{}</style><style>p{color:red}</style>'
        '<a href="https://ok.example/?a=b&amp;c=d">h</a><a href="mailto:a@b.example">i</a>'
    )

    assert found.attributes == {"style": "color:red", "class": "c"}
    assert found.styles == ".ml-own p{color:red}"
    assert str(found.body) == (
        'Logo<a>a</a><a>b</a><a>c</a><p>d</p><a href="https://ok.example/?a=b&amp;c=d">h</a>'
        '<a href="mailto:a@b.example">i</a>'
    )
    assert "<iframe>" in found.left_out
    assert "<img>: its alternative text is shown" in found.left_out


@pytest.mark.parametrize(
    ("styles", "kept"),
    [
        (".ml-foot,.ml-sheet{display:none!important}.a{color:red}", ".ml-own .a{color:red}"),
        ("@media (x){ .RQ-total{x:y} .a{color:red} }", "@media (x){.ml-own .a{color:red}}"),
        ("./**/ml-foot{x:y}", ".ml-own . ml-foot{x:y}"),
        ("[class^=m]{x:y}p{a:b}", ".ml-own p{a:b}"),
        (".ml-a:not([a='}']){x:y}p{a:b}", ".ml-own p{a:b}"),
        (".a{ position : fixed;top:0}.b{Position:absolute}", ".ml-own .a{top:0}\n.ml-own .b{}"),
        (".a{background-position:0 0}", ".ml-own .a{background-position:0 0}"),
        (".a{position:fixed;\n/position:x;*;b : c }", ".ml-own .a{b:c}"),
        (".a{position/position:x;**position:y;/:fixed}", ".ml-own .a{}"),
        (".a{b:';position:x;';c:(;position:y)}", ".ml-own .a{b:';position:x;';c:(;position:y)}"),
        ("@im/**/port 'x'", ""),
        (".a{background:url(x)}.b{x:y}", ".ml-own .b{x:y}"),
        (".a{x:URL (}.b{x:y}", ".ml-own .b{x:y}"),
        ("@media (x){.a{width:expression(1)}.b{x:y}}", "@media (x){.ml-own .b{x:y}}"),
        (".a{x:u/**/rl(y)}.b{x:y}", ".ml-own .a{x:u rl(y)}\n.ml-own .b{x:y}"),
        (".a{x:url(}.b{y:z)}.c{x:y}", ".ml-own .c{x:y}"),
        ("url(x){x:y}.b{x:y}", ".ml-own .b{x:y}"),
        (".a{x:y}.b{x:\\75rl(z)}", ""),
    ],
)
def test_styles_that_reach_for_ours_are_left_out(styles: str, kept: str) -> None:
    assert inert(f"<style>{styles}</style>").styles == kept


@pytest.mark.parametrize(
    ("styles", "kept"),
    [
        ("table,a{x:y}", ".ml-own table,.ml-own a{x:y}"),
        ("* {x:y}", ".ml-own *{x:y}"),
        ("body{x:y}", ".ml-own .ml-body{x:y}"),
        ("html > body.a p{x:y}", ".ml-own .ml-body.a p{x:y}"),
        (":root{x:y}", ".ml-own .ml-body{x:y}"),
        ("bodyguard{x:y}", ".ml-own bodyguard{x:y}"),
        (":is(a,[b=',{']) i{x:y}", ".ml-own :is(a,[b=',{']) i{x:y}"),
        (
            "@media (a) and (b:1px){p{x:y}}q{x:y}",
            "@media (a) and (b:1px){.ml-own p{x:y}}\n.ml-own q{x:y}",
        ),
        ("@layer a; p{x:y}", ".ml-own p{x:y}"),
        ("@layer a{p{x:y}}q{x:y}", ".ml-own q{x:y}"),
        ("@keyframes a{from{x:y}}q{x:y}", ".ml-own q{x:y}"),
        ("+ div{x:y}q{x:y}", ".ml-own q{x:y}"),
        ("p,~ div{x:y}q{x:y}", ".ml-own q{x:y}"),
        ("p,,q{x:y}", ""),
        ("p{ :not(&){x:y} }q{x:y}", ".ml-own q{x:y}"),
        ("& + *{x:y}", ""),
        ("p{a:(}*{x:y}", ".ml-own *{x:y}"),
        ("p[a{x:y}*{x:y}", ".ml-own *{x:y}"),
        ("}}*{x:y}", ".ml-own *{x:y}"),
        ("p{a:'}*{x:y}", ""),
        ("p{a:'\n}*{x:y}'}", ""),
        ("p{x:y", ".ml-own p{x:y}"),
        ("p{a:'*/'}q{x:y}", ""),
        ("p{a:b*/}q{x:y}", ""),
        ("p[a='*/']{x:y}q{x:y}", ""),
        ("p{a:/ *;b:'/'}", ".ml-own p{a:/ *;b:'/'}"),
        ("@a;@b;p{x:y}", ".ml-own p{x:y}"),
        ("p;@a;q{x:y}", ""),
        ("@media (a){" * 4000 + "*{x:y}", ""),
    ],
)
def test_styles_reach_what_the_tenant_wrote_and_no_further(styles: str, kept: str) -> None:
    assert inert(f"<style>{styles}</style>").styles == kept


def test_a_style_that_was_left_out_is_named() -> None:
    left = inert("<style>p{*zoom:1;color:red;position:fixed}</style>").left_out

    assert left == ("what is no declaration in <style>: “*zoom:1”", "position in <style>")


JOINED = (
    "a{color:red;/position:x;*} b{content:'*/} .ml-foot{display:none !important} x{y:'}",
    "a{/position:x;*} b{content:'*/} .ml-foot{position/position:x;**position:y;/:fixed} x{y:'}",
)
HIDING = (
    *JOINED,
    "* { display:none !important }",
    "table, section, footer, div, p, h2, a { display:none !important }",
    "body, html, :root { display:none !important; opacity:0 }",
    "body > *, body * , :not(.x) { visibility:hidden !important; font-size:0 !important }",
    "div ~ footer, div + div, body ~ *, + *, ~ footer { display:none !important }",
    "p { & ~ *, :not(&) { display:none !important } }",
    "@media all { footer, section { display:none !important } }",
    "@media all { } } footer { display:none !important }",
    "p{a:(} ) } footer { display:none !important }",
    "div { margin-bottom:-2000px !important; transform:scale(50); z-index:9; background:#fff }",
)


@pytest.mark.browser
@pytest.mark.parametrize("where", ["styles", "body"])
@pytest.mark.parametrize("hiding", HIDING, ids=range(len(HIDING)))
async def test_no_style_of_a_template_hides_what_we_put_beneath(
    browser: Browser, hiding: str, where: str
) -> None:
    inside = hiding.partition("{")[2].rpartition("}")[0]
    styles, own = (hiding, "") if where == "styles" else ("", inside)
    template = parse(f'<style>{styles}</style><body style="{own}"><div><p>Hello</p></div></body>')
    page = await browser.new_page()
    await page.set_content(a_mail(a_view(), template=template, notice_line="Not real").html)

    for words in ("Open the request", "You get this mail because", "Not real"):
        shown = page.get_by_text(words).first
        await expect(shown).to_be_visible()
        assert await shown.evaluate(ON_TOP)
    await page.close()


NAMED = ("a", "*", "p", "body", "html", ":root", ".ml-foot", ".b", ":not(p)", "[x='*/']", "+", "~")
SAID = ("color:red;", "position:fixed;", "/position:x;*", "**position:y;/", "content:'*/} *{x:y'")
ODDS, ENOUGH = 0.15, 1000
ODD = (
    *(
        "{",
        "}",
        ";",
        ":",
        ",",
        "/",
        "*/",
        "/*",
        "'",
        '"',
        "(",
        ")",
        "]",
        " ",
        "\n",
        "&",
        "!",
        "-->",
    ),
    *("@media all{", "@layer a;", "position/**/", "color"),
)


def a_stylesheet(chance: random.Random) -> str:
    """Write a few rules, some with odd signs in them."""
    written: list[str] = []
    for _rule in range(chance.randint(1, 4)):
        odd = [chance.choice(ODD) if chance.random() < ODDS else "" for _place in range(4)]
        named = " ".join(chance.choices(NAMED, k=chance.randint(1, 3)))
        said = chance.choices(SAID, k=chance.randint(1, 4))
        written.append(f"{odd[0]}{named}{odd[1]}{{{odd[2].join(said)}{odd[3]}}}")
    return "".join(written)


REACHING = """sheets => sheets.filter(css => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(css);
  const own = document.querySelector(".ml-own");
  const bound = rule => rule instanceof CSSStyleRule
    ? !rule.cssRules.length && !rule.style.position && [...document.querySelectorAll(rule.selectorText)]
        .every(each => each !== own && own.contains(each))
    : (rule instanceof CSSMediaRule || rule instanceof CSSSupportsRule) && [...rule.cssRules].every(bound);
  return ![...sheet.cssRules].every(bound);
})"""


@pytest.mark.browser
async def test_no_rule_reaches_further_as_a_browser_reads_it(browser: Browser) -> None:
    chance = random.Random(7)
    page = await browser.new_page()
    template = parse("<body><div class='a'><p>Hello</p><a>b</a></div></body>")
    await page.set_content(a_mail(a_view(), template=template).html)
    made = {harmless(a_stylesheet(chance)).css for _each in range(10_000)}
    made |= {harmless(each).css for each in JOINED}

    assert len(made) > ENOUGH
    assert await page.evaluate(REACHING, sorted(made)) == []
    assert await page.evaluate(REACHING, [".ml-foot{a:b}", ".ml-own p{position:fixed}"])
    await page.close()


@pytest.mark.parametrize(
    ("selector", "inside"),
    [
        ("html" + " " * 200_000 + "a", "b:c"),
        ("p" + "()" * 200_000, "b:c"),
        ("p[" + '""' * 200_000 + "]", "b:c"),
        ("p", "b:" + "[]()" * 100_000),
    ],
    ids=["spaces", "brackets", "strings", "values"],
)
def test_a_long_stylesheet_is_written_anew_at_once(selector: str, inside: str) -> None:
    """With work that grows with the square of the length this would not end for minutes."""
    found = inert(f"<style>@a;{selector}{{{inside}}}</style>")

    assert found.styles.startswith(f".ml-own {selector.replace('html', '.ml-body')}"[:20])
    assert found.styles.endswith(f"{inside}}}")


ON_TOP = """words => {
  const box = words.getBoundingClientRect(), size = parseFloat(getComputedStyle(words).fontSize);
  const top = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
  return size > 10 && words.contains(top);
}"""


def test_nothing_is_put_over_ours() -> None:
    found = inert('<p style="color:red; POSITION :fixed;background-position:0 0">x</p>')

    assert str(found.body) == '<p style="color:red;background-position:0 0">x</p>'


def test_what_is_dropped_is_dropped_to_where_the_first_of_it_ends() -> None:
    assert str(inert("<svg><svg>a</svg>b</svg>c<form><svg>d</svg>e").body) == "bce"


def test_our_own_html_comes_through_as_it_is() -> None:
    for view in views().values():
        ours = request_html(view, VIEWER)
        assert inert(ours).left_out in ((), ("rel of <a>",))

    assert "rq-total" in str(body_with("{{ request }}").one("h1").attributes) or body_with(
        "{{ request }}"
    )


@given(st.text(max_size=120))
@settings(max_examples=60)
def test_what_comes_out_is_balanced_whatever_goes_in(text: str) -> None:
    read_html(str(inert(f"<div>{text}").body))


# -- inert -------------------------------------------------------------------------


FILLED = (
    "<title>{{ Title }}</title><p title='{{ Title }}'>{{ Title }}{{ Title|upper }}{{ ActionDetail.Comment }}</p>"
    '<a href="{{ DetailPageURL }}">a</a><a href="{{ AdditionalData.X }}">b</a>{{ ApproverChain }}'
)


def filled_with(word: str, text: str, **additional: str) -> Element:
    content = a_content(
        title=word,
        detail_page_url=f"javascript:alert('{word}')",
        submitter=Named(alias="x", name=word),
        additional=additional,
        notes=word,
    )
    view = a_view(an_approval(content=content, taken=(taken(1, comment=word),)))
    mail = a_mail(view, template=parse(text))
    assert mail.trouble == ""
    return read_html(mail.html)


def test_values_stay_values() -> None:
    calm, wild = (filled_with(word, FILLED, X=word) for word in ("Calm", HOSTILE))

    assert shape(wild) == shape(calm)
    assert "{{ 7*7 }}" in wild.one("body").text


def test_values_become_no_program_where_the_template_left_the_quotes_out() -> None:
    text = "<a href={{ AdditionalData.X }}>a</a><p class={{ AdditionalData.Y }}>b</p>"

    assert mistakes_in(text) == [
        "line 1: a value in a tag is read as more attributes: put quotes round it"
    ]
    filled = Template(*_compiled(text)).filled(
        {"AdditionalData": {"X": "javascript:alert(2)", "Y": "x onmouseover=alert(3)"}}, VIEWER
    )
    page = read_html(f"<body>{filled.body}</body>")

    for each in page.one("body").all():
        assert not [name for name in each.attributes if name.startswith("on")]
        address = each.attributes.get("href")
        assert address is None or safe_url(address)
