"""What operators can ask of the store. One view each, whichever face asks."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from operators import views
from operators.errors import NotPossible
from operators.find import find_job
from operators.owners import source_owners
from operators.told import told
from operators.views import View
from reconciler.accounting import reckon
from reconciler.expecting import expected_deliveries
from reconciler.explain import explain
from reconciler.facts import Facts
from reconciler.gather import gather
from reconciler.ready import missing_for_settled
from schemas.config import Config, Source
from schemas.dialects import dialect_of
from schemas.ids import shown
from schemas.readings import Observation
from schemas.strict_json import NotStrictJson, parse_object
from schemas.tables import FailureRow, JobRow, ReceiptRow, SourceRow
from schemas.times import rfc3339_or_none
from storage import deliveries, failures, findings, handoffs, leases, observations, reverifications, sources

MOST_RECEIPTS = 20  # of one delivery


async def list_sources(connection: AsyncConnection, config: Config, now: int, lease_clock: Any) -> list[View]:
    """Every configured source, with the URL to register and how asking it goes. `lease_clock` is the engine's."""
    known = {row.name: row for row in await sources.all_of_them(connection)}
    standing = await findings.of_sources(connection, config.sources)
    reverified = await reverifications.last_of(connection, config.sources)
    owners = await source_owners(connection, config, lease_clock)
    rows = []
    for name, source in sorted(config.sources.items()):
        row = known.get(name)
        rows.append(
            {
                "name": name,
                "dialect": source.dialect,
                "base_url": source.base_url,
                "webhook": source.webhook,
                "webhook_url": webhook_url(config, name),
                "webhook_events": list(source.webhook_events),
                "webhook_endpoint_id": source.webhook_endpoint_id,
                "webhook_registration": registration(config, source),
                "webhook_secrets": len(source.webhook_secrets),
                "adopt": source.adopt,
                "owner": owners.get(name),
                "listening_since": rfc3339_or_none(row.listening_since) if row else None,
                "trouble": row.trouble if row else None,
                "trouble_message": row.trouble_message if row else None,
                "trouble_since": rfc3339_or_none(row.trouble_since) if row else None,
                "asking_again_at": rfc3339_or_none(row.asking_again_at) if row else None,
                "concurrency": source.concurrency or config.reconciler.concurrency,
                **views.asking(row, source, now),
                "findings": [views.source_finding(one) for one in standing[name]],
                "last_reverify": views.reverification(reverified[name]) if name in reverified else None,
            }
        )
    return rows


def webhook_url(config: Config, source: str) -> str:
    """The URL to register at the provider."""
    return config.receiver.webhook_url(source) or receiver_url(config, source)


def registration(config: Config, source: Source) -> View | None:
    """The request that would register our URL at the provider, without its key; None where nothing is registered so."""
    if source.webhook != "endpoint":
        return None
    ours, dialect = webhook_url(config, source.name), dialect_of(source)
    question = dialect.new_webhook_endpoint(source.base_url, ours, source.webhook_events)
    return None if question is None else {"method": question.method, "url": question.url, "body": question.body}


def receiver_url(config: Config, source: str) -> str:
    """The same door from this machine, whatever stands in front of it for others."""
    return config.receiver.local_url(source)


async def show_job(connection: AsyncConnection, config: Config, name: str, now: int) -> View:
    """Everything that is kept about one job."""
    return await _whole(
        connection, config, await _known(connection, config, await find_job(connection, name), now), now
    )


async def explain_job(connection: AsyncConnection, config: Config, name: str, now: int, lease_clock: Any) -> View:
    """The findings about one job, on the three axes and on our own asking."""
    known = await _known(connection, config, await find_job(connection, name), now)
    return await _explained(connection, known, now, lease_clock)


async def account_of(
    connection: AsyncConnection, config: Config, job: JobRow, now: int, lease_clock: Any
) -> tuple[View, View]:
    """Both, as `show_job` and `explain_job` give them, of facts that are gathered once."""
    known = await _known(connection, config, job, now)
    return await _whole(connection, config, known, now), await _explained(connection, known, now, lease_clock)


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of a job. `failed`: every failure that ever held for it."""

    facts: Facts
    source: SourceRow | None
    failed: Sequence[FailureRow]

    @property
    def held(self) -> list[FailureRow]:
        return [one for one in self.failed if one.cleared_at is None]


async def _known(connection: AsyncConnection, config: Config, job: JobRow, now: int) -> _Known:
    facts, source = await facts_of(connection, config, job, now)
    return _Known(facts, source, await failures.of_job(connection, job.id))


async def _whole(connection: AsyncConnection, config: Config, known: _Known, now: int) -> View:
    facts, row = known.facts, known.facts.job
    receipts = await deliveries.first_receipts(connection, [one.id for one in facts.deliveries], MOST_RECEIPTS)
    return {
        **views.job_whole(row, known.held),
        "submission": shown("sub", row.submission_id) if row.submission_id else None,
        "told": told(await observations.newest_own(connection, row.id), await _pushed(connection, config, row)),
        "cleared_failures": [views.failure(one, row) for one in known.failed if one.cleared_at is not None],
        "expected_deliveries": [views.expected_delivery(one) for one in expected_deliveries(facts, now)],
        "missing": [views.missing(one, now) for one in missing_for_settled(facts, reckon(facts, now), now)],
        "deliveries": [
            {**views.delivery(one), "receipts": [views.receipt(each) for each in receipts.get(one.id, ())]}
            for one in facts.deliveries
        ],
        "provider_attempts": [views.attempt(one) for one in facts.attempts],
        "transitions": [views.transition(one) for one in await observations.transitions_of(connection, row.id)],
        "observations": [views.observation(one) for one in await observations.of_job(connection, row.id, 50)],
        "actions": [views.action(one) for one in facts.actions],
        "outputs": [views.output(one, _where(config, one.stored_as)) for one in facts.outputs],
        "row_match": views.row_match(facts.match) if facts.match else None,
        "handoffs": [
            views.handoff(one, one.target in config.handoffs) for one in await handoffs.of_job(connection, row.id)
        ],
        "source_trouble": known.source.trouble if known.source else None,
    }


async def _explained(connection: AsyncConnection, known: _Known, now: int, lease_clock: Any) -> View:
    facts, source = known.facts, known.facts.job.source
    owner = await leases.holder_of(connection, f"source:{source}", lease_clock)
    standing = (await findings.of_sources(connection, [source]))[source]
    return {
        **views.job(facts.job, known.held),
        "findings": [views.finding(one) for one in explain(facts, known.source, now, owner is not None, standing)],
        "expected_deliveries": [views.expected_delivery(one) for one in expected_deliveries(facts, now)],
    }


def _where(config: Config, stored_as: str | None) -> str | None:
    """Where a file of ours is, for whoever wants to open it."""
    if stored_as is None:
        return None
    return (
        f"{config.data.url.rstrip('/')}/{stored_as}"
        if config.data.url
        else str(Path(config.data.dir).absolute() / stored_as)
    )


async def _pushed(connection: AsyncConnection, config: Config, job: JobRow) -> tuple[ReceiptRow, Observation] | None:
    """The job as the newest webhook about it shows it."""
    found = await deliveries.newest_body(connection, (job.source, job.kind, job.job_id))
    if found is None:
        return None
    receipt, body = found
    try:
        said = dialect_of(config.sources[job.source]).read_pushed(parse_object(body))
    except NotStrictJson:
        return None
    return None if said is None else (receipt, said)


async def facts_of(
    connection: AsyncConnection, config: Config, job: JobRow, now: int
) -> tuple[Facts, SourceRow | None]:
    """The facts about a job, as the reconciler would gather them, and its source's row."""
    from reconciler.owned import terms_of  # noqa: PLC0415  (it brings the HTTP client, which a listing does without)

    source = config.sources.get(job.source)
    if source is None:
        raise NotPossible(
            f"{job.source}/{job.job_id} is kept, but its source is not configured any more, so nobody can say what is "
            f"expected of it: put [sources.{job.source}] back into {config.path}"
        )
    row = await sources.get(connection, job.source)
    terms = terms_of(config, source, row.listening_since if row else now)
    return await gather(connection, job, source, dialect_of(source), terms), row
