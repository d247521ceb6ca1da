"""Assent's templates of mails brought over: what is turned, what is told, and what is never overwritten."""

import csv
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

import pytest

from bots.cli.assent_templates import convert
from bots.cli.assent_templates.naming import is_known
from bots.cli.commands import parser
from bots.cli.templates import check_templates, import_templates
from cards.mail import mistakes_in, parse
from tests.card_makers import a_view
from tests.html_reading import read_html
from tests.mail_faces import PAGE, a_mail

PENDING = (
    "<html><head><title>#ToolName#: #ApprovalIdentifier.DisplayDocumentNumber# #Title#</title>"
    '<script type="application/adaptivecard+json">#AdaptiveJSON#</script></head>'
    '<body style="color:#333333;background:#fff"><p>{#Submitter.Name#} wants #UnitValue# #UnitOfMeasure#</p>'
    "<p>#CustomAttribute.CustomAttributeName#: #AdditionalData.Cost Centre# #AdditionalData.CostCentre#</p>"
    '<p><a href="#MSApprovalsDetailPage#">Open</a> #ActionDetails.Comment# #ApproverNotes#</p>'
    "#ApproverChain##DetailTemplate#</body></html>"
)


def notes(html: str, **source: int) -> list[str]:
    """Return what is said of a template that was converted."""
    row = source.pop("row", 0)
    return [note.at(row) for note in convert(html, **source).notes]


def a_table(path: Path, rows: Sequence[tuple[str, str, str]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(("PartitionKey", "RowKey", "Timestamp", "TemplateContent"))
        table.writerows((tenant, key, "2026-01-01", html) for tenant, key, html in rows)
    return path


def test_placeholders_are_turned_and_the_card_is_left_to_us() -> None:
    converted = convert(PENDING)

    assert not converted.mistakes
    assert "adaptivecard" not in converted.html
    assert (
        "{{ Tenant.Name }}: {{ ApprovalIdentifier.DisplayDocumentNumber }} {{ Title }}"
        in converted.html
    )
    assert '{{ AdditionalData["Cost Centre"] }} {{ AdditionalData.CostCentre }}' in converted.html
    assert 'href="{{ PageURL }}"' in converted.html
    assert "color:#333333;background:#fff" in converted.html
    assert "the card's script was taken out: we put the card in" in notes(PENDING)
    assert "#ActionDetails.Comment# became ActionDetail.Comment" in notes(PENDING)


def test_what_was_turned_makes_a_mail() -> None:
    mail = a_mail(a_view(), template=parse(convert(PENDING).html))

    page = read_html(mail.html)
    assert mail.trouble == ""
    assert mail.subject == "Contoso Purchasing: PR-2026-00417 Laptops for the Lisbon design team"
    assert "{ Ana Ruiz} wants 12,480 EUR" in page.one("body").text
    assert "Vendor: 4210" not in page.one("body").text
    assert [e for e in page.all("a") if e.attributes.get("href") == PAGE]


def test_what_is_not_here_is_taken_out_and_told() -> None:
    html = "<p>#Xcv#-#SessionId#-#Foo.Bar#-#ActionableMessage#-#ActionDetails.Placement#</p>"

    assert convert(html).html == "<p>----</p>"
    assert [note.split("#")[1] for note in notes(html)] == [
        *("Xcv", "SessionId", "Foo.Bar", "ActionableMessage", "ActionDetails.Placement"),
    ]


def test_scripts_go_and_comments_that_hold_a_placeholder() -> None:
    html = "<!--[if mso]>x<![endif]--><!-- #Title# --><script>#Title#</script><p>x</p>"

    assert convert(html).html == "<!--[if mso]>x<![endif]--><p>x</p>"
    assert notes(html) == [
        "line 1: another script was taken out: mails run none",
        "line 1: #Title# was taken out with the comment around it: none can stand there",
    ]


def test_what_is_left_out_is_told_with_each_line_of_the_source() -> None:
    card = '<script type="application/adaptivecard+json">\n{}\n</script>\n'
    html = (
        f"<html>\n{card}<script>\n1\n</script>\n\n"  # up to line 8
        "<!--\n#Title#\n-->\r\n"  # 9 to 11
        "<p>#Xcv# #Lines[0]#</p>\r<p>#Title#\n#Foo.Bar# #Xcv# #Xcv#</p>{#Title#}\n#approvername#"
    )

    assert notes(html) == [
        "the card's script was taken out: we put the card in",
        "line 5: another script was taken out: mails run none",
        "line 10: #Title# was taken out with the comment around it: none can stand there",
        "lines 12, 14: #Xcv# was taken out: there is nothing like it here",
        "line 12: #Lines[0]# was left as text: it is no placeholder that we know",
        "line 14: #Foo.Bar# was taken out: there is nothing like it here",
        "line 14: braces that would begin something of a template's were parted: “{ {”, “{ %”",
        "#approvername# became Approver.Name",
    ]
    assert "\0" not in convert(html).html


def test_of_very_many_lines_the_rest_is_counted() -> None:
    html = "#Xcv#\n" * 20

    [note] = notes(html, row=7)

    assert note.startswith("row 7, lines 1, 2, 3, 4, 5, 6, 7, 8 and 12 more: #Xcv# was taken out")


def test_of_a_table_the_row_is_told_as_its_program_counts_it(tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_bytes(
        b'PartitionKey,RowKey,TemplateContent\n1,A|None,"<p>\n#Title#</p>"\n\n'
        b'1,B|None,"\n \r\n<p>\r\n#Xcv#</p>",more\n1\n'
    )
    said: list[str] = []

    import_templates(table, tmp_path / "mails", said.append)

    assert said[:4] == [
        "A.html: written, from A",
        "B.html: written, from B",
        "  row 4, line 4: #Xcv# was taken out: there is nothing like it here",
        "A template without a name: not written: nothing could ask for it; RowKey must be TemplateKey|Action",
    ]


def test_of_a_file_the_line_is_told(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/A.html").write_text("\n\n<p>#Xcv#</p>", encoding="utf-8")
    said: list[str] = []

    import_templates(tmp_path / "in", tmp_path / "out", said.append)

    assert said[1] == "  line 3: #Xcv# was taken out: there is nothing like it here"


def test_what_would_be_ours_stays_text() -> None:
    html = "<p>{{ Title }} {% if x %} {# no #} {#Title#}</p><style>@media x{#a{color:red}}</style>"

    converted = convert(html)

    assert not converted.mistakes
    assert [note for note in notes(html) if "braces" in note]
    said = read_html(a_mail(a_view(), template=parse(converted.html)).html).one("body").text
    assert "{ { Title }} { % if x %} { # no #} { Laptops for the Lisbon design team}" in said


def test_what_a_person_must_mend_is_told_with_its_line() -> None:
    converted = convert('<p>\n<b style="color:#AdditionalData.Colour#">x</b></p>')

    [mistake] = converted.mistakes
    assert mistake.startswith("line 2: ")


def test_a_table_becomes_files_and_lines_to_paste(tmp_path: Path) -> None:
    table = a_table(
        tmp_path / "t.csv",
        [
            ("1", "PendingApproval|None", PENDING),
            ("1", "DemoTenant|Reminder", "<p>#Title#</p>"),
            ("1", "Späte Freigabe \U0001f4c4|Reject", "<p>#Title#</p>"),
        ],
    )
    said: list[str] = []

    assert import_templates(table, tmp_path / "mails", said.append)

    pasted = tomllib.loads("\n".join(said[said.index("[mail.templates]") :]))["mail"]["templates"]
    assert pasted == {
        "PendingApproval": "mails/PendingApproval.html",
        "DemoTenant|Reminder": "mails/DemoTenant-Reminder.html",
        "Späte Freigabe \U0001f4c4|Reject": "mails/Sp-te-Freigabe-Reject.html",
    }
    for file in pasted.values():
        assert not mistakes_in((tmp_path / file).read_text(encoding="utf-8"))


def test_tenants_of_one_table_get_a_folder_each(tmp_path: Path) -> None:
    rows = [("1", "A B", "<p>1</p>"), ("2", "A B|None", "<p>2</p>"), ("1", "a-b", "<p>3</p>")]
    said: list[str] = []

    assert import_templates(a_table(tmp_path / "t.csv", rows), tmp_path / "out", said.append)

    written = {
        str(p.relative_to(tmp_path / "out")): p.read_text() for p in tmp_path.glob("out/*/*")
    }
    assert written == {
        "1/A-B.html": "<p>1</p>",
        "1/a-b-2.html": "<p>3</p>",
        "2/A-B.html": "<p>2</p>",
    }


def test_a_folder_is_taken_too(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/Pending__Approve.html").write_text("\ufeff<p>#Title#</p>", encoding="utf-8")
    said: list[str] = []

    assert import_templates(tmp_path / "in", tmp_path / "out", said.append)

    assert (tmp_path / "out/Pending-Approve.html").read_text() == "<p>{{ Title }}</p>"
    assert '"Pending|Approve" = "out/Pending-Approve.html"' in said


def test_of_a_folder_the_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "A.html").write_text("<p>#Title#</p>", encoding="utf-8")
    (tmp_path / "B.html").write_bytes("<p>Gr\u00fc\u00dfe</p>".encode("latin-1"))
    said: list[str] = []

    assert not import_templates(tmp_path, tmp_path / "mails", said.append)

    assert "cannot be read: B.html is not UTF-8. Nothing was written." in said[0]


def test_of_a_folder_the_file_that_is_too_long_is_named(tmp_path: Path) -> None:
    longest = "\u00e9" * 2**20
    (tmp_path / "A.html").write_text(longest, encoding="utf-8")
    (tmp_path / "B.html").write_text(f"{longest}x", encoding="utf-8")
    said: list[str] = []

    assert not import_templates(tmp_path, tmp_path / "mails", said.append)

    assert said == [f"{tmp_path} has a template of more than 1024 KB: B.html. Nothing was written."]
    assert not (tmp_path / "mails").exists()


def test_no_file_is_overwritten(tmp_path: Path) -> None:
    table = a_table(tmp_path / "t.csv", [("1", "A|None", "<p>new</p>")])
    (tmp_path / "mails").mkdir()
    (tmp_path / "mails/A.html").write_text("mine", encoding="utf-8")
    said: list[str] = []

    assert not import_templates(table, tmp_path / "mails", said.append)

    assert (tmp_path / "mails/A.html").read_text() == "mine"
    assert any("not written" in line for line in said)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"PartitionKey,RowKey\n1,A\n", "has no column TemplateContent"),
        (b"PartitionKey;RowKey;TemplateContent\n1;A;x\n", "parted by “;”: export it anew"),
        (b"PartitionKey,RowKey,TemplateContent\n", "holds no templates"),
        (b"\xff\xfe", "it is not UTF-8"),
        (b"P\0K\0", "has NUL characters in it: export it anew, as CSV in UTF-8"),
        (
            b"PartitionKey,RowKey,TemplateContent\n1,A," + b"x" * 2**20 + b"y\n",
            "has a field of more than 1024 KB, in the row after line 1",
        ),
        (b'PartitionKey,RowKey,TemplateContent\n1,A,"x" y\n', "is no CSV after line 1"),
        (b'PartitionKey,RowKey,TemplateContent\n1,A,"x\n', "is no CSV after line 1"),
        (None, "cannot be read: No such file"),
    ],
)
def test_a_source_that_is_none_is_told(tmp_path: Path, content: bytes | None, words: str) -> None:
    if content is not None:
        (tmp_path / "t.csv").write_bytes(content)
    said: list[str] = []

    assert not import_templates(tmp_path / "t.csv", tmp_path / "mails", said.append)

    assert words in said[0]
    assert not (tmp_path / "mails").exists()


@pytest.mark.parametrize("key", ["../../etc/evil", "a\\b", "\x1b[2Jx", "a\u202eb", "x" * 101])
def test_what_is_no_name_for_a_template_is_not_written_and_told(tmp_path: Path, key: str) -> None:
    rows = [("..", f"{key}|None", "<p>#Title#</p>"), ("..", "Good|None", "<p>#Fo\x1bo#</p>")]
    said: list[str] = []

    assert not import_templates(
        a_table(tmp_path / "t.csv", rows), tmp_path / "deep/mails", said.append
    )

    assert all(line.isprintable() for line in said)
    assert ": not written: a name has at most 100 characters" in said[0]
    assert [p.name for p in tmp_path.rglob("*.html")] == ["Good.html"]
    assert said[said.index("[mail.templates]") :] == [
        *("[mail.templates]", '"Good" = "mails/Good.html"', ""),
    ]


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (("1", "a|None", "<p>2</p>"), "a: not written: it comes twice"),
        (("1", "B|None", " \n"), "B: not written: it is empty"),
        (("1", "B|None", "<script>x</script>"), "B: not written: nothing is left of it"),
        (("1", "|None", "<p>x</p>"), "A template without a name: not written: nothing could"),
    ],
)
def test_a_template_that_would_do_nothing_is_told(
    tmp_path: Path, row: tuple[str, str, str], why: str
) -> None:
    table = a_table(tmp_path / "t.csv", [("1", "A|None", "<p>1</p>"), row])
    said: list[str] = []

    assert not import_templates(table, tmp_path / "mails", said.append)

    assert any(line.startswith(why) for line in said)
    assert [p.name for p in tmp_path.rglob("*.html")] == ["A.html"]


def test_nothing_is_to_be_pasted_if_nothing_was_fit(tmp_path: Path) -> None:
    said: list[str] = []

    assert not import_templates(
        a_table(tmp_path / "t.csv", [("1", "A", "")]), tmp_path / "mails", said.append
    )

    assert len(said) == 1


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "mails").write_text("a file", encoding="utf-8")
    said: list[str] = []

    assert not import_templates(
        a_table(tmp_path / "t.csv", [("1", "A", "<p>x</p>")]), tmp_path / "mails", said.append
    )

    assert said == [f"{tmp_path / 'mails'} cannot be made: File exists. Nothing was written there."]


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("SummaryJson.Title", "Title"),
        ("SummaryJson.Submitter.Name", "Submitter.Name"),
        ("SummaryData.AdditionalData.CostCentre", "AdditionalData.CostCentre"),
        ("ApproverName", "Approver.Name"),
        ("APPROVERALIAS", "Approver.Alias"),
        ("SubmitterName", "Submitter.Name"),
        ("DisplayDocumentNumber", "ApprovalIdentifier.DisplayDocumentNumber"),
        ("SummaryJson.DocumentNumber", "ApprovalIdentifier.DocumentNumber"),
        ("CustomAttributeValue", "CustomAttribute.CustomAttributeValue"),
        ("unitvalue", "UnitValue"),
        ("additionaldata.CostCentre", "AdditionalData.CostCentre"),
    ],
)
def test_other_spellings_of_a_name_are_known_and_told(theirs: str, ours: str) -> None:
    converted = convert(f"<p>#{theirs}#</p>")

    assert converted.html == f"<p>{{{{ {ours} }}}}</p>"
    assert [note.at(1) for note in converted.notes] == [f"#{theirs}# became {ours}"]
    assert not converted.mistakes


def test_what_looks_like_a_placeholder_and_is_none_is_told() -> None:
    html = '<p style="color:#aabbcc">#Lines[0].Amount# #5 #fff# # a#</p>'

    converted = convert(html)

    assert converted.html == html
    assert notes(html) == [
        "line 1: #Lines[0].Amount# was left as text: it is no placeholder that we know",
        "line 1: #fff# was left as text: it may be a colour",
    ]


@pytest.mark.parametrize("name", ["Fee", "Add", "Bed", "Facade", "DECADE"])
def test_a_word_that_looks_like_a_colour_is_a_placeholder_in_a_text(name: str) -> None:
    html = (
        f"<title>#{name}#</title>\n<p title='#{name}#'>{{#{name}#}}</p><a href=\"#{name}#\">x</a>"
    )

    assert convert(html).html == "<title></title>\n<p title=''>{ }</p><a href=\"\">x</a>"
    assert notes(html)[0] == f"lines 1, 2: #{name}# was taken out: there is nothing like it here"


STYLED = "it stands among styles and colours, where no value can"


@pytest.mark.parametrize(
    "html",
    [
        '<b style="color:#Fee#">x</b>',
        "<b title='>' STYLE = 'color:#Fee#;background:#ddd'>x</b>",
        "<b style=color:#Fee#>x</b>",
        '<font color="#Fee#">x</font>',
        "<td bgcolor=#Fee#>x</td>",
        "<style>\n</style>\n<style media=all>a{color:#Fee#;}</style>",
        "<style>#Fee#side{color:red}",
        "<!--[if mso]><style>a:hover{}</style><![endif]--><style>#Fee#</style>",
    ],
)
def test_what_may_be_a_colour_or_a_placeholder_is_left_and_told_with_its_line(html: str) -> None:
    converted = convert(html)

    assert converted.html == html
    line = html[: html.index("#Fee#")].count("\n") + 1
    assert notes(html) == [f"line {line}: #Fee# was left as it is: {STYLED}"]


@pytest.mark.parametrize("name", ["fff", "EEEEEE", "c0ffee", "A12"])
def test_what_is_no_word_is_left_and_told_in_a_text_too(name: str) -> None:
    html = f"\n<p>#{name}#</p>"

    assert convert(html).html == html
    assert notes(html) == [f"line 2: #{name}# was left as text: it may be a colour"]


@pytest.mark.parametrize(
    ("html", "ours", "left"),
    [
        ("<p>#fff#Title#</p>", "<p>#fff{{ Title }}</p>", "#fff"),
        ('<a href="x#Add#Title#">x</a>', '<a href="x#Add{{ Title }}">x</a>', "#Add"),
        ("<p>#fff#x #Title#</p>", "<p>#fff#x {{ Title }}</p>", "#fff#"),
    ],
)
def test_a_colour_takes_no_placeholder_its_sign(html: str, ours: str, left: str) -> None:
    assert convert(html).html == ours
    assert notes(html) == [f"line 1: {left} was left as text: it may be a colour"]


@pytest.mark.parametrize(
    "html",
    [
        '<p style="color:#fee">%</p>',
        "<p style='color:#FEE;background:#ffeedd !important'>%</p>",
        '<p style="background:linear-gradient(#fff,#eee 5%,#add)">%</p>',
        "<style>#fee,#add{color:#fee}#main.wide li#side>a{color:#BEDBED}#a+#b~#c{}</style>%",
        "<style>#main.wide #side.narrow{color:#fee}</style>%",
        '<a href="#top">%</a><a href="#Add">%</a><font color=#fee>%</font>',
        "<p>&#39;%&#39; &#x27;%&#x27; &#169;%&#8364;</p>",
        "<p>see #a.b %, or #1 % #</p>",
    ],
)
def test_colours_ids_addresses_and_entities_are_left_in_silence(html: str) -> None:
    converted = convert(html.replace("%", "#Title#"))

    assert converted.html == html.replace("%", "{{ Title }}")
    assert notes(html) == []


def test_what_is_known_is_turned_among_styles_too_and_is_to_be_mended() -> None:
    converted = convert('<b style="width:#AdditionalData.Bar Length#;color:#Xcv#">x</b>')

    assert converted.html == '<b style="width:{{ AdditionalData["Bar Length"] }};color:#Xcv#">x</b>'
    assert [note.at(0) for note in converted.notes] == [
        f"line 1: #Xcv# was left as it is: {STYLED}",
    ]
    assert len(converted.mistakes) == 1


def test_a_name_with_a_space_at_its_end_is_told() -> None:
    html = "<p>#AdditionalData.Cost Centre #</p>"

    assert convert(html).html == html
    assert "#AdditionalData.Cost Centre # was left as text" in notes(html)[0]


def test_check_says_each_mistake_and_what_mails_leave_out(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.html", tmp_path / "bad.html"
    good.write_text('<p><a href="{{ PageURL }}">x</a><img src="x.png"></p>', encoding="utf-8")
    bad.write_text("<p>\n{{ Titel }}", encoding="utf-8")
    said: list[str] = []

    assert not check_templates([good, bad, tmp_path / "none.html"], said.append)

    assert said == [
        f"{good}: no mistakes found",
        "  is left out of mails: <img>: its alternative text is shown",
        f"{bad}:2: Titel is not known; did you mean Title?",
        f"{tmp_path / 'none.html'}: cannot be read: No such file or directory",
    ]


def test_the_commands_need_no_settings(tmp_path: Path) -> None:
    file = tmp_path / "t.html"
    file.write_text("{{ Titel }}", encoding="utf-8")

    ran = subprocess.run(
        [sys.executable, "-m", "bots.cli", "templates", "check", str(file)],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parent.parent,
        env={},
    )

    assert (ran.returncode, ran.stdout) == (
        1,
        f"{file}:1: Titel is not known; did you mean Title?\n",
    )


def test_the_commands_can_be_typed() -> None:
    chosen = parser().parse_args(["templates", "import", "a.csv", "mails"])

    assert (chosen.verb, chosen.source, chosen.destination) == (
        "import",
        Path("a.csv"),
        Path("mails"),
    )


@pytest.mark.parametrize(
    "html",
    [
        "<p>{<!-- #Title#\n -->{ Title }}</p>",
        "<p>{<script>\n\n</script>% if Title %}</p>",
        "<p>{<!-- #Title#\n -->#Title#</p>",
    ],
)
def test_what_is_taken_out_joins_no_braces(html: str) -> None:
    done = convert(html)

    assert any("were parted" in note.why for note in done.notes)
    assert done.html[3:5] == "{ "
    assert done.mistakes == ()


def test_a_note_says_nothing_that_cannot_be_printed() -> None:
    [left, *_] = [
        note for note in convert("#Ti<script>\n</script>tle#").notes if "left" in note.why
    ]

    assert left.why.startswith("#Title# was left as text")


@pytest.mark.parametrize(
    ("begin", "repeated", "stays"),
    [
        ("", "<script", False),
        ("", "<script application/adaptivecard+json", False),
        ("", '<script type="application/adaptivecard+json">', False),
        ("", "<!--", True),
        ("<a ", "a", True),
    ],
)
def test_what_has_no_end_is_converted_however_long_it_is(
    begin: str, repeated: str, *, stays: bool
) -> None:
    """Each would take minutes, were all that follows read anew at each place where it begins."""
    html = begin + repeated * (2**20 // len(repeated))

    assert convert(html).html == (html if stays else "")


def test_a_card_and_a_comment_without_an_end_stay_what_they_are() -> None:
    card = "<script type=application/adaptivecard+json"
    html = f"<p>#Title#</p>{card}>1</SCRIPT >\n<script{card}>2</script><!-->#Title#<!-- #Total#"

    done = convert(html)

    assert done.html == "<p>{{ Title }}</p><!-->{{ Title }}<!-- {{ Total }}"
    assert notes(html) == ["the card's script was taken out: we put the card in"]


def test_a_name_is_looked_up_once_however_often_it_stands_there() -> None:
    before = is_known.cache_info().misses

    assert convert("#Why.Really#" * 1_000).html == ""

    assert is_known.cache_info().misses <= before + 1


@pytest.mark.parametrize("name", ["true", "None", "loop"])
def test_a_word_of_the_templates_language_is_no_name(name: str) -> None:
    html = f"<p>#{name}#</p>"

    assert convert(html).html == "<p></p>"
    assert notes(html) == [f"line 1: #{name}# was taken out: there is nothing like it here"]
