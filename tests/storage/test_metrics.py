"""Metrics over real rows: what Prometheus is shown is what the store holds, on either store."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import insert
from stored import NOON, Clock, Run, a_job, a_receipt, within

from operators.metrics.catalogue import METRICS, PREFIX
from operators.metrics.exposition import gathered, written
from schemas.config import Config, Handoff, Secret, Source
from schemas.tables import ActionRow, FindingRow, HandoffRow
from schemas.times import MINUTE, SECOND
from schemas.words import Status, Verdict
from storage import actions, counting, failures, handoffs, leases, sources
from storage.failures import Named
from storage.rows import table
from storage.store import Store

Shown = Mapping[tuple[str, frozenset[tuple[str, str]]], float]


def config(*names: str) -> Config:
    acme = Source(
        name="acme",
        dialect="phaseo",
        base_url="https://api.example",
        api_key=Secret("key" * 8),
        tolerance_seconds=300,
        delivery_window_seconds=60,
        webhook_events=("batch.completed",),
    )
    listed = {name: acme.model_copy(update={"name": name}) for name in names}
    down = Handoff(name="down", type="http", url="https://down.example", secret=Secret("s" * 32))
    return Config(path=Path("batchkeeper.toml"), sources=listed, handoffs={"down": down})


async def shown(store: Store, now: int, *names: str) -> Shown:
    """Every sample of the text, by name and labels."""
    async with store.reading() as connection:
        text = written(await gathered(connection, store, config(*(names or ("acme",))), now)).decode()
    return {
        (sample.name.removeprefix(PREFIX), frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(found: Shown, metric: str, **labels: str) -> float | None:
    return found.get((metric, frozenset(labels.items())))


def test_jobs_and_failures_now(store: Store, run: Run) -> None:
    """What there is now is the difference of what came and what went, and when a failure last began stays when it is over."""
    late = Named("delivery", "missing", "batch.completed", "it never came", {})

    async def flow() -> None:
        job = await a_job(store, "one")
        await a_job(store, "two")
        await a_job(store, "three")
        moves = {"moved.unknown.running": 2, "moved.running.completed": 1}
        await within(store.writing(), counting.count, "acme", moves, NOON)
        await within(store.writing(), failures.sync, job, [late], store.new_id, NOON + MINUTE)

        found = await shown(store, NOON)
        assert [value(found, "jobs", source="acme", status=status) for status in Status] == [1, 0, 1, 0, 1, 0, 0, 0]
        assert value(found, "jobs_born_total", source="acme", origin="submit") == 3
        assert value(found, "failures", source="acme", category="delivery", code="missing") == 1

        await within(store.writing(), failures.sync, job, [], store.new_id, NOON + 2 * MINUTE)
        found = await shown(store, NOON)
        began = (NOON - NOON % MINUTE + MINUTE) / SECOND
        assert value(found, "failures", source="acme", category="delivery", code="missing") == 0
        assert value(found, "failure_last_timestamp_seconds", source="acme", category="delivery") == began
        assert value(found, "failure_last_timestamp_seconds", source="acme", category="execution") == 0

    run(flow())


def test_what_came_in(store: Store, run: Run) -> None:
    """Accepted, duplicate and refused requests; what was for no configured source is of `other`, and unknown words too."""
    counted = {"accepted": 5, "duplicate": 2, "refused.signature_wrong": 3, "refused.no_such_reason": 1, "probe": 7}

    async def flow() -> None:
        await within(store.writing(), counting.count, "acme", counted, NOON)
        await within(store.writing(), counting.count, "", {"refused.unknown_source": 4}, NOON)
        await within(store.writing(), counting.count, "gone", {"accepted": 1}, NOON)

        found = await shown(store, NOON)

        assert value(found, "receipts_total", source="acme") == 5
        assert value(found, "receipts_duplicate_total", source="acme") == 2
        assert value(found, "receipts_unreadable_total", source="acme") == 0
        assert value(found, "refusals_total", source="acme", reason="signature_wrong") == 3
        assert value(found, "refusals_total", source="acme", reason="timestamp_stale") == 0
        assert value(found, "refusals_total", source="acme", reason="other") == 1
        assert value(found, "refusals_total", source="other", reason="unknown_source") == 4
        assert value(found, "receipts_total", source="other") == 1
        assert value(found, "receipt_last_timestamp_seconds", source="acme") == (NOON - NOON % MINUTE) / SECOND

    run(flow())


def test_what_the_reconciler_counts(store: Store, run: Run) -> None:
    """Questions, verdicts, attempts, who told first, what was healed, and the lags as a histogram."""
    counted = {
        "asked.poll.answered": 9,
        "asked.poll.rate_limited": 2,
        "judged.disagrees": 3,
        "attempts.given_up": 1,
        "heard.webhook": 4,
        "healed.poll": 2,
        "lag.le.0.5": 1,
        "lag.le.10": 3,
        "lag.sum": 12_500,
        "lag.count": 4,
        "handoff.down.new.waiting": 3,
        "handoff.down.waiting.done": 2,
        "handoff.gone.new.waiting": 1,
    }

    async def flow() -> None:
        await within(store.writing(), counting.count, "acme", counted, NOON)

        found = await shown(store, NOON)

        assert value(found, "questions_total", source="acme", question="poll", result="answered") == 9
        assert value(found, "questions_total", source="acme", question="poll", result="rate_limited") == 2
        assert value(found, "receipts_judged_total", source="acme", verdict="disagrees") == 3
        assert value(found, "provider_attempts_total", source="acme", outcome="given_up") == 1
        assert value(found, "ends_heard_total", source="acme", by="webhook") == 4
        assert value(found, "ends_healed_total", source="acme", by="poll") == 2
        buckets = [value(found, "end_lag_seconds_bucket", source="acme", le=le) for le in ("0.5", "10.0", "+Inf")]
        assert buckets == [1, 3, 4]
        assert value(found, "end_lag_seconds_sum", source="acme") == 12.5
        assert value(found, "end_lag_seconds_count", source="acme") == 4
        assert value(found, "handoff_moves_total", target="down", state="waiting") == 3
        assert value(found, "handoff_moves_total", target="down", state="done") == 2
        assert value(found, "handoff_moves_total", target="other", state="waiting") == 1

    run(flow())


def test_how_asking_goes(store: Store, run: Run) -> None:
    """A source's row: circuit, trouble, HTTP statuses, clock, budget. What nobody knows yet is absent."""
    row = {
        "trouble": "rate_limited",
        "asking_again_at": NOON + SECOND,
        "last_http_status": 429,
        "last_attempt_at": NOON - MINUTE,
        "last_attempt_status": 503,
        "clock_ahead": -1_500_000,
        "budget_left": 7,
        "unheard_ends": 3,
    }

    async def flow() -> None:
        for name in ("acme", "fresh"):
            await within(store.writing(), sources.enter, name, "phaseo", NOON)
        await within(store.writing(), sources.change, "acme", row)

        found = await shown(store, NOON, "acme", "fresh", "never_ran")

        states = ("closed", "open", "trying")
        assert [value(found, "source_circuit", source="acme", state=state) for state in states] == [0, 1, 0]
        assert [value(found, "source_circuit", source="never_ran", state=state) for state in states] == [1, 0, 0]
        assert value(found, "source_trouble", source="acme", trouble="rate_limited") == 1
        assert value(found, "source_trouble", source="fresh", trouble="rate_limited") == 0
        assert value(found, "answer_http_status", source="acme") == 429
        assert value(found, "provider_attempt_http_status", source="acme") == 503
        assert value(found, "provider_attempt_timestamp_seconds", source="acme") == (NOON - MINUTE) / SECOND
        assert value(found, "clock_ahead_seconds", source="acme") == -1.5
        assert value(found, "budget_left", source="acme") == 7
        assert value(found, "ends_unheard", source="acme") == 3
        assert value(found, "answer_http_status", source="fresh") is None
        assert value(found, "clock_ahead_seconds", source="fresh") is None

    run(flow())


def test_what_waits(store: Store, clock: Clock, run: Run) -> None:
    """Depth and age of the inbox, the outbox and what is due, and the age of the oldest job that is not settled."""

    async def flow() -> None:
        await within(store.writing(), sources.enter, "acme", "phaseo", NOON)
        await a_job(store, "over", settled_at=NOON, due_at=None)
        clock.now = NOON + MINUTE
        await a_job(store, "open", due_at=NOON + 2 * MINUTE)
        await a_receipt(store, "open")
        await a_receipt(store, "over", verdict=Verdict.AGREES)
        waiting = HandoffRow(
            id=store.new_id(),
            about="job",
            subject=1,
            source="acme",
            target="down",
            revision=1,
            event="{}",
            made_at=NOON,
        )
        await within(store.writing(), handoffs.put, waiting)

        found = await shown(store, NOON + 3 * MINUTE)

        assert value(found, "inbox_receipts", source="acme") == 1
        assert value(found, "inbox_age_seconds", source="acme") == 120
        assert value(found, "poll_overdue_seconds", source="acme") == 60
        assert value(found, "job_unsettled_age_seconds", source="acme") == 120
        assert value(found, "submissions_due", source="acme") == 0
        assert value(found, "outbox_handoffs", target="down", state="waiting") == 1
        assert value(found, "outbox_handoffs", target="down", state="dead") == 0
        assert value(found, "outbox_age_seconds", target="down") == 120

    run(flow())


def test_actions_and_findings(store: Store, run: Run) -> None:
    """Actions with whether a cancel_url was offered when they were asked for; findings that are open and no others."""

    async def flow() -> None:
        job = await a_job(store)
        cancel = ActionRow(
            id=store.new_id(), job=job.id, source="acme", verb="cancel", asked_by="operator", asked_at=NOON,
            cancel_url_present=0,
        )  # fmt: skip
        await within(store.writing(), actions.ask, cancel)
        await within(store.writing(), actions.change, cancel.id, {"state": "refused", "answered_at": NOON})
        async with store.writing() as connection:
            for number, closed_at in enumerate((None, NOON)):
                row = FindingRow(
                    id=store.new_id(), source="acme", rule="silent", subject=str(number), message="", began_at=NOON,
                    seen_at=NOON, closed_at=closed_at,
                )  # fmt: skip
                await connection.execute(insert(table(FindingRow)).values(**row.model_dump()))

        found = await shown(store, NOON)

        of_cancel = {"source": "acme", "verb": "cancel", "cancel_url": "no"}
        assert value(found, "actions_total", **of_cancel, state="asked") == 1
        assert value(found, "actions_total", **of_cancel, state="refused") == 1
        assert value(found, "findings", source="acme", rule="silent") == 1

    run(flow())


def test_the_heartbeat(store: Store, run: Run) -> None:
    """Who reconciles says so by a lease: its age grows until it lapses; one that was given back is nobody's."""
    length = 10 * SECOND

    async def flow() -> None:
        clock = store.engine.lease_clock(NOON)
        found = await shown(store, NOON)
        assert value(found, "reconcilers") == 0
        assert value(found, "reconciler_heartbeat_age_seconds") is None
        assert value(found, "source_kept", source="acme") == 0

        kept = await within(store.writing(), leases.acquire, "source:acme", "one", length, clock)
        there = await within(store.writing(), leases.acquire, "reconciler:one", "one", length, clock)
        assert kept and there
        found = await shown(store, NOON)
        assert value(found, "reconcilers") == 1
        assert 0 <= (value(found, "reconciler_heartbeat_age_seconds") or 0) < 10
        assert value(found, "source_kept", source="acme") == 1

        for lease in (kept, there):
            lapsed = replace(lease, is_locked=True)
            await within(store.writing(), leases.renew, lapsed, -MINUTE, clock)
        found = await shown(store, NOON)
        assert value(found, "reconcilers") == 0
        assert (value(found, "reconciler_heartbeat_age_seconds") or 0) >= 70
        assert value(found, "source_kept", source="acme") == 0

        await within(store.writing(), leases.release, there)
        assert value(await shown(store, NOON), "reconciler_heartbeat_age_seconds") is None

    run(flow())


def test_an_empty_store_shows_every_source(store: Store, run: Run) -> None:
    """Before anything has happened each configured source has its zeros, so that a first event shows as a rise."""

    async def flow() -> None:
        found = await shown(store, NOON)

        assert value(found, "refusals_total", source="acme", reason="signature_wrong") == 0
        assert value(found, "jobs", source="acme", status="failed") == 0
        named = {name for name, _ in found}
        missing = {name for name, metric in METRICS.items() if metric.labels == ("source",) and name not in named}
        assert missing == {
            "end_lag_seconds", "ends_unheard", "provider_attempt_http_status", "provider_attempt_timestamp_seconds",
            "answer_http_status", "budget_left", "clock_ahead_seconds",
        }  # fmt: skip

    run(flow())


@pytest.mark.parametrize("what", ["refused", "moved.unknown", "asked.poll", "asked.POLL.-", "began", "lag.le.1", "x.y"])
def test_whatever_was_counted_is_text(store: Store, run: Run, what: str) -> None:
    """A word that is cut short or strange costs no answer, and becomes no label of its own."""

    async def flow() -> None:
        await within(store.writing(), counting.count, "acme", {what: 1}, NOON)

        found = await shown(store, NOON)

        words = {word for _, labels in found for _, word in labels}
        assert not words & {"POLL", "-", "x", "y"}

    run(flow())
