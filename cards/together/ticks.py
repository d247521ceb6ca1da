"""The list in which several requests of one tenant are ticked, to be decided together."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from approvals_core.models import Content
from approvals_core.rules.standing import offered
from approvals_core.tenant import Action, Comment, Submission, Tenant
from approvals_core.tenant.conditions import holding
from cards import text
from cards.approval.blocks import problem_box
from cards.approval.closed import closed_box
from cards.approval.content import submitter_of, total_of
from cards.approval.spoken import spoken
from cards.buttons import (
    ACT,
    COMMENT,
    CONFIRM,
    PENDING,
    REASON,
    SEVERAL,
    SHOW,
    TICK,
    act_together_data,
    card_key,
    several_data,
    tick_value,
)
from cards.elements import (
    Actions,
    Card,
    Choices,
    Column,
    Columns,
    Container,
    Execute,
    Piece,
    TextBlock,
    TextInput,
    Toggle,
    first_that_fits,
)
from cards.language import LANGUAGE, _
from cards.notices import Waiting, when_of
from cards.pieces import more, small, small_print
from cards.viewer import Viewer

MOST_ROWS = 20
MOST_ACTIONS = 6  # buttons of one set, in Teams
_PRESSABLE = "\u203a"  # a small chevron: it opens the request

_BESIDE = 16  # characters of an amount: more leaves no room for the title on a phone


@dataclass(frozen=True)
class _Room:
    """How much the list may show: characters of one text of a row, rows, what was typed."""

    text: int
    rows: int = MOST_ROWS
    typed: int | None = None  # characters; None: as much as the tenant allows, nothing is lost


# Tried one after the other until the card is small enough; the last one always is.
_ROOMS = (
    _Room(text.TITLE),
    _Room(text.FACT_NAME),
    _Room(30),
    _Room(16),
    _Room(16, rows=10),
    _Room(16, rows=5),
    _Room(16, rows=5, typed=1000),
    _Room(16, rows=5, typed=500),
)


@dataclass(frozen=True)
class FilledIn:
    """What had been ticked and filled in when the list comes back; raw texts."""

    ticked: frozenset[str] = frozenset()  # values of ticks
    everything: bool = False  # is ticked
    comment: str = ""
    reasons: Mapping[str, str] = field(default_factory=dict[str, str])  # action's code -> choice's

    @property
    def is_empty(self) -> bool:
        return not (self.ticked or self.everything or self.comment or any(self.reasons.values()))


NOTHING_FILLED_IN = FilledIn()


def several(waiting: Sequence[Waiting]) -> list[Tenant]:
    """Return the tenants of which several requests among *waiting* can be decided together."""
    open_now = (each for each in waiting if not each.is_refused)
    found = Counter(each.tenant.code for each in open_now if bulk_actions(each))
    tenants = {each.tenant.code: each.tenant for each in waiting}
    return [tenants[code] for code, count in found.items() if count > 1]


def bulk_actions(each: Waiting) -> tuple[Action, ...]:
    """Return what this request may be decided by together with others."""
    if each.tenant.api.submission is Submission.SINGLE:
        return ()
    return tuple(action for action in offered(each.approval, each.tenant) if action.bulk)


def tick_list(
    tenant: Tenant,
    waiting: Sequence[Waiting],
    viewer: Viewer,
    *,
    filled_in: FilledIn = NOTHING_FILLED_IN,
    problem: str = "",
    here: str = "",
    after: str = "",
    notice_line: str | None = None,
) -> Card:
    """
    List what of *waiting* can be ticked, with a button for each action.

    *problem* is why nothing was decided just now. *here* and *after* are opaque: where
    this page begins, and the next one, "" for the first and if there is none.
    """
    draft = _Draft(tenant, waiting, viewer, filled_in, problem, here, after, notice_line or "")
    return first_that_fits(draft.card, _ROOMS)


@dataclass(frozen=True)
class _Draft:
    """What the list is made from, so that it can be made again with less room."""

    tenant: Tenant
    waiting: Sequence[Waiting]
    viewer: Viewer
    filled_in: FilledIn
    problem: str
    here: str
    after: str
    notice_line: str

    def card(self, room: _Room) -> Card:
        rows = [each for each in self.waiting if bulk_actions(each)][:MOST_ROWS]
        title = _("Decide several together: {tenant}").format(tenant=self.tenant.name)
        heading = TextBlock(text.block(title), size="Large", weight="Bolder", heading=True)
        return Card(
            heading,
            *self._problem(),
            *self._closed(),
            *(self._asking(rows, room) if rows else self._nothing()),
            *([small_print(self.notice_line)] if self.notice_line else []),
            speak=spoken(text.one_line(f"{self.problem} {title}", text.FREE_TEXT)),
            fallback_text=text.block(f"{self.problem} {title}", text.FREE_TEXT),
            lang=LANGUAGE,
        )

    def _is_refused(self) -> bool:
        return any(each.is_refused for each in self.waiting)

    def _problem(self) -> list[Piece]:
        if self.problem and self._is_refused():  # why, stands beneath
            return [problem_box(_("Nothing was decided. What you ticked and wrote stays here."))]
        return [problem_box(self.problem)] if self.problem else []

    def _closed(self) -> list[Piece]:
        closed = next((each.closed for each in self.waiting if each.closed), None)
        return [closed_box(self.tenant, closed, self.viewer)] if closed else []

    def _nothing(self) -> list[Piece]:
        said = _("Nothing more can be decided together here.")
        return [TextBlock(said, spacing="Small"), Actions(*self._ways_on([]), spacing="Medium")]

    def _asking(self, found: Sequence[Waiting], room: _Room) -> list[Piece]:
        rows = self._first(found, room.rows)
        actions = self._actions(rows)
        if self._is_refused():
            return self._refused(found, rows, actions, room)
        most = min(self.tenant.limits.together, MOST_ROWS)
        advice = _("Tick what you want to decide, at most {most}. Each is decided for itself.")
        buttons = [self._button(action) for action in actions]
        return [
            small(advice.format(most=most), "Small"),
            Container(*(self._row(i, each, actions, room.text) for i, each in enumerate(rows))),
            *more(len(found) - len(rows)),
            *self._reasons(actions, rows),
            *self._comment(actions, room),
            *self._confirmations(actions),
            Actions(*buttons, spacing="Medium"),
            Actions(*self._ways_on(rows), spacing="Small"),
        ]

    def _refused(
        self, found: Sequence[Waiting], rows: Sequence[Waiting], actions: list[Action], room: _Room
    ) -> list[Piece]:
        """List what waits without a button that decides; what was filled in before stays."""
        keeps = not self.filled_in.is_empty
        return [
            Container(*(self._row(i, each, actions, room.text) for i, each in enumerate(rows))),
            *more(len(found) - len(rows)),
            *(self._reasons(actions, rows) if keeps else []),
            *(self._comment(actions, room) if keeps else []),
            Actions(*self._ways_on(rows), spacing="Medium"),
        ]

    def _first(self, rows: Sequence[Waiting], most: int) -> Sequence[Waiting]:
        """Return as many rows as there is room for: the ticked before the others, in their order."""
        if len(rows) <= most:
            return rows
        at = range(len(rows))
        chosen = sorted(at, key=lambda i: not self._is_ticked(rows[i]))[:most]
        return [rows[i] for i in sorted(chosen)]

    def _is_ticked(self, each: Waiting) -> bool:
        value = tick_value(each.approval, each.place)
        return self.filled_in.everything or value in self.filled_in.ticked

    def _actions(self, rows: Sequence[Waiting]) -> list[Action]:
        codes = {action.code for each in rows for action in bulk_actions(each)}
        found = [action for action in self.tenant.actions if action.code in codes]
        return sorted(found, key=lambda action: not action.primary)[:MOST_ACTIONS]

    def _row(self, number: int, each: Waiting, actions: Sequence[Action], room: int) -> Columns:
        content = each.approval.content or Content()
        title = text.block(content.title, room) or text.block(each.approval.display_number, room)
        amount = text.block(total_of(content, self.viewer), min(room, text.FACT_NAME))
        is_beside = 0 < len(amount) <= _BESIDE
        tick = self._tick(number, each, title or _("One request"))
        about = self._about(each, content, actions, room)
        if amount and not is_beside:
            about.append(small(amount))
        opened = _("Open {number}").format(number=text.one_line(each.approval.display_number, room))
        show = Execute(opened, verb=SHOW, data={"k": card_key(each.approval, each.place)})
        sign = TextBlock(_PRESSABLE, wrap=False, size="Large", color="Accent")
        return Columns(
            Column(tick, *about, width="stretch"),
            *([Column(TextBlock(amount, align="Right"), width="auto")] if is_beside else []),
            Column(sign, width="auto", vertical="Top", spacing="Small", on_select=show),
            spacing="Small",
            separator=True,
        )

    def _tick(self, number: int, each: Waiting, title: str) -> Toggle | TextBlock:
        if each.is_refused and self.filled_in.is_empty:
            return TextBlock(title)
        value = tick_value(each.approval, each.place)
        ticked = self._is_ticked(each)
        return Toggle(id=f"{TICK}{number}", title=title, on=value, off="", ticked=ticked)

    def _about(
        self, each: Waiting, content: Content, actions: Sequence[Action], room: int
    ) -> list[TextBlock]:
        own = bulk_actions(each)
        labels = ", ".join(text.block(action.label, text.BUTTON) for action in own)
        named = _joined(
            text.block(each.approval.display_number, min(room, text.FACT_NAME)),
            text.block(submitter_of(content), min(room, text.PERSON)),
        )
        further = _joined(
            text.block(when_of(each, self.viewer)),
            _("Together only: {actions}. Open it for more.").format(actions=labels)
            if len(own) < len(actions)
            else "",
        )
        return [small(line) for line in (named, further) if line]

    def _reasons(self, actions: Sequence[Action], rows: Sequence[Waiting]) -> list[Piece]:
        return [
            Choices(
                id=f"{REASON}{action.code}",
                label=_("Reason for “{action}”").format(action=_label(action)),
                choices=_choices(action, rows),
                placeholder=_placeholder(action.justification),
                value=self.filled_in.reasons.get(action.code) or None,
                spacing="Large",
            )
            for action in actions
            if action.justifications
        ]

    def _comment(self, actions: Sequence[Action], room: _Room) -> list[Piece]:
        asked = [action for action in actions if action.comment is not Comment.NONE]
        if not asked:
            return []
        longest = max(action.comment_length for action in asked)
        kept = longest if room.typed is None else min(longest, room.typed)
        needed = [_label(a) for a in asked if a.comment is Comment.REQUIRED]
        hint = _("Needed for {actions}").format(actions=_(" or ").join(needed))
        return [
            TextInput(
                id=COMMENT,
                label=_("Comment for all that are ticked"),
                placeholder=hint if needed else _("Optional"),
                max_length=longest,
                value=text.typed(self.filled_in.comment, kept) or None,
                spacing="Large",
            )
        ]

    def _confirmations(self, actions: Sequence[Action]) -> list[Piece]:
        return [
            Toggle(id=f"{CONFIRM}{action.code}", title=_confirmation(action, action.confirmation))
            for action in actions
            if action.confirmation
        ]

    def _button(self, action: Action) -> Execute:
        style = None if action.style == "default" else action.style.value
        data = act_together_data(self.tenant.code, action, here=self.here)
        return Execute(_label(action), verb=ACT, data=data, style=style)

    def _ways_on(self, rows: Sequence[Waiting]) -> list[Execute]:
        """Offer to tick all, further pages, and the way back."""
        found: list[Execute] = []
        if self._is_refused():
            again = several_data(self.tenant.code, after=self.here)
            found.append(Execute(_("Look again"), verb=SEVERAL, data=again))
        elif len(rows) > 1 and len(rows) <= self.tenant.limits.together:
            everything = several_data(self.tenant.code, after=self.here, ticked=True)
            found.append(Execute(_("Tick all"), verb=SEVERAL, data=everything))
        if self.after:
            further = several_data(self.tenant.code, after=self.after)
            found.append(Execute(_("Show more"), verb=SEVERAL, data=further))
        found.append(Execute(_("All that waits"), verb=PENDING, data={"c": ""}))
        return found


def _choices(action: Action, rows: Sequence[Waiting]) -> list[tuple[str, str]]:
    """Return the justifications that at least one of the requests offers."""
    offers = {
        choice.code
        for each in rows
        for choice in holding(action.justifications, each.approval.content)
    }
    return [
        (choice.code, text.one_line(choice.text, text.TITLE))
        for choice in action.justifications
        if choice.code in offers
    ]


def _joined(*parts: str) -> str:
    return " · ".join(part for part in parts if part)


def _confirmation(action: Action, sentence: str) -> str:
    said = _("{action}: {sentence}").format(action=_label(action), sentence=sentence)
    return text.block(said, text.FREE_TEXT)


def _placeholder(asked: Comment) -> str:
    return _("Needed") if asked is Comment.REQUIRED else _("Optional")


def _label(action: Action) -> str:
    return text.one_line(action.label, text.BUTTON)
