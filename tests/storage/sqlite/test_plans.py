"""What a query costs follows what it answers with and not what exists: each is answered from an index, in order."""

import re
from typing import Any

import pytest
from stored import Plan

from schemas.tables import ReceiptRow
from schemas.words import OutputState, Verdict
from storage import (
    actions,
    attempts,
    counting,
    deliveries,
    failures,
    findings,
    group_tallies,
    groups,
    handoffs,
    idempotency,
    inbox,
    jobs,
    labels,
    leases,
    observations,
    outputs,
    queues,
    retention,
    reverifications,
    row_matches,
    sources,
    spent,
    submissions,
    watches,
)
from storage.listing import Part
from storage.past import Past

NOW, BUSY = 5, {1, 2, 3}

EVERY_ROUND = [
    (jobs.wanted_due, ("acme", NOW, 10, BUSY), ["ix_jobs_wanted (source=? AND due_at<?)"]),
    (jobs.routine_due, ("acme", NOW, 10, BUSY), ["ix_jobs_due (source=? AND due_at<?)"]),
    (jobs.next_due, ("acme",), ["ix_jobs_due (source=? AND due_at>?)"]),
    (actions.due, ("acme", NOW, 10, BUSY), ["ix_actions_due (source=? AND due_at<?)"]),
    (actions.next_due, ("acme",), ["ix_actions_due (source=? AND due_at>?)"]),
    (outputs.due, ("acme", NOW, 10, BUSY, [OutputState.NAMED]), ["ix_outputs_due (due_at<?)"]),
    (jobs.match_due, ("acme", NOW, 10), ["ix_jobs_match (source=? AND match_due_at<?)"]),
    (jobs.next_match_due, ("acme",), ["ix_jobs_match (source=? AND match_due_at>?)"]),
    (outputs.next_due, ("acme",), ["ix_outputs_due (due_at>?)"]),
    (handoffs.due, ("down", NOW, 10, BUSY), ["ix_handoffs_due (target=? AND due_at<?)"]),
    (handoffs.next_due, ("down", NOW), ["ix_handoffs_due (target=? AND due_at>?)"]),
    (handoffs.claim, (1, NOW), ["PRIMARY KEY"]),
    (jobs.stale, ("acme", NOW, 10), ["ix_jobs_cancel (source=? AND cancel_at<?)"]),
    (jobs.next_stale, ("acme",), ["ix_jobs_cancel (source=? AND cancel_at>?)"]),
    (submissions.due, ("acme", NOW, 10, BUSY), ["ix_submissions_due (source=? AND due_at<?)"]),
    (submissions.next_due, ("acme",), ["ix_submissions_due (source=? AND due_at>?)"]),
    (submissions.uploads_since, ("acme", NOW), ["ix_submissions_uploaded (source=? AND uploaded_at>?)"]),
    (watches.watched, ("acme", 10, NOW), ["ix_watches_source (source=? AND until>?)"]),
    (findings.of_source, ("acme",), ["(source=?)"]),
    (inbox.waiting, ("acme", NOW, 10), ["ix_receipts_inbox (source=?)", "PRIMARY KEY", "PRIMARY KEY"]),
]  # fmt: skip

A_RECEIPT = ReceiptRow(id=1, delivery_id=2, body_id=1, source="acme", digest=3, received_at=4)
OF_ONE_JOB = [
    (jobs.of_submissions, ([1, 2],), ["ix_jobs_submission (submission_id=?)"]),
    (submissions.get, (1,), ["PRIMARY KEY"]),
    (submissions.lock, (1,), ["PRIMARY KEY"]),
    (submissions.change, (1, {"state": "uploaded"}, NOW), ["PRIMARY KEY", "PRIMARY KEY"]),
    (jobs.change, (1, {"status": "running"}, NOW), ["PRIMARY KEY", "PRIMARY KEY"]),
    (jobs.change, (1, {"due_at": NOW}, NOW), ["PRIMARY KEY"]),
    (jobs.identities, ([1, 2],), ["PRIMARY KEY"]),
    (leases.holders_of, (["source:acme", "source:beta"], NOW), ["(name=?)"]),
    (submissions.confirm, (1, NOW), ["PRIMARY KEY"]),
    (submissions.ask_to_drop_one, (1, "", "operator", NOW), ["PRIMARY KEY"]),
    (labels.of, (1,), ["(subject=?)"]),
    (outputs.want, (1, NOW), ["(job=?)"]),
    (idempotency.get, ("a key",), ["(key=?)"]),
    (jobs.by_identity, ("acme", "batch", "b"), ["(source=? AND kind=? AND job_id=?)"]),
    (jobs.by_identities, ("acme", [("batch", "a"), ("batch", "b")]), ["(source=? AND kind=? AND job_id=?)"]),
    (
        submissions.that_may_have_made,
        ("acme", ["file-1"], [1, 2]),
        ["ix_submissions_input_file (source=? AND input_file_id=?)", "PRIMARY KEY"],
    ),
    (jobs.named, ("b",), ["ix_jobs_provider_id (job_id=?)"]),
    (deliveries.named, (Part(50), ["acme", "other"], ["batch"], "b"), ["(source=? AND kind=? AND job_id=?)"]),
    (deliveries.named, (Part(50, before=9), ["acme"], ["batch"], "b"), ["(source=? AND kind=? AND job_id=?)"]),
    (jobs.named, ("b", "acme"), ["ix_jobs_source_provider_id (source=? AND job_id=?)"]),
    (jobs.adopted_open, ("acme", 10), ["ix_jobs_adopted (source=? AND origin=? AND status=?)"]),
    (deliveries.of_job, (("acme", "batch", "b"),), ["(source=? AND kind=? AND job_id=?)"]),
    (deliveries.receipts_of, (1, 10), ["ix_receipts_delivery (delivery_id=?)"]),
    (deliveries.first_receipts, ([1, 2], 10), ["ix_receipts_delivery (delivery_id=?)"]),
    (inbox.set_verdict, (A_RECEIPT, Verdict.AGREES), ["PRIMARY KEY", "PRIMARY KEY"]),
    (actions.of_job, (1,), ["ix_actions_job (job=?)"]),
    (actions.end, (1, {"cancel"}, {"state": "moot"}), ["ix_actions_job (job=?)"]),
    (outputs.of_job, (1,), ["(job=?)"]),
    (row_matches.of_job, (1,), ["PRIMARY KEY"]),
    (attempts.of_job, (1,), ["(job=?)"]),
    (attempts.undelivered, (Part(10, 99, 0),), ["ix_attempts_undelivered"]),
    (observations.of_job, (1, 10), ["ix_observations_job (job=?)"]),
    (observations.transitions_of, (1,), ["ix_transitions_job (job=?)"]),
    (failures.of_job, (1,), ["(job=?)"]),
    (handoffs.of_job, (1,), ["(subject=?)"]),
    (handoffs.targets_of, (1,), ["(subject=?)"]),
    (findings.of_sources, (["acme", "beta"],), ["(source=?)"]),
    (findings.told, (1, NOW), ["PRIMARY KEY"]),
    (handoffs.withdraw, (1, "", NOW), ["(subject=?)"]),
    (row_matches.of_job, (1,), ["PRIMARY KEY"]),
    (labels.of_subjects, ([1, 2],), ["(subject=?)"]),
    (failures.of_jobs, ([1, 2],), ["(job=?)"]),
    (sources.get, ("acme",), ["(name=?)"]),
    (spent.is_spent, ("a key",), ["(key=?)"]),
    (spent.spend, ("a key", NOW, NOW), ["ix_spent_keys_until (until<?)", ""]),
    (counting.of_source, ("acme", 0, 60_000_000), ["(minute=? AND source=?)"]),
]  # fmt: skip

OF_ONE_GROUP = [
    (groups.get, (1,), ["PRIMARY KEY"]),
    (groups.lock, (1,), ["PRIMARY KEY"]),
    (groups.complete, (1, NOW), ["PRIMARY KEY"]),
    (jobs.of_group, (1,), ["ix_jobs_group (group_id=?)"]),
    (submissions.of_group, (1,), ["ix_submissions_group (group_id=?)"]),
    (submissions.of_group, (1, 10, 5), ["ix_submissions_group (group_id=? AND shard>?)"]),
    (submissions.ask_to_drop, (1, "", "operator", NOW), ["ix_submissions_group (group_id=?)"]),
    (group_tallies.of_groups, ([1, 2],), ["(group_id=?)"]),
    (labels.by_subject, ([1, 2],), ["(subject=?)"]),
    (row_matches.of_jobs, ([1, 2],), ["PRIMARY KEY"]),
]  # fmt: skip

HOUR = 3_600_000_000
OVER_TIME = [
    (Past().look, (NOW,), ["(minute>? AND minute<?)", "(hour>? AND hour<?)"]),
    (Past().lately, (0, NOW), ["(minute>? AND minute<?)"]),
]

PRUNING = [
    "bodies",
    "receipts",
    "orphans",
    "refusals",
    "refused_requests",
    "observations",
    "actions",
    "reverifications",
    "finding_changes",
    "handoffs",
    "watches",
]


def scanned(steps: str) -> list[str]:
    """The tables that are read from end to end, and what is sorted."""
    tables = [line for line in steps.splitlines() if re.search(r"SCAN (?!CONSTANT|\(subquery|anon_)", line)]
    return tables + [line for line in steps.splitlines() if "TEMP B-TREE" in line]


@pytest.mark.parametrize(("query", "arguments", "expected"), EVERY_ROUND)
def test_each_round(plan: Plan, query: Any, arguments: tuple[Any, ...], expected: list[str]) -> None:
    """What is asked in every round is found by index and comes in order, without a sort."""
    plans = plan(query, *arguments)

    assert len(plans) == len(expected)
    for steps, index in zip(plans, expected, strict=True):
        assert index in steps
        assert not scanned(steps)


@pytest.mark.parametrize(("query", "arguments", "expected"), [*OF_ONE_JOB, *OF_ONE_GROUP])
def test_about_one_job(plan: Plan, query: Any, arguments: tuple[Any, ...], expected: list[str]) -> None:
    """What concerns one job, receipt, submission or group costs as much as there is of it; that little may be sorted."""
    plans = plan(query, *arguments)

    assert len(plans) == len(expected)
    for steps, index in zip(plans, expected, strict=True):
        assert index in steps
        assert "SCAN " not in re.sub(r"SCAN (CONSTANT|\(subquery|anon_)", "", steps)


def test_what_a_group_awaits(plan: Plan) -> None:
    """Each member of the group is looked at, and the job that came of it."""
    (steps,) = plan(groups.awaits, 1)

    assert "ix_submissions_group (group_id=?)" in steps
    assert "ix_jobs_submission (submission_id=?)" in steps
    assert not scanned(steps)


@pytest.mark.parametrize(("query", "arguments", "expected"), OVER_TIME)
def test_over_time(plan: Plan, query: Any, arguments: tuple[Any, ...], expected: list[str]) -> None:
    """Counters are read for the time that is asked about, and no further back."""
    for steps, bounds in zip(plan(query, *arguments), expected, strict=True):
        assert bounds in steps
        assert not scanned(steps)


def test_what_waits_longest(plan: Plan) -> None:
    """Each status, and each source's jobs that are not settled, is read from its old end."""
    (steps,) = plan(jobs.waiting_longest, ["acme", "other"], 10)

    assert steps.count("ix_jobs_status (status=?)") == 4
    assert steps.count("ix_jobs_unsettled (source=?)") == 2
    assert not scanned(steps)


def test_what_waits_to_become_a_job(plan: Plan) -> None:
    """It is read from its old end state by state, and counted by index no further than a bound."""
    (longest,), (count,) = plan(submissions.waiting_longest, 10), plan(submissions.count_waiting)

    assert longest.count("ix_submissions_state (state=?)") == count.count("ix_submissions_state (state=?)") == 5
    assert not any("SCAN submissions" in line or "TEMP B-TREE" in line for line in count.splitlines())
    assert "SCAN submissions" not in longest


def test_who_took_in_last(plan: Plan) -> None:
    """The last reverify of each source is looked up from its end."""
    (steps,) = plan(reverifications.last_of, ["acme", "other"])

    assert "ix_reverifications_source (source=?)" in steps
    assert not scanned(steps)


@pytest.mark.parametrize("chore", PRUNING)
def test_pruning(plan: Plan, chore: str) -> None:
    """Pruning looks at no young row, and looks up whatever else it needs to know by index."""
    (steps,) = plan(getattr(retention, chore), NOW, 10)

    assert "PRIMARY KEY (rowid<?)" in steps
    assert not scanned(steps)


def test_pruning_tallies(plan: Plan) -> None:
    """Old counters are found by their minute."""
    (steps,) = plan(retention.tallies, NOW)

    assert "(minute<?)" in steps


def test_what_waits(plan: Plan) -> None:
    """Each queue is found by its own index, source by source, and its oldest is the first that is met there."""
    (of_sources,), (of_target,) = plan(queues.of_sources, NOW), plan(queues.of_target, "down")

    for index in (
        "ix_receipts_inbox (source=?)",
        "ix_submissions_due (source=? AND due_at<?)",
        "ix_jobs_due (source=? AND due_at>?)",
        "ix_jobs_unsettled (source=?)",
    ):
        assert index in of_sources
    assert "ix_handoffs_target_state (target=? AND state=?)" in of_target
    assert [line.split()[:2] for line in scanned(of_sources)] == [["SCAN", "sources"]]
    assert not scanned(of_target)
