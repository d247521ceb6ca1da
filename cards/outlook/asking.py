"""What a pending card in a mail asks for: one comment for all actions, and a decision."""

from collections.abc import Sequence
from functools import partial
from typing import Protocol

from approvals_core.ports import View
from approvals_core.rules.standing import offered
from approvals_core.tenant import Action, Comment
from cards import text
from cards.approval.asking import Tried, comment_hint, last_try
from cards.approval.blocks import problem_box
from cards.approval.forms import style_of
from cards.approval.room import Room
from cards.elements import Action as Button
from cards.elements import Actions, Container, Http, OpenUrl, Piece, TextInput, ToggleVisibility
from cards.language import _
from cards.outlook.body import COMMENT, body_template, can_be_sent, held_apart
from cards.outlook.forms import form, form_id, has_form
from cards.outlook.frame import post
from cards.outlook.room import Reach
from cards.pieces import small
from cards.viewer import Viewer

_MORE = "more"  # id of what the button of this name opens


class Links(Protocol):
    """Where the card's buttons lead."""

    def act(self, view: View, action: Action) -> str:
        """Return where a click on *action* is posted to."""
        ...

    def refresh(self, view: View) -> str:
        """Return where the newest card comes from."""
        ...


class Asking:
    """Draws the inputs and buttons; *page_url* is "" if there is no page, *opened* are links beside."""

    def __init__(
        self, view: View, viewer: Viewer, links: Links, page_url: str, opened: Sequence[OpenUrl]
    ) -> None:
        self._view = view
        self._viewer = viewer
        self._links = links
        self._page_url = text.safe_url(page_url) or ""
        self._opened = opened

    def pieces(self, tried: Tried, room: Room, *, reach: Reach) -> list[Piece]:
        """Ask for the decision; *tried* is what just came back, so that nothing is typed twice."""
        tried = last_try(self._view, self._viewer, tried)
        problem = [problem_box(tried.problem, tried.came_back)] if tried.problem else []
        able = partial(_is_able, reach=reach)
        actions = offered(self._view.approval, self._view.tenant)
        sent = [a for a in actions if able(a)]
        shown = [a for a in actions if self._page_url or able(a)]
        return [
            *problem,
            *_comment(sent, tried, room, near=bool(problem)),
            *(self._buttons(shown, sent, tried) if shown else self._elsewhere()),
            *self._forms([a for a in sent if has_form(a)], tried),
            *([Actions(*self._opened, spacing="Medium")] if self._opened else []),
        ]

    def _elsewhere(self) -> list[Piece]:
        said = _("This request cannot be decided here. Please decide in {tenant}.")
        return [small(said.format(tenant=text.block(self._view.tenant.name)), "Medium")]

    def _buttons(
        self, shown: Sequence[Action], sent: Sequence[Action], tried: Tried
    ) -> list[Piece]:
        """Show the primary actions, and the others behind "More"."""
        primary = [a for a in shown if a.primary] or list(shown)
        rest = [a for a in shown if a not in primary]
        buttons = {a.code: self._button(a, sent) for a in shown}
        first = [buttons[a.code] for a in primary]
        if not rest:
            return [Actions(*first, spacing="Medium")]
        row = Actions(*(buttons[a.code] for a in rest))
        is_open = any(_is_tried(a, tried) for a in rest)
        return [
            Actions(*first, ToggleVisibility(_("More"), _MORE), spacing="Medium"),
            Container(row, id=_MORE, visible=None if is_open else False),
        ]

    def _button(self, action: Action, sent: Sequence[Action]) -> Button:
        title = _("{action}…").format(action=text.one_line(action.label, text.BUTTON))
        if action not in sent:
            return OpenUrl(title, self._page_url)
        if not has_form(action):
            return self._send_button(action)
        others = [form_id(a) for a in sent if has_form(a) and a is not action]
        return ToggleVisibility(title, form_id(action), hides=others, style=style_of(action))

    def _send_button(self, action: Action) -> Http:
        label = text.one_line(action.label, text.BUTTON)
        url, body = self._links.act(self._view, action), body_template(action)
        return post(label, url, body=body, style=style_of(action))

    def _forms(self, actions: Sequence[Action], tried: Tried) -> list[Piece]:
        content = self._view.approval.content
        return [
            form(a, self._send_button(a), content, tried if _is_tried(a, tried) else None)
            for a in actions
        ]


def _is_tried(action: Action, tried: Tried) -> bool:
    return action.code.casefold() == tried.action.casefold()


def _is_able(action: Action, *, reach: Reach) -> bool:
    if not can_be_sent(action):
        return False
    return reach is Reach.ALL or (reach is Reach.ONE_CLICK and not has_form(action))


def _comment(actions: Sequence[Action], tried: Tried, room: Room, *, near: bool) -> list[Piece]:
    commented = [a for a in actions if a.comment is not Comment.NONE]
    if not commented:
        return []
    longest = max(action.comment_length for action in commented)
    typed = held_apart(text.typed(tried.comment, min(longest, room.typed or longest)))
    asked = TextInput(
        id=COMMENT,
        label=_("Comment"),
        placeholder=comment_hint(commented, every=len(commented) == len(actions)),
        max_length=longest,
        value=typed or None,
        spacing="Medium" if near else "Large",
    )
    return [asked]
