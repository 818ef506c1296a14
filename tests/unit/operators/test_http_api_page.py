"""docs/http-api.md has the filters that there are, and every operation."""

import re
from pathlib import Path
from typing import Any

import pytest

from operators.api.acting import Acting
from operators.api.operations import Operation
from operators.api.reading import Reading
from operators.filters import LIMIT, MEANINGS, MOST, NOUNS, TIMES, Noun

PAGE = (Path(__file__).parents[3] / "docs" / "http-api.md").read_text()


def part(noun: Noun) -> str:
    """What the page says of a noun's filters."""
    return PAGE.partition(f"\n### /api/v1/{noun.name}\n")[2].partition("\n#")[0]


@pytest.mark.parametrize("noun", NOUNS.values(), ids=lambda noun: noun.name)
def test_every_filter(noun: Noun) -> None:
    """The table of a noun has its filters and no others, with what each means and the words that it takes."""
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in part(noun).splitlines() if line[:3] == "| `"]

    def words(name: str) -> str:
        return ", ".join(f"`{word}`" for word in noun.words(name))

    assert rows == [
        [f"`{name}`", MEANINGS[name] + (f": {words(name)}" if noun.words(name) else "")]
        for name in noun.filters
        if name not in TIMES
    ]


def listed(noun: Noun, word: str) -> set[frozenset[str]]:
    """What a line of the page names, of one filter or of several."""
    line = re.search(rf"^{word}: (.*)\.$", part(noun), re.MULTILINE)
    return {frozenset(re.findall(r"`(\w+)`", text)) for text in re.split("[;,]", line[1])} if line else set()


@pytest.mark.parametrize("noun", NOUNS.values(), ids=lambda noun: noun.name)
def test_every_combination(noun: Noun) -> None:
    """The page has which filters go alone, which together, and which with any."""
    assert listed(noun, "Alone") == {names for names in noun.combinations if len(names) == 1}
    assert listed(noun, "Together") == {names for names in noun.combinations if len(names) > 1}
    assert listed(noun, "With any of them") == {frozenset([name]) for name in noun.beside}


def test_how_many() -> None:
    """The page's numbers are the code's."""
    assert f"`limit` (1 to {MOST}; {LIMIT} without it)" in PAGE
    assert all(f"| `{name}` | {MEANINGS[name]} |" in PAGE for name in TIMES)


def test_every_path() -> None:
    """Whatever the API has is in one of the page's tables, and nothing else is."""
    told = {re.sub(r"(JOB|NAME|[a-z]+_\.\.\.)", "{}", path) for path in re.findall(r"`(/[a-zA-Z_./]*)`", tables())}
    assert told == {re.sub(r"{\w+}", "{}", operation.path) for operation in operations()}


def tables() -> str:
    return "\n".join(line for line in PAGE.splitlines() if line.startswith("| `/"))


def operations() -> list[Operation]:
    """Made of nothing: they are only looked at."""
    nothing: Any = object()
    faces = (Reading(nothing, nothing, nothing), Acting(nothing, nothing, nothing))
    return [operation for face in faces for operation in face.operations()]
