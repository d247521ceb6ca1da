"""When an action or a choice is offered: an expression over the summary, compiled where it is read."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Protocol, TypeVar

from pydantic import BeforeValidator, PlainSerializer, ValidationInfo, WithJsonSchema

from approvals_core.models import Content

CEL = "cel"  # where the compiler is in the context of a validation


@dataclass(frozen=True)
class Condition:
    """
    A condition as written, and what decides it; two are equal if they are written alike.

    *predicate* None: nobody compiled it, and it never holds.
    """

    source: str
    predicate: Callable[[Content], object] | None = field(default=None, compare=False, repr=False)

    def holds(self, content: Content | None) -> bool:
        """Tell whether it is true of *content*. Anything but true is not, an error neither."""
        if self.predicate is None or content is None:
            return False
        try:
            return self.predicate(content) is True
        except Exception:  # noqa: BLE001 - whatever went wrong, nobody may act because of it
            return False


class Conditional(Protocol):
    """What is offered under a condition, or always."""

    @property
    def condition(self) -> Condition | None: ...


_T = TypeVar("_T", bound=Conditional)


def holding(entries: Sequence[_T], content: Content | None) -> tuple[_T, ...]:
    """Return those entries whose condition is true of *content*, or that have none."""
    return tuple(e for e in entries if e.condition is None or e.condition.holds(content))


def _compiled(written: object, asked: ValidationInfo) -> object:
    if isinstance(written, Condition):
        return written
    if not isinstance(written, str):
        raise ValueError('must be text, in " "')  # noqa: TRY004 (pydantic reads ValueErrors)
    context: dict[str, Any] = asked.context or {}
    compiler = context.get(CEL)
    return Condition(written, compiler(written) if compiler is not None else None)


# A text becomes a Condition by the compiler in the validation's context, under the key `CEL`:
# Callable[[str], Predicate], which raises ValueError for what it cannot compile.
Conditioned = Annotated[
    Condition,
    BeforeValidator(_compiled),
    PlainSerializer(lambda c: c.source, return_type=str),
    WithJsonSchema({"type": "string", "format": "cel"}),
]
