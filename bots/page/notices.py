"""What the page says in place of a request, or under it, after a form was sent."""

from collections.abc import Mapping

from bots.page.origins import path_of
from bots.page.pages import Notice, Way
from cards.buttons import read_comment
from cards.language import _


def going_on(recording: str) -> str:
    """Say under the request what happens by itself; *recording* "" once it is recorded."""
    if recording:
        return _("We record your decision. This page reloads by itself.")
    return _("A decision is on its way. This page reloads by itself.")


def recording(public_id: str) -> Notice:
    """Say that nobody knows yet what the request is like now."""
    return Notice(
        _("Recording your decision…"),
        (_("This page shows the request as soon as we know. It reloads by itself."),),
        (Way(_("Open the request"), path_of(public_id)),),
    )


def not_known(public_id: str, typed: str) -> Notice:
    """Say that the store did not answer, with what was *typed*."""
    return Notice(
        _("We could not record this"),
        (
            _("Our store did not answer, so your decision may be recorded or not."),
            _("Please open the request in a minute: it says so, or lets you decide again."),
        ),
        (Way(_("Open the request"), path_of(public_id)),),
        typed=typed,
    )


def signed_out(public_id: str, form: Mapping[str, str]) -> Notice:
    """Say that the session is over, with what was typed in the *form*."""
    return Notice(
        _("Please sign in again"),
        (_("You are not signed in any more, so nothing was decided."),),
        (Way(_("Sign in"), f"/sign-in?next={path_of(public_id)}"),),
        typed=read_comment(form, form.get("a", "")),
    )
