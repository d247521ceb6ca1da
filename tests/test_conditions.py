"""Conditions of actions and choices: what they may say, and that nothing but true offers anything."""

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from approvals_core.adapters.conditions import FIELDS, LONGEST, compiler
from approvals_core.adapters.tenant_files import BadTenantFiles, load_tenants
from approvals_core.models import Content, Named
from approvals_core.rules.standing import offered
from approvals_core.tenant import Action, Choice, Comment
from approvals_core.tenant.conditions import CEL, Condition, holding
from tests.card_makers import APPROVE, a_content, a_tenant, an_approval

COMPILED = compiler()
SAMPLE = Path(__file__).parent.parent / "playground/tenants/purchasing.toml"


def condition(source: str) -> Condition:
    return Condition(source, COMPILED(source))


def an_action(predicate: Any, **fields: Any) -> Action:
    usual: dict[str, Any] = {"code": "A", "label": "A", "past": "A"}
    return Action(**usual, condition=Condition("given", predicate), **fields)


@pytest.mark.parametrize(
    "source",
    [
        "summary.UnitValue > 1000.0",
        "summary.UnitOfMeasure in ['EUR', 'USD']",
        "summary.Title.startsWith('Laptops')",
        "summary.CompanyCode == '1010' && summary.Submitter.Alias == 'johndoe11'",
        "summary.Submitter.Name.contains('Ruiz')",
        "summary.CustomAttribute.CustomAttributeName == 'Vendor'",
        "summary.CustomAttribute.CustomAttributeValue.endsWith('GmbH')",
        "summary.AdditionalData.Project == 'LIS-EXPANSION_2026'",
        "'CostCentre' in summary.AdditionalData",
        "has(summary.AdditionalData.Project)",
        "summary.SubmittedDate > timestamp('2026-11-01T00:00:00Z')",
        "summary.SubmittedDate.getFullYear() == 2026",
        "size(summary.ApproverNotes) > 0 && summary.DetailPageURL.matches('^https://erp')",
    ],
)
def test_a_condition_reads_the_fields_of_the_summary(source: str) -> None:
    assert condition(source).holds(a_content())


@pytest.mark.parametrize(
    "source",
    [
        "summary.UnitValue > 100000.0",
        "summary.AdditionalData.Nothing == 'here'",  # an error: there is none
        "!(summary.AdditionalData.Nothing == 'here')",
        "double(summary.Title) > 0.0",
        "timestamp(summary.Title) > timestamp('2026-11-01T00:00:00Z')",
        "1 / int(summary.Title.size() - summary.Title.size()) > 0",
    ],
)
def test_what_is_false_or_goes_wrong_does_not_hold(source: str) -> None:
    assert not condition(source).holds(a_content())


@pytest.mark.parametrize("amount", ["", "a lot", "nan", "inf", "-inf", "1e999", "12,480.00"])
def test_an_amount_that_is_none_makes_nothing_true(amount: str) -> None:
    content = a_content(unit_value=amount)

    assert not condition("summary.UnitValue > 0.0").holds(content)
    assert not condition("summary.UnitValue <= 0.0").holds(content)


def test_a_date_that_is_none_makes_nothing_true() -> None:
    content = a_content(submitted="next week")

    assert not condition("summary.SubmittedDate < timestamp('9999-01-01T00:00:00Z')").holds(content)


def test_without_a_summary_no_condition_holds() -> None:
    assert not condition("true").holds(None)


def test_a_condition_that_nobody_compiled_does_not_hold() -> None:
    action = Action.model_validate({"code": "A", "label": "A", "past": "A", "condition": "true"})

    assert action.condition == Condition("true")
    assert action.condition is not None
    assert not action.condition.holds(a_content())


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("summary.Worth > 3.0", "summary.Worth is not known here; known are summary.Title, "),
        ("summary.Titel == ''", "not known here; did you mean summary.Title? (character 8)"),
        ("UnitValue > 3.0", "UnitValue is not known here; did you mean summary.UnitValue?"),
        ("summary.UnitValue < 3", "< takes two amounts: write 1000.0, not 1000 (character 19)"),
        ("summary.UnitValue == '3'", "== stands between text and a number: write double(…)"),
        ("summary.Title && true", "&& stands between what is true or false"),
        ("summary.SubmittedDate + true == 3", "+ cannot be used with "),
        ("summary.Title", "must be true or false, and is a string"),
        ("dyn(true)", "must be true or false, and is a dyn"),
        ("true &&", "is no condition that can be read"),
        ("import os", "reserved identifier: import"),
        ("", "may not be empty"),
        ("true" + " " * LONGEST, "may have at most 1000 characters"),
        ("(" * 200 + "true" + ")" * 200, "recursion limit"),
    ],
)
def test_a_condition_that_cannot_be_meant_is_refused(source: str, why: str) -> None:
    with pytest.raises(ValueError, match=re.escape(why)):
        COMPILED(source)


@pytest.mark.parametrize("macro", ["all", "exists", "exists_one", "map", "filter"])
def test_a_condition_has_no_loops(macro: str) -> None:
    with pytest.raises(ValueError, match=" is not known here"):
        COMPILED(f"[1, 2].{macro}(x, x > 0) == summary.AdditionalData.{macro}(k, true)")


@given(
    st.one_of(
        st.none(),
        st.just(value=False),
        st.integers(),
        st.floats(),
        st.text(),
        st.lists(st.booleans()),
    )
)
def test_anything_but_true_denies(answer: object) -> None:
    tenant = a_tenant(actions=(APPROVE, an_action(lambda _content: answer)))

    assert offered(an_approval(), tenant) == (APPROVE,)


@given(st.sampled_from([ValueError, RuntimeError, RecursionError, KeyError, MemoryError]))
def test_an_error_denies(error: type[Exception]) -> None:
    def fails(content: Content) -> object:
        raise error

    assert offered(an_approval(), a_tenant(actions=(APPROVE, an_action(fails)))) == (APPROVE,)


@given(
    st.builds(
        Content,
        title=st.text(),
        unit_value=st.text(max_size=20),
        submitted=st.text(max_size=30),
        submitter=st.builds(Named, alias=st.text(), name=st.text()),
        custom_attribute=st.one_of(st.none(), st.tuples(st.text(), st.text())),
        additional=st.dictionaries(st.text(), st.text()),
    )
)
def test_no_summary_makes_a_condition_raise(content: Content) -> None:
    wanted = condition(
        "summary.UnitValue > 1.0 || summary.AdditionalData.a == summary.Title ||"
        " summary.SubmittedDate > timestamp(summary.Submitter.Name)"
    )

    assert wanted.holds(content) in (True, False)


def test_choices_are_offered_under_their_conditions() -> None:
    dear = Choice(code="DEAR", text="Too dear", condition=condition("summary.UnitValue > 1000.0"))
    cheap = Choice(code="CHEAP", text="Too cheap", condition=condition("summary.UnitValue < 9.0"))
    always = Choice(code="ALWAYS", text="Other")

    assert holding((dear, cheap, always), a_content()) == (dear, always)


def test_an_action_whose_needed_list_is_empty_now_is_not_offered() -> None:
    never = Choice(code="NEVER", text="Never", condition=condition("false"))
    reasoned = Action(
        code="Reject",
        label="Reject",
        past="Rejected",
        justification=Comment.REQUIRED,
        justifications=(never,),
    )
    optional = reasoned.model_copy(update={"code": "No", "justification": Comment.OPTIONAL})

    assert offered(an_approval(), a_tenant(actions=(reasoned, optional))) == (optional,)


def test_a_greyed_action_is_not_offered() -> None:
    greyed = APPROVE.model_copy(update={"code": "Later", "enabled": False})

    assert offered(an_approval(), a_tenant(actions=(APPROVE, greyed))) == (APPROVE,)


def test_the_arx_narrows_what_the_conditions_leave() -> None:
    other = APPROVE.model_copy(update={"code": "Other"})
    denied = an_action(lambda _content: False)
    approval = an_approval(content=a_content(actions=("OTHER", "a")))

    assert offered(approval, a_tenant(actions=(APPROVE, other, denied))) == (other,)


def test_the_documents_name_every_field_that_a_condition_may_ask_for() -> None:
    documented = (SAMPLE.parents[2] / "tenants/README.md").read_text(encoding="utf-8")

    assert [name for name in FIELDS if f"`summary.{name}`" not in documented] == []


def test_conditions_written_alike_are_equal() -> None:
    assert condition("true") == condition("true") != condition("false")
    assert Action.model_validate(
        {"code": "A", "label": "A", "past": "A", "condition": "true"}, context={CEL: COMPILED}
    ) == Action.model_validate({"code": "A", "label": "A", "past": "A", "condition": "true"})


def a_file(folder: Path, *, written: str) -> Path:
    """Write a tenant's file whose last action has the condition *written*; return the folder."""
    text = SAMPLE.read_text(encoding="utf-8")
    last = '\n[[actions]]\ncode = "Last"\nlabel = "Last"\npast = "Done"\n'
    (folder / "sample.toml").write_text(f"{text}{last}condition = {written}\n", encoding="utf-8")
    return folder


def test_a_tenants_condition_is_compiled_when_its_file_is_read(tmp_path: Path) -> None:
    folder = a_file(tmp_path, written='"summary.UnitValue > 1000.0"')

    action = load_tenants(folder).all()[0].action("Last")

    assert action is not None
    assert action.condition is not None
    assert action.condition.holds(a_content())
    assert not action.condition.holds(a_content(unit_value="12"))


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ('"summary.Worth > 3.0"', "summary.Worth is not known here"),
        ('"summary.UnitValue"', "must be true or false, and is a double"),
        ("3", 'must be text, in " "'),
        ('{ source = "true" }', 'must be text, in " "'),
    ],
)
def test_a_mistake_in_a_condition_is_told_with_its_line(
    tmp_path: Path, written: str, why: str
) -> None:
    folder = a_file(tmp_path, written=written)
    lines = (folder / "sample.toml").read_text(encoding="utf-8").splitlines()
    line = next(i for i, text in enumerate(lines, 1) if text.startswith("condition = "))

    with pytest.raises(BadTenantFiles) as refused:
        load_tenants(folder)

    assert len(refused.value.mistakes) == 1
    assert f"sample.toml:{line}: actions." in refused.value.mistakes[0]
    assert why in refused.value.mistakes[0]
