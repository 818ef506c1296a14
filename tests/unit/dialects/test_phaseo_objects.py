"""Phaseo's REST object of a batch (contract 3.1, 3.9, 3.10, 5), read into an observation."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.dialects.phaseo import Phaseo
from schemas.readings import Account, Answer, Attempt, Billing, Observation, Observed, Response, RowCounts, Troubled
from schemas.times import SECOND, parse_rfc3339
from schemas.words import AttemptOutcome, Status

JOB = "batch_01K2XYZ3ABCDEFGHJKMNPQRSTV"
CREATED: dict[str, Any] = {
    "id": JOB,
    "object": "batch",
    "endpoint": "/v1/responses",
    "errors": None,
    "input_file_id": "file-Ab12",
    "completion_window": "24h",
    "status": "validating",
    "output_file_id": None,
    "error_file_id": None,
    "created_at": 1786500000,
    "in_progress_at": None,
    "expires_at": 1786586400,
    "request_counts": {"total": 0, "completed": 0, "failed": 0},
    "metadata": {"job": "nightly", "phaseo_batch_id": JOB, "phaseo_request_id": "G-01K2"},
    "native_batch_id": "batch_68f0",
    "request_id": "G-01K2",
    "provider": "openai",
    "webhook": {
        "endpoint_id": "5f0c",
        "url": None,
        "events": [],
        "has_secret": True,
        "delivery": {"total_attempts": 0},
        "attempts": [],
    },
    "lifecycle_status": "pending",
    "polling_url": f"https://api.phaseo.app/v1/batches/{JOB}",
    "cancel_url": f"https://api.phaseo.app/v1/batches/{JOB}/cancel",
    "pricing_lines": [],
}
GIVEN_UP = {
    "id": "batch.completed:4:2026-08-12T02:21:09.357Z",
    "delivery_key": "batch.completed",
    "event_type": "batch.completed",
    "status": "failed_permanently",
    "attempt_number": 4,
    "max_attempts": 4,
    "tried_at": "2026-08-12T02:21:09.357Z",
    "delivered_at": None,
    "next_retry_at": None,
    "response_status": 503,
    "error_message": "Webhook returned HTTP 503",
    "response_body_preview": "overloaded",
}

ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.just("2026-08-12T02:00:00Z"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def read(document: dict[str, Any]) -> Answer:
    return Phaseo().read_poll("batch", JOB, Response(200, {}, json.dumps(document).encode()))


def observed(**members: Any) -> Observation:
    """The observation of a batch that differs in these members."""
    answer = read(CREATED | members)
    assert isinstance(answer, Observed)
    return answer.observation


def account(**members: Any) -> Account:
    """The account in a batch's webhook state, which has these members and no others."""
    read = observed(webhook=members).account
    assert read is not None
    return read


def test_created_object() -> None:
    """The contract's own example is read whole."""
    assert observed() == Observation(
        kind="batch",
        job_id=JOB,
        status=Status.PENDING,
        native_status="validating",
        counts=RowCounts(0, 0, 0),
        created_at=1_786_500_000 * SECOND,
        expires_at=1_786_586_400 * SECOND,
        input_file_id="file-Ab12",
        endpoint="/v1/responses",
        provider="openai",
        native_id="batch_68f0",
        request_id="G-01K2",
        polling_url=f"https://api.phaseo.app/v1/batches/{JOB}",
        cancel_url=f"https://api.phaseo.app/v1/batches/{JOB}/cancel",
        completion_window="24h",
        account=Account(endpoint_id="5f0c", has_secret=True, total_attempts=0),
        metadata={"job": "nightly", "phaseo_batch_id": JOB, "phaseo_request_id": "G-01K2"},
    )


def test_least_object() -> None:
    """An id and a status are all that is indispensable; unknown members are no hindrance."""
    answer = read({"id": JOB, "status": "in_progress", "results_url": "https://x", "new": [{"a": 1}], "none": None})
    more = {"results_url": "https://x", "new": '[{"a":1}]'}

    assert answer == Observed(Observation("batch", JOB, Status.RUNNING, "in_progress", more=more))


@pytest.mark.parametrize("name", sorted(set(CREATED) - {"id", "status"}))
@pytest.mark.parametrize("value", [None, 7, True, -1.5, "", "x", [], [[]], {}, {"a": {}}], ids=repr)
def test_wrong_types(name: str, value: Any) -> None:
    """A member of a wrong type reads as missing, and the others are read all the same."""
    observation = observed(**{name: value})

    assert (observation.job_id, observation.status) == (JOB, Status.PENDING)


@pytest.mark.parametrize("name", sorted(set(CREATED) - {"id", "status"}))
def test_missing_members(name: str) -> None:
    """So does a member that is not there: null and missing are the same."""
    assert read({key: value for key, value in CREATED.items() if key != name}) == Observed(observed(**{name: None}))


@pytest.mark.parametrize("name", ["id", "job_id"])
@pytest.mark.parametrize("value", [None, 7, "", "a b", "é", "..", "x" * 257], ids=lambda value: repr(value)[:12])
def test_unusable_ids(name: str, value: Any) -> None:
    """An answer without a usable `id` is unreadable; the id stands nowhere else."""
    answer = read({"status": "completed", name: value})

    assert isinstance(answer, Troubled)
    assert answer.message == "the answer has no usable id"


@pytest.mark.parametrize(
    ("value", "micros"),
    [
        (1786500000, 1_786_500_000 * SECOND),
        (1786500000.5, 1_786_500_000 * SECOND + 500_000),
        ("2026-08-12T02:00:00Z", 1_786_500_000 * SECOND),
        ("2026-08-12T02:00:00+00:00", 1_786_500_000 * SECOND),
        ("2026-08-12T02:00:00.5+00:00", 1_786_500_000 * SECOND + 500_000),
        ("2026-08-12T02:00:00.12Z", 1_786_500_000 * SECOND + 120_000),
        ("2026-08-12T02:00:00.357Z", 1_786_500_000 * SECOND + 357_000),
        ("2026-08-12T02:00:00.1234Z", 1_786_500_000 * SECOND + 123_400),
        ("2026-08-12T02:00:00.12345Z", 1_786_500_000 * SECOND + 123_450),
        ("2026-08-12T02:00:00.123456+00:00", 1_786_500_000 * SECOND + 123_456),
        ("1786500000", None),
        ("", None),
        ("yesterday", None),
        ("2026-08-12T02:00:99Z", None),
        ("9999-12-31T23:59:59-23:59", None),
        (None, None),
        (True, None),
        (0, None),
        (-1, None),
        (1786500000000, None),
        (10**19, None),
        (1e300, None),
        ([1786500000], None),
    ],
    ids=lambda value: repr(value)[:40],
)
@pytest.mark.parametrize("name", ["created_at", "expires_at"])
def test_times(name: str, value: Any, micros: int | None) -> None:
    """A time is unix seconds or ISO 8601 with up to six digits of a second, under the same name; milliseconds are no time."""
    assert getattr(observed(**{name: value}), name) == micros


@pytest.mark.parametrize("name", ["completed_at", "failed_at", "expired_at", "cancelled_at"])
@pytest.mark.parametrize("value", [1786500100, "2026-08-12T02:01:40Z"])
def test_end_times(name: str, value: Any) -> None:
    """The end is the time of whichever end there was."""
    others = dict.fromkeys(("completed_at", "failed_at", "expired_at", "cancelled_at"))

    assert observed(**(others | {name: value})).ended_at == 1_786_500_100 * SECOND


def test_no_end_time() -> None:
    """Phases on the way are no end."""
    assert (
        observed(in_progress_at=1, finalizing_at=2, cancelling_at=3, finalized_at="2026-08-12T02:00:00Z").ended_at
        is None
    )


@pytest.mark.parametrize(
    ("counts", "read"),
    [
        (None, RowCounts()),
        ([], RowCounts()),
        ({}, RowCounts()),
        ({"total": 10, "completed": 4, "failed": 1}, RowCounts(10, 4, 1)),
        ({"total": 10, "completed": None}, RowCounts(10)),
        ({"total": "10", "completed": 4.0, "failed": True}, RowCounts()),
        ({"total": -1, "completed": -(10**19), "failed": 10**19}, RowCounts(0, 0, 1 << 53)),
    ],
)
def test_counts(counts: Any, read: RowCounts) -> None:
    """Counts, or any of them, may be unknown; what is known is held within 0 to 2^53."""
    assert observed(request_counts=counts).counts == read


@pytest.mark.parametrize(
    ("status", "counts", "told", "progress"),
    [
        ("validating", None, None, None),
        ("validating", {"total": 0, "completed": 0, "failed": 0}, None, None),
        ("in_progress", {"total": 10, "completed": 4, "failed": 1}, None, 50),
        ("in_progress", {"total": 3, "completed": 1}, None, 33),
        ("in_progress", {"total": 10}, None, 0),
        ("in_progress", {"completed": 4}, None, None),
        ("in_progress", {"total": 10, "completed": 10, "failed": 10}, None, 100),
        ("finalizing", {"total": 10, "completed": 10, "failed": 0}, None, 100),
        ("failed", {"total": 10, "completed": 5, "failed": 0}, None, 50),
        ("completed", None, None, 100),
        ("completed", {"total": 10, "completed": 5, "failed": 0}, None, 100),
        ("in_progress", {"total": 10, "completed": 4, "failed": 0}, 70, 70),
        ("in_progress", {"total": 10, "completed": 4, "failed": 0}, "70", 40),
        ("in_progress", None, 0, 0),
    ],
)
def test_progress(status: str, counts: Any, told: Any, progress: int | None) -> None:
    """Progress is what the answer says of it, or else follows from the counts."""
    assert observed(status=status, request_counts=counts, progress=told).progress == progress


@pytest.mark.parametrize("name", ["output_file_id", "error_file_id", "input_file_id"])
@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("file-Ab12", "file-Ab12"),
        ("files/x:y", "files/x:y"),
        (None, None),
        ("", None),
        (7, None),
        ("..", None),
        ("a b", None),
    ],
)
def test_file_ids(name: str, value: Any, read: str | None) -> None:
    """A file id is opaque; what cannot be one is none."""
    assert getattr(observed(**{name: value}), name) == read


@pytest.mark.parametrize(
    ("provider", "writes"),
    [
        ("openai", True),
        ("mistral", True),
        (None, True),
        ("anthropic", False),
        ("google-ai-studio", False),
        ("x-ai", False),
    ],
)
def test_writes_files(provider: str | None, writes: bool) -> None:
    """The providers whose results are never exposed as a file are known by name."""
    assert observed(provider=provider).writes_files is writes


@pytest.mark.parametrize(
    ("members", "code", "message"),
    [
        ({"errors": {"object": "list", "data": [{"code": "bad_row", "message": "row 3"}]}}, "bad_row", "row 3"),
        ({"errors": [{"code": "bad_row", "message": "row 3"}, {"code": "x"}]}, "bad_row", "row 3"),
        ({"upstream_error": {"code": "batch_expired", "message": "late"}}, "batch_expired", "late"),
        ({"errors": {"data": []}, "upstream_error": {"code": "x"}}, "x", None),
        ({"errors": {"data": [None, "text", {"message": "only"}]}}, None, "only"),
        ({"errors": "text", "upstream_error": ["x"]}, None, None),
        ({"errors": {"data": [{"code": 7, "message": {"a": 1}}]}}, None, None),
        ({"errors": {"data": [{"code": "a\x1b[0m", "message": "b\r\nc" + "d" * 5000}]}}, "a\\x1b[0m", None),
    ],
)
def test_errors(members: dict[str, Any], code: str | None, message: str | None) -> None:
    """The first error that a batch tells of, made safe to show."""
    observation = observed(**members)

    assert observation.error_code == code
    assert observation.error_message == message or len(observation.error_message or "") == 1000


@pytest.mark.parametrize(
    ("value", "read"),
    [(None, None), ("", None), (7, None), ("https://a\n.b", "https://a\\n.b"), ("u" * 5000, "u" * 2048)],
)
def test_urls_are_kept_for_show(value: Any, read: str | None) -> None:
    """Offered URLs are kept bounded and harmless to show; whether one is followed is asked elsewhere."""
    observation = observed(polling_url=value, cancel_url=value)

    assert (observation.polling_url, observation.cancel_url) == (read, read)


@pytest.mark.parametrize("webhook", [None, "x", [], 7, True])
def test_no_account(webhook: Any) -> None:
    """Without a webhook state there is no account: no webhook was ever configured."""
    assert observed(webhook=webhook).account is None


def test_empty_account() -> None:
    """A webhook state that says nothing is an account all the same."""
    assert account() == Account()
    assert account(delivery=None, attempts=None, events=None) == Account()


def test_given_up_delivery() -> None:
    """The contract's example: four attempts, given up, with what the receiver answered."""
    state = account(
        endpoint_id="5f0c3f7e",
        url=None,
        events=["batch.completed", 7],
        has_secret=True,
        delivery={
            "total_attempts": 4,
            "delivered_event_types": [],
            "pending_retries": 2,
            "next_retry_at": "2026-08-12T03:00:00Z",
        },
        attempts=[GIVEN_UP],
    )

    assert state == Account(
        endpoint_id="5f0c3f7e",
        has_secret=True,
        events=("batch.completed",),
        total_attempts=4,
        pending_retries=2,
        next_retry_at=parse_rfc3339("2026-08-12T03:00:00Z"),
        attempts=(
            Attempt(
                "batch.completed",
                4,
                AttemptOutcome.GIVEN_UP,
                tried_at=parse_rfc3339("2026-08-12T02:21:09.357Z"),
                response_status=503,
                error="Webhook returned HTTP 503",
                preview="overloaded",
            ),
        ),
    )


def test_delivered_without_shown_attempts() -> None:
    """Only ten attempts are shown of fifty: a key that is merely named as delivered counts as delivered, number unknown."""
    shown = {"delivery_key": "batch.completed", "attempt_number": 1, "status": "delivered"}
    delivered = ["batch.completed", "batch.created", "batch.progress:50", 7, "", "a b"]
    state = account(delivery={"delivered_event_types": delivered}, attempts=[shown])

    assert state.attempts == (
        Attempt("batch.completed", 1, AttemptOutcome.DELIVERED),
        Attempt("batch.created", 0, AttemptOutcome.DELIVERED),
        Attempt("batch.progress:50", 0, AttemptOutcome.DELIVERED),
    )


def test_delivered_after_shown_failures() -> None:
    """A key whose shown attempts all failed is delivered still, when it is named as such."""
    failed = {"delivery_key": "batch.completed", "attempt_number": 1, "status": "scheduled_retry"}
    state = account(delivery={"delivered_event_types": ["batch.completed"]}, attempts=[failed])

    assert [attempt.outcome for attempt in state.attempts] == [AttemptOutcome.RETRYING, AttemptOutcome.DELIVERED]


@pytest.mark.parametrize(
    ("entry", "outcome"),
    [
        ({"delivered_at": "2026-08-12T02:00:00Z"}, AttemptOutcome.DELIVERED),
        ({"delivered_at": None}, AttemptOutcome.RETRYING),
        ({"delivered_at": None, "attempt_number": 4, "max_attempts": 4}, AttemptOutcome.GIVEN_UP),
        ({"attempt_number": 4, "max_attempts": 4, "next_retry_at": "2026-08-12T02:00:00Z"}, AttemptOutcome.RETRYING),
        ({"attempt_number": 1, "max_attempts": 4, "next_retry_at": None}, AttemptOutcome.RETRYING),
        ({}, AttemptOutcome.RETRYING),
        ({"status": None, "delivered_at": "2026-08-12T02:00:00Z"}, AttemptOutcome.DELIVERED),
        ({"status": "delivered"}, AttemptOutcome.DELIVERED),
        ({"status": "scheduled_retry"}, AttemptOutcome.RETRYING),
        ({"status": "failed_permanently"}, AttemptOutcome.GIVEN_UP),
        ({"status": "failed_permanently", "delivered_at": "2026-08-12T02:00:00Z"}, AttemptOutcome.GIVEN_UP),
        ({"status": "paused"}, AttemptOutcome.OTHER),
        ({"status": ""}, AttemptOutcome.OTHER),
    ],
)
def test_outcomes(entry: dict[str, Any], outcome: AttemptOutcome) -> None:
    """An attempt's status tells how it ended; where it is missing, as in the seed's example, its time of delivery does."""
    assert account(attempts=[{"delivery_key": "batch.completed"} | entry]).attempts[0].outcome == outcome


@pytest.mark.parametrize(
    ("message", "timed_out"),
    [
        ("Webhook request timed out after 30000ms", True),
        ("Webhook returned HTTP 503", False),
        ("Webhook redirects are not allowed", False),
        ("", False),
        (None, False),
        (7, False),
    ],
)
def test_timed_out(message: Any, timed_out: bool) -> None:
    """Whether an attempt timed out stands only in its error message."""
    assert account(attempts=[GIVEN_UP | {"error_message": message}]).attempts[0].timed_out is timed_out


@pytest.mark.parametrize(
    "entry", [None, 7, "x", [], {}, {"delivery_key": None}, {"delivery_key": ""}, {"delivery_key": "a b"}]
)
def test_attempt_without_key(entry: Any) -> None:
    """An attempt that names no delivery is no attempt, and does not hide the next."""
    assert [attempt.number for attempt in account(attempts=[entry, GIVEN_UP]).attempts] == [4]


def test_preview() -> None:
    """The preview holds the answer that the provider got, with our receipt's id in it; all 500 bytes, and safe to show."""
    answer = '{"receipt": "rcp_0000000000005", "delivery": "dlv_0000000000006", "duplicate": false}'
    attempts = account(
        attempts=[GIVEN_UP | {"response_body_preview": text} for text in (answer, "x" * 600, "a\x1bb", 7)]
    ).attempts

    assert [attempt.preview for attempt in attempts] == [answer, "x" * 500, "a\\x1bb", None]


def test_endless_account() -> None:
    """An account is bounded, however long the provider makes it."""
    state = account(
        attempts=[GIVEN_UP] * 10_000,
        events=["batch.completed"] * 10_000,
        delivery={"delivered_event_types": [f"k{number}" for number in range(10_000)]},
    )

    assert (len(state.attempts), len(state.events)) == (200, 100)


def test_summary_of_deliveries() -> None:
    """What the account says of all attempts together is read, each time and word of it."""
    summary = {
        "total_attempts": 5,
        "delivered_events": 1,
        "delivered_event_types": ["batch.created", "a b", 7],
        "pending_retries": 1,
        "next_retry_at": "2026-08-12T02:26:09.357Z",
        "last_attempt_at": "2026-08-12T02:21:09.357Z",
        "last_attempt_status": "scheduled_retry",
        "last_response_status": 503,
        "last_delivered_at": "2026-08-12T01:00:00Z",
        "last_failure_at": "2026-08-12T02:21:09.357Z",
        "last_error_message": "Webhook returned HTTP 503",
    }

    assert account(delivery=summary) == Account(
        pending_retries=1,
        next_retry_at=parse_rfc3339("2026-08-12T02:26:09.357Z"),
        attempts=(Attempt("batch.created", 0, AttemptOutcome.DELIVERED),),
        total_attempts=5,
        delivered=("batch.created",),
        last_attempt_at=parse_rfc3339("2026-08-12T02:21:09.357Z"),
        last_attempt="scheduled_retry",
        last_response_status=503,
        last_delivered_at=parse_rfc3339("2026-08-12T01:00:00Z"),
        last_failure_at=parse_rfc3339("2026-08-12T02:21:09.357Z"),
        last_error="Webhook returned HTTP 503",
    )


REST_BILL = {"billed": True, "charged": True, "reason": None, "cost_nanos": 50_000_000_000, "cost_usd": 50.0}
PUSH_BILL = {
    "currency": "usd",
    "estimated_user_cost": "0.05",
    "state": "estimated",
    "estimated_nanos": 51_234_567,
    "reserved_nanos": 60_000_000,
    "charged": False,
}


@pytest.mark.parametrize(
    ("bill", "read"),
    [
        ({}, None),
        ([1], None),
        (None, None),
        (
            REST_BILL | {"finalized_at": "2026-08-12T02:00:00Z"},
            Billing(
                "settled", "usd", None, None, 50_000_000_000, True, settled_at=parse_rfc3339("2026-08-12T02:00:00Z")
            ),
        ),
        (
            {"billed": False, "charged": False, "reason": "no_successful_rows", "cost_nanos": 0, "finalized_at": "x"},
            Billing("void", None, None, None, 0, False, "no_successful_rows"),
        ),
        ({"billed": False, "cost_nanos": 7}, Billing("pending")),
        (PUSH_BILL, Billing("estimated", "usd", 51_234_567, 60_000_000, None, False)),
        ({"estimated_user_cost": "0.05"}, Billing(estimated_nanos=50_000_000)),
        ({"state": "settled", "total_nanos": 50_000_000}, Billing("settled", settled_nanos=50_000_000)),
        ({"state": "settled", "settled_user_cost": "1.25"}, Billing("settled", settled_nanos=1_250_000_000)),
        ({"state": "settled", "settled_user_cost": "NaN"}, Billing("settled")),
        ({"state": "settled", "total_nanos": 1 << 63}, Billing("settled")),
        ({"estimated_user_cost": "1e999999"}, None),
    ],
    ids=repr,
)
def test_billing(bill: Any, read: Billing | None) -> None:
    """Both shapes of the bill come to the same: estimated, held and settled, the exact number before the rounded text."""
    assert observed(billing=bill).billing == read


def test_what_else_a_bill_says() -> None:
    """What has no place of its own stands with the rest, as it is, and bounded."""
    bill = REST_BILL | {"pricing_breakdown": {"a": 1}} | {f"k{number}": number for number in range(1000)}
    more = observed(billing=bill).more

    assert more["billing.pricing_breakdown"] == '{"a":1}'
    assert len(more) <= 70


def test_pricing_lines_and_usage() -> None:
    """Each line of the price stands as it is, and so does the use; a cost with nine decimals stays exact."""
    line = {"dimension": "input_tokens", "quantity": 9, "line_cost_usd": "0.000001125", "unit": None}
    seen = observed(pricing_lines=[line, 7, {}], usage={"total_tokens": 12, "details": {"cached": 3}})

    assert seen.pricing_lines == ({"dimension": "input_tokens", "quantity": 9, "line_cost_usd": "0.000001125"}, {})
    assert seen.usage == {"total_tokens": 12, "details": '{"cached":3}'}


# Contract 4.5: every member of a video's push object.
VIDEO = {
    "id": "G-01K2XYZ3ABCDEFGHJKMNPQRSTV",
    "object": "video",
    "kind": "video",
    "status": "completed",
    "lifecycle_status": "completed",
    "request_id": "G-01K2XYZ3ABCDEFGHJKMNPQRSTV",
    "native_id": "video_68f0",
    "progress": 100,
    "provider": "openai",
    "model": "sora-2",
    "cancel_url": "https://api.phaseo.app/v1/videos/G-01K2XYZ3ABCDEFGHJKMNPQRSTV/cancel",
    "content_url": "https://api.phaseo.app/v1/videos/G-01K2XYZ3ABCDEFGHJKMNPQRSTV/content",
    "download_url": "https://cdn.example/v?exp=1786500900&sig=very-secret",
    "expires_at": 1786500900,
    "duration_seconds": 8,
    "resolution": "1280x720",
    "updated_at": "2026-08-12T01:40:00+00:00",
    "last_reconciled_at": "2026-08-12T01:40:00+00:00",
}


def test_a_video() -> None:
    """A video is a job like any other. Its link to the result is a secret and is kept nowhere; it expires, and not the video."""
    answer = Phaseo().read_poll("video", VIDEO["id"], Response(200, {}, json.dumps(VIDEO).encode()))
    assert isinstance(answer, Observed)
    seen = answer.observation

    assert (seen.kind, seen.status, seen.native_id, seen.model) == ("video", Status.COMPLETED, "video_68f0", "sora-2")
    assert (seen.expires_at, seen.writes_files) == (None, False)
    assert seen.more["resolution"] == "1280x720"
    assert seen.more["expires_at"] == "2026-08-12T02:15:00Z"
    assert "very-secret" not in repr(seen)


def test_bookkeeping() -> None:
    """What moves while nothing happens stands apart, so that two looks at one state are the same."""
    one, other = (
        observed(updated_at=f"2026-08-12T01:0{minute}:00Z", last_polled_at="2026-08-12T01:00:00Z") for minute in (1, 2)
    )

    assert one.bookkeeping == {"updated_at": "2026-08-12T01:01:00Z", "last_polled_at": "2026-08-12T01:00:00Z"}
    assert one.more == other.more


def test_the_native_id_is_never_asked_for() -> None:
    """No question is made of the id that the provider behind the gateway gave: it names nothing there."""
    seen = observed(native_batch_id="batch_of_the_provider")
    (asked,) = Phaseo().poll("https://api.phaseo.app/v1", "batch", seen.job_id, seen.polling_url)

    assert seen.native_id == "batch_of_the_provider"
    assert seen.native_id not in asked.url


@settings(deadline=None)
@given(
    st.fixed_dictionaries(
        {},
        optional={name: ANYTHING for name in CREATED if name not in ("id", "status", "request_counts", "webhook")}
        | dict.fromkeys(("completed_at", "failed_at", "progress", "upstream_error", "billing"), ANYTHING)
        | {
            "request_counts": st.dictionaries(st.sampled_from(["total", "completed", "failed"]), ANYTHING),
            "webhook": st.fixed_dictionaries(
                {},
                optional={
                    "endpoint_id": ANYTHING,
                    "url": ANYTHING,
                    "events": ANYTHING,
                    "has_secret": ANYTHING,
                    "delivery": st.dictionaries(
                        st.sampled_from(["delivered_event_types", "pending_retries", "next_retry_at"]), ANYTHING
                    ),
                    "attempts": st.lists(
                        st.dictionaries(st.sampled_from(sorted(GIVEN_UP)), ANYTHING | st.just("k")), max_size=3
                    ),
                },
            ),
        },
    ),
    ANYTHING,
    ANYTHING,
)
def test_any_members(members: dict[str, Any], job_id: Any, status: Any) -> None:
    """Whatever values the members have, an answer with an id and a status is an observation, and any other is trouble."""
    assert isinstance(read(CREATED | members), Observed | Troubled)
    assert isinstance(read({**members, "id": job_id, "status": status}), Observed | Troubled)
    assert isinstance(Phaseo().read_report({"delivery": members, "data": members}).status, Status | None)
