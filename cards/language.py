"""The words people read: each sentence comes here on its way to the reader's language."""

import gettext

LANGUAGE = "en"  # of the sentences; two letters, the card renderer takes no more

# English is the only catalogue, and it is the source itself. The day a second one comes, the
# viewer's locale picks it here.
_CATALOGUE = gettext.NullTranslations()


def _(sentence: str) -> str:
    return _CATALOGUE.gettext(sentence)


def plural(one: str, many: str, count: int) -> str:
    """Choose between *one* and *many*, and write *count* where the sentence says ``{count}``."""
    return _CATALOGUE.ngettext(one, many, count).format(count=count)
