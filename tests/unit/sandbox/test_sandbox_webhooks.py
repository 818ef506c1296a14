"""Subscriptions, and the gateway's account of its own deliveries."""

from datetime import UTC, datetime, timedelta

import pytest

from sandbox.account import Account
from sandbox.clock import iso_ms, iso_stored
from sandbox.endpoints import WebhookChoice, new_secret
from sandbox.generations import G2
from sandbox.subscriptions import is_subscribed

NOON = datetime(2026, 8, 12, 12, tzinfo=UTC)
CHOICE = WebhookChoice("5f0c")


@pytest.mark.parametrize(
    ("phase", "own", "endpoint", "expected"),
    [
        ("completed", [], ["batch.completed"], True),
        ("completed", [], ["job.completed"], True),
        ("completed", [], ["completed"], True),
        ("cancelled", [], ["BATCH.CANCELED"], True),
        ("failed", ["batch.completed"], ["batch.failed"], False),
        ("failed", ["batch.expired"], [], False),
        ("created", [], ["batch.completed"], False),
        ("created", [], [], False),
        ("completed", [], ["video.completed"], True),
        ("completed", [], ["video.completed", "batch.failed"], False),
    ],
)
def test_subscriptions(phase: str, own: list[str], endpoint: list[str], expected: bool) -> None:
    """
    The batch's own list, else the endpoint's words for batches, else five job events, decide.
    """
    assert is_subscribed("batch", phase, own, endpoint, G2) is expected


def test_an_account_without_attempts() -> None:
    """
    Before anything was tried all counts are zero and all times absent.
    """
    state = Account().public_state(CHOICE, G2)

    assert state["attempts"] == []
    assert state["delivery"]["total_attempts"] == 0
    assert state["delivery"]["last_attempt_status"] is None


def test_a_failure_stays_visible_after_success() -> None:
    """
    A later success does not clear the last failure, and ends the waiting.
    """
    account, retry = Account(), NOON + timedelta(minutes=1)
    account.record(
        "batch.completed",
        1,
        NOON,
        "scheduled_retry",
        next_retry_at=retry,
        response_status=503,
        error="Webhook returned HTTP 503",
        preview="later",
    )
    waiting = account.public_state(CHOICE, G2)["delivery"]
    account.record("batch.completed", 2, retry, "delivered", response_status=200, preview="ok")
    after = account.public_state(CHOICE, G2)["delivery"]

    assert (waiting["pending_retries"], waiting["next_retry_at"]) == (1, iso_ms(retry))
    assert (after["pending_retries"], after["next_retry_at"]) == (0, None)
    assert after["delivered_event_types"] == ["batch.completed"]
    assert after["last_error_message"] == "Webhook returned HTTP 503"
    assert after["last_failure_at"] == iso_ms(NOON)
    assert after["last_delivered_at"] == iso_ms(retry)


def test_fifty_are_kept_and_ten_are_shown() -> None:
    """
    The history holds the newest fifty attempts, of which the object shows the newest ten.
    """
    account = Account()
    for number in range(60):
        account.record("batch.created", number, NOON, "scheduled_retry")
    state = account.public_state(CHOICE, G2)

    assert state["delivery"]["total_attempts"] == 50
    assert [entry["attempt_number"] for entry in state["attempts"]] == list(range(50, 60))


def test_times_are_printed_in_two_ways() -> None:
    """
    The gateway prints milliseconds and Z, its database up to six digits and +00:00.
    """
    assert iso_ms(NOON + timedelta(microseconds=357_999)) == "2026-08-12T12:00:00.357Z"
    assert iso_stored(NOON) == "2026-08-12T12:00:00+00:00"
    assert iso_stored(NOON + timedelta(milliseconds=500)) == "2026-08-12T12:00:00.5+00:00"


def test_secrets_have_the_gateways_form() -> None:
    """
    A secret is whsec_ and 43 base64url characters.
    """
    assert len(new_secret()) == len("whsec_") + 43
