"""User text in cards: it shows as what was typed, and nothing in it acts."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from cards import text
from tests.card_reading import ACTIVE, links_in

ZERO_WIDTH_SPACE = text.ZERO_WIDTH_SPACE
MARKUP = "\\*_[]()`~{}<>&#+-=|:!./;\"'\n 019abAé"
hostile = st.one_of(
    st.text(alphabet=st.sampled_from(MARKUP), max_size=60),
    st.lists(
        st.sampled_from(
            [
                *("](", "]:", "![", "[", "]", "<https://e.x>", "https://e.x", "<b>", "&lt;", "{{"),
                *("DATE(2020-01-01T00:00:00Z)", "}}", "**", "__", "~~", "```", "\n", "\n\n", " "),
                *("1. ", "- ", "# ", "> ", "---", "===", "|-|", "\\", "a", "_", "*", "é", "€"),
            ]
        ),
        max_size=12,
    ).map("".join),
)


def shown(markdown: str) -> str:
    """Return what markdown-it makes of *markdown*; anything but text is written as its tag."""
    words: list[str] = []
    for block in MarkdownIt("js-default").parse(markdown):
        if block.type == "inline":
            words += [_inline(token.type, token.content) for token in block.children or []]
        elif block.type not in {"paragraph_open", "paragraph_close"}:
            words.append(f"<{block.type}>")
        elif block.type == "paragraph_open" and words:
            words.append("\n\n")
    return "".join(words).replace(ZERO_WIDTH_SPACE, "")


def _inline(kind: str, content: str) -> str:
    if kind == "softbreak":
        return "\n"
    return content if kind in {"text", "text_special"} else f"<{kind}>"


@given(hostile)
@example("[Approve here](https://evil.example)")
@example("![x](https://evil.example/p.png)")
@example("[r]: https://evil.example\n[r]")
@example("C:\\_tmp\\*\\")
@example("a\n---\nb\n===")
def test_escaped_text_shows_as_what_was_typed(raw):
    typed = text.clean(raw)

    escaped = text.escape_markdown(typed)

    assert shown(escaped) == typed.replace("`", "\u02cb")


@given(st.lists(hostile, max_size=4).map(lambda parts: "x".join(parts) * 3))
def test_long_runs_are_broken_where_it_changes_nothing(raw):
    markdown = text.block(raw, 500)

    assert shown(markdown) == text.one_line(raw, 500).replace("`", "\u02cb")
    assert max(map(len, re.split(rf"[\s{ZERO_WIDTH_SPACE}]", markdown))) <= 3 * text.UNBROKEN


@pytest.mark.parametrize("code", ["DE89370400440532013000", "93f9b688-ddc3-43aa-b617-c05a415d1612"])
def test_codes_people_copy_stay_whole(code):
    assert text.block(code) == code


@pytest.mark.parametrize(
    ("raw", "limit", "cut"),
    [
        ("abcdef", 6, "abcdef"),
        ("abcdefg", 6, "abcde…"),
        ("abcd \u00e9f", 6, "abcd…"),
        ("abcde\u0301fg", 6, "abcd…"),
        ("ab\U0001f469\u200d\U0001f4bbxyz", 5, "ab…"),
        ("\u200d" * 9, 5, "…"),
    ],
)
def test_a_cut_never_splits_what_is_one_character_to_the_eye(raw, limit, cut):
    assert text.cut(raw, limit) == cut


def test_a_long_run_is_never_broken_inside_what_is_one_character_to_the_eye():
    family = "\U0001f468\u200d\U0001f469\u200d\U0001f467"

    broken = text.break_runs("x" + family * 20)

    assert set(broken.split(ZERO_WIDTH_SPACE)[1:-1]) <= {family * n for n in range(1, 6)}
    assert len(broken.split(ZERO_WIDTH_SPACE)) > 3


def test_free_text_keeps_its_lines_but_not_without_end():
    assert text.run("a\nb") == "a\nb"
    assert text.run("\n".join("abcdefghijklm")) == "\n".join("abcdefghij") + "…"


@given(hostile)
@example("{{{DATE(2017-02-14T06:08:39Z)}}")
def test_nothing_active_survives_the_escaping(raw):
    for line in text.escape_markdown(text.clean(raw)).split("\n"):
        assert not ACTIVE.search(line)


@given(hostile)
@example("{{{DATE(2017-02-14T06:08:39Z)}}")
def test_runs_hold_neither_links_nor_dates(raw):
    escaped = text.escape_run(text.clean(raw))

    assert not re.search(r"\][(\[:]|\{\{", escaped)
    assert escaped.replace(ZERO_WIDTH_SPACE, "") == text.clean(raw)


@given(hostile)
def test_a_label_never_ends_its_link_early(label):
    markdown = text.link(label or "x", "https://erp.example/r?a=(1)")

    assert set(links_in(markdown)) <= {"https://erp.example/r?a=%281%29"}
    assert "<" not in shown(markdown).replace("<link_open>", "").replace("<link_close>", "") or (
        "<" in label
    )


@pytest.mark.parametrize("label", ["", " ", "\u200b\u202e"])
def test_a_link_that_cannot_be_seen_is_none(label):
    assert text.link(label, "https://erp.example/") == ""


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "https://bank.example@evil.example/",
        "https://bank.example\\@evil.example/",
        "https:///nowhere",
        "//evil.example",
        "https://evil.example\u202e/x",
        "https://a b.example/",
        "http://a:99999999/",
        "https://e.example/" + "x" * 3000,
        "mailto:a@b.example",
        "",
    ],
)
def test_an_address_we_would_not_open_is_none(address):
    assert text.safe_url(address) is None


@pytest.mark.parametrize(
    ("address", "safe"),
    [
        ("https://tenant.com/", "https://tenant.com/"),
        (" HTTP://Tenant.com:8080/A b ", "http://tenant.com:8080/A%20b"),
        (
            "https://erp.example/x(1)?q=[a]&r={{b}}",
            "https://erp.example/x%281%29?q=%5Ba%5D&r=%7B%7Bb%7D%7D",
        ),
        ("https://münchen.example/ü", "https://xn--mnchen-3ya.example/%C3%BC"),
        ("http://[::1]:80/x", "http://[::1]:80/x"),
        ("https://erp.example/50%25", "https://erp.example/50%25"),
    ],
)
def test_an_address_is_written_so_that_nothing_ends_it_early(address, safe):
    assert text.safe_url(address) == safe


@given(st.text(max_size=80))
def test_an_address_is_opened_only_where_it_says(raw):
    safe = text.safe_url(f"https://erp.example/{raw}")

    assert safe is None or safe.startswith("https://erp.example/")
    assert safe is None or re.fullmatch(r"[!-~]+", safe)
    assert safe is None or not set(safe) & set('()[]{}<>"\\` *')


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("a\r\nb\rc\u2028d\x85e", "a\nb\nc\nd\ne"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("\x00a\x07b\ufeff", "ab"),
        ("a\t \u00a0 b", "a b"),
        ("a\n\n\n\n\nb", "a\n\nb"),
        ("x\ud800y", "xy"),
        ("\U0001f469\u200d\U0001f4bb", "\U0001f469\u200d\U0001f4bb"),
        ("\u0645\u06cc\u200c\u062e", "\u0645\u06cc\u200c\u062e"),
        ("Z" + "\u0301" * 50 + "algo", "Z\u0301\u0301\u0301algo"),
    ],
)
def test_cleaning_takes_out_what_misleads_and_leaves_what_people_write(raw, clean):
    assert text.clean(raw) == clean


@given(st.text())
def test_cleaned_text_can_be_sent_and_is_clean(raw):
    once = text.clean(raw)

    assert once.encode().decode() == once
    assert text.clean(once) == once


@pytest.mark.parametrize(
    ("name", "shown_as"),
    [
        ("Quote\nof today.pdf", "Quote of today.pdf"),
        ("a" * 200 + "harmless.pdf.exe", "a" * 63 + "…harmless.pdf.exe"),
    ],
)
def test_a_long_file_name_keeps_its_end(name, shown_as):
    assert text.file_name(name) == shown_as
    assert len(shown_as) <= text.FILE_NAME


def test_a_file_name_is_not_cut_inside_what_looks_like_one_character():
    family = "\U0001f468\u200d\U0001f469\u200d\U0001f467"

    found = text.file_name("x" * 100 + family * 4)

    assert not found.split("…")[1].startswith("\u200d")


@given(
    st.lists(st.one_of(st.characters(), st.sampled_from(" \n\t\u0301")), max_size=12).map("".join)
)
@example("".join(map(chr, range(0x110000))))
def test_a_text_that_looks_calm_is_what_calming_would_make_of_it(raw: str):
    assert text.clean(raw) == text._calmed(raw)


@pytest.mark.parametrize("start", range(0, 0x10000, 0x1000))
def test_no_character_that_is_taken_out_looks_calm(start: int):
    for character in map(chr, range(start, start + 0x1000)):
        for raw in (f"a{character}b", f"a{character * 4}b"):
            assert text.clean(raw) == text._calmed(raw)
