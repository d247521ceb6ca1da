# pyright: standard
# The package `adaptivecards` has no types: what it gives is Any, what this file gives is typed.
"""Buttons, what they stand in, and the refresh."""

from collections.abc import Mapping, Sequence

from adaptivecards import containers

from cards.elements.base import ButtonStyle, Piece, Spacing, Strict, prop


class Action(Strict, Piece):
    element_type = "Action"
    title = prop("title")
    style = prop("style")
    fallback = prop("fallback", Piece)


class OpenUrl(Action):
    """A link: *url* comes from `text.safe_url`."""

    element_type = "Action.OpenUrl"
    url = prop("url")

    def __init__(self, title: str, url: str) -> None:
        super().__init__(title=title, url=url)


class ToggleVisibility(Action):
    """Shows what is hidden, and hides what is shown; *hides* are hidden whatever they were."""

    element_type = "Action.ToggleVisibility"
    targets = prop("targetElements", list)

    def __init__(
        self,
        title: str,
        *targets: str,
        hides: Sequence[str] = (),
        style: ButtonStyle | None = None,
    ) -> None:
        hidden = [{"elementId": each, "isVisible": False} for each in hides]
        super().__init__(title=title, targets=[*targets, *hidden], style=style)


class Submit(Action):
    """What clients send that do not know `Execute`. It has no verb."""

    element_type = "Action.Submit"
    data = prop("data", dict)

    def __init__(
        self, title: str, *, data: Mapping[str, object], style: ButtonStyle | None = None
    ) -> None:
        super().__init__(title=title, data=dict(data), style=style)


class Execute(Action):
    """A button that sends *verb* and *data*; older clients send a `Submit` with that data."""

    element_type = "Action.Execute"
    verb = prop("verb")
    data = prop("data", dict)

    def __init__(
        self,
        title: str,
        *,
        verb: str,
        data: Mapping[str, object],
        style: ButtonStyle | None = None,
        submit_instead: bool = True,
    ) -> None:
        super().__init__(
            title=title,
            verb=verb,
            data=dict(data),
            style=style,
            fallback=Submit(title, data=data, style=style) if submit_instead else None,
        )


class Header(Strict, Piece):
    name = prop("name")
    value = prop("value")


class Http(Action):
    """
    A button of Outlook's: it posts *body*, with what is in the inputs that it names, to *url*.

    (outlook-dev-docs, adaptive-card.md.) *primary* is Outlook's word for the button that
    stands out.
    """

    element_type = "Action.Http"
    method = prop("method")
    url = prop("url")
    headers = prop("headers", list)
    body = prop("body")
    primary = prop("isPrimary", bool)

    def __init__(
        self,
        title: str | None,
        url: str,
        *,
        body: str,
        headers: Sequence[tuple[str, str]],
        style: ButtonStyle | None = None,
    ) -> None:
        super().__init__(
            title=title,
            method="POST",
            url=url,
            headers=[Header(name=name, value=value) for name, value in headers],
            body=body,
            style=style,
            primary=True if style == "positive" else None,
        )


class Actions(Strict, containers.ActionSet):
    def __init__(self, *actions: Action, spacing: Spacing | None = None) -> None:
        super().__init__(actions=list(actions), spacing=spacing)


class Refresh(Strict, Piece):
    action = prop("action", Execute)
    user_ids = prop("userIds", list)

    def __init__(self, action: Execute, user_ids: Sequence[str]) -> None:
        super().__init__(action=action, user_ids=list(user_ids))
