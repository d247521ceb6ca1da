"""The card in one sentence: for those who hear it, and for clients that cannot draw it."""

from approvals_core.ports import View
from cards import text
from cards.approval.content import Shown, submitter_of, total_of
from cards.approval.standing import Phase, Standing
from cards.language import _
from cards.viewer import Viewer

_LONGEST_LINK = 500  # characters


def spoken(view: View, viewer: Viewer, now: Standing, found: Shown) -> str:
    """Return the card as it is read aloud: plain text, and never taken for SSML."""
    sentence = _sentence(view, viewer, now, found)
    return sentence.replace("<", " ").replace(">", " ")


def fallback_text(view: View, viewer: Viewer, now: Standing, found: Shown) -> str:
    """Return what is shown where the card cannot be. It is markdown."""
    sentence = text.escape_markdown(_sentence(view, viewer, now, found))
    url = text.safe_url(found.content.detail_page_url) or ""
    if not url or len(url) > _LONGEST_LINK:
        return sentence
    return _("{sentence} Open it at {url}").format(sentence=sentence, url=url)


def _sentence(view: View, viewer: Viewer, now: Standing, found: Shown) -> str:
    request = f"{view.tenant.request_word} {_line(view.approval.display_number)}"
    if now.deed is not None:
        did = now.deed.words.format(what=now.deed.what, who=_line(now.deed.who))
        return _("{request}: {state}.").format(request=request, state=_line(did))
    if now.phase is not Phase.ASKING:
        return _("{request}: {state}.").format(request=request, state=_line(now.badge))
    who, total = _line(submitter_of(found.content)), _line(total_of(found.content, viewer))
    if who and total:
        sentence = _("{request} from {who} over {total} needs your approval.")
    elif who:
        sentence = _("{request} from {who} needs your approval.")
    else:
        sentence = _("{request} needs your approval.")
    return sentence.format(request=request, who=who, total=total)


def _line(words: str) -> str:
    return text.one_line(words, text.PERSON)
