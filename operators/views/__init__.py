"""Rows as operators see them: plain dictionaries, the same for --json, HTTP and pages. Times are RFC 3339."""

from operators.views.jobs import (
    expected_delivery,
    failure,
    finding,
    job,
    job_whole,
    missing,
    observation,
    output,
    reported,
    row_match,
    said,
    transition,
)
from operators.views.sources import asking, circuit, reverification, source_finding
from operators.views.told import attempt, delivery, receipt, receipt_whole, refusal
from operators.views.view import View
from operators.views.work import action, action_of, group, handoff, member, submission, where_is

__all__ = [
    "View",
    "action",
    "action_of",
    "asking",
    "attempt",
    "circuit",
    "delivery",
    "expected_delivery",
    "failure",
    "finding",
    "group",
    "handoff",
    "job",
    "job_whole",
    "member",
    "missing",
    "observation",
    "output",
    "receipt",
    "receipt_whole",
    "refusal",
    "reported",
    "reverification",
    "row_match",
    "said",
    "source_finding",
    "submission",
    "transition",
    "where_is",
]
