"""The sample payloads that the page offers for posting."""

import json
from pathlib import Path
from typing import Any

SAMPLES = Path(__file__).parent / "samples"
OPERATIONS = {1: "CREATE", 2: "UPDATE", 3: "DELETE"}
GROUPS = {  # by the first part of a file's name
    "laptops": "Laptops",
    "wiki": "Wiki",
    "expenses": "Reports",
    "capex": "Capital",
}
ORDER = ("create", "update", "delete")


def samples(document_type: str) -> list[dict[str, Any]]:
    """Return a tenant's samples in the order of a request's life: ours, then those of Assent's wiki."""
    texts = {path.stem: path.read_text(encoding="utf-8") for path in SAMPLES.glob("*.json")}
    found = [_sample(name, text) for name, text in texts.items() if document_type in text]
    wiki = next((one["text"] for one in found if one["name"] == "wiki-delete"), None)
    if wiki is not None and "wiki-delete-both" not in {one["name"] for one in found}:
        found.append(_sample("wiki-delete-both", _naming_both(wiki)))
    return sorted(found, key=_place)


def beginnings(document_type: str) -> list[str]:
    """Return the texts of a tenant's own CREATEs: what it starts requests from."""
    mine = [one for one in samples(document_type) if one["group"] != GROUPS["wiki"]]
    return [one["text"] for one in mine if one["operation"] == OPERATIONS[1]]


def _sample(name: str, text: str) -> dict[str, Any]:
    first, _, rest = name.partition("-")
    step, _, variant = rest.partition("-")
    operation = OPERATIONS.get(json.loads(text).get("Operation"), "ARX")
    return {
        "name": name,
        "group": GROUPS.get(first, first.capitalize()),
        "operation": operation,
        "label": " ".join(filter(None, [operation, variant])),
        "step": step,
        "text": text,
    }


def _naming_both(wiki_delete: str) -> str:
    """Let the wiki's DELETE name the two who are left after its UPDATE: as printed, it closes nothing."""
    return wiki_delete.replace(
        '"DeleteFor": [ "johndoe1" ]', '"DeleteFor": [ "johndoe2", "johndoe3" ]'
    )


def _place(sample: dict[str, Any]) -> tuple[int, int, str]:
    groups = list(GROUPS.values())
    group = groups.index(sample["group"]) if sample["group"] in groups else len(groups)
    step = ORDER.index(sample["step"]) if sample["step"] in ORDER else len(ORDER)
    return group, step, sample["name"]
