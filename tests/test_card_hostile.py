"""Cards of the worst that people and systems send: valid, small and inert all the same."""

import json
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from approvals_core.models import Attachment, Level, Named, PlaceState, Refusal
from approvals_core.tenant import Action
from cards.approval import Aside, approval_card
from cards.elements import LIMIT_IN_BYTES
from tests.card_makers import (
    DECIDED_AT,
    VIEWER,
    a_content,
    a_place,
    a_tenant,
    a_view,
    an_approval,
    decided,
    taken,
)
from tests.card_reading import assert_inert
from tests.card_schema import problems

# What people and systems may send us, at its worst.
STRESS = [
    "[Pay now](https://evil.example) **URGENT** Donaudampfschifffahrtselektrizitätenhauptwerk",
    "*Ana* _R_ <at>CEO</at> {{DATE(2017-02-14T06:08:39Z,LONG)}}",
    "# Head\n- [x](https://evil.example) " + "A" * 5000,
    "![i](https://evil.example/p.png) <https://evil.example> `code` &lt;b&gt;",
    "C:\\_tmp\\*\\",
    "invoice\u202efdp.exe\x00\ud800",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467" * 400,
    "\\" * 2000,
    '"' * 4000,
    "]: x\n[r]: https://evil.example\n| a |\n|---|\n",
]
anything = st.one_of(st.sampled_from(STRESS), st.text(max_size=60))


@st.composite
def hostile_views(draw: st.DrawFn) -> Any:
    def word() -> str:
        return draw(anything)

    count = draw(st.sampled_from([0, 1, 40]))
    content = a_content(
        title=word(),
        unit_value=word(),
        unit_of_measure=word(),
        submitted=word(),
        detail_page_url=draw(st.sampled_from(["https://erp.example.com/" + "é" * 150, word()])),
        company_code=word(),
        submitter=Named(alias=word(), name=word()),
        custom_attribute=(word(), word()),
        hierarchy=tuple(
            Level(kind=word(), approvers=(Named(alias=word(), name=word()),)) for _ in range(3)
        ),
        additional={f"{i}{word()}": word() + str(i) for i in range(6)},
        attachments=(Attachment(name=word(), url="https://e.example/" + "a" * 1900),) * count,
        notes=word(),
    )
    rows = [{"Description": word(), "Quantity": word(), "UnitPrice": word(), "Amount": word()}]
    details = {"LINE": json.dumps({"Rows": rows * count, "Footer": {"Total": word()}})}
    who = a_place().person
    assert who is not None
    person = who.model_copy(update={"name": word()})
    mine = draw(
        st.sampled_from(
            [
                a_place(refusal=_refusal(word(), word()), person=person),
                a_place(state=PlaceState.REMOVED, person=person),
                decided(PlaceState.ACCEPTED, comment=word(), message=word(), by=person),
            ]
        )
    )
    approval = an_approval(
        mine,
        a_place(1),
        content=content,
        display_number=word(),
        taken=(taken(comment=word(), action=word()),) * 12,
    )
    return a_view(approval, details=details)


def _refusal(message: str, comment: str) -> Refusal:
    return Refusal(action="Approve", message=message, comment=comment, at=DECIDED_AT)


@settings(max_examples=50)  # a card is made and validated in 80 ms
@given(view=hostile_views(), said=anything)
@example(view=a_view(), said=STRESS[0])
def test_whatever_is_sent_the_card_is_valid_small_and_inert(view, said):
    card = approval_card(view, VIEWER, Aside(said=said, problem=said, typed=said))

    made = card.to_dict()
    assert problems(made) == []
    assert card.size <= LIMIT_IN_BYTES
    assert_inert(made)


def test_the_worst_a_tenants_own_file_can_say_still_fits():
    emoji = "\U0001f600"
    actions = tuple(
        Action(code=emoji * 150 + str(i), label=emoji * 160, past=emoji * 160, comment_length=4000)
        for i in range(6)
    )
    tenant = a_tenant(name=emoji * 160, request_word=emoji * 160, actions=actions)
    long = "https://e.example/" + "a" * 1900
    refusal = _refusal(f"{long} {long}b {'<x' * 900}", emoji * 4000)
    content = a_content(title="<x" * 500, detail_page_url=long, notes="<x" * 900)
    approval = an_approval(a_place(refusal=refusal), a_place(1), content=content)

    card = approval_card(a_view(approval, tenant=tenant), VIEWER, Aside(said="<x" * 900))

    assert card.size <= LIMIT_IN_BYTES
