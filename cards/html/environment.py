"""The Jinja environment that all our own HTML comes from: sandboxed, escaping, and read once, at the start."""

from collections.abc import Mapping
from pathlib import Path
from typing import cast

from jinja2 import DictLoader, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup, escape

from cards.text import ZERO_WIDTH_SPACE, break_runs


def environment(
    folder: Path, more: Mapping[str, object] | None = None
) -> ImmutableSandboxedEnvironment:
    """
    Return an environment over the templates (``*.html``) in *folder*. Blocking: it reads them now.

    What they are given is escaped, and a name that nobody gave is an error. *more* are
    names that all of them know.
    """
    templates = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.html")}
    made = ImmutableSandboxedEnvironment(
        loader=DictLoader(templates),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.globals = dict(more or {})
    filters = cast("dict[str, object]", made.filters)  # pyright: ignore[reportUnknownMemberType] (jinja2 leaves them untyped)
    filters["breaks"] = breaks
    return made


def breaks(words: str) -> Markup:
    """Write a text of others: lines end where they did, and long words may end anywhere."""
    # As elements: no style is needed for them, and nobody copies them with the text. On the
    # plain text: for each replacement Markup would escape its arguments and copy itself.
    inert = str(escape(break_runs(words))).replace("\n", "<br>")
    return Markup(inert.replace(ZERO_WIDTH_SPACE, "<wbr>"))  # noqa: S704 (escaped above)
