"""The small cards in a mail: Outlook takes them, and they tell nothing but what they are for."""

from collections.abc import Callable

import pytest

from cards.outlook import notices
from cards.outlook.notices import Around
from playground.reading import buttons, words
from tests.outlook_schema import problems

AROUND = Around(
    originator="88888888-bbbb-4bbb-8bbb-888888888888",
    correlation="01234567-89ab-cdef-0123-456789abcdef",
    page_url="https://approvals.example.com/requests/pr-aaaaaaaaaaaaaaaa",
    refresh="https://approvals.example.com/outlook/refresh/a.b.c",
)
MADE = [
    notices.recording,
    notices.cannot_be_reached,
    notices.not_available,
    notices.too_old,
]
Notice = Callable[[Around], dict[str, object]]


@pytest.mark.parametrize("notice", MADE)
def test_outlook_takes_it_and_can_ask_for_the_newest_card(notice: Notice) -> None:
    card = notice(AROUND)

    assert list(problems(card)) == []
    assert (card["originator"], card["correlationId"]) == (AROUND.originator, AROUND.correlation)
    assert {b["url"] for b in buttons(card)} == {AROUND.refresh, AROUND.page_url}
    assert "autoInvokeAction" in card


@pytest.mark.parametrize("notice", MADE)
def test_what_comes_no_more_leads_to_the_page_alone(notice: Notice) -> None:
    card = notice(AROUND._replace(refresh=""))

    assert list(problems(card)) == []
    assert [b["url"] for b in buttons(card)] == [AROUND.page_url]
    assert "autoInvokeAction" not in card


def test_a_service_that_is_not_the_usual_one_says_so_here_too() -> None:
    card = notices.too_old(AROUND._replace(notice_line="Test: *not* for real"))

    assert list(problems(card)) == []
    assert r"Test: \*not\* for real" in words(card)
