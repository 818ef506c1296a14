"""The list's quirks, which a consumer has to know about."""

from datetime import UTC, datetime, timedelta

import pytest

from sandbox.batches import Batch, Order, Reading
from sandbox.content import Content
from sandbox.files import File
from sandbox.generations import G1B, G2, G3
from sandbox.listing import FILTERS, list_limit, page, wanted_statuses
from sandbox.rows import Row
from sandbox.scenarios import Scenario

NOON = datetime(2026, 8, 12, 12, tzinfo=UTC)
STORED = (
    "validating", "in_progress", "finalizing", "cancelling", "completed", "failed", "expired", "cancelled",
    "submitting", "submission_unknown",
)  # fmt: skip


@pytest.mark.parametrize(
    ("written", "expected"),
    [(None, 1), ("", 1), ("5", 5), ("7.9", 7), ("0", 1), ("-3", 1), ("101", 100), ("many", 20), ("1e2", 20)],
)
def test_limit(written: str | None, expected: int) -> None:
    """
    Left out, the limit is one; words make it twenty; numbers are cut to 1..100.
    """
    assert list_limit(written) == expected


OPEN = {"in_progress", "finalizing", "cancelling"}
WAITING = {"pending", "queued", "validating"}


@pytest.mark.parametrize(
    ("status", "statuses", "expected"),
    [
        ([], None, None),
        (["pending"], None, WAITING),
        (["queued"], None, WAITING),
        (["running"], None, OPEN),
        (["processing"], None, OPEN),
        (["canceled"], None, {"cancelled", "canceled"}),
        (["completed", "failed"], None, {"completed", "failed"}),
        (["COMPLETED"], None, {"completed"}),
        (["completed", "finalizing"], None, {"completed"}),
        ([], "completed, expired", {"completed", "expired"}),
        (["failed"], "expired", {"failed", "expired"}),
    ],
)
def test_filter_words(status: list[str], statuses: str | None, expected: set[str] | None) -> None:
    """
    A filter word stands for a family of stored statuses, and words add up.
    """
    assert wanted_statuses(status, statuses, G2) == expected


@pytest.mark.parametrize("word", ["validating", "finalizing", "complete", "completed,failed"])
def test_misspelt_filter_lets_everything_pass(word: str) -> None:
    """
    An unknown word is dropped, also two words joined by a comma; alone it leaves no filter at all.
    """
    assert wanted_statuses([word], None, G2) is None


@pytest.mark.parametrize(
    ("status", "g1b", "later"),
    [
        (["completed,failed"], {"completed", "failed"}, None),
        (["completed,failed", "expired"], {"completed", "failed", "expired"}, {"expired"}),
        (["completed, oops"], {"completed"}, None),
        (["oops,finalizing"], None, None),
        ([","], None, None),
    ],
)
def test_commas_in_status(status: list[str], g1b: set[str] | None, later: set[str] | None) -> None:
    """
    G1b splits `status` at commas; to later generations it is one word, which they do not know.
    """
    assert [wanted_statuses(status, None, generation) for generation in (G1B, G2, G3)] == [g1b, later, later]


def batch(name: str, status: str, minutes_ago: int = 0) -> Batch:
    order = Order((Row("a", "/v1/responses", {}),), "/v1/responses", "24h", "file-1", inline=True, metadata={})
    made = Batch(
        id=name,
        native_id=name,
        request_id="G-1",
        order=order,
        scenario=Scenario(),
        created_at=NOON - timedelta(minutes=minutes_ago),
        output_file_id="file-2",
        error_file_id="file-3",
    )
    made.stored = Reading(status)
    return made


def found(batches: list[Batch], word: str | None, files: int = 0, limit: int = 100) -> set[str]:
    wanted = wanted_statuses([word] if word else [], None, G2)
    newer = [File(f"file-{n}", "f", "batch", Content(()), NOON + timedelta(seconds=n + 1)) for n in range(files)]
    return {each.id for each in page(batches, newer, limit, wanted)}


def test_every_status_under_its_words() -> None:
    """
    Each stored status shows under the words of its family, and what was never surely submitted under none of them.
    """
    batches = [batch(status, status) for status in STORED]
    shown = {word: found(batches, word) for word in FILTERS}

    assert shown["pending"] == shown["queued"] == {"validating"}
    assert shown["in_progress"] == shown["running"] == shown["processing"] == {
        "in_progress", "finalizing", "cancelling",
    }  # fmt: skip
    assert shown["cancelled"] == shown["canceled"] == {"cancelled"}
    assert [shown[word] for word in ("completed", "failed", "expired")] == [{"completed"}, {"failed"}, {"expired"}]
    assert not {"submitting", "submission_unknown"} & set().union(*shown.values())
    assert found(batches, None) == set(STORED)


def test_files_crowd_batches_out() -> None:
    """
    More rows are read than shown, yet enough newer files leave a page short or empty; a filter passes them by.
    """
    batches = [batch(f"batch_{n}", "completed", n) for n in range(120)]

    assert len(found(batches, None)) == 100
    assert len(found(batches, None, files=200)) == 100
    assert len(found(batches, None, files=250)) == 50
    assert found(batches, None, files=50, limit=1) == {"batch_0"}
    assert found(batches, None, files=51, limit=1) == set()
    assert len(found(batches, "completed", files=250)) == 100


def test_what_was_deleted_is_not_listed() -> None:
    """
    A deleted batch is on no page.
    """
    gone, kept = batch("gone", "completed"), batch("kept", "completed")
    gone.is_deleted = True

    assert found([gone, kept], None) == {"kept"}
