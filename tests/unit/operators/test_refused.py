"""Every reason for a refusal says what it usually comes of, and what to do about it."""

from pathlib import Path

from reconciler.causes import CAUSES
from schemas.words import MENDABLE, RefusalReason

PAGE = (Path(__file__).parents[3] / "docs" / "refusals.md").read_text()


def test_every_reason_has_a_cause() -> None:
    """No refusal is shown without its likely cause."""
    assert set(CAUSES) == set(RefusalReason)
    assert all(cause.usually for cause in CAUSES.values())


def test_every_reason_is_on_the_page() -> None:
    """docs/refusals.md has a row for each reason, and names those of which a request is kept."""
    reasons, _, mending = PAGE.partition("## Reverify")
    rows = "".join(line.partition(" | ")[0] for line in reasons.splitlines() if line.startswith("| `"))

    assert [reason for reason in RefusalReason if f"`{reason}`" not in rows] == []
    assert [reason for reason in MENDABLE if f"`{reason}`" not in mending.partition("\n\n")[2]] == []
