"""Requests at their worst, for looking at: long words, other scripts, hostile texts, too much of everything."""

import json
from datetime import timedelta

from approvals_core.models import (
    ActionTaken,
    Approval,
    Attachment,
    Level,
    Named,
    Place,
    PlaceState,
    Refusal,
)
from approvals_core.ports import View
from approvals_core.tenant import Action
from tests.card_makers import (
    ASKED_AT,
    BY_LINE_MANAGER,
    DECIDED_AT,
    a_content,
    a_person,
    a_place,
    a_tenant,
    a_view,
    an_approval,
    decided,
    taken,
)

LONG = "Donaudampfschifffahrtselektrizit\u00e4tenhauptbetriebswerkbauunterbeamtengesellschaft"
GUID = "0f8fad5b-d9cb-469f-a165-70867728950e"
ARABIC = "\u0623\u062c\u0647\u0632\u0629 \u0643\u0645\u0628\u064a\u0648\u062a\u0631 \u0644\u0641\u0631\u064a\u0642 \u0627\u0644\u062a\u0635\u0645\u064a\u0645 (\u0644\u0634\u0628\u0648\u0646\u0629) 2026"
HEBREW = "\u05de\u05d7\u05e9\u05d1\u05d9\u05dd \u05e0\u05d9\u05d9\u05d3\u05d9\u05dd \u05dc\u05e6\u05d5\u05d5\u05ea"
JAPANESE = "\u30ea\u30b9\u30dc\u30f3\u306e\u30c7\u30b6\u30a4\u30f3\u30c1\u30fc\u30e0\u5411\u3051\u30ce\u30fc\u30c8\u30d1\u30bd\u30b3\u30f3"
EMOJI = "\U0001f468\u200d\U0001f469\u200d\U0001f467 \U0001f1f5\U0001f1f9 \u2705\ufe0f \U0001f44d\U0001f3fd e\u0301"
HOSTILE = (
    "[Approve here](https://evil.example) **URGENT** <at>CEO</at> <script>alert(1)</script> "
    "{{DATE(2017-02-14T06:08:39Z,LONG)}} ![x](https://evil.example/p.png) `code` ~~old~~ a_b_c &lt;b&gt;"
)
REVERSED = "invoice\u202efdp.exe"


def stress_views() -> dict[str, View]:
    """Return requests whose every text is of one kind, asking and decided."""
    texts = {
        "words": (f"{LONG} for {GUID}", LONG, "x" * 90, "https://erp.example.com/a?" + "b" * 90),
        "rtl": (ARABIC, HEBREW, JAPANESE, f"{ARABIC}\n{HEBREW}"),
        "emoji": (EMOJI * 3, EMOJI, JAPANESE, f"{EMOJI}\n{JAPANESE}"),
        "hostile": (HOSTILE, "*Ana* _Ruiz_ # 1", REVERSED, f"- {HOSTILE}\n1. {HOSTILE}"),
    }
    views = {f"stress-{kind}": _asked(*said) for kind, said in texts.items()}
    views |= {f"stress-{kind}-decided": _answered(*said) for kind, said in texts.items()}
    return views | {"maximal": maximal()}


def _asked(title: str, name: str, word: str, prose: str) -> View:
    refusal = Refusal(action="Approve", message=prose, comment=prose, at=DECIDED_AT)
    approval = _with(a_place(refusal=refusal), title, name, word, prose)
    return a_view(approval, details=_details(title, word))


def _answered(title: str, name: str, word: str, prose: str) -> View:
    place = decided(PlaceState.ACCEPTED, comment=prose, message=prose, by=a_person(name))
    approval = _with(place, title, name, word, prose)
    return a_view(approval, details=_details(title, word))


def _with(place: Place, title: str, name: str, word: str, prose: str) -> Approval:
    content = a_content(
        title=title,
        submitter=Named(alias="johndoe11", name=name),
        custom_attribute=(word, name),
        hierarchy=(Level(kind=word, approvers=(Named(alias="x", name=name),)),),
        additional={"Project": word, name[:30]: title, "DecideBy": "2026-11-24T17:00:00Z"},
        attachments=(
            Attachment(name=f"{word}.pdf", url="https://erp.example.com/f/1", size=188_416),
        ),
        notes=prose,
    )
    number = f"PR-{GUID}" if word.startswith("x") else "PR-2026-00417"
    done = taken(comment=prose) if place.decision else BY_LINE_MANAGER
    return an_approval(place, content=content, display_number=number, taken=(done,))


def _details(title: str, word: str) -> dict[str, str]:
    rows = [
        {"Description": t, "Quantity": 4, "UnitPrice": 2240, "Amount": 8960} for t in (title, word)
    ]
    return {"LINE": json.dumps({"Rows": rows, "Footer": {"Total": 17920}})}


def many_approvers() -> View:
    """Return a request that went through twelve hands, and has seven people on its present step."""
    people = [a_person(f"Approver {chr(65 + i)}. Number{i}") for i in range(20)]
    places = [
        a_place(person=people[i]).model_copy(
            update={"seat": i, "alias": f"user{i}", "names": (f"user{i}",)}
        )
        for i in range(1, 20)
    ]
    gone = [p.model_copy(update={"state": PlaceState.REMOVED}) for p in places[:12]]
    levels = [
        *(_level(f"Step {i}", f"user{i}") for i in range(1, 13)),
        _level("Board", "johndoe1", *(f"user{i}" for i in range(13, 20))),
        *(_level(f"Later {i}", f"later{i}") for i in range(1, 5)),
    ]
    done = tuple(
        ActionTaken(
            by=f"user{i}", action="Approve", at=ASKED_AT + timedelta(hours=i), seat=i, round=1
        )
        for i in range(1, 13)
    )
    content = a_content(hierarchy=tuple(levels))
    return a_view(an_approval(a_place(), *gone, *places[12:], content=content, taken=done))


def _level(kind: str, *aliases: str) -> Level:
    return Level(kind=kind, approvers=tuple(Named(alias=alias) for alias in aliases))


def maximal() -> View:
    """Return a request that is too big for a card, whatever part of it is looked at."""
    actions = tuple(
        Action(code=f"Do{i}", label=f"Do it in the {i}. way", past="Done", comment_length=4000)
        for i in range(1, 7)
    )
    url = "https://erp.example.com/" + "a" * 1900
    prose = "Every word of this was needed by somebody. " * 60
    content = a_content(
        title="Everything at once " * 20,
        notes=prose,
        detail_page_url=url,
        attachments=tuple(
            Attachment(name=f"File {i}.pdf", url=url, size=i * 9999) for i in range(40)
        ),
        additional={f"Field{i}": prose[:300] for i in range(40)},
        hierarchy=tuple(_level(f"Step {i}", f"user{i}") for i in range(40)),
    )
    rows = [
        {"Description": prose[:160], "Quantity": i, "UnitPrice": i, "Amount": i * i}
        for i in range(99)
    ]
    refusal = Refusal(action="Do1", message=prose, comment=prose, at=DECIDED_AT)
    return a_view(
        an_approval(a_place(refusal=refusal), content=content),
        tenant=a_tenant(actions=actions),
        details={"LINE": json.dumps({"Rows": rows})},
    )
