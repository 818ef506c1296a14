"""The catalogue: every metric, with its labels and what it means. `docs/monitoring.md` shows the same table."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

PREFIX = "batchkeeper_"
OTHER = "other"  # for whatever is not configured, and for a word that is none of ours

Kind = Literal["counter", "gauge", "histogram"]


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric, without the prefix. A counter's name ends in `_total`."""

    name: str
    kind: Kind
    meaning: str
    labels: tuple[str, ...] = ()

    @property
    def full_name(self) -> str:
        return PREFIX + self.name


def _of_source(name: str, kind: Kind, meaning: str, *labels: str) -> Metric:
    return Metric(name, kind, meaning, ("source", *labels))


_ALL = (
    # The state of things.
    _of_source("jobs", "gauge", "Jobs by status, now", "status"),
    _of_source("job_unsettled_age_seconds", "gauge", "Age here of the oldest job that is not settled; 0: all are"),
    _of_source("failures", "gauge", "Failures that hold now", "category", "code"),
    _of_source("failure_last_timestamp_seconds", "gauge", "Minute in which a failure last began; 0: never", "category"),
    Metric("findings", "gauge", "Findings that are open now", ("source", "rule")),
    # What jobs did.
    _of_source("jobs_born_total", "counter", "Jobs that were taken in, by who told of them first", "origin"),
    _of_source("job_moves_total", "counter", "Changes of a job's status", "from_status", "to_status"),
    _of_source("failures_began_total", "counter", "Failures that began to hold", "category", "code"),
    _of_source("failures_cleared_total", "counter", "Failures that ceased to hold", "category", "code"),
    _of_source("ends_heard_total", "counter", "Ends of jobs, by what told of them first", "by"),
    _of_source("ends_healed_total", "counter", "Ends found by asking that no webhook had announced", "by"),
    _of_source("end_lag_seconds", "histogram", "Time from the provider's end of a job to our knowing"),
    # What came in.
    _of_source("receipts_total", "counter", "Accepted requests, duplicates and unreadable ones among them"),
    _of_source("receipts_duplicate_total", "counter", "Accepted requests of a delivery that had come before: retries"),
    _of_source("receipts_unreadable_total", "counter", "Accepted requests whose content could not be read"),
    _of_source("receipts_taken_in_total", "counter", "Refused requests that were taken in later, by reverify"),
    _of_source("receipts_judged_total", "counter", "Receipts by how they compare with what was known", "verdict"),
    _of_source("receipt_last_timestamp_seconds", "gauge", "Minute of the last accepted request; 0: never"),
    _of_source("refusals_total", "counter", "Requests that were not accepted", "reason"),
    _of_source("refusal_last_timestamp_seconds", "gauge", "Minute of the last refused request; 0: never"),
    _of_source("ends_unheard", "gauge", "Jobs that ended since the last accepted request, while webhooks were expected"),
    _of_source("provider_attempts_total", "counter", "Attempts to deliver, by the provider's own account", "outcome"),
    _of_source(
        "provider_attempt_http_status", "gauge", "What its newest attempt was answered, by its account; 0: nothing"
    ),
    _of_source("provider_attempt_timestamp_seconds", "gauge", "Time of its newest attempt, by its account"),
    # What we ask.
    _of_source("questions_total", "counter", "Questions to the provider, by what came of them", "question", "result"),
    _of_source("answer_http_status", "gauge", "HTTP status of the provider's last answer; 0: it gave none"),
    _of_source("source_circuit", "gauge", "1 for the state that the circuit is in", "state"),
    _of_source("source_trouble", "gauge", "1 for what keeps the source from being asked", "trouble"),
    _of_source("budget_left", "gauge", "Questions that may still leave in this minute, where there is a budget"),
    _of_source("clock_ahead_seconds", "gauge", "How far our clock is ahead of the provider's"),
    _of_source(
        "actions_total", "counter", "Actions that came to a state; whether a cancel_url was offered", "verb", "state",
        "cancel_url",
    ),
    # What waits.
    _of_source("inbox_receipts", "gauge", "Receipts without a verdict; 1000: as many, or more"),
    _of_source("inbox_age_seconds", "gauge", "Age of the oldest receipt without a verdict; 0: there is none"),
    _of_source("submissions_due", "gauge", "Submissions whose next step is due; 1000: as many, or more"),
    _of_source("poll_overdue_seconds", "gauge", "How long the next job to be asked about is due; 0: it is not yet"),
    Metric("outbox_handoffs", "gauge", "Hand-offs that wait or are dead; 1000: as many, or more", ("target", "state")),
    Metric("outbox_age_seconds", "gauge", "Age of the oldest hand-off that waits; 0: none does", ("target",)),
    Metric("handoff_moves_total", "counter", "Hand-offs that came to a state", ("target", "state")),
    # Ourselves.
    _of_source("source_kept", "gauge", "1: a reconciler keeps the source now"),
    Metric("reconcilers", "gauge", "Reconcilers that are at work now"),
    Metric("reconciler_heartbeat_age_seconds", "gauge", "Time since one was last heard of; absent: never, or it ended in order"),
    Metric("build_info", "gauge", "1; the version that answers, and the kind of its store", ("version", "store")),
)  # fmt: skip

METRICS: Mapping[str, Metric] = MappingProxyType({metric.name: metric for metric in _ALL})
