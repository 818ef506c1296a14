"""The README's table of providers names every dialect, and says no more of it than its code does."""

import re
from pathlib import Path

import pytest

from schemas.dialects import DIALECTS
from schemas.words import ActionVerb

ROOT = Path(__file__).parents[2]
PART = (ROOT / "README.md").read_text().partition("\n## Providers\n")[2].partition("\n## ")[0]
LINES = [line for line in PART.splitlines() if line.startswith("| ")]
HEAD = [cell.strip() for cell in LINES[0].split("|")[1:-1]]
ROWS = [dict(zip(HEAD, (cell.strip() for cell in line.split("|")[1:-1]), strict=True)) for line in LINES[1:]]
BY_NAME = {found[1]: row for row in ROWS if (found := re.search(r"`(\w+)`$", row[""]))}
BASE, JOB = "https://provider.example/v1", "job_1"


def test_every_dialect_has_a_row() -> None:
    """No provider is missing, and none is promised."""
    assert BY_NAME.keys() == DIALECTS.keys()


def has(cell: str) -> bool:
    """A cell says that it has it, unless it begins by saying why not."""
    return not re.match(r"(no|it has none)\b", cell)


@pytest.mark.parametrize("name", DIALECTS)
def test_what_it_says_is_so(name: str) -> None:
    """Webhooks, list, cancel, pause, pages of running jobs and sockets are there where the table says so, and nowhere else."""
    row, dialect = BY_NAME[name], DIALECTS[name]()
    kind = min(dialect.kinds)

    assert has(row["submit"]) == (dialect.why_not_submit is None)
    assert has(row["webhooks"]) == (dialect.defaults.webhooks != ("none",))
    assert has(row["list"]) == (dialect.list_page(BASE, None) is not None)
    assert has(row["live"]) == (dialect.socket(BASE, kind, JOB) is not None)
    assert has(row["pause"]) == (dialect.act(BASE, ActionVerb.PAUSE, kind, JOB, None) is not None)
    assert row["partial"].startswith("yes") == dialect.pages_results
    if row["cancel"] != "if configured":
        assert has(row["cancel"]) == (dialect.act(BASE, ActionVerb.CANCEL, kind, JOB, None) is not None)


@pytest.mark.parametrize("name", DIALECTS)
def test_its_page_is_there(name: str) -> None:
    """Each row leads to a page with a source that works as it stands."""
    page = re.search(r"\]\((docs/[\w.-]+)\)", BY_NAME[name][""])

    assert page is not None
    text = (ROOT / page[1]).read_text()
    assert "dialect = " in text or name == "phaseo"
