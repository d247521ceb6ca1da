"""How much JSON one operation of the details may hold, and what becomes of one that has more."""

import json
from datetime import UTC, datetime

import pytest

from approvals_core.adapters.tenant_api.calls import Reply
from approvals_core.adapters.tenant_api.reading import fetched
from approvals_core.arx.bounds import MOST_VALUES, too_many_values
from approvals_core.ports import Fetched, FetchedKind
from approvals_core.rules.details import TOTAL, digest_of, go_through
from cards.approval.values import read
from tests.makers import KEY

MANY = json.dumps([1] * (MOST_VALUES + 1))


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("[1, 2, 3]", 3),
        ('{"a": [1, 2], "b": {"c": 3}}', 5),
        ('["a, [b, {c", "\\", ,", 1]', 3),
        ('["never closed, , , ,', 1),
        ('["ends in a backslash, , , \\', 1),
        ("7", 0),
    ],
)
def test_values_are_counted_without_what_stands_in_texts(text: str, values: int):
    assert not too_many_values(text, values)
    assert values == 0 or too_many_values(text, values - 1)


def test_one_value_more_than_the_bound_has_no_digest_and_is_not_parsed():
    assert digest_of(json.dumps([1] * MOST_VALUES))
    assert digest_of(MANY) == ""
    assert read(MANY) is None


def test_an_answer_with_too_many_values_cannot_be_used():
    answer = fetched(Reply(200, {}, MANY.encode()), now=datetime.now(UTC))

    assert answer.kind is FetchedKind.UNUSABLE
    assert answer.reason == "HTTP 200, more than 50000 values"


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("[" + " " * TOTAL, "all details together would have more than 2097152 bytes"),
        (MANY[:-1], "the answer has more than 50000 values"),
    ],
)
def test_what_is_too_much_is_not_parsed_to_find_out(body: str, why: str):
    read_there = go_through(KEY, Fetched(kind=FetchedKind.FOUND, body=body))

    assert (read_there.why, read_there.digest) == (why, "")
