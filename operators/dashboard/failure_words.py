"""The words of docs/failures.md as a page, and where each code stands on it."""

from functools import cache
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

from schemas.words import Code

# Beside us in an installed package, and in docs/ of a working copy.
_PLACES = (Path(__file__).with_name("failures.md"), Path(__file__).parents[2] / "docs" / "failures.md")
_AS_ASKED = frozenset({Code.CANCELLED_BY_OPERATOR.value, Code.CANCELLED_BY_AUTOMATION.value})
_ASKING = "trouble"


def help_url(kind: str, code: str) -> str:
    """Where a code of a category is explained; of our own asking, `kind` is `asking`."""
    return f"/help/failures#{_ASKING if kind == 'asking' else kind}-{code}"


def is_as_asked(code: str) -> bool:
    """A failure that nobody need look at: what was asked for came true."""
    return code in _AS_ASKED


@cache
def failures_page() -> Markup:
    """The document as HTML. Its links lead to files that are not served, so they stand as text."""
    words = next(place for place in _PLACES if place.exists()).read_text()
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table").disable(["image", "autolink"])
    tokens = markdown.parse(words)
    _anchor(tokens)
    for token in tokens:
        token.children = [one for one in token.children or () if one.type not in ("link_open", "link_close")] or None
    return Markup(markdown.renderer.render(tokens, markdown.options, {}))  # noqa: S704  (our own file, without raw HTML)


def _anchor(tokens: list[Token]) -> None:
    """Name each heading or row that begins with a code by its section and that code; more than one code, more than one name."""
    section, taken = "", set[str]()
    for place, token in enumerate(tokens):
        if token.type != "inline":
            continue
        holder = _holder(tokens, place)
        codes = [one.content for one in token.children or () if one.type == "code_inline"]
        if holder is not None and holder.tag == "h2":
            section = _section(token.content)
            holder.attrSet("id", section)
        elif holder is not None and codes:
            names = [name for name in (f"{section}-{code}" for code in codes) if name not in taken]
            taken.update(names)
            _name(token, holder, names)


def _section(heading: str) -> str:
    first = heading.partition(":")[0].strip().lower()
    return _ASKING if "trouble" in first or "asking" in first else first.split()[0]


def _holder(tokens: list[Token], place: int) -> Token | None:
    """The heading that a text is of, or the row that it begins."""
    before = tokens[place - 1]
    if before.type == "heading_open":
        return before
    is_first_cell = before.type == "td_open" and tokens[place - 2].type == "tr_open"
    return tokens[place - 2] if is_first_cell else None


def _name(text: Token, holder: Token, names: list[str]) -> None:
    if names:
        holder.attrSet("id", names[0])
    for name in names[1:]:
        codes = [one for one in text.children or () if one.type == "code_inline" and name.endswith(f"-{one.content}")]
        codes[0].attrSet("id", name)
