"""What stands in the store at one moment, as the gauges need it: found by index, and counted no further than a bound."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from operators import views
from operators.heartbeat import Heartbeat, heartbeat
from operators.metrics.catalogue import OTHER
from operators.metrics.samples import Samples
from schemas.config import Config, Source
from schemas.tables import SourceRow
from schemas.times import SECOND
from schemas.words import HandoffState, Trouble
from storage import findings, leases, queues, sources
from storage.queues import OfSource, OfTarget
from storage.store import Store

CIRCUIT = ("closed", "open", "trying")


@dataclass(frozen=True, slots=True)
class Standing:
    """By source, by target, and for the process as a whole. `kept`: for how much longer each source's lease is held."""

    rows: Mapping[str, SourceRow]
    queues: Mapping[str, OfSource]
    outboxes: Mapping[str, OfTarget]
    findings: Mapping[tuple[str, str], int]
    kept: Mapping[str, int]
    heartbeat: Heartbeat


async def standing(connection: AsyncConnection, store: Store, config: Config, now: int) -> Standing:
    """Look at everything once. It costs as much as there are sources and targets, and not what they have."""
    clock = store.engine.lease_clock(now)
    return Standing(
        rows={row.name: row for row in await sources.all_of_them(connection)},
        queues=await queues.of_sources(connection, now),
        outboxes={name: await queues.of_target(connection, name) for name in config.handoffs},
        findings=await findings.open_now(connection),
        kept=await leases.lasting(connection, "source:", clock),
        heartbeat=await heartbeat(connection, store, config, now),
    )


def add_standing(samples: Samples, found: Standing, config: Config, now: int) -> None:
    """The gauges of every configured source and target, and our own."""
    for source in config.sources.values():
        _add_waiting(samples, source.name, found.queues.get(source.name, OfSource()), now)
        _add_asking(samples, source, found.rows.get(source.name), now)
        samples.add("source_kept", (source.name,), found.kept.get(f"source:{source.name}", 0) > 0)
    for (name, rule), number in found.findings.items():
        samples.add("findings", (name if name in config.sources else OTHER, rule), number)
    for target, outbox in found.outboxes.items():
        samples.add("outbox_handoffs", (target, HandoffState.WAITING), outbox.waiting)
        samples.add("outbox_handoffs", (target, HandoffState.DEAD), outbox.dead)
        samples.add("outbox_age_seconds", (target,), _age(outbox.waiting_since, now))
    samples.add("reconcilers", (), found.heartbeat.reconcilers)
    if found.heartbeat.age is not None:
        samples.add("reconciler_heartbeat_age_seconds", (), found.heartbeat.age / SECOND)


def _add_waiting(samples: Samples, source: str, waits: OfSource, now: int) -> None:
    samples.add("inbox_receipts", (source,), waits.inbox)
    samples.add("inbox_age_seconds", (source,), _age(waits.inbox_since, now))
    samples.add("submissions_due", (source,), waits.submissions_due)
    samples.add("poll_overdue_seconds", (source,), _age(waits.poll_due_at, now))
    samples.add("job_unsettled_age_seconds", (source,), _age(waits.unsettled_since, now))


def _add_asking(samples: Samples, source: Source, row: SourceRow | None, now: int) -> None:
    """How asking a source goes. What nobody knows yet is absent."""
    samples.state("source_circuit", (source.name,), CIRCUIT, views.asking(row, source, now)["circuit"])
    samples.state("source_trouble", (source.name,), Trouble, row.trouble if row else None)
    if row is None:
        return
    samples.add("ends_unheard", (source.name,), row.unheard_ends)
    told = {
        "answer_http_status": row.last_http_status,
        "provider_attempt_http_status": row.last_attempt_status,
        "provider_attempt_timestamp_seconds": None if row.last_attempt_at is None else row.last_attempt_at / SECOND,
        "budget_left": row.budget_left,
        "clock_ahead_seconds": None if row.clock_ahead is None else row.clock_ahead / SECOND,
    }
    for metric, value in told.items():
        if value is not None:
            samples.add(metric, (source.name,), value)


def _age(since: int | None, now: int) -> float:
    """Seconds since then; 0 for what has not come yet."""
    return 0 if since is None else max(0, now - since) / SECOND
