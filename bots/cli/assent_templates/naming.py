"""How the names in Assent's templates are called in ours."""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

from cards.mail import mistakes_in
from cards.mail.names import NAMES, Name

# (assent-app, EmailHelper.cs: what is added to the summary's own fields)
_OURS = {
    "msapprovalsdetailpage": "PageURL",
    "msapprovalsdevicedetailpage": "PageURL",
    "toolname": "Tenant.Name",
    "tenantname": "Tenant.Name",
    "appname": "Tenant.Name",
    "documentnumberprefix": "Tenant.RequestWord",
    "approverchain": "ApproverChain",
    "adaptiveapproverchain": "ApproverChain",
    "detailtemplate": "request",
    "actiondetails": "ActionDetail",
}
# What Assent's templates may say before a field of the summary, which it lays flat.
_SUMMARY = frozenset({"summaryjson", "summarydata"})
# Tables whose fields are also found by their own name: no other has one alike.
_BY_LEAF = ("ApprovalIdentifier", "CustomAttribute")
_NOT_HERE = {
    "actionablemessage": "the card has the buttons",
    "adaptivejson": "the card is put in by us",
}
_PLAIN_NAME = re.compile(r"[A-Za-z_]\w*")


def why_not_here(path: str) -> str:
    """Return why we have nothing like *path* on purpose, "" if that is not so."""
    return _NOT_HERE.get(_steps(path)[0].casefold(), "")


def ours(path: str) -> Sequence[str]:
    """Return our path for one of theirs, whatever its capitals, and with dots between words or not."""
    root, *below = _steps(path)
    if (known := _OURS.get(root.casefold())) is not None:
        return [*known.split("."), *below]
    spelt = _SPELT.get("".join((root, *below)).casefold())
    return spelt or [_ROOTS.get(root.casefold(), root), *below]


def placed(path: Sequence[str]) -> str:
    """Return what stands in a template of ours for one of our paths."""
    root, *below = path
    if all(map(_PLAIN_NAME.fullmatch, below)):
        return "{{ " + ".".join(path) + " }}"
    return "{{ " + root + "".join(f'["{step}"]' for step in below) + " }}"


@lru_cache(maxsize=4096)  # each look compiles a template, and templates name the same all over
def is_known(path: str) -> bool:
    """Tell whether we have anything like one of their paths."""
    found = ours(path)
    return found[0] in NAMES and not mistakes_in(placed(found))


def _steps(path: str) -> Sequence[str]:
    steps = path.split(".")
    return steps[1:] if len(steps) > 1 and steps[0].casefold() in _SUMMARY else steps


def _paths(names: Mapping[str, Name], above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the path to each name of ours."""
    for name, table in names.items():
        yield (*above, name)
        yield from _paths(table.below, (*above, name))


_ROOTS = {name.casefold(): name for name in NAMES}
_SPELT = {
    **{name.casefold(): (table, name) for table in _BY_LEAF for name in NAMES[table].below},
    **{"".join(path).casefold(): path for path in _paths(NAMES)},
}
