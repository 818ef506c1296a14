"""Views: the fields that scripts rely on, and their types."""

import json

import pytest
from given import NOW, a_delivery, a_job

from operators import views
from schemas.ids import shown
from schemas.tables import FailureRow, RefusalRow
from schemas.times import rfc3339
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
    "refusal": views.refusal(RefusalRow(id=5, source="gateway", reason="x", http_status=401, received_at=NOW)),
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
