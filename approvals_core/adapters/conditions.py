"""Conditions of actions and choices, in CEL: checked against the summary's fields where they are read."""

import math
import re
from collections.abc import Callable
from contextlib import suppress
from difflib import get_close_matches

from cel_expr_python import cel  # pyright: ignore[reportMissingTypeStubs] (typed, and does not say so)

from approvals_core.arx.times import read_ticks, time_of
from approvals_core.models import Content

LONGEST = 1000  # characters of an expression: what it costs grows with what is written, no faster

NEARLY = 0.8  # of two names' letters, in their order: less is another name

_TEXTS = cel.Type.Map(cel.Type.STRING, cel.Type.STRING)
# SummaryData's fields, by the names it has on the wire.
FIELDS = {
    "Title": cel.Type.STRING,
    "UnitValue": cel.Type.DOUBLE,
    "UnitOfMeasure": cel.Type.STRING,
    "CompanyCode": cel.Type.STRING,
    "SubmittedDate": cel.Type.TIMESTAMP,
    "Submitter.Alias": cel.Type.STRING,
    "Submitter.Name": cel.Type.STRING,
    "CustomAttribute.CustomAttributeName": cel.Type.STRING,
    "CustomAttribute.CustomAttributeValue": cel.Type.STRING,
    "ApproverNotes": cel.Type.STRING,
    "DetailPageURL": cel.Type.STRING,
    "AdditionalData": _TEXTS,
}
# Loops in loops multiply: `has` stays, whatever goes through a list goes.
_NO_LOOPS = "stdlib: {exclude_macros: [all, exists, exists_one, map, filter]}"

_PROBLEM = re.compile(r"ERROR: <input>:(\d+):(\d+): (.+)")
_UNKNOWN = re.compile(r"undeclared reference to '(.+)'")
_MISMATCH = re.compile(r"found no matching overload for '(.+)' applied to '\((.+)\)'")
_KINDS = {"string": "text", "double": "an amount", "int": "a whole number", "bool": "true or false"}
_STATUS = re.compile(r"^[A-Z_]+: | \[[A-Z_]+\]$|\s*\(in container ''\)")


def compiler() -> Callable[[str], Callable[[Content], object]]:
    """
    Return what makes a predicate over a request's content of a condition.

    It raises ValueError for an unknown field, a wrong type, a result that is no truth
    value, and what is too long; the message is for whoever wrote it. The predicate
    returns True, False, or what went wrong.
    """
    env = cel.NewEnv(
        config=cel.NewEnvConfigFromYaml(_NO_LOOPS),
        variables={f"summary.{name}": kind for name, kind in FIELDS.items()},
    )

    def compiled(source: str) -> Callable[[Content], object]:
        expression = _compiled(env, source)
        return lambda content: expression.eval(data=summary_of(content)).value()

    return compiled


def _compiled(env: cel.Env, source: str) -> cel.Expression:
    if not source.strip():
        raise ValueError("may not be empty")
    if len(source) > LONGEST:
        raise ValueError(f"may have at most {LONGEST} characters")
    try:
        expression = env.compile(source)
    except RuntimeError as problem:  # all that the library raises
        raise ValueError(_said(str(problem))) from None
    if expression.return_type() != cel.Type.BOOL:
        kind = expression.return_type().name().lower()
        raise ValueError(f"must be true or false, and is a {kind}")
    return expression


def summary_of(content: Content) -> dict[str, object]:
    """
    Return the summary's fields by their names in conditions.

    An amount or a date that cannot be read is left out: whatever asks for it fails.
    """
    name, value = content.custom_attribute or ("", "")
    fields: dict[str, object] = {
        "Title": content.title,
        "UnitOfMeasure": content.unit_of_measure,
        "CompanyCode": content.company_code,
        "Submitter.Alias": content.submitter.alias,
        "Submitter.Name": content.submitter.name,
        "CustomAttribute.CustomAttributeName": name,
        "CustomAttribute.CustomAttributeValue": value,
        "ApproverNotes": content.notes,
        "DetailPageURL": content.detail_page_url,
        "AdditionalData": content.additional,
    }
    with suppress(ValueError):
        amount = float(content.unit_value)
        if math.isfinite(amount):
            fields["UnitValue"] = amount
    if (ticks := read_ticks(content.submitted)) is not None:
        fields["SubmittedDate"] = time_of(ticks)
    return {f"summary.{name}": value for name, value in fields.items()}


def _said(problem: str) -> str:
    """Return what the compiler complains of first, in our words, and where."""
    found = _PROBLEM.search(problem)
    if found is None:
        return _STATUS.sub("", problem.splitlines()[0])
    said = _in_words(_STATUS.sub("", found[3]).strip())
    return f"{said} (character {found[2]})" if found[1] == "1" else said


def _in_words(said: str) -> str:
    if (unknown := _UNKNOWN.match(said)) is not None:
        return _not_known(unknown[1])
    if (mismatch := _MISMATCH.match(said)) is not None:
        return _do_not_go_together(mismatch[1], mismatch[2])
    if said.startswith("Syntax error:"):
        return "is no condition that can be read: see the examples in tenants/README.md"
    return said


def _not_known(name: str) -> str:
    """Name what is nearest to a field that is none; who forgets "summary." means the one after it."""
    known = [f"summary.{field}" for field in FIELDS]
    wanted = name if name.startswith("summary") else f"summary.{name}"
    near = get_close_matches(wanted, known, n=1, cutoff=NEARLY)
    guess = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"
    return f"{name} is not known here; {guess}"


def _do_not_go_together(operator: str, kinds: str) -> str:
    """Say how what stands beside an operator can be made alike."""
    sign = operator.strip("_@")
    types = {kind.strip() for kind in kinds.split(",")}
    if {"double", "int"} <= types:
        return f"{sign} takes two amounts: write 1000.0, not 1000"
    if "string" in types and types & {"double", "int"}:
        return (
            f"{sign} stands between text and a number: write double(…) around the text, and 1000.0"
        )
    if sign in ("&&", "||", "!"):
        return f"{sign} stands between what is true or false"
    words = " and ".join(_KINDS.get(kind.strip(), kind.strip()) for kind in kinds.split(","))
    return f"{sign} cannot be used with {words}"
