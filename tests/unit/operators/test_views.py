"""Views: the fields that scripts rely on, and their types."""

import json

import pytest
from given import NOW, a_delivery, a_job

from operators import views
from reconciler.ready import Missing
from schemas.config import Secret, Source
from schemas.ids import shown
from schemas.tables import FailureRow, RefusalRow, SourceRow
from schemas.times import HOUR, rfc3339
from schemas.words import Status

FAILURE = FailureRow(
    id=3, job=1, category="execution", code="failed", message="m", evidence='{"status": "failed"}', detected_at=NOW
)

CONTRACT = {
    "job": "source kind job_id status native_status progress ready settled created_at updated_at failures",
    "delivery": "source kind job_id delivery_key event_type reported_status verdict times_received first_received_at",
    "failure": "source kind job_id category code message detected_at evidence",
    "refusal": "source reason received_at",
}
VIEWS = {
    "job": views.job(a_job(Status.COMPLETED, progress=100), [FAILURE]),
    "delivery": views.delivery(a_delivery()),
    "failure": views.failure(FAILURE, a_job()),
    "refusal": views.refusal(
        RefusalRow(id=5, source="gateway", reason="x", http_status=401, received_at=NOW), (NOW, 6)
    ),
}


@pytest.mark.parametrize("noun", CONTRACT)
def test_the_fields_of_the_contract_are_there(noun):
    """
    Each noun has the fields that scripts may rely on.
    """
    assert set(CONTRACT[noun].split()) <= set(VIEWS[noun])


@pytest.mark.parametrize("noun", VIEWS)
def test_every_view_is_json(noun):
    """
    A view is made of what JSON has.
    """
    assert json.loads(json.dumps(VIEWS[noun])) == VIEWS[noun]


@pytest.mark.parametrize(
    ("columns", "ready", "settled"),
    [({}, True, True), ({"settled_at": None}, True, False), ({"settled_at": None, "ready_at": None}, False, False)],
)
def test_ready_and_settled_are_truths(columns, ready, settled):
    """
    Ready and settled are true or false, whatever the store holds.
    """
    view = views.job(a_job(Status.COMPLETED, **columns), [])

    assert (view["ready"], view["settled"]) == (ready, settled)


def test_times_and_ids_are_written_out():
    """
    Times are RFC 3339 and our ids have their prefix.
    """
    view = VIEWS["job"]

    assert view["id"] == shown("job", 1)
    assert view["updated_at"] == rfc3339(a_job().updated_at)
    assert view["failures"][0]["evidence"] == {"status": "failed"}


SOURCE = Source(
    name="gateway",
    dialect="phaseo",
    base_url="https://x.example/v1",
    api_key=Secret("key"),
    tolerance_seconds=300,
    delivery_window_seconds=2700,
    webhook_events=(),
    requests_per_minute=60,
)


@pytest.mark.parametrize(
    ("again", "circuit"), [(None, "closed"), (NOW + 1, "open"), (NOW, "trying"), (NOW - 1, "trying")]
)
def test_the_circuit_in_a_word(again, circuit):
    """
    A circuit is closed, open until its time has come, and then being tried.
    """
    row = SourceRow(name="gateway", dialect="phaseo", listening_since=NOW, asking_again_at=again)

    assert views.asking(row, SOURCE, NOW)["circuit"] == circuit


def test_how_a_source_is_asked():
    """
    Budget, list and orphans are shown as they were last recorded; a source that never ran has recorded nothing.
    """
    row = SourceRow(name="gateway", dialect="phaseo", listening_since=NOW, asked_last_minute=12, budget_left=3)
    row.recorded_at = row.swept_at = NOW
    row.list_is_full, row.list_message, row.orphans = 1, "its page is full for failed", '{"batch": 100}'
    view, never = views.asking(row, SOURCE, NOW), views.asking(None, SOURCE, NOW)

    assert view["requests"] == {"per_minute": 60, "last_minute": 12, "left": 3, "recorded_at": rfc3339(NOW)}
    assert (view["list"]["shows_all"], view["list"]["swept_at"], view["orphans"]) == (
        False,
        rfc3339(NOW),
        {"batch": 100},
    )
    assert (never["circuit"], never["requests"]["last_minute"], never["orphans"]) == ("closed", 0, {})
    assert (view["list"]["message"], never["list"]["message"]) == ("its page is full for failed", None)
    assert (never["list"]["shows_all"], never["requests"]["recorded_at"]) == (None, None)
    assert json.loads(json.dumps([view, never])) == [view, never]


def test_what_is_missing_has_an_age():
    """
    Each condition that keeps a job from being ready or settled says since when, and for how long.
    """
    assert views.missing(Missing("has not ended", NOW - 2 * HOUR), NOW) == {
        "condition": "has not ended",
        "since": rfc3339(NOW - 2 * HOUR),
        "age": "2 h",
    }
