"""
One card of every kind as Outlook gets it, for the golden files and for looking at.

``python -m tests.outlook_faces`` writes the golden files anew; ``python -m
tests.outlook_faces FOLDER [NAME ...]`` pictures of them. Do the first only for a change
whose pictures you have looked at.
"""

import asyncio
import json
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

from approvals_core.ports import View
from approvals_core.tenant import Action, Choice, Comment, Input, InputKind
from cards.approval import NOTHING_BESIDE, Aside
from cards.outlook import notices, outlook_card
from cards.outlook.notices import Around
from tests.card_faces import COMMENT, views
from tests.card_forms import REASONED, asks
from tests.card_makers import APPROVE, REJECT, VIEWER, a_tenant, a_view
from tests.card_pictures import Looks, write

GOLDEN = Path(__file__).parent / "golden/outlook"
ORIGINATOR = "7d1c5b0e-32a4-4f5e-9a57-3f0f4f0f9a11"
CORRELATION = "6f1c2c2e-7b0a-4f0e-8f43-2f1a5f2b9c11"
PAGE = "https://approvals.example.com/requests/pr-9q2f4zt1"
LONGEST_TICKET = "t" * 340  # what a real one takes

# Of the states of `card_faces`; all of them are checked, these are kept.
KEPT = (
    *("pending", "pending-refused", "pending-refused-links", "question-open", "other-actions"),
    *("commented", "second-round", "bare", "form-reason", "form-new-approver"),
    *("form-inputs", "form-more"),
    *("form-confirmation", "form-refused-more", "form-reason-given"),
    *("sending", "retrying", "unconfirmed", "approved", "approved-with-words", "rejected"),
    *("question-asked", "held-sending", "held-approved", "done", "done-so-far", "ended-otherwise"),
    *("withdrawn", "opened-again"),
    *("tenant-closed", "nothing-offered", "closed-window", "closed-window-wait", "closed-kept"),
    *("details-wiki", "details-by-shape", "details-mapped", "details-endless"),
    *("stress-hostile", "stress-hostile-decided", "stress-words", "stress-rtl"),
)
CHOOSING = Action(
    code="Release",
    label="Release payment",
    past="Payment released",
    comment=Comment.NONE,
    inputs=(
        Input(
            code="Account",
            label="From account",
            kind=InputKind.CHOICE,
            required=True,
            choices=(
                Choice(code="DE01", text="Main account, Frankfurt"),
                Choice(code="PT01", text="Lisbon"),
            ),
        ),
        Input(code="Urgent", label="Same-day transfer", kind=InputKind.CHECKBOX),
    ),
    confirmation="I checked the account number.",
)


class FixedLinks:
    """Links that say where they lead, about as long as real ones."""

    def act(self, view: View, action: Action) -> str:
        return f"https://approvals.example.com/outlook/act/{quote(action.code)}-{LONGEST_TICKET}"

    def refresh(self, view: View) -> str:
        return f"https://approvals.example.com/outlook/refresh/{LONGEST_TICKET}"


def in_mail(
    view: View, aside: Aside = NOTHING_BESIDE, *, page_url: str = PAGE, **fields: Any
) -> dict[str, Any]:
    """Return the card of *view* in a mail."""
    usual: dict[str, Any] = {
        "links": FixedLinks(),
        "originator": ORIGINATOR,
        "correlation": CORRELATION,
    }
    return outlook_card(view, VIEWER, aside, page_url=page_url, **usual | fields)


@cache  # two files look at them
def outlook_faces() -> Mapping[str, dict[str, Any]]:
    stored = views()
    kept = {name: in_mail(stored[name]) for name in KEPT}
    return MappingProxyType({**kept, **_answers(stored), **_notices()})


def _answers(stored: Mapping[str, View]) -> dict[str, dict[str, Any]]:
    needed = Aside(
        problem="“Reject” needs a reason. Please choose one.",
        tried="Reject",
        typed="The price is last year's.",
    )
    changed = Aside(
        said="The request changed since this card was made. Please look again.", typed=COMMENT
    )
    faster = Aside(said="Maria Keller was faster: see below what was decided.")
    choosing = a_view(tenant=a_tenant(actions=(CHOOSING, REJECT)))
    return {
        "form-incomplete": in_mail(asks(APPROVE, REASONED), needed),
        "form-choices": in_mail(choosing),
        "changed-since": in_mail(a_view(), changed),
        "recording": in_mail(a_view(), Aside(recording="Approve")),
        "too-late": in_mail(stored["held-approved"], faster),
        "playground": in_mail(a_view(), notice_line="Playground: not a real request"),
        "no-page": in_mail(stored["form-new-approver"], page_url=""),
        "no-page-nothing": in_mail(asks(stored_action(stored)), page_url=""),
    }


def _notices() -> dict[str, dict[str, Any]]:
    refresh = FixedLinks().refresh(a_view())
    usual = {"originator": ORIGINATOR, "correlation": CORRELATION, "page_url": PAGE}
    around = Around(**usual, refresh=refresh)
    playground = Around(**usual, notice_line="Playground: not a real request")
    return {
        "notice-recording": notices.recording(around),
        "notice-cannot-be-reached": notices.cannot_be_reached(around),
        "notice-not-available": notices.not_available(around),
        "notice-too-old": notices.too_old(playground),
    }


def stored_action(stored: Mapping[str, View]) -> Action:
    """Return the action that no card in a mail can ask for."""
    return next(a for a in stored["form-new-approver"].tenant.actions if a.new_approver)


def written(card: dict[str, Any]) -> str:
    return json.dumps(card, ensure_ascii=False, indent=1) + "\n"


# -- pictures ---------------------------------------------------------------------

LOOKS: Looks = (("desktop", "light", 560, False), ("phone", "light", 304, True))

# Outlook as its own host configuration says (microsoft/AdaptiveCards, samples/HostConfig/
# outlook-desktop.json): always light, roomier than Teams.
DRAW = """async ({ cards, width }) => {
  const colours = (name) => ({ default: name, subtle: name });
  const style = (background) => ({ backgroundColor: background, foregroundColors: {
    default: { default: "#333333", subtle: "#4a4a4a" }, accent: colours("#2e89fc"), good: colours("#54a254"),
    warning: colours("#e69500"), attention: colours("#cc3300") } });
  const fonts = { fontFamily: "Segoe UI, Arial, sans-serif", fontSizes: { small: 12, default: 14, medium: 17, large: 21, extraLarge: 26 },
    fontWeights: { lighter: 200, default: 400, bolder: 600 } };
  const text = (weight) => ({ weight, size: "default", color: "default", isSubtle: false, wrap: true });
  const outlook = {
    supportsInteractivity: true, fontTypes: { default: fonts, monospace: fonts },
    lineHeights: { small: 16, default: 20, medium: 23, large: 28, extraLarge: 35 },
    spacing: { small: 3, default: 8, medium: 20, large: 30, extraLarge: 40, padding: 20 },
    separator: { lineThickness: 1, lineColor: "#eeeeee" },
    containerStyles: { default: style("#ffffff"), emphasis: style("#f7f7f7") },
    actions: { maxActions: 5, spacing: "default", buttonSpacing: 10, actionsOrientation: "horizontal", actionAlignment: "left" },
    factSet: { title: { ...text("bolder"), maxWidth: 150 }, value: text("default"), spacing: 10 },
  };
  const AC = window.AdaptiveCards, markdown = window.markdownit({ html: false });
  AC.AdaptiveCard.onProcessMarkdown = (words, result) => { result.outputHtml = markdown.render(words); result.didProcess = true; };
  AC.GlobalSettings.setTabIndexAtCardRoot = false;
  const look = document.createElement("style");
  look.textContent = `.outlook { border: 1px solid #d6d6d6; border-radius: 4px; background: #fff; font: 14px/20px Segoe UI, Arial, sans-serif; }
    .outlook p { margin: 0; } .outlook a { color: #0b62c4; } .outlook .ac-actionSet { flex-wrap: wrap; gap: 8px 0; }
    .outlook div:has(> .ac-actionSet) { overflow: visible !important; }
    .outlook .ac-pushButton { padding: 7px 14px; border: 1px solid #c8c8c8; border-radius: 3px; background: #fff; font: 600 14px/18px Segoe UI, Arial, sans-serif; color: #333; }
    .outlook .ac-pushButton.primary { background: #0067b8; border-color: #0067b8; color: #fff; }
    .outlook .ac-pushButton.style-destructive { border-color: #b3243f; color: #b3243f; }
    .outlook .ac-input:not(.ac-toggleInput) { width: 100%; font: 14px/20px Segoe UI, Arial, sans-serif; padding: 6px 8px; border: 1px solid #8a8a8a; border-radius: 3px; }
    .outlook .ac-toggleInput { border: 0; padding: 0; } .outlook .ac-toggleInput input { width: 16px; } .outlook textarea.ac-input { min-height: 64px; }
    .outlook .ac-textBlock { overflow-wrap: anywhere; } .outlook .ac-factset { table-layout: auto; }`;
  document.head.append(look);
  const sheet = document.getElementById("sheet");
  sheet.replaceChildren();
  for (const [name, json] of cards) {
    const card = new AC.AdaptiveCard(), box = document.createElement("div"), title = document.createElement("h6");
    const context = new AC.SerializationContext(), actions = new AC.CardObjectRegistry();
    AC.GlobalRegistry.populateWithDefaultActions(actions);
    actions.register("Action.Http", AC.HttpAction);
    context.setActionRegistry(actions);
    const { lang, ...rest } = json;
    card.hostConfig = new AC.HostConfig(outlook);
    card.onExecuteAction = (action) => (window.sent ??= []).push({ url: action.url, body: action.body });
    card.parse(rest, context);
    box.style.width = `${width}px`;
    title.textContent = name;
    const drawn = document.createElement("div");
    drawn.className = "outlook card";
    drawn.append(card.render());
    box.append(title, drawn);
    sheet.append(box);
    for (let at = 0; at < context.eventCount; at++) console.error(`${name}: ${context.getEventAt(at).message}`);
  }
}"""


def _main(*given: str) -> None:
    made = outlook_faces()
    if given:
        to, *wanted = given
        Path(to).mkdir(parents=True, exist_ok=True)
        asked = {name: card for name, card in made.items() if not wanted or name in wanted}
        asyncio.run(write(Path(to), asked, LOOKS, script=DRAW))
        return
    GOLDEN.mkdir(parents=True, exist_ok=True)
    for old in GOLDEN.glob("*.json"):
        old.unlink()
    for name, card in made.items():
        (GOLDEN / f"{name}.json").write_text(written(card), encoding="utf-8")


if __name__ == "__main__":
    _main(*sys.argv[1:])
