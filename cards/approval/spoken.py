"""The card in a sentence or two: for those who hear it, and for clients that cannot draw it."""

from approvals_core.ports import View
from cards import text
from cards.approval.content import Shown, submitter_of, total_of
from cards.approval.standing import Phase, Standing
from cards.language import _
from cards.viewer import Viewer

_LONGEST_LINK = 500  # characters
_LONGEST_SENTENCE = 160  # characters


def spoken(sentence: str) -> str:
    """Return the card as it is read aloud: plain text, and never taken for SSML."""
    return sentence.replace("<", " ").replace(">", " ")


def fallback_text(sentence: str, found: Shown) -> str:
    """Return what is shown where the card cannot be. It is markdown."""
    inert = text.escape_markdown(sentence)
    url = text.safe_url(found.content.detail_page_url) or ""
    if not url or len(url) > _LONGEST_LINK:
        return inert
    return _("{sentence} Open it at {url}").format(sentence=inert, url=url)


def sentence(view: View, viewer: Viewer, now: Standing, found: Shown, *, first: str = "") -> str:
    """
    Say where the request stands, as plain text.

    *first* goes before it: older clients show nothing else of the answer to a click.
    """
    said = [text.one_line(first, _LONGEST_SENTENCE), _standing(view, viewer, now, found)]
    if now.phase is Phase.UNDER_WAY:
        said += [text.one_line(note, _LONGEST_SENTENCE) for note in now.notes]
    return " ".join(part for part in said if part)


def _standing(view: View, viewer: Viewer, now: Standing, found: Shown) -> str:
    request = f"{view.tenant.request_word} {_line(view.approval.display_number)}"
    if now.deed is not None:
        did = now.deed.words.format(what=now.deed.what, who=_line(now.deed.who))
        return _("{request}: {state}.").format(request=request, state=_line(did))
    if now.phase is not Phase.ASKING:
        return _("{request}: {state}.").format(request=request, state=_line(now.badge))
    who, total = _line(submitter_of(found.content)), _line(total_of(found.content, viewer))
    if who and total:
        words = _("{request} from {who} over {total} waits for your decision.")
    elif who:
        words = _("{request} from {who} waits for your decision.")
    else:
        words = _("{request} waits for your decision.")
    return words.format(request=request, who=who, total=total)


def _line(words: str) -> str:
    return text.one_line(words, text.PERSON)
