"""What `watch` shows of a view: in a line, in a picture, and at the end."""

from io import StringIO
from typing import Any

import pytest
from given import HOSTILE, JOB_ID, NOW, a_job
from rich.console import Console

from operators import views
from operators.cli import watch
from schemas.tables import FailureRow, ObservationRow
from schemas.times import SECOND, rfc3339
from schemas.words import Status


def observed(**columns: Any) -> views.View:
    row = {"id": 1, "job": 1, "asked": "socket", "status": "running", "native_status": "in_progress"}
    return views.said(ObservationRow(**{**row, "first_seen_at": NOW, "last_seen_at": NOW - 4 * SECOND, **columns}))


def a_view(status: Status = Status.RUNNING, seen: dict[str, Any] | None = None, **columns: Any) -> views.View:
    """As `look` gives it."""
    held = columns.pop("held", [])
    told = {"newest": observed(), "socket": observed(), "owner": "host:1:abc", **(seen or {})}
    return {**views.job_whole(a_job(status, **columns), held), **told}


def pictured(view: views.View, width: int = 100) -> str:
    console = Console(file=StringIO(), width=width, force_terminal=False)
    console.print(watch._picture(view, NOW))
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    return text


FAR = {"progress": 40, "rows_total": 10, "rows_completed": 3, "rows_failed": 1}
ENDED_SOCKET = {"asked": "socket", "status": None, "native_status": None, "trouble": "request"}


@pytest.mark.parametrize(
    ("view", "line"),
    [
        (a_view(), "running  in_progress  by socket"),
        (a_view(**FAR), "running  in_progress  40 %  3 of 10 rows, 1 failed  by socket"),
        (a_view(rows_total=10), "running  in_progress  0 of 10 rows  by socket"),
        (a_view(progress=0), "running  in_progress  0 %  by socket"),
        (a_view(Status.UNKNOWN, {"newest": None, "socket": None}), "unknown  nobody was asked yet"),
        (a_view(seen={"owner": None}), "running  in_progress  by socket  no reconciler is at work"),
        (
            a_view(seen={"newest": observed(status="completed", native_status="completed")}),
            "running  completed (not confirmed yet)  by socket",
        ),
        (a_view(seen={"newest": observed(asked="list", native_status=None)}), "running  running  by list"),
        (
            a_view(seen={"newest": observed(asked="poll"), "socket": observed(**ENDED_SOCKET, message="HTTP 426")}),
            "running  in_progress  by poll  HTTP 426; polls instead",
        ),
        (
            a_view(
                Status.FAILED, {"newest": observed(asked="poll", status="failed"), "socket": observed(**ENDED_SOCKET)}
            ),
            "failed  in_progress  by poll",
        ),
        (
            a_view(trouble="gateway", trouble_message="HTTP 500: no"),
            "running  in_progress  by socket  gateway: HTTP 500: no",
        ),
    ],
)
def test_lines(view: views.View, line: str) -> None:
    """Each fact that is there, and none that is not; no time, which would make every look a change."""
    assert watch._line(view) == line


def test_a_webhook_is_a_newest_word_too() -> None:
    """What a webhook reported last stands where an observation would."""
    job = a_job(reported_status="running", reported_native="in_progress", reported_at=NOW - SECOND)
    assert views.reported(job) == {**observed(asked="poll"), "by": "webhook", "at": rfc3339(NOW - SECOND)}


def test_a_picture() -> None:
    """Names and values, and how long ago and how soon."""
    shown = [line.rstrip() for line in pictured(a_view(**FAR, due_at=NOW + 24 * SECOND)).splitlines()]
    assert shown[0] == f"gateway/{JOB_ID}"
    assert [line.split("  ")[0] for line in shown[1:]] == [
        "status",
        "the provider's word",
        "progress",
        "rows",
        "rests on",
        "next question",
        "socket",
    ]
    told = [line.partition("  ")[2].strip() for line in shown[1:]]
    assert [told[0], told[1], *told[3:]] == [
        "running",
        "in_progress",
        "3 of 10 rows, 1 failed",
        "socket, 4.0 s ago",
        "in 24 s",
        "last news 4.0 s ago",
    ]
    assert (told[2].count("━"), told[2][-6:]) == (16, "  40 %")


@pytest.mark.parametrize("width", [40, 60, 200])
def test_hostile_words(width: int) -> None:
    """Whatever a provider puts into its words, a terminal sees nothing that it would obey."""
    hostile = observed(native_status=HOSTILE, message=HOSTILE, status=None)
    view = a_view(
        seen={"newest": observed(native_status=HOSTILE), "socket": hostile},
        trouble="gateway",
        trouble_message=HOSTILE,
        **FAR,
    )
    shown = pictured(view, width)
    assert all(char.isprintable() for char in shown.replace("\n", ""))
    assert max(map(len, shown.splitlines())) <= width
    assert watch._line(view).isprintable()


@pytest.mark.parametrize(
    ("view", "was_over", "said"),
    [
        (a_view(Status.COMPLETED), False, "has ended: completed at 2026-08-12 00:00:00 UTC"),
        (a_view(Status.CANCELLED), True, "had ended already: cancelled at 2026-08-12 00:00:00 UTC"),
        (
            a_view(Status.COMPLETED, provider_ended_at=NOW - SECOND),
            False,
            "has ended: completed at 2026-08-12 01:59:59 UTC",
        ),
    ],
)
def test_the_last_line(view: views.View, was_over: bool, said: str) -> None:
    """How it ended and when, by the provider's word if it tells that."""
    assert watch._how_it_ended(view, was_over) == f"gateway/{JOB_ID} {said}"


def test_the_last_line_names_failures() -> None:
    """What went wrong stands in it, with where to look."""
    row = FailureRow(id=5, job=1, category="execution", code="rows_failed", message="1 of 10", detected_at=NOW)
    said = watch._how_it_ended(a_view(Status.COMPLETED, held=[row]), False)
    assert said.endswith("UTC (execution: rows_failed; `batchkeeper explain job_0000000000001` says more)")
