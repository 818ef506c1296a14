"""What is kept of an observation beside its status."""

from typing import Any

import pytest
from factories import answer

from reconciler.details import details_of
from schemas.readings import Account, Attempt, Billing
from schemas.words import AttemptOutcome


def test_only_what_was_said() -> None:
    """What an answer left out is left out, at every depth; false and nothing are said things."""
    said = answer(request_id="G-1", account=None, billing=Billing(state="settled", settled_nanos=0, is_charged=False))
    details = details_of(said)

    assert details["billing"] == {"state": "settled", "settled_nanos": 0, "is_charged": False}
    assert details["request_id"] == "G-1"
    assert not {"session_id", "metadata", "pricing_lines", "webhook", "error_code"} & details.keys()


@pytest.mark.parametrize("name", ["status", "native_status", "progress", "kind", "job_id", "bookkeeping", "account"])
def test_what_has_its_own_place(name: str) -> None:
    """Columns are not kept twice, and what moves while nothing happens is not kept at all."""
    more: dict[str, Any] = {"bookkeeping": {"updated_at": "2026-08-12T02:00:00Z"}}

    assert name not in details_of(answer(**more))


def test_the_account_without_its_attempts() -> None:
    """Of the account its summary is kept here; each attempt is a row."""
    attempt = Attempt("batch.completed", 1, AttemptOutcome.DELIVERED)
    account = Account(endpoint_id="e", has_secret=False, attempts=(attempt,), total_attempts=1, delivered=("k",))

    assert details_of(answer(account=account))["webhook"] == {
        "endpoint_id": "e",
        "has_secret": False,
        "pending_retries": 0,
        "total_attempts": 1,
        "delivered": ("k",),
    }
