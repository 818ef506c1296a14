"""The documents that explain what is shown, as pages: docs/failures.md and docs/refusals.md."""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

from operators import documented
from schemas.words import Code

TITLES: Mapping[str, str] = MappingProxyType({"failures": "What codes mean", "refusals": "Requests that were refused"})
# Beside us in an installed package, and in docs/ of a working copy.
_FOLDERS = (Path(__file__).parent, Path(__file__).parents[2] / "docs")
_AS_ASKED = frozenset({Code.CANCELLED_BY_OPERATOR.value, Code.CANCELLED_BY_AUTOMATION.value})


def help_url(page: str) -> str:
    """Where a place in one of the documents, such as `docs/failures.md#stuck`, is shown here."""
    path, _, place = page.partition("#")
    return f"/help/{Path(path).stem}#{place}"


def trouble_url(word: str) -> str:
    """Where a word of reconciliation trouble is explained."""
    return help_url(documented.trouble(word))


def is_as_asked(code: str) -> bool:
    """A failure that nobody need look at: what was asked for came true."""
    return code in _AS_ASKED


@cache
def document(name: str) -> Markup:
    """One of the documents as HTML. Its links lead to files that are not served, so they stand as text."""
    words = next(path for folder in _FOLDERS if (path := folder / f"{name}.md").exists()).read_text()
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table").disable(["image", "autolink"])
    tokens = markdown.parse(words)
    for place, token in enumerate(tokens):
        if token.type == "heading_open":
            token.attrSet("id", slug(tokens[place + 1].content))
        token.children = _without_links(token)
    return Markup(markdown.renderer.render(tokens, markdown.options, {}))  # noqa: S704  (our own file, without raw HTML)


def slug(heading: str) -> str:
    """The name by which a heading is linked to, as everybody makes it of its text."""
    return re.sub(r"[^a-z0-9_ -]", "", heading.lower()).replace(" ", "-")


def _without_links(token: Token) -> list[Token] | None:
    return [one for one in token.children or () if one.type not in ("link_open", "link_close")] or None
